"""What a run is: a flat YAML recipe, validated before any work, and the RUN name that selects a part of it.

A recipe file holds the fields of the small dataclasses below, all at one level; every name belongs to one dataclass,
and a stage's key hashes only the dataclasses that it reads. A RUN is `<recipe>`, `<recipe>-r<budget>` or
`<recipe>-r<budget>-s<seed>`.
"""

import dataclasses
import difflib
import itertools
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]

STRICT = ConfigDict(extra="forbid")


class RecipeError(ValueError):
    """A recipe or RUN that cannot be run; the message names the file, the key and what is allowed."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Pool:
    """Seed questions and held-out ones. `pool` is a procedural domain, a JSONL/parquet file or a Hub dataset."""

    pool: str
    pool_config: str | None = None  # configuration of a Hub dataset
    pool_split: str = "train"  # split of a Hub dataset
    pool_revision: str | None = None  # revision of a Hub dataset
    question_column: str = "question"
    answer_column: str = "answer"
    unit_column: str | None = None  # written behind the answer: `9.8` and `m/s^2`
    # regular expression with one group, or `boxed` for the last \\boxed{}; none takes the whole column
    answer_pattern: str | None = None
    families: tuple[str, ...] | None = None  # of a procedural domain; null takes all
    largest_number: Count | None = None  # cap on a procedural domain's numbers; null leaves each family's own range
    pool_sizes: tuple[Count, ...] = (256, 512, 1024)  # Q1, Q2, Q4: nested prefixes of one seeded order
    pool_seed: Seed = 0
    test_pool: str | None = None  # file or Hub dataset with the test questions; null takes them from `pool`
    test_split: str | None = None  # its split; null takes `pool_split`
    test_size: Count = 1000
    dev_size: Seed = 500


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Teacher:
    """The fixed generator: `nano`, which is trained on the spot as set here, a Transformers folder, or a Hub model.

    With `server`, `urls` or `provider` the model is asked over HTTP and is known by its name and revision.
    """

    teacher: str = "nano"
    teacher_revision: str | None = None  # of a Hub model, or of what an endpoint serves
    api: Literal["chat", "generate"] = "chat"  # of an endpoint: messages, or the bare prompt without a chat template
    quantize: str | None = None  # by the server that is started, such as `awq` or `fp8`
    teacher_steps: Count = 4000
    teacher_learning_rate: Positive = 2e-3
    teacher_width: Count = 96
    teacher_layers: Count = 3
    teacher_heads: Count = 4
    teacher_seed: Seed = 0


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Serving:
    """Where an endpoint teacher answers and what it costs; in no key, since it does not change what is said."""

    urls: tuple[Annotated[str, Field(pattern=r"^https?://")], ...] = ()  # of servers of the same model
    server: Literal["tgi", "vllm", "transformers", "endpoint"] | None = None  # started for the run when no URL is given
    provider: str | None = None  # of Hugging Face's Inference Providers, such as `together` or `auto`
    server_image: str | None = None  # of Docker; null takes the server's own, pinned
    server_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    server_options: tuple[str, ...] = ()  # more arguments for the server
    gpus: Annotated[int, Field(ge=0)] = 1
    shards: Count = 1  # GPUs that one copy of the model is split over
    instance: str | None = None  # of an Inference Endpoint: vendor/region/type/size
    concurrency: Count = 128  # requests in flight at most, per URL; the server's own limit is found below it
    timeout: Positive = 600  # seconds until a request that hangs is cut
    attempts: Count = 8  # of a request that times out or meets a fault; being refused as one too many does not count
    price_prompt: Annotated[float, Field(ge=0)] = 0.0  # per million prompt tokens, in any one currency
    price_completion: Annotated[float, Field(ge=0)] = 0.0  # per million completion tokens


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Base:
    """What students start from: a Transformers folder, a Hub model, or `nano`, trained on the spot as set here."""

    base: str = "nano"
    base_revision: str | None = None  # of a Hub model
    base_steps: Count = 2600
    base_learning_rate: Positive = 2e-3
    base_width: Count = 96
    base_layers: Count = 3
    base_heads: Count = 4
    base_seed: Seed = 0


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Sampling:
    """How the teacher answers; with pool and teacher this is the source."""

    temperature: Annotated[float, Field(gt=0, le=5)] = 0.8
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Count = 64  # new tokens per response
    stop: tuple[str, ...] = ()  # texts that end a response; they are not part of it
    prompt: str = "{{ question }}"  # Jinja template of what the teacher is told
    sampling_seed: Seed = 0


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Verification:
    """How an answer is found in a response and compared with the gold one."""

    answer_kind: Literal["mathematics", "numeric", "choice"] = "mathematics"
    response_pattern: str | None = None  # regular expression with one group, last match; null takes the last \\boxed{}
    tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.01  # of a numeric answer, relative
    check_steps: bool = False  # also check each shown equality of an accepted response: for worked arithmetic only


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Ladder:
    """Which cells are built: budgets (responses per question) of one nested subset. Not part of the source."""

    budgets: tuple[Count, ...] = (1, 2, 4, 8, 16, 32)
    ladder_questions: Count = 256
    # sampled: r draws per question, the accepted ones train, duplicates kept; accepted: r distinct accepted texts per
    # question; adaptive: draws until the next ones are expected to bring little new, an arm of its own and no ladder
    counting: Literal["sampled", "accepted", "adaptive"] = "sampled"
    max_draws: Count = 64  # per question, where counting is accepted
    stop_below: Positive = 0.1  # new distinct accepted texts expected per draw, where counting is adaptive
    stop_scope: Literal["question", "pool"] = "question"  # what is stopped


@dataclass(frozen=True, kw_only=True, config=STRICT)
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
    lora_alpha: Count = 32
    max_length: Count = 128  # tokens of prompt and response; longer rows are an error, never cut


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Replicates:
    """How often a student is trained anew."""

    train_seeds: tuple[Seed, ...] = (0, 1, 2)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Evaluation:
    """How a model is asked the test questions: greedy at temperature 0, else `eval_samples` answers each."""

    eval_temperature: Annotated[float, Field(ge=0, le=5)] = 0.0
    eval_samples: Count = 1
    eval_max_tokens: Count = 64
    eval_batch_size: Count = 256
    eval_seed: Seed = 0


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Law:
    """What is fitted, and which rung is held out: its forecast is written before its students are trained."""

    fit_max: Count | None = 16  # the largest budget that the fit may use; null with held_out null
    held_out: Count | None = 32  # null fits nothing


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Release:
    """What the release's card says that no file can tell."""

    repo: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] = "local/fss"  # the dataset's name on a Hub
    version: Annotated[str, Field(pattern=r"^v\d+\.\d+\.\d+$")] = "v1.0.0"
    summary: str = ""  # one paragraph: what the data is
    license: str = "apache-2.0"  # identifier of the Hub
    seeds_licence: str = "The seed questions are generated by the toolkit and carry its licence."
    limits: tuple[str, ...] = ()  # sentences on what this data cannot be used for


