"""Train one student with TRL, with LoRA adapters or on all weights: on responses, and then maybe on pairs."""

import dataclasses
import gc
import itertools
import math
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import PreTrainedTokenizerBase, PrinterCallback, Trainer
from trl import SFTConfig, SFTTrainer

from toolkit.models.chat import load_tokenizer
from toolkit.models.networks import load_network, refuse_beyond
from toolkit.quiet import quiet
from toolkit.recipe.check import preference_rules
from toolkit.recipe.sections import Student
from toolkit.students.pairs import Pair, TokenPairs, tokenize_pairs
from toolkit.students.preference import train_on_pairs
from toolkit.students.rows import Rows, StudentError, read_responses, tokenize_rows, training_order
from toolkit.students.trainer import FiniteTrainer, Progress, Reporter, arguments
from toolkit.students.weights import base_digest, load_trainable, refuse_weights, save_student


def train_student(
    base: Path,
    files: Sequence[Path],
    out: Path,
    settings: Student,
    train_seed: int,
    progress: Progress,
    *,
    base_name: str | None = None,
    pairs: Iterable[Pair] | None = None,
) -> dict[str, Any]:
    """Train a student from `base` on the corpus `files` and write its adapter (or full model) to the folder `out`.

    The same inputs, seed and one torch thread give the same weights, byte for byte, on the same machine. With the
    objective dpo or redi, `preference_steps` of the `steps` are on `pairs`, after those on the files.

    Args:
        base: Transformers folder with a chat template.
        files: parquet files with the columns question_id, question, response; their order is the corpus order.
        out: folder to fill; it must hold no weights yet. The caller makes it appear complete or not at all.
        settings: method, objective, training length and optimiser.
        train_seed: seeds the order of the rows and the adapter's initial weights.
        progress: called with (steps done, steps in all).
        base_name: what the adapter records as its base; none takes the digest of the base's weights.
        pairs: what dpo and redi compare, read once: those of the corpus (`corpus_pairs`), or a protocol's own.

    Returns:
        rows, unreadable (responses left out), tokens (of one pass, prompts included), steps, epochs (passes seen),
        train_loss (nats per response token, mean of the last 5 % of the steps), startup_seconds and train_seconds.
        With pairs also supervised_steps and what `train_on_pairs` returns; epochs and train_loss are of these steps.

    Raises:
        StudentError, ModelFilesError: before training, for settings, a corpus, pairs or a base that cannot be used.
        NotFinite: at the first step whose loss is NaN or infinite, or for such a weight; nothing is written.
        Collapsed: when training on pairs makes accepted responses unlikely; nothing is written.
    """
    start = time.monotonic()
    refuse_weights(out)
    _refuse_settings(settings)
    first = first_stage(settings)
    with quiet(), torch.enable_grad():  # the caller, or a library at its import, may have switched gradients off
        tokenizer = load_tokenizer(base)
        rows = tokenize_rows(tokenizer, read_responses(files), settings.max_length)
        compared = _compared(tokenizer, pairs, settings)
        order = training_order(len(rows), first, train_seed)
        ticks = _ticks(progress, settings) if compared else (progress, progress)
        trainer = _trainer(base, tokenizer, _dataset(rows).select(order), out, first, train_seed, ticks[0])
        refuse_beyond(trainer.model, itertools.chain(rows.input_ids, compared.ids if compared else ()), str(base))
        begin = time.monotonic()
        trainer.train()
        network, steps = trainer.model, trainer.state.global_step
        facts = {"steps": steps, "epochs": len(order) / len(rows), "train_loss": trainer.final_loss}
        if compared:
            del trainer
            gc.collect()  # the optimiser of the first stage, which its trainer holds in a circle
            facts |= train_on_pairs(network, tokenizer, compared, out, settings, train_seed, ticks[1])
            facts |= {"supervised_steps": steps, "steps": steps + facts["preference_steps"]}
        end = time.monotonic()
        save_student(network, tokenizer, out, base_name or base_digest(base))
    read = {"rows": len(rows), "unreadable": rows.unreadable, "tokens": rows.tokens}
    return read | facts | {"startup_seconds": begin - start, "train_seconds": end - begin}


