"""A word-level tokenizer with numbers digit by digit, over a frozen vocabulary.

Every piece keeps the space before it (" apples"), and the space before a number belongs to the piece in front (" + "),
so that a digit is one token wherever it stands and decoding restores the text to the letter. What the vocabulary does
not hold becomes `<unk>`; `unreadable` finds such texts before anything is trained or sampled on them.
"""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from toolkit.nano.formats import SOLVE
from toolkit.nano.vocabulary import ASSISTANT, END, PAD, UNKNOWN, USER, splitter, vocabulary

LONGEST, LONGEST_OF_FORMATS = 256, 512  # tokens of a conversation
TEMPLATE_FILE = Path(__file__).with_name("chat_template.jinja")


def document(question: str, response: str) -> str:
    """Write one question and its response as the chat template does."""
    return f"{USER}{question}{ASSISTANT}{response}{END}"


def longest(formats: tuple[str, ...]) -> int:
    """Give how many tokens a model reads: more, where a prompt may hold two earlier answers beside the question."""
    return LONGEST if formats == (SOLVE,) else LONGEST_OF_FORMATS


def build_tokenizer(domain: str = "mathematics", formats: tuple[str, ...] = (SOLVE,)) -> PreTrainedTokenizerFast:
    """Build the tokenizer of a domain's embedded models from its vocabulary and this package's chat template.

    With more `formats` than solving (see `toolkit.nano.formats`) it reads their prompts and answers, too.
    """
    ids = {piece: place for place, piece in enumerate(vocabulary(domain, formats))}
    core = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    core.pre_tokenizer = splitter()
    core.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        unk_token=UNKNOWN,
        eos_token=END,
        padding_side="left",
        additional_special_tokens=[USER, ASSISTANT],
        clean_up_tokenization_spaces=False,
        model_max_length=longest(formats),
    )
    tokenizer.chat_template = TEMPLATE_FILE.read_text(encoding="utf-8")
    return tokenizer


def unreadable(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> list[str]:
    """Give those of `texts` that the tokenizer cannot read without its unknown token."""
    listed = list(texts)
    rows = tokenizer(listed, add_special_tokens=False)["input_ids"] if listed else []
    return [text for text, row in zip(listed, rows, strict=True) if tokenizer.unk_token_id in row]
