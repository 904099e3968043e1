"""Read anybody's tables: text as it was written first, numbers and their meaning afterwards."""