def continue_student(
    base: Path,
    first: Path,
    pairs: Iterable[Pair],
    out: Path,
    settings: Student,
    train_seed: int,
    progress: Progress,
    *,
    base_name: str | None = None,
) -> dict[str, Any]:
    """Train a student that is there on for `preference_steps` on pairs, and write it to the folder `out`.

    This is the second stage of `train_student` for pairs that only the student of the first stage can bring, such as
    its own mistakes. That student is the reference: its own adapter is trained on, and no new one is put on it.

    Args:
        base: what the student was trained from.
        first: folder of the student of the first stage, of `steps` - `preference_steps` steps; it stays as it is.
        pairs, out, settings, train_seed, progress, base_name: as in `train_student`.

    Returns:
        What `train_on_pairs` returns, startup_seconds and train_seconds.

    Raises:
        StudentError, ModelFilesError, NotFinite, Collapsed: as `train_student`.
    """
    start = time.monotonic()
    refuse_weights(out)
    _refuse_settings(settings)
    with quiet(), torch.enable_grad():
        tokenizer = load_tokenizer(base)
        compared = _compared(tokenizer, pairs, settings)
        if compared is None:
            raise StudentError("objective: sft has no second stage: set dpo or redi")
        network = load_trainable(base, first, _weights_dtype(settings))
        refuse_beyond(network, compared.ids, str(base))
        begin = time.monotonic()
        facts = train_on_pairs(network, tokenizer, compared, out, settings, train_seed, progress)
        end = time.monotonic()
        save_student(network, tokenizer, out, base_name or base_digest(base))
    return facts | {"startup_seconds": begin - start, "train_seconds": end - begin}


def first_stage(settings: Student) -> Student:
    """Give the settings of the stage on accepted responses alone, to whose steps those on pairs are added."""
    if settings.objective == "sft":
        return settings
    return dataclasses.replace(settings, steps=settings.steps - settings.preference_steps)


def _refuse_settings(settings: Student) -> None:
    for key, holds, rule in preference_rules(settings):
        if not holds:
            raise StudentError(f"{key}: {rule}")


def _compared(tokenizer: PreTrainedTokenizerBase, pairs: Iterable[Pair] | None, settings: Student) -> TokenPairs | None:
    if settings.objective == "sft":
        return None
    if pairs is None:
        raise StudentError(f"objective: {settings.objective} compares responses: give `pairs`, or set objective: sft")
    return tokenize_pairs(tokenizer, pairs, settings.max_length)


def _ticks(progress: Progress, settings: Student) -> tuple[Progress, Progress]:
    """Give the progress of each stage, as steps of both together."""
    before, steps = settings.steps - settings.preference_steps, settings.steps
    return lambda done, _: progress(done, steps), lambda done, _: progress(before + done, steps)


def _trainer(
    base: Path,
    tokenizer: PreTrainedTokenizerBase,
    rows: Dataset,
    out: Path,
    settings: Student,
    seed: int,
    progress: Progress,
) -> "_Trainer":
    steps = math.ceil(len(rows) / settings.batch_size)
    trainer = _Trainer(
        model=load_network(base, _weights_dtype(settings)),
        args=arguments(SFTConfig, out, settings, steps, seed),
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=_adapter(settings),
        callbacks=[Reporter(steps, progress)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _dataset(rows: Rows) -> Dataset:
    return Dataset.from_dict({"input_ids": rows.input_ids, "labels": rows.labels})


def _adapter(settings: Student) -> LoraConfig | None:
    if settings.method == "full":
        return None
    return LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def _weights_dtype(settings: Student) -> torch.dtype:
    """Give the type of the weights: float32 where they are trained; frozen ones may be bfloat16 on a GPU."""
    return torch.bfloat16 if settings.method == "lora" and torch.cuda.is_available() else torch.float32


class _Trainer(FiniteTrainer, SFTTrainer):
    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **options: Any) -> Any:
        """Use the model's own loss on a CPU: TRL's saves memory on a GPU, is the same, and takes a sixth longer."""
        if torch.cuda.is_available():
            return super().compute_loss(model, inputs, *args, **options)
        return Trainer.compute_loss(self, model, inputs | {"use_cache": False}, *args, **options)
