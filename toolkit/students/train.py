"""Supervised fine-tuning of one student with TRL's `SFTTrainer`, with LoRA adapters or on all weights."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import (
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
)
from trl import SFTConfig, SFTTrainer

from toolkit.models.chat import load_tokenizer
from toolkit.models.files import NotFinite
from toolkit.models.networks import load_network, refuse_beyond
from toolkit.quiet import quiet
from toolkit.recipe.sections import Student
from toolkit.students.rows import Rows, read_responses, tokenize_rows, training_order
from toolkit.students.weights import base_digest, refuse_weights, save_student

TAIL = 0.05  # share of the steps whose mean loss is reported as the final one


def train_student(
    base: Path,
    files: Sequence[Path],
    out: Path,
    settings: Student,
    train_seed: int,
    progress: Callable[[int, int], None],
    *,
    base_name: str | None = None,
) -> dict[str, Any]:
    """Train a student from `base` on the corpus `files` and write its adapter (or full model) to the folder `out`.

    The same inputs, seed and one torch thread give the same weights, byte for byte, on the same machine.

    Args:
        base: Transformers folder with a chat template.
        files: parquet files with the columns question_id, question, response; their order is the corpus order.
        out: folder to fill; it must hold no weights yet. The caller makes it appear complete or not at all.
        settings: method, training length and optimiser.
        train_seed: seeds the order of the rows and the adapter's initial weights.
        progress: called with (steps done, steps in all).
        base_name: what the adapter records as its base; none takes the digest of the base's weights.

    Returns:
        rows, unreadable (responses left out), tokens (of one pass, prompts included), steps, epochs (passes seen),
        train_loss (nats per response token, mean of the last 5 % of the steps), startup_seconds and train_seconds.

    Raises:
        StudentError, ModelFilesError: before training, for a corpus or base that cannot be used.
        NotFinite: at the first step whose loss is NaN or infinite, or for such a weight; nothing is written.
    """
    start = time.monotonic()
    refuse_weights(out)
    with quiet(), torch.enable_grad():  # the caller, or a library at its import, may have switched gradients off
        tokenizer = load_tokenizer(base)
        rows = tokenize_rows(tokenizer, read_responses(files), settings.max_length)
        order = training_order(len(rows), settings, train_seed)
        trainer = _trainer(base, tokenizer, _dataset(rows).select(order), out, settings, train_seed, progress)
        refuse_beyond(trainer.model, rows.input_ids, str(base))
        begin = time.monotonic()
        trainer.train()
        end = time.monotonic()
        save_student(trainer.model, tokenizer, out, base_name or base_digest(base))
    return {
        "rows": len(rows),
        "unreadable": rows.unreadable,
        "tokens": rows.tokens,
        "steps": trainer.state.global_step,
        "epochs": len(order) / len(rows),
        "train_loss": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry][-1],
        "startup_seconds": begin - start,
        "train_seconds": end - begin,
    }


def _trainer(
    base: Path,
    tokenizer: PreTrainedTokenizerBase,
    rows: Dataset,
    out: Path,
    settings: Student,
    seed: int,
    progress: Callable[[int, int], None],
) -> "_Trainer":
    steps = math.ceil(len(rows) / settings.batch_size)
    trainer = _Trainer(
        model=load_network(base, _weights_dtype(settings)),
        args=_arguments(out, settings, steps, seed),
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=_adapter(settings),
        callbacks=[_Reporter(steps, progress)],
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


def _arguments(out: Path, settings: Student, steps: int, seed: int) -> SFTConfig:
    gpu = torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(out),
        max_steps=steps,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": 0.1},
        warmup_steps=round(settings.warmup * steps),
        weight_decay=settings.weight_decay,
        adam_beta1=0.9,
        adam_beta2=0.98,
        seed=seed,
        max_length=None,  # row lengths were checked before; nothing is cut
        train_sampling_strategy="sequential",  # the data set is already in training order
        use_cpu=not gpu,
        bf16=gpu,
        gradient_checkpointing=False,  # saves memory that small models do not need, at a third of the speed
        use_cache=True,  # is saved in the config, for generation
        dataloader_pin_memory=gpu,
        save_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,  # the filter would hide that a student diverged
        report_to="none",
        disable_tqdm=True,
    )


class _Trainer(SFTTrainer):
    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **options: Any) -> Any:
        """Use the model's own loss on a CPU: TRL's saves memory on a GPU, is the same, and takes a sixth longer."""
        if torch.cuda.is_available():
            return super().compute_loss(model, inputs, *args, **options)
        return Trainer.compute_loss(self, model, inputs | {"use_cache": False}, *args, **options)

    def training_step(self, *args: Any, **options: Any) -> torch.Tensor:
        """Take a step and refuse a loss that is not a finite number."""
        loss = super().training_step(*args, **options)
        if not torch.isfinite(loss):
            raise NotFinite(
                f"the student diverged at step {self.state.global_step + 1} of {self.state.max_steps}: its loss is "
                f"{loss.item():g}; lower learning_rate, or raise warmup"
            )
        return loss

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Give 0: nobody reads the estimate, and counting the parameters again costs 6 % of a small model's step."""
        return 0


class _Reporter(TrainerCallback):
    """Reports progress, and has the loss logged before the tail, so that the last entry is the mean over the tail."""

    def __init__(self, steps: int, progress: Callable[[int, int], None]) -> None:
        self.logged = {steps - math.ceil(TAIL * steps), steps}
        self.progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_log = state.global_step in self.logged
        self.progress(state.global_step, state.max_steps)
