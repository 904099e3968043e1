"""A Llama small enough for a fast test, as an ordinary Transformers folder: random weights, one token per word."""

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as Bytes
from tokenizers.models import BPE, WordLevel
from tokenizers.pre_tokenizers import ByteLevel, WhitespaceSplit
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SPECIAL = ("<pad>", "<unk>", "<eos>", "<user>", "<assistant>")
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}<user> {{ message['content'] }}"
    "{% else %} <assistant> {{ message['content'] }} <eos>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %} <assistant>{% endif %}"
)


def make_tiny_model(path: Path, words: Sequence[str], *, width: int = 16, layers: int = 1, seed: int = 0) -> Path:
    """Write a random Llama whose tokenizer knows exactly `words` (split at white space) to the folder `path`.

    `width` is the hidden size (a multiple of 8), `layers` the depth; the same `seed` gives the same weights.
    """
    vocabulary = {word: index for index, word in enumerate(dict.fromkeys([*SPECIAL, *words]))}
    backend = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = WhitespaceSplit()
    return _save(path, backend, vocabulary, width, layers, seed)


def make_byte_model(path: Path, *, width: int = 16, layers: int = 1, seed: int = 0) -> Path:
    """The same with a token per byte: it reads any text."""
    vocabulary = {token: index for index, token in enumerate([*SPECIAL, *sorted(ByteLevel.alphabet())])}
    backend = Tokenizer(BPE(vocabulary, [], unk_token="<unk>"))
    backend.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = Bytes()
    backend.add_special_tokens(list(SPECIAL))
    return _save(path, backend, vocabulary, width, layers, seed, context=4096)


def _save(
    path: Path, backend: Tokenizer, vocabulary: dict[str, int], width: int, layers: int, seed: int, context: int = 256
) -> Path:
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", unk_token="<unk>", eos_token="<eos>", padding_side="left"
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    ids = {"bos_token_id": None, "eos_token_id": vocabulary["<eos>"], "pad_token_id": vocabulary["<pad>"]}
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=width,
        intermediate_size=8 * width // 3,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        initializer_range=0.05,
        **ids,
    )
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(**ids)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path
