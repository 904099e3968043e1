"""The names that a recipe may give to what can be extended, each with the module behind it.

A new one is a file beside the others and a line here. A module is imported when it is asked for, not before.
"""

import importlib
from collections.abc import Mapping
from types import ModuleType

# `server`: what a run starts so that its teacher answers; see `toolkit.teachers.serve.StartedServer`
SERVERS = {
    "tgi": "toolkit.teachers.backends.tgi",
    "vllm": "toolkit.teachers.backends.vllm",
    "transformers": "toolkit.teachers.backends.transformers",
    "endpoint": "toolkit.teachers.backends.inference_endpoint",
}

# `protocol`: how a response comes about; see `toolkit.protocols.contract`
PROTOCOLS = {
    "rejection_sampling": "toolkit.protocols.rejection_sampling",
    "self_refine": "toolkit.protocols.self_refine",
    "orca": "toolkit.protocols.orca",
    "critique_guided": "toolkit.protocols.critique_guided",
    "supercorrect": "toolkit.protocols.supercorrect",
}

# Protocols that make new questions from the seeds; see `toolkit.protocols.contract.QuestionProtocol`
QUESTION_PROTOCOLS = {
    "self_instruct": "toolkit.protocols.self_instruct",
    "evol_instruct": "toolkit.protocols.evol_instruct",
    "persona": "toolkit.protocols.persona",
    "question_augmentation": "toolkit.protocols.question_augmentation",
    "web_pairs": "toolkit.protocols.web_pairs",
}

# Those of them that make questions of documents: the source is expanded, not fixed
SOURCE_EXPANSION = frozenset({"web_pairs"})

# `answer_kind`: how answers are found and compared; see `toolkit.verification.policies.AnswerKind`
ANSWER_KINDS = {
    "mathematics": "toolkit.verification.mathematics",
    "numeric": "toolkit.verification.numeric",
    "choice": "toolkit.verification.choices",
}

# `benchmark` of a score: where its test questions are from; see `toolkit.evaluation.benchmarks`
BENCHMARKS = {
    "pool": "toolkit.evaluation.benchmarks.pool",
}


class DoorError(ValueError):
    """A module behind a door that lacks what its contract asks for; the message names both."""


def open_door(table: Mapping[str, str], name: str, *needed: str) -> ModuleType:
    """Import the module of a name in one of the tables above.

    Raises:
        DoorError: naming what the module `needed` and lacks.
    """
    module = importlib.import_module(table[name])
    missing = [f"`{part}`" for part in needed if not hasattr(module, part)]
    if missing:
        raise DoorError(f"{module.__file__}: has no {' and no '.join(missing)}; docs/extending.md says what to write")
    return module


# The values of these columns in results that are older than the columns.
OLDER = {"protocol": "rejection_sampling", "benchmark": "pool"}
