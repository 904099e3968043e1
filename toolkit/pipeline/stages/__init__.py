"""The stages of a run, each a file that reads top to bottom: pool, models, responses, corpus, students, scores, law."""
