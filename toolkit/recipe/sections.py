"""Define the settings of a recipe, one small dataclass per stage; a stage's key hashes only those that it reads."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

from toolkit.doors import ANSWER_KINDS, BENCHMARKS, PROTOCOLS, QUESTION_PROTOCOLS, SERVERS
from toolkit.keys import keyed_fields
from toolkit.recipe.validators import Place, licence, name_of_a_repo, one_of

MOST_DRAWS = 100_000  # responses per question that a journal, a budget or a release may have
# Bounds beyond anything that can be run, so that a typing error fails here, not later for want of memory or time.
Count = Annotated[int, Field(ge=1, le=10**9)]
Draws = Annotated[int, Field(ge=1, le=MOST_DRAWS)]  # responses per question
Size = Annotated[int, Field(ge=1, le=10**7)]  # questions
Width = Annotated[int, Field(ge=1, le=2**14)]  # of an embedded model: units, layers, heads
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Positive = Annotated[float, Field(gt=0)]
Control = Literal["steps", "epochs"]
Negative = Literal["rejected", "truncated", "unparsable"]
Match = Literal["samples", "tokens", "compute", "money"]
DOUBLED = "doubled"  # the control of students trained twice as long, which only check the ladder of another control
Variants = Annotated[dict[Annotated[str, Field(pattern=r"^[\w.-]+$")], dict[str, Any]], Field(min_length=1)]

OWN_PROTOCOL = r"[A-Za-z][A-Za-z0-9_]*@[0-9a-f]{16}"  # what keys and releases call a protocol of the user's own
TOLERANCE = 0.01  # of a numeric answer that is measured, where the recipe sets none; relative
STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Pool:
    """Seed questions and held-out ones. `pool` is a procedural domain, a JSONL/parquet file or a Hub dataset."""

    pool: Place
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
    pool_sizes: tuple[Size, ...] = (256, 512, 1024)  # Q1, Q2, Q4: nested prefixes of one seeded order
    pool_seed: Seed = 0
    pool_order: Seed = 0  # another order of the same seed questions, so other nested subsets; 0 keeps the pool's own
    test_pool: Place | None = None  # file or Hub dataset with the test questions; null takes them from `pool`
    test_split: str | None = None  # its split; null takes `pool_split`
    # columns of the test questions and the pattern of their answers; null takes those of the pool
    test_question_column: str | None = None
    test_answer_column: str | None = None
    test_answer_pattern: str | None = None
    test_unit_column: str | None = None
    test_size: Size = 1000
    dev_size: Annotated[int, Field(ge=0, le=10**7)] = 500


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Teacher:
    """The fixed generator: `nano`, which is trained on the spot as set here, a Transformers folder, or a Hub model.

    With `server`, `urls` or `provider` the model is asked over HTTP and is known by its name and revision.
    """

    teacher: Place = "nano"
    teacher_revision: str | None = None  # of a Hub model, or of what an endpoint serves
    api: Literal["chat", "generate"] = "chat"  # of an endpoint: messages, or the bare prompt without a chat template
    quantize: str | None = None  # by the server that is started, such as `awq` or `fp8`
    teacher_steps: Count = 4000
    teacher_learning_rate: Positive = 2e-3
    teacher_width: Width = 96
    teacher_layers: Width = 3
    teacher_heads: Width = 4
    teacher_seed: Seed = 0
    # what `nano` learns beside solving: to review an attempt, to criticise and refine one, to vary a question
    teacher_formats: tuple[Literal["solve", "review", "refine", "vary"], ...] = ("solve",)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Serving:
    """Where an endpoint teacher answers and what it costs; in no key, since it does not change the answers."""

    urls: tuple[Annotated[str, Field(pattern=r"^https?://")], ...] = ()  # of servers of the same model
    server: Annotated[str, one_of(SERVERS)] | None = None  # started for the run when no URL is given
    provider: str | None = None  # of Hugging Face's Inference Providers, such as `together` or `auto`
    server_image: str | None = None  # of Docker; null takes the server's own, pinned
    server_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    server_options: tuple[str, ...] = ()  # more arguments for the server
    gpus: Annotated[int, Field(ge=0, le=10**6)] = 1
    shards: Count = 1  # GPUs that one copy of the model is split over
    instance: str | None = None  # of an Inference Endpoint: vendor/region/type/size
    concurrency: Count = 128  # requests in flight at most, per URL; the server's own limit is found below it
    timeout: Positive = 600  # seconds until a request that hangs is cut
    attempts: Count = 8  # at a request that times out or fails; a refusal for load does not count
    price_prompt: Annotated[float, Field(ge=0)] = 0.0  # per million prompt tokens, in any one currency
    price_completion: Annotated[float, Field(ge=0)] = 0.0  # per million completion tokens
    # of the model, those that a token meets; null counts the weights where they are here. Read by `match: compute`
    parameters: Annotated[int, Field(ge=1, le=10**15)] | None = None


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Base:
    """What students start from: a Transformers folder, a Hub model, or `nano`, trained on the spot as set here."""

    base: Place = "nano"
    base_revision: str | None = None  # of a Hub model
    base_steps: Count = 2600
    base_learning_rate: Positive = 2e-3
    base_width: Width = 96
    base_layers: Width = 3
    base_heads: Width = 4
    base_seed: Seed = 0


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Sampling:
    """How the teacher answers; with pool and teacher this is the source."""

    temperature: Annotated[float, Field(gt=0, le=5)] = 0.8
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Count = 64  # new tokens per response
    stop: tuple[str, ...] = ()  # texts that end a response; they are not part of it
    prompt: str = "{{ question }}"  # Jinja template of the message to the teacher
    sampling_seed: Seed = 0
    # how responses, or new questions, come about: a name in `toolkit.doors`, or a file of your own beside the recipe,
    # such as ./my_protocol.py, which keys and releases call my_protocol@digest
    protocol: Annotated[str, one_of(PROTOCOLS | QUESTION_PROTOCOLS, OWN_PROTOCOL)] = "rejection_sampling"
    protocol_options: dict[str, Any] = Field(default_factory=dict)  # by name, as the protocol describes them
    protocol_prompts: dict[str, str] = Field(default_factory=dict)  # by step: Jinja templates, instead of its own
    # the reasoning that a served model returns beside its answer: kept in front as <think>...</think>, or dropped
    reasoning: Literal["drop", "keep"] = "drop"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Verification:
    """How an answer is found in a response and compared with the gold one."""

    answer_kind: Annotated[str, one_of(ANSWER_KINDS)] = "mathematics"
    response_pattern: str | None = None  # regular expression with one group, last match; null takes the last \\boxed{}
    # of every numeric answer, relative; null: .01, but whole numbers that count something (`12`, `12 apples`) are exact
    tolerance: Annotated[float, Field(ge=0, lt=1)] | None = None
    check_steps: bool = False  # also check each shown equality of an accepted response: for worked arithmetic only

    def __post_init__(self) -> None:
        if not self.has_tolerance and self.tolerance is None:  # unused, but older recipe files name it
            object.__setattr__(self, "tolerance", TOLERANCE)

    @property
    def has_tolerance(self) -> bool:
        """Say whether answers of this kind are compared within `tolerance`."""
        return self.answer_kind == "numeric"

    def keyed(self) -> dict[str, Any]:
        """Give the settings as keys hash them.

        A tolerance that is not set is hashed as .01, its value in all keys made before whole numbers were exact. One
        that is set to .01, and so applies to whole numbers too, gets an entry of its own.
        """
        values = keyed_fields(self)
        if self.tolerance is None:
            return values | {"tolerance": TOLERANCE}
        is_marked = self.has_tolerance and self.tolerance == TOLERANCE
        return values | ({"whole_numbers": "within the tolerance"} if is_marked else {})


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Ladder:
    """Which cells are built: budgets (responses per question) of one nested subset. Not part of the source."""

    budgets: tuple[Draws, ...] = (1, 2, 4, 8, 16, 32)
    ladder_questions: Count = 256
    # sampled: r draws per question, the accepted ones train, duplicates kept; accepted: r distinct accepted texts per
    # question; adaptive: draws until the next ones are expected to bring little new, an arm of its own and no ladder
    counting: Literal["sampled", "accepted", "adaptive"] = "sampled"
    max_draws: Draws = 64  # per question, where counting is accepted
    stop_below: Positive = 0.1  # new distinct accepted texts expected per draw, where counting is adaptive
    stop_scope: Literal["question", "pool"] = "question"  # what is stopped
    # what an arm may take of its teacher, as much as the first arm does: completions of any step; tokens of prompts and
    # completions; compute, tokens x parameters of its teacher; money, tokens x prices of its teacher. null gives every
    # arm the same number of responses per question
    match: Match | None = None


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Student:
    """How a student is trained from base and corpus, on the response tokens only.

    With `objective` dpo or redi the last `preference_steps` of its `steps` compare an accepted response with a rejected
    one of the same question. A pair counts as two responses, so such a step reads `batch_size` / 2 pairs.
    """

    method: Literal["lora", "full"] = "lora"
    control: Control = "steps"
    steps: Count = 1000  # optimiser steps, when control is steps
    epochs: Positive = 4.0  # passes over the corpus, when control is epochs
    batch_size: Count = 16  # responses per optimiser step
    learning_rate: Positive = 6e-3  # peak, of a cosine that ends at a tenth
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05  # share of the steps
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    lora_rank: Count = 16
    lora_alpha: Count = 32
    max_length: Count = 128  # tokens of prompt and response; longer rows are an error, never cut
    # sft: accepted responses alone; dpo: then pairs, against the student so far (arXiv 2305.18290); redi: then pairs,
    # a likelihood that rejected responses lower (arXiv 2505.24850)
    objective: Literal["sft", "dpo", "redi"] = "sft"
    preference_steps: Count = 200  # of `steps`, the last ones: on pairs
    preference_learning_rate: Positive = 1e-4  # peak on pairs, of a cosine that ends at a tenth
    dpo_beta: Positive = 0.1  # how much a change of the log-ratio to the student so far weighs
    redi_alpha: Annotated[float, Field(ge=0)] = 0.8  # weight of a rejected response beside the accepted one's 1
    # verdicts whose responses are the rejected side of pairs
    negatives: Annotated[tuple[Negative, ...], Field(min_length=1)] = ("rejected",)
    # what pairs are made of: the corpus, or corrections of the student's mistakes by teacher and student (2410.09008)
    pairs: Literal["responses", "mistakes"] = "responses"
    # of what a matched arm may take of its teacher: kept for corrections of mistakes
    correction_share: Annotated[float, Field(gt=0, lt=1)] = 0.1


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Experiment:
    """What is varied; an axis that is not named has one value, that of the recipe's own key."""

    # replicate k draws with sampling_seed + k and trains with seed k; teacher, base and test questions stay
    replicates: tuple[Annotated[int, Field(ge=0, lt=2**32)], ...] = (0,)
    reorder: bool = False  # replicate k also has pool_order + k, so that its nested subsets are others
    teachers: Variants | None = None  # name -> keys of the teacher that differ; each teacher meets each base
    bases: Variants | None = None  # name -> keys of the base that differ
    # name -> keys of sampling, student, teacher and serving, or `match`, that differ; the first is plain rejection
    # sampling from the recipe's own teacher, which the others are compared with
    arms: Variants | None = None
    subsets: tuple[Count, ...] | None = None  # of pool_sizes; null takes ladder_questions
    scaled_subsets: tuple[Count, ...] | None = None  # subsets with more than the smallest budget; null takes all
    totals: tuple[Count, ...] | None = None  # cells whose questions x budget is one of these; null takes all
    controls: tuple[Control, ...] | None = None  # null takes `control`
    # Budgets of the ladder whose students are trained a second time with twice the steps (or epochs): a floor of the
    # curve counts only where that does not change the error
    double_steps_at: tuple[Draws, ...] = ()


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Evaluation:
    """How a model answers the test questions: greedily at temperature 0, else with `eval_samples` answers each."""

    # where they come from: a name in `toolkit.doors.BENCHMARKS`; `pool` is the pool's own test questions
    benchmark: Annotated[str, one_of(BENCHMARKS)] = "pool"
    eval_temperature: Annotated[float, Field(ge=0, le=5)] = 0.0
    eval_samples: Draws = 1
    eval_max_tokens: Count = 64
    eval_batch_size: Count = 256
    eval_seed: Seed = 0


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Law:
    """What is fitted, and which budget is held out: its forecast is written before its students are trained."""

    fit_max: Count | None = 16  # the largest budget that the fit may use; null with held_out null
    held_out: Count | None = 32  # null fits nothing
    form: str = "rectified"  # of the law: a name in `toolkit.laws.curve.forms.FORMS`
    forecast: str = "averaged"  # over forms by the data, or by the law alone: the name of its form
    # a larger budget, forecast together with held_out, where that was known before
    confirm_budget: Count | None = None


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Decisions:
    """What a whole run decides at its end, by rules that the recipe fixes before it."""

    decide: tuple[Literal["law", "expansion", "synthesis", "audit", "mixture", "bound", "saturation"], ...] = ()
    # settings of the rules other than the defaults of `toolkit.recipe.decision_rules.DecisionRules`
    rules: dict[str, float] = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Release:
    """What the release's card says beyond what its files show."""

    # The dataset's name on a Hub, to which a run publishes; `local/...` is the embedded Hub. null publishes nothing
    repo: Annotated[str, AfterValidator(name_of_a_repo)] | None = None
    version: Annotated[str, Field(pattern=r"^v\d+\.\d+\.\d+$")] = "v1.0.0"
    summary: str = ""  # one paragraph: what the data is
    license: Annotated[str, AfterValidator(licence)] = "apache-2.0"  # identifier of the Hub
    seeds_licence: str = "The seed questions are generated by the toolkit and carry its licence."
    limits: tuple[str, ...] = ()  # sentences on what this data cannot be used for


