"""Provide published scaling laws, as functions and in one table."""
