"""Render the cards of what is published, each from a template beside its code."""
