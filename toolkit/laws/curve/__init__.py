"""The law of one ladder: forms, fits with honest intervals, baselines and checks."""
