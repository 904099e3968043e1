"""Model folders: looked at before they are loaded, asked in one way, guarded against numbers that are not finite."""
