"""The second stage of a preference student: the same network, trained on further, on pairs, by DPO or REDI with TRL.

The student of the first stage is the reference. Its log-probabilities are computed once, before the first step, so that
no second model is in memory, with an adapter or without.
"""

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from datasets import Dataset
from peft import PeftModel
from transformers import PreTrainedTokenizerBase, PrinterCallback
from trl import DPOConfig, DPOTrainer

from toolkit.models.files import Collapsed
from toolkit.recipe.sections import Student
from toolkit.students.pairs import TokenPairs
from toolkit.students.rows import IGNORED, training_order
from toolkit.students.trainer import FiniteTrainer, Progress, Reporter, arguments

COLLAPSE = 1.0  # nats a token that chosen responses may lose against the first stage (REDI, 2505.24850, sees it happen)
MEASURED = 512  # pairs at most whose log-probabilities are measured after training
LOG = "preference.csv"  # beside the weights: step, and mean log-probabilities of its chosen and rejected responses
Sides = tuple[torch.Tensor, torch.Tensor]  # (pairs,) each: chosen, rejected


def redi_loss(chosen: torch.Tensor, rejected: torch.Tensor, alpha: float) -> torch.Tensor:
    """Give REDI's loss, the mean over pairs of `-chosen + alpha * rejected` (arXiv 2505.24850).

    Args:
        chosen, rejected: (pairs,) mean log-probability of a response's tokens, its end included, in nats.
        alpha: weight of the rejected side, at least 0; 0 is supervised training, 1 is symmetric.
    """
    return (alpha * rejected - chosen).mean()


