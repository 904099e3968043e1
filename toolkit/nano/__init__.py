"""The embedded models: a frozen tokenizer, worked solutions, and small Llama models trained on the spot."""