SECTIONS = (Pool, Teacher, Serving, Base, Sampling, Verification, Ladder, Student, Replicates, Evaluation, Law, Release)
HOME: dict[str, str] = {name: cls.__name__.lower() for cls in SECTIONS for name in cls.__dataclass_fields__}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One experiment: its name, its title, and a section per stage."""

    name: str
    title: str
    pool: Pool
    teacher: Teacher
    serving: Serving
    base: Base
    sampling: Sampling
    verification: Verification
    ladder: Ladder
    student: Student
    replicates: Replicates
    evaluation: Evaluation
    law: Law
    release: Release


@dataclasses.dataclass(frozen=True)
class Run:
    """The part of a recipe that a RUN name selects: all budgets and train seeds, one budget, or one budget and seed."""

    name: str
    profile: str
    recipe: Recipe
    budgets: tuple[int, ...]
    train_seeds: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """Whether the RUN is the whole ladder, so that a law is fitted."""
        return self.budgets == self.recipe.ladder.budgets


class _Loader(yaml.SafeLoader):
    """YAML 1.2's floats (`6e-3` is a number), and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        if twice:
            raise RecipeError(f"{node.start_mark.name}: {twice[0]}: written twice; keep one")
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def recipe_folders() -> list[Path]:
    """Where recipes are looked for: `recipes/` of the working directory, then the toolkit's own."""
    folders = [Path("recipes").resolve(), Path(__file__).resolve().parents[1] / "recipes"]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def known_recipes() -> dict[str, Path]:
    """Name -> file of every recipe that can be named; profiles other than `nano` (`math.paper.yaml`) are not names."""
    files = [path for folder in reversed(recipe_folders()) for path in sorted(folder.glob("*.yaml"))]
    return {path.stem: path for path in files if "." not in path.stem}


def load_run(run: str, profile: str = "nano") -> Run:
    """The run that a name (`math`, `math-r16`, `math-r16-s1`) or a recipe file's path stands for.

    Raises:
        RecipeError: for an unknown name, a budget outside the ladder, or a recipe that does not validate.
    """
    name, budget, seed = _split_run(run)
    recipe = load_recipe(recipe_file(name), profile)
    budgets, seeds = recipe.ladder.budgets, recipe.replicates.train_seeds
    if budget is None:
        return Run(recipe.name, profile, recipe, budgets, seeds)
    if budget not in budgets:
        raise RecipeError(f"RUN={run}: budget {budget} is not in the recipe's ladder; budgets: {_listed(budgets)}")
    suffix = f"-r{budget}" + (f"-s{seed}" if seed is not None else "")
    return Run(recipe.name + suffix, profile, recipe, (budget,), (seeds[0] if seed is None else seed,))


