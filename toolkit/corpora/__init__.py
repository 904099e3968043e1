"""Corpora: what a budget holds, how it is counted, and that no held-out question is in it."""
