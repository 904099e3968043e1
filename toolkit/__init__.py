"""When does generating more synthetic data help? Fixed-source synthesis, its law and its planner (arXiv 2607.01727)."""

__version__ = "0.1.0"
