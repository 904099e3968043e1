"""Forecast errors by a family of curves, averaged by the data, with an allowance for what no curve of it says."""