SECTIONS = (
    Pool,
    Teacher,
    Serving,
    Base,
    Sampling,
    Verification,
    Ladder,
    Student,
    Experiment,
    Evaluation,
    Law,
    Decisions,
    Release,
)
HOME: dict[str, str] = {name: cls.__name__.lower() for cls in SECTIONS for name in cls.__dataclass_fields__}


class Arm(NamedTuple):
    """A way from the source to a student that is compared with others.

    Attributes:
        ladder: the recipe's, with the arm's own `match`.
        protocol_file: where its protocol lies, if that is the user's own.
        documents: the folder that its protocol makes questions of, if it expands the source.
        teacher, serving: of an arm that names another teacher; None for that of the pair.
        taught_by: what such a teacher is called among the models; arms with the same one share the name.
    """

    sampling: Sampling
    student: Student
    ladder: Ladder
    protocol_file: Path | None = None
    documents: Path | None = None
    teacher: Teacher | None = None
    serving: Serving | None = None
    taught_by: str = ""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One experiment: its name, its title, a section per stage, and by name the teachers and bases that it pairs.

    Attributes:
        arms: what is compared, by name, the plain one first; empty where there is only one way to a student.
        plain: the first arm, with its teacher and serving, which sets what the others may take where `match` is set.
        set_in: key -> the file that sets it, for errors that are found later; in no key.
        protocol_file: where a protocol of the user's own lies; in no key.
        documents: the folder of an arm that makes questions of documents; in no key, where its digest is.
        taught_by: see `Arm`; in no key.
    """

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
    experiment: Experiment
    evaluation: Evaluation
    law: Law
    decisions: Decisions
    release: Release
    teachers: Mapping[str, Teacher]
    bases: Mapping[str, Base]
    set_in: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    protocol_file: Path | None = None
    arms: Mapping[str, Arm] = dataclasses.field(default_factory=dict)
    plain: Arm | None = None
    documents: Path | None = None
    taught_by: str = ""

    @property
    def arm(self) -> str:
        """Return the name of the first arm; empty without arms."""
        return next(iter(self.arms), "")

    @property
    def pair(self) -> str:
        """Return the name of the first pair: `teacher>base`."""
        return f"{next(iter(self.teachers))}>{next(iter(self.bases))}"

    @property
    def every_teacher(self) -> Mapping[str, tuple[Teacher, Serving]]:
        """Return all teachers by name, with how each is served: those of the pairs, then those that arms name."""
        paired = {name: (teacher, self.serving) for name, teacher in self.teachers.items()}
        own = {arm.taught_by: (arm.teacher, arm.serving) for arm in self.arms.values() if arm.teacher and arm.serving}
        return paired | own

    @property
    def subsets(self) -> tuple[int, ...]:
        """Return the sizes of the nested question subsets that students are trained on."""
        return self.experiment.subsets or (self.ladder.ladder_questions,)

    @property
    def controls(self) -> tuple[Control, ...]:
        """Return the training controls; the ladder's law is of the first."""
        return self.experiment.controls or (self.student.control,)

    def holds(self, questions: int, budget: int) -> bool:
        """Whether the experiment has this cell."""
        made = self.experiment
        scaled = made.scaled_subsets is None or questions in made.scaled_subsets or budget == self.ladder.budgets[0]
        return scaled and (made.totals is None or questions * budget in made.totals)
