"""Scores: lighteval on our own task, with results per item."""