def train_on_pairs(
    network: Any,
    tokenizer: PreTrainedTokenizerBase,
    pairs: TokenPairs,
    out: Path,
    settings: Student,
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    """Train `network` on, in place, for `settings.preference_steps` steps of `settings.batch_size` / 2 pairs.

    Args:
        network: the student of the first stage; its own adapter, if it has one, is trained on, and no other.
        out: folder in which the log of each step is written, once training has ended.
        progress: called with (steps done, steps of this stage).

    Returns:
        pairs, unreadable_pairs, preference_steps, preference_loss (mean of the last 5 % of the steps), and of both
        sides the mean log-probability of a token, in nats, over at most 512 pairs that were trained on: chosen_logp,
        rejected_logp, and chosen_logp_before, rejected_logp_before of the first stage.

    Raises:
        NotFinite: at the first step whose loss is NaN or infinite.
        Collapsed: when chosen responses lose more than 1 nat a token against the first stage.
    """
    of_pairs = pair_settings(settings)
    drawn, order = np.unique(training_order(len(pairs), of_pairs, seed), return_inverse=True)
    trainer = _trainer(network, tokenizer, _dataset(pairs).select(drawn), out, of_pairs, seed, progress)
    referenced = cast(Dataset, trainer.train_dataset)
    trainer.train_dataset = referenced.select(order)
    trainer.train()
    facts = trainer.measure(referenced.select(range(min(MEASURED, len(referenced)))))
    _write_log(out / LOG, trainer.means)
    counts = {"pairs": len(pairs), "unreadable_pairs": pairs.unreadable, "preference_steps": trainer.state.global_step}
    return counts | {"preference_loss": trainer.final_loss} | facts


def pair_settings(settings: Student) -> Student:
    """Give the settings of the stage on pairs, whose `batch_size` counts pairs: two responses each."""
    return dataclasses.replace(
        settings,
        steps=settings.preference_steps,
        batch_size=settings.batch_size // 2,
        learning_rate=settings.preference_learning_rate,
    )


def _dataset(pairs: TokenPairs) -> Dataset:
    names = ("prompt_ids", "chosen_ids", "rejected_ids")
    return Dataset.from_dict({name: getattr(pairs, name) for name in names})


def _trainer(
    network: Any,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Dataset,
    out: Path,
    settings: Student,
    seed: int,
    progress: Progress,
) -> "DpoTrainer":
    steps = settings.steps
    more = {"beta": settings.dpo_beta, "precompute_ref_log_probs": True}
    options = {
        "model": network,
        "args": arguments(DPOConfig, out, settings, steps, seed, **more),
        "train_dataset": pairs,
        "processing_class": tokenizer,
        "callbacks": [Reporter(steps, progress)],
    }
    trainer = RediTrainer(settings.redi_alpha, **options) if settings.objective == "redi" else DpoTrainer(**options)
    trainer.remove_callback(PrinterCallback)
    if isinstance(network, PeftModel):
        network.delete_adapter("ref")  # TRL's copy of the adapter, for references that are not computed beforehand
    return trainer


def _write_log(file: Path, means: Sequence[tuple[float, float]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as text:
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(["step", "chosen_logp", "rejected_logp"])
        lines.writerows([step, *(f"{value:.6g}" for value in sides)] for step, sides in enumerate(means, 1))


class DpoTrainer(FiniteTrainer, DPOTrainer):
    """TRL's DPO (arXiv 2305.18290) on token rows, with a log of both sides and an end when the chosen one collapses.

    Attributes:
        means: of each step so far, the mean log-probabilities of a token of its chosen and rejected responses, in nats.
    """

    rate_key = "preference_learning_rate"
    remedy = "lower preference_learning_rate, raise dpo_beta, or take fewer preference_steps"

    def __init__(self, *args: Any, **options: Any) -> None:
        self.means: list[tuple[float, float]] = []
        super().__init__(*args, **options)

    @property
    def step_name(self) -> str:
        """Name the step that is being taken, from 1, and how many there are."""
        return f"{super().step_name} on pairs"

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **options: Any) -> Any:
        """Give TRL's loss of a batch, and watch the log-probabilities behind it."""
        outputs: list[Any] = []

        def kept(**given: Any) -> Any:
            outputs.append(model(**given))
            return outputs[-1]

        loss = super().compute_loss(kept, inputs, *args, **options)
        self.watch(_means(outputs[0], inputs), inputs)
        return loss

    def watch(self, means: Sides, inputs: dict[str, Any]) -> None:
        """Note the log-probabilities of a batch, and refuse those of a student that has collapsed.

        Raises:
            Collapsed: the chosen responses have lost more than `COLLAPSE` nats a token against the first stage.
        """
        chosen, rejected = (side.detach() for side in means)
        self.means.append((chosen.mean().item(), rejected.mean().item()))
        before = inputs["ref_chosen_logps"] / _lengths(inputs)[0]
        self._refuse_collapse((before - chosen).mean().item(), f"at {self.step_name}")

    def _refuse_collapse(self, fall: float, when: str) -> None:
        if fall > COLLAPSE:
            raise Collapsed(
                f"the student collapsed {when}: accepted responses lost {fall:.2f} nats a token against the first "
                f"stage, and may lose {COLLAPSE:g}; {self.remedy}"
            )

    def measure(self, pairs: Dataset) -> dict[str, float]:
        """Give the mean log-probabilities of a token of both sides, now and by the first stage, in nats.

        Args:
            pairs: rows with the log-probabilities of the first stage.

        Raises:
            Collapsed: as `watch`, after the last step.
        """
        now, facts = self._sums(pairs), {}
        for side, sums in zip(("chosen", "rejected"), now, strict=True):
            lengths = np.array([len(ids) for ids in pairs[f"{side}_ids"]])
            facts[f"{side}_logp"] = float(np.mean(np.array(sums) / lengths))
            facts[f"{side}_logp_before"] = float(np.mean(np.array(pairs[f"ref_{side}_logps"]) / lengths))
        self._refuse_collapse(facts["chosen_logp_before"] - facts["chosen_logp"], "after the last step on pairs")
        return facts

    def _sums(self, pairs: Dataset) -> tuple[list[float], list[float]]:
        """Give the log-probability of each pair's chosen and rejected response, in nats, by the network as it is."""
        sums: tuple[list[float], list[float]] = ([], [])
        size = self.args.per_device_train_batch_size
        for start in range(0, len(pairs), size):
            batch = pairs.select(range(start, min(start + size, len(pairs)))).to_list()
            inputs = self._prepare_inputs(self.data_collator(batch))
            with torch.no_grad(), self.accelerator.autocast():
                means = _means(_ask(self.model, inputs), inputs)
            for side, mean, lengths in zip(sums, means, _lengths(inputs), strict=True):
                side += (mean * lengths).tolist()
        return sums

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        """Take rows as they are: TRL would tokenise texts in its own way, and look for a prompt to cut off."""
        return dataset

    def _precompute_ref_logps(self, dataset: Dataset, *_: Any) -> Dataset:
        """Add what the first stage makes of each pair; TRL's own way writes files, and a bar to the terminal."""
        chosen, rejected = self._sums(dataset)
        return dataset.add_column("ref_chosen_logps", chosen).add_column("ref_rejected_logps", rejected)


class RediTrainer(DpoTrainer):
    """REDI (arXiv 2505.24850): accepted responses become likelier and rejected ones less likely; no reference.

    Args:
        alpha: weight of the rejected side.
    """

    remedy = "lower redi_alpha or preference_learning_rate, or take fewer preference_steps"

    def __init__(self, alpha: float, **options: Any) -> None:
        self.alpha = alpha
        super().__init__(**options)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **options: Any) -> Any:
        """Give `redi_loss` of a batch."""
        chosen, rejected = means = _means(_ask(model, inputs), inputs)
        self.watch(means, inputs)
        return redi_loss(chosen, rejected, self.alpha)


def _ask(model: Any, inputs: dict[str, Any]) -> Any:
    """Give a network's log-probabilities of the completion tokens, zero elsewhere, without logits in memory."""
    labels = inputs["input_ids"].masked_fill(inputs["completion_mask"] == 0, IGNORED)
    asked = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    return model(**asked, labels=labels, use_cache=False, fused_lm_head=True)


def _means(outputs: Any, inputs: dict[str, Any]) -> Sides:
    """Give the mean log-probability of a token for each response of a batch, which holds the chosen ones first."""
    chosen, rejected = (outputs.log_probs.sum(1) / inputs["completion_mask"].sum(1)).chunk(2)
    return chosen, rejected


def _lengths(inputs: dict[str, Any]) -> Sides:
    chosen, rejected = inputs["completion_mask"].sum(1).chunk(2)
    return chosen, rejected
