"""What a run is: a flat YAML recipe, validated before any work, and the RUN name that selects a part of it.

A recipe file holds the fields of the small dataclasses below, all at one level; every name belongs to one dataclass, and a
stage's key hashes only the dataclasses that it reads. A RUN is `<recipe>`, `<recipe>-r<budget>` or `<recipe>-r<budget>-s<seed>`.
"""

import dataclasses
import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]

settings = dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))


class RecipeError(ValueError):
    """A recipe or RUN that cannot be run; the message names the file, the key and what is allowed."""


@settings
class Pool:
    """The seed questions and the held-out ones. `pool` is a procedural domain, a JSONL/parquet file or a Hub dataset."""

    pool: str
    pool_config: str | None = None  # configuration of a Hub dataset
    pool_split: str = "train"  # split of a Hub dataset
    pool_revision: str | None = None  # revision of a Hub dataset
    question_column: str = "question"
    answer_column: str = "answer"
    answer_pattern: str | None = None  # regular expression with one group; none takes the whole column
    families: tuple[str, ...] | None = None  # of a procedural domain; none takes all
    pool_sizes: tuple[Count, ...] = (256, 512, 1024)  # Q1, Q2, Q4: nested prefixes of one seeded order
    pool_seed: Seed = 0
    test_size: Count = 1000
    dev_size: Seed = 500


@settings
class Teacher:
    """The fixed generator. `nano` is trained on the spot; otherwise a Transformers folder or Hub model."""

    teacher: str = "nano"


@settings
class Base:
    """What students start from. `nano` is trained on the spot; otherwise a Transformers folder or Hub model."""

    base: str = "nano"


@settings
class Sampling:
    """How the teacher answers; with pool and teacher this is the source."""

    temperature: Annotated[float, Field(gt=0, le=5)] = 0.8
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Count = 64  # new tokens per response
    sampling_seed: Seed = 0


@settings
class Ladder:
    """Which cells are built: budgets (responses per question) of one nested subset. Not part of the source."""

    budgets: tuple[Count, ...] = (1, 2, 4, 8, 16, 32)
    ladder_questions: Count = 256
    counting: Literal["sampled"] = "sampled"  # r draws per question; the accepted ones train, duplicates kept


@settings
class Student:
    """How a student is trained from base and corpus, on the response tokens only."""

    method: Literal["lora", "full"] = "lora"
    control: Literal["steps", "epochs"] = "steps"
    steps: Count = 1000  # optimiser steps, when control is steps
    epochs: Positive = 4.0  # passes over the corpus, when control is epochs
    batch_size: Count = 16  # responses per optimiser step
    learning_rate: Positive = 6e-3  # peak, of a cosine that ends at a tenth
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05  # share of the steps
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    lora_rank: Count = 16
    lora_alpha: Positive = 32.0
    max_length: Count = 128  # tokens of prompt and response; longer rows are an error, never cut


@settings
class Replicates:
    """How often a student is trained anew."""

    train_seeds: tuple[Seed, ...] = (0, 1, 2)


@settings
class Evaluation:
    """How a model is scored on the test questions: greedy unless `eval_temperature` is above 0, `eval_samples` answers each."""

    eval_temperature: Annotated[float, Field(ge=0, le=5)] = 0.0
    eval_samples: Count = 1
    eval_max_tokens: Count = 64
    eval_batch_size: Count = 256
    eval_seed: Seed = 0


@settings
class Law:
    """What is fitted, and which rung is held out: its forecast is written before its students are trained."""

    fit_max: Count | None = 16  # the largest budget that the fit may use
    held_out: Count | None = 32