def _split_run(run: str) -> tuple[str, int | None, int | None]:
    match = re.fullmatch(r"(.+?)-r(\d+)(?:-s(\d+))?", run)
    if run in known_recipes() or match is None:
        return run, None, None
    return match[1], int(match[2]), int(match[3]) if match[3] else None


def recipe_file(name: str) -> Path:
    known = known_recipes()
    if name in known:
        return known[name]
    if name.endswith((".yaml", ".yml")):
        if Path(name).is_file():
            return Path(name)
        raise RecipeError(f"no recipe file {name}")
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise RecipeError(
        f"no recipe called {name!r}{hint} Known: {_listed(sorted(known))}. "
        "A RUN is <recipe>, <recipe>-r<budget> or <recipe>-r<budget>-s<train seed>."
    )


def load_recipe(path: Path, profile: str = "nano") -> Recipe:
    """Read and validate a recipe file; a profile other than `nano` overlays the keys of `<name>.<profile>.yaml`.

    Raises:
        RecipeError: naming the file, the key, and what is allowed.
    """
    values = {key: (path, value) for key, value in _read(path).items()}
    if profile != "nano":
        overlay = path.with_name(f"{path.stem}.{profile}.yaml")
        if not overlay.is_file():
            profiles = ["nano", *sorted(p.stem.split(".")[1] for p in path.parent.glob(f"{path.stem}.*.yaml"))]
            raise RecipeError(f"{path.stem} has no profile {profile!r}; it has: {_listed(profiles)}")
        values |= {key: (overlay, value) for key, value in _read(overlay).items()}
    _, title = values.pop("title", (path, path.stem))
    for key, (file, _) in values.items():
        if key not in HOME:
            close = difflib.get_close_matches(str(key), HOME, n=1)
            hint = f"did you mean {close[0]}?" if close else f"allowed: title, {_listed(HOME)}"
            raise RecipeError(f"{file}: {key}: unknown key; {hint}")
    sections = {cls.__name__.lower(): _section(cls, path, values) for cls in SECTIONS}
    recipe = Recipe(name=path.stem, title=str(title), **sections)
    _check(recipe, path)
    return recipe


def _read(path: Path) -> dict[str, Any]:
    loader = _Loader(path.read_text(encoding="utf-8"))
    loader.name = str(path)
    try:
        data = loader.get_single_data()
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: not YAML: {error}") from error
    finally:
        loader.dispose()
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a list of `key: value` lines")
    return data


def _section(cls: type, path: Path, values: dict[str, tuple[Path, Any]]) -> Any:
    names = [f.name for f in dataclasses.fields(cls) if f.name in values]
    try:
        # JSON mode: strict about types (no "16" for 16), yet a list may fill a tuple.
        return TypeAdapter(cls).validate_json(json.dumps({name: values[name][1] for name in names}), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        if key not in values:
            raise RecipeError(f"{path}: {key}: missing; every recipe names it") from error
        file, value = values[key]
        raise RecipeError(f"{file}: {key}: {first['msg'].lower()}, not {value!r}") from error
    except TypeError as error:  # a YAML value that is no JSON, such as a date
        raise RecipeError(f"{path}: {error}") from error


def _check(recipe: Recipe, path: Path) -> None:
    """What no single field can tell."""
    ladder, law, sizes = recipe.ladder, recipe.law, recipe.pool.pool_sizes
    seeds = recipe.replicates.train_seeds
    rules = [
        ("budgets", _grows(ladder.budgets), f"must grow from rung to rung, not {_listed(ladder.budgets)}"),
        ("pool_sizes", _grows(sizes), f"must grow: nested subsets, not {_listed(sizes)}"),
        ("ladder_questions", ladder.ladder_questions in sizes, f"must be one of pool_sizes ({_listed(sizes)})"),
        ("train_seeds", len(set(seeds)) == len(seeds) > 0, "must be distinct, and at least one"),
        (
            "eval_samples",
            recipe.evaluation.eval_samples == 1 or recipe.evaluation.eval_temperature > 0,
            "above 1 needs eval_temperature above 0: greedy answers are all the same",
        ),
        ("held_out", law.held_out is None or law.held_out in ladder.budgets, "must be one of the budgets, or null"),
        (
            "fit_max",
            law.fit_max is None or law.held_out is None or law.fit_max < law.held_out,
            f"must be below held_out ({law.held_out})",
        ),
        (
            "fit_max",
            law.held_out is None or sum(rung <= (law.fit_max or 0) for rung in ladder.budgets) >= 4,
            f"a law needs at least 4 budgets up to fit_max; of {_listed(ladder.budgets)} it may use too few",
        ),
    ]
    for key, holds, rule in rules:
        if not holds:
            raise RecipeError(f"{path}: {key}: {rule}")


def _grows(values: tuple[int, ...]) -> bool:
    return bool(values) and all(a < b for a, b in itertools.pairwise(values))


def _listed(values: Any) -> str:
    return ", ".join(str(value) for value in values)
