"""Training the embedded models from scratch: small Llamas that learn in a minute or two on one CPU core."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from toolkit.nano.formats import SOLVE
from toolkit.nano.tokenizer import build_tokenizer, longest
from toolkit.nano.training_texts import base_texts, teacher_texts
from toolkit.nano.vocabulary import ASSISTANT

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class NanoSettings:
    """One embedded model: its shape, its training and the questions it reads about (see `teacher_texts`)."""

    steps: int  # optimiser steps
    learning_rate: float  # peak; 5 % linear warm-up, then a cosine down to a tenth
    rows: int = 16  # documents per step
    width: int = 96
    layers: int = 3
    heads: int = 4
    feedforward: int = 256
    seed: int = 0
    families: tuple[str, ...] = ()  # of the domain; empty = all
    largest: int | None = None  # cap on every drawn number; None = the families' own ranges
    domain: str = "mathematics"  # or physics, or stem for both
    domain_digest: str | None = None  # of its texts, where the domain's name does not say enough; training reads none
    formats: tuple[str, ...] = (SOLVE,)  # that a teacher learns, and that a base can read; see `toolkit.nano.formats`


WINDOW = 8  # batches whose texts are tokenized together, which is several times faster


def documents_drawn(settings: NanoSettings) -> int:
    """Count the texts of its stream that a model reads: whole windows."""
    return -(-settings.steps // WINDOW) * WINDOW * settings.rows


def train_teacher(settings: NanoSettings, out: Path, progress: Progress | None = None) -> None:
    """Train on worked solutions and save an ordinary Transformers folder in `out`. Deterministic at one thread."""
    texts = teacher_texts(settings.seed, settings.families, settings.largest, settings.domain, settings.formats)
    _train(settings, texts, out, progress)


def train_base(settings: NanoSettings, out: Path, progress: Progress | None = None) -> None:
    """Train on texts without the tasks and save an ordinary Transformers folder in `out`.

    Deterministic at one thread.
    """
    _train(settings, base_texts(settings.seed, settings.families, settings.largest, settings.domain), out, progress)


def _train(settings: NanoSettings, texts: Iterator[str], out: Path, progress: Progress | None) -> None:
    torch.manual_seed(settings.seed)
    tokenizer = build_tokenizer(settings.domain, settings.formats)
    model = LlamaForCausalLM(_shape(settings, tokenizer))
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    warmup = max(1, settings.steps // 20)
    warm = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / warmup, total_iters=warmup)
    cool = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, max(1, settings.steps - warmup), eta_min=settings.learning_rate / 10
    )
    schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, cool], [warmup])
    batches = batched(texts, tokenizer, settings.rows)
    for step in range(settings.steps):
        ids, labels = next(batches)
        optimizer.zero_grad()
        model(input_ids=ids, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if progress:
            progress(step + 1, settings.steps)
    save(model, tokenizer, out)


def count_parameters(settings: NanoSettings) -> int:
    """Count the parameters of a model before it is trained; embeddings are tied, and counted once."""
    shape = _shape(settings, build_tokenizer(settings.domain, settings.formats))
    with torch.device("meta"):
        return int(LlamaForCausalLM(shape).num_parameters())


def _shape(settings: NanoSettings, tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=settings.width,
        intermediate_size=settings.feedforward,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.heads,
        max_position_embeddings=longest(settings.formats),
        tie_word_embeddings=True,
        initializer_range=0.05,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def batched(
    texts: Iterator[str], tokenizer: PreTrainedTokenizerFast, rows: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield batches of `rows` whole documents: (input ids, labels), right-padded, of shape (rows, longest).

    The labels are -100 on padding and on questions: their numbers cannot be predicted, so learning them is only noise.
    """
    assistant = tokenizer.get_vocab()[ASSISTANT]
    while True:
        for batch in batch_of_ids(texts, tokenizer, rows):
            width = max(map(len, batch))
            ids = torch.tensor([row + [tokenizer.pad_token_id] * (width - len(row)) for row in batch])
            turn = ids.eq(assistant).int()
            question = turn.cumsum(1).sub(turn).eq(0) & turn.amax(1, keepdim=True).bool()
            yield ids, ids.masked_fill(question | (ids == tokenizer.pad_token_id), -100)


def batch_of_ids(texts: Iterator[str], tokenizer: PreTrainedTokenizerFast, rows: int) -> Iterator[list[list[int]]]:
    """Yield the token ids of the next `WINDOW` batches."""
    documents = list(islice(texts, WINDOW * rows))
    if not documents:
        raise ValueError("the training texts ended: `largest` leaves no numbers in the train split, so raise it")
    window = tokenizer(documents, add_special_tokens=False)["input_ids"]
    for start in range(0, len(window), rows):
        yield window[start : start + rows]


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Write weights (safetensors), tokenizer, chat template and generation settings as a Transformers folder."""
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=True, max_new_tokens=96
    )
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
