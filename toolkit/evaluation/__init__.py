"""Scores: lighteval on our own task, per-item results, and intervals for accuracies and their differences."""
