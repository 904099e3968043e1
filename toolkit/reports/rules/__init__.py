"""Decide by rules: each reads results and gives a verdict, its table and one sentence."""
