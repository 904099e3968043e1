"""Report what people read: tables, figures, and the law of a run in numbers and words."""
