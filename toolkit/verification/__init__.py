"""From a response's text to its verdict: the answer cut out, normalised and compared, and the steps checked."""
