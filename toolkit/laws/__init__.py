"""Laws of error against budget: forms, fits with honest intervals, baselines, coverage and plans. Numbers only."""
