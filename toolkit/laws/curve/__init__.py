"""Fit the law of one ladder: forms, fits with intervals, baselines and checks."""
