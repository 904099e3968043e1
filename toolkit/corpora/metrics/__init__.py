"""Intrinsic metrics of a corpus: what can be said of its rows before any student is trained on them."""
