"""Plan more questions or more answers: prices, allocations, and the smallest experiment that would decide."""
