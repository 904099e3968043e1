"""The embedded models: a frozen tokenizer, worked traces, and small Llama models trained on the spot."""
