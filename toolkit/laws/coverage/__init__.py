"""What a corpus alone says of its source: pass@k, distinct solutions and question coverage at larger budgets."""
