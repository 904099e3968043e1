"""Recipes: their sections, how YAML files are read and checked, and the runs that they name."""
