"""Tiny models with the special tokens, chat templates and files of well-known kinds; random weights, any text readable.

What differs between kinds is what breaks tools: several ends, one token for everything, none for padding, none for the
beginning, templates that trim, refuse, or open a thought.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteFallback, ByteLevel, Fuse, Replace, Sequence
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel as Bytes
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

HEADERS = (
    "{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] | trim }}<|eot_id|>"
)
CHATML = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
LLAMA = ("begin_of_text", "end_of_text", "start_header_id", "end_header_id", "eom_id", "eot_id")
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"


@dataclass(frozen=True)
class Kind:
    """How a model of a kind is laid out.

    Attributes:
        template: of a chat.
        special: control tokens in the order of their ids, from 0.
        names: `bos_token` and the like -> one of `special`.
        ends: of generation_config.json; None writes no such file.
        plain: tokens that are added but are no control tokens.
        pieces: words with a space in front, bytes where they do not reach, else bytes alone.
        begins: the tokenizer itself puts its beginning of sequence before a text.
        padded: rows of the embedding beyond the tokenizer.
    """

    model_type: str
    template: str
    special: tuple[str, ...]
    names: dict[str, str]
    ends: tuple[str, ...] | None
    plain: tuple[str, ...] = ()
    pieces: bool = False
    begins: bool = False
    tied: bool = False
    padded: int = 0
    generation: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)


KINDS = {
    "llama3": Kind(  # several ends, no padding, no unknown; template and tokenizer both begin; content is trimmed
        "llama",
        "{{ bos_token }}" + HEADERS + "{% endfor %}"
        "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
        tuple(f"<|{name}|>" for name in LLAMA),
        {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
        ("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"),
        begins=True,
    ),
    "mistral": Kind(  # no padding; refuses a system role
        "mistral",
        "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]"
        "{% elif m['role'] == 'assistant' %} {{ m['content'] }}</s>"
        "{% else %}{{ raise_exception('Only user and assistant roles are supported') }}{% endif %}{% endfor %}",
        ("<unk>", "<s>", "</s>"),
        {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
        ("</s>",),
        pieces=True,
        begins=True,
    ),
    "gemma": Kind(  # several ends of which students learn another than the turn's; refuses a system role; tied
        "gemma2",
        "{{ bos_token }}" + NO_SYSTEM + "{% for m in messages %}"
        "<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
        "{{ m['content'] | trim }}<end_of_turn>\n"
        "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
        ("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"),
        {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"},
        ("<eos>", "<end_of_turn>"),
        pieces=True,
        begins=True,
        tied=True,
        config={"head_dim": 8, "query_pre_attn_scalar": 8, "sliding_window": 64},
    ),
    "granite": Kind(  # one token is unknown, beginning, end and padding, and ends the turns
        "granite",
        "{% for m in messages %}<|start_of_role|>{{ m['role'] }}<|end_of_role|>{{ m['content'] }}<|end_of_text|>\n"
        "{% endfor %}{% if add_generation_prompt %}<|start_of_role|>assistant<|end_of_role|>{% endif %}",
        ("<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"),
        dict.fromkeys(("unk_token", "bos_token", "eos_token", "pad_token"), "<|end_of_text|>"),
        ("<|end_of_text|>",),
    ),
    "qwen": Kind(  # no beginning, two ends, a system line of its own, padded vocabulary, penalties of its own; tied
        "qwen2",
        "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are helpful.<|im_end|>\n{% endif %}" + CHATML
        + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
        ("<|im_end|>", "<|endoftext|>"),
        tied=True,
        padded=5,
        generation={"do_sample": True, "repetition_penalty": 1.9, "temperature": 0.1, "top_k": 1, "top_p": 0.1},
    ),
    "smollm": Kind(  # end is padding, the beginning opens turns, no generation_config; marks what is generated
        "llama",
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['role'] == 'assistant' %}"
        "{% generation %}{{ m['content'] }}<|im_end|>\n{% endgeneration %}"
        "{% else %}{{ m['content'] }}<|im_end|>\n{% endif %}"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        dict.fromkeys(("eos_token", "pad_token"), "<|im_end|>")
        | {"unk_token": "<|endoftext|>", "bos_token": "<|im_start|>"},
        None,
        tied=True,
    ),
    "reasoner": Kind(  # the prompt opens a thought
        "qwen3",
        CHATML + "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}",
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
        ("<|im_end|>", "<|endoftext|>"),
        plain=("<think>", "</think>"),
        config={"head_dim": 8},
    ),
}  # fmt: skip


def make_kind(folder: Path, name: str, *, seed: int = 0) -> Path:
    """Write a tiny model of a kind to `folder`, as its makers would publish it."""
    kind = KINDS[name]
    tokenizer = _tokenizer(kind)
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in kind.special}
    named = {
        f"{role}_id": ids[kind.names[role]] for role in ("bos_token", "eos_token", "pad_token") if role in kind.names
    }
    config = AutoConfig.for_model(
        kind.model_type,
        vocab_size=len(tokenizer) + kind.padded,
        hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=512, tie_word_embeddings=kind.tied,
        **{"bos_token_id": None, "eos_token_id": None, "pad_token_id": None} | named | kind.config,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    place = folder / "generation_config.json"
    place.unlink(missing_ok=True)
    if kind.ends is not None:
        place.write_text(json.dumps({"eos_token_id": [ids[end] for end in kind.ends]} | kind.generation))
    return folder


def _tokenizer(kind: Kind) -> PreTrainedTokenizerFast:
    backend = _pieces(kind) if kind.pieces else _bytes(kind)
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in kind.special])
    backend.add_tokens([AddedToken(token, special=False, normalized=False) for token in kind.plain])
    if kind.begins:
        begin = kind.names["bos_token"]
        known = [(begin, backend.token_to_id(begin))]
        backend.post_processor = TemplateProcessing(single=f"{begin} $A", pair=f"{begin} $A $B", special_tokens=known)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, **kind.names)
    tokenizer.chat_template = kind.template
    return tokenizer


def _bytes(kind: Kind) -> Tokenizer:
    known = [*kind.special, *sorted(Bytes.alphabet())]
    backend = Tokenizer(BPE({token: at for at, token in enumerate(known)}, []))
    backend.pre_tokenizer, backend.decoder = Bytes(add_prefix_space=False), ByteLevel()
    return backend


def _pieces(kind: Kind) -> Tokenizer:
    letters = [chr(code) for code in range(33, 127)]
    known = [*kind.special, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *letters]
    merges = [("▁", letter) for letter in letters]
    known += ["".join(pair) for pair in merges]
    vocabulary = {token: at for at, token in enumerate(dict.fromkeys(known))}
    backend = Tokenizer(BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    backend.pre_tokenizer = Metaspace(prepend_scheme="first")
    backend.decoder = Sequence([Replace("▁", " "), ByteFallback(), Fuse()])
    return backend
