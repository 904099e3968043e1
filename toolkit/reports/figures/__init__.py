"""Draw the figures, in one style."""
