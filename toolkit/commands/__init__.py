"""Implement each verb of the `fss` command in a module of its own: its arguments and what it does."""
