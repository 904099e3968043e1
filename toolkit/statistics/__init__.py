"""Intervals for accuracies and for paired contrasts, and families of tests. Numbers only."""
