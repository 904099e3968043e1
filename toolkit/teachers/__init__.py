"""Teachers: whatever turns messages and a seed into a completion."""
