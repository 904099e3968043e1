"""Sampling a source: the response journal, and the sampler that fills it up to a budget."""
