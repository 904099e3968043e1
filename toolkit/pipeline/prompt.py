"""The prompt as a model reads it."""

from pathlib import Path


def fill_prompt(model: Path, question: str) -> str:
    """The chat template of a model folder, filled with one question, up to where the answer begins."""
    from transformers import AutoTokenizer

    turn = [{"role": "user", "content": question}]
    tokenizer = AutoTokenizer.from_pretrained(model)
    return str(tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=False))


def nano_prompt(question: str, domain: str) -> str:
    """The same for an embedded model that is not trained yet: its tokenizer is known before its weights."""
    from toolkit.nano.tokenizer import build_tokenizer

    turn = [{"role": "user", "content": question}]
    return str(build_tokenizer(domain).apply_chat_template(turn, add_generation_prompt=True, tokenize=False))
