"""Fit the law over two axes: error against the number of questions and the responses to each."""
