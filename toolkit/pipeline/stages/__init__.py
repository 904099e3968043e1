"""The stages of a run, a file each that reads top to bottom."""
