"""From a response's text to its verdict: finds the answer, normalises and compares it, and checks the steps."""
