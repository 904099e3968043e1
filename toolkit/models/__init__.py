"""Model folders: checked before they are loaded, prompted in one way, guarded against numbers that are not finite."""
