"""Predict from a corpus alone what its source gives at larger budgets: pass@k, solutions and question coverage."""
