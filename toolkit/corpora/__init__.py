"""Corpora: what a budget holds, how it is counted, and the check that it holds no held-out question."""
