"""The stages in order: each reads the artifacts before it, writes its own, and is skipped when it is done."""
