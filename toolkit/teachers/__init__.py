"""Teachers: whatever turns a question and a seed into a completion."""
