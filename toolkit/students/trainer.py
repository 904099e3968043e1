"""What both kinds of training share: the arguments, the refusal of a loss that is not finite, and progress."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from transformers import Trainer, TrainerCallback, TrainingArguments

from toolkit.models.files import NotFinite
from toolkit.recipe.sections import Student

TAIL = 0.05  # share of the steps whose mean loss is reported as the final one
Arguments = TypeVar("Arguments", bound=TrainingArguments)
Progress = Callable[[int, int], None]  # is given steps done, and steps in all


def arguments(kind: type[Arguments], out: Path, settings: Student, steps: int, seed: int, **more: Any) -> Arguments:
    """Give the arguments of a trainer of the given kind, for `steps` steps of the peak `settings.learning_rate`.

    Args:
        more: arguments that this kind alone has, or that differ for it.
    """
    gpu = torch.cuda.is_available()
    common: dict[str, Any] = {
        "output_dir": str(out),
        "max_steps": steps,
        "per_device_train_batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "cosine_with_min_lr",
        "lr_scheduler_kwargs": {"min_lr_rate": 0.1},
        "warmup_steps": round(settings.warmup * steps),
        "weight_decay": settings.weight_decay,
        "adam_beta1": 0.9,
        "adam_beta2": 0.98,
        "seed": seed,
        "max_length": None,  # row lengths were checked before; nothing is cut
        "train_sampling_strategy": "sequential",  # the data set is already in training order
        "use_cpu": not gpu,
        "bf16": gpu,
        "gradient_checkpointing": False,  # saves memory that small models do not need, at a third of the speed
        "use_cache": True,  # is saved in the config, for generation
        "dataloader_pin_memory": gpu,
        "save_strategy": "no",
        "logging_strategy": "no",
        "logging_nan_inf_filter": False,  # the filter would hide that a student diverged
        "report_to": "none",
        "disable_tqdm": True,
    }
    return kind(**common, **more)


class FiniteTrainer(Trainer):
    """A trainer that ends at the first loss that is no finite number."""

    rate_key = "learning_rate"  # the recipe's key that sets the peak of its learning rate

    def training_step(self, *args: Any, **options: Any) -> torch.Tensor:
        """Take a step and refuse a loss that is not a finite number."""
        loss: torch.Tensor = super().training_step(*args, **options)
        if not torch.isfinite(loss):
            raise NotFinite(
                f"the student diverged at {self.step_name}: its loss is {loss.item():g}; lower {self.rate_key}, or "
                "raise warmup"
            )
        return loss

    @property
    def step_name(self) -> str:
        """Name the step that is being taken, from 1, and how many there are."""
        return f"step {self.state.global_step + 1} of {self.state.max_steps}"

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Give 0: nobody reads the estimate, and counting the parameters again costs 6 % of a small model's step."""
        return 0

    @property
    def final_loss(self) -> float:
        """Return the mean loss over the last `TAIL` of the steps."""
        return float([entry["loss"] for entry in self.state.log_history if "loss" in entry][-1])


class Reporter(TrainerCallback):
    """Reports progress, and has the loss logged before the tail, so that the last entry is the mean over the tail."""

    def __init__(self, steps: int, progress: Progress) -> None:
        self.logged = {steps - math.ceil(TAIL * steps), steps}
        self.progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_log = state.global_step in self.logged
        self.progress(state.global_step, state.max_steps)
