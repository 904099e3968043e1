"""The prompt as a model reads it."""

from pathlib import Path


def fill_prompt(model: Path, question: str) -> str:
    """Fill the chat template of a model's folder with one question, up to where the answer begins."""
    from toolkit.models.chat import load_tokenizer, prompt_text

    return prompt_text(load_tokenizer(model), question)


def nano_prompt(question: str, domain: str, formats: tuple[str, ...]) -> str:
    """Fill the template of an embedded model that is not trained yet: its tokenizer is known before its weights."""
    from toolkit.models.chat import prompt_text
    from toolkit.nano.tokenizer import build_tokenizer

    return prompt_text(build_tokenizer(domain, formats), question)
