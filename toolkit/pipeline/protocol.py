"""The protocol of a recipe: refused before any work where it cannot be had, and named where it is the user's code."""

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.corpora.budgets import shells
from toolkit.doors import QUESTION_PROTOCOLS
from toolkit.progress import Progress
from toolkit.protocols import ProtocolError, load_protocol, load_question_protocol
from toolkit.protocols.contract import Draft, Protocol, ProtocolFault, Question, QuestionProtocol
from toolkit.protocols.execution import Execution
from toolkit.protocols.options import OptionError
from toolkit.protocols.prompts import PromptError
from toolkit.recipe.documents import read_documents
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import one_arm
from toolkit.recipe.sections import Recipe
from toolkit.teachers.completion import Completion

PLAIN = "rejection_sampling"


def protocol_of(recipe: Recipe) -> Protocol:
    """Load the protocol by which a recipe's responses come about; new questions are answered as seeds are."""
    sampling = recipe.sampling
    if makes_questions(recipe):
        return load_protocol(PLAIN, sampling.prompt)
    made = sampling.protocol, sampling.prompt, sampling.protocol_options
    return load_protocol(*made, recipe.protocol_file, sampling.protocol_prompts)


def question_protocol_of(recipe: Recipe) -> QuestionProtocol:
    """Load the protocol by which a recipe's new questions come about."""
    sampling = recipe.sampling
    made = sampling.protocol, sampling.prompt, sampling.protocol_options
    return load_question_protocol(*made, prompts=sampling.protocol_prompts)


def makes_questions(recipe: Recipe) -> bool:
    """Tell whether the protocol makes new questions, which are then answered in the place of the seeds."""
    return recipe.sampling.protocol in QUESTION_PROTOCOLS


def made_from(recipe: Recipe, rows: Sequence[Mapping[str, Any]]) -> list[Question]:
    """Give what new questions are made of, before documents are searched for held-out questions."""
    if folder := recipe.documents:
        return [Question(name, text) for name, text in read_documents(folder).items()]
    return [Question(row["question_id"], row["question"]) for row in rows]


def has_steps(recipe: Recipe) -> bool:
    """Tell whether responses come about otherwise than by plain rejection sampling; then their steps are kept, too."""
    return recipe.sampling.protocol != PLAIN and not makes_questions(recipe)


def asks_student(recipe: Recipe) -> bool:
    """Tell whether a protocol of a recipe, or of one of its arms, has steps that the student's base model answers."""
    ways = [one_arm(recipe, arm) for arm in recipe.arms or [""]]
    return any(protocol_of(way).by_student for way in ways)


def _refuse_unusable(recipe: Recipe) -> None:
    """Refuse a way that its protocol cannot serve: a student without a name of its own, a question without another."""
    made, sizes = protocol_of(recipe), recipe.pool.pool_sizes
    if made.by_student and len(recipe.bases) > 1:
        raise ProtocolError(
            f"{made.name}: the student answers {', '.join(made.by_student)}, and there are {len(recipe.bases)} bases; "
            "name one base, as responses are drawn once for all of them"
        )
    known = shells(sizes, max(recipe.subsets)) if made.swapped else []
    alone = [shell for shell in known if shell.stop - shell.start < 2]
    if alone:
        raise ProtocolError(
            f"{made.name}: a student reads the {made.swapped} of another question, and there is none beside question "
            f"{alone[0].start} in {alone[0].name}; take `pool_sizes` that are two questions apart or more"
        )


def open_protocol(recipe: Recipe, progress: Progress) -> None:
    """Load the protocol before any work, and say so where it is code of the user's own.

    Raises:
        RecipeError: naming file, key and value, for a protocol that cannot be loaded or does not take its options.
    """
    own = {(recipe.protocol_file, recipe.sampling.protocol)}
    own |= {(arm.protocol_file, arm.sampling.protocol) for arm in recipe.arms.values()}
    for file, name in sorted(pair for pair in own if pair[0]):
        progress.say(f"protocol: runs your own code, {file} ({name})")
    try:
        for way in (one_arm(recipe, arm) for arm in recipe.arms or [""]):
            question_protocol_of(way) if makes_questions(way) else _refuse_unusable(way)
    except OptionError as error:
        raise RecipeError(f"{_set_in(recipe, 'protocol_options')}: protocol_options: {error}") from error
    except PromptError as error:
        raise RecipeError(f"{_set_in(recipe, 'protocol_prompts')}: protocol_prompts: {error}") from error
    except ProtocolError as error:
        raise RecipeError(f"{_set_in(recipe, 'protocol')}: protocol: {error}") from error
    except Exception as error:  # whatever the function of a user's file may raise
        said = f"{type(error).__name__}: {error}" if recipe.protocol_file else str(error)
        name = recipe.sampling.protocol
        raise RecipeError(f"{_set_in(recipe, 'protocol')}: protocol: {name} cannot be made: {said}") from error


def rehearse(recipe: Recipe, question: Question) -> None:
    """Make one response with `[step]` for each completion, so that a dry run finds steps asked against the contract.

    What a protocol itself raises is no fault here: it may well expect more of a completion than such a text.

    Raises:
        RecipeError: naming the protocol and the step that it asks for too often, or that it does not have.
    """
    execution = Execution(protocol_of(recipe), question, 0)
    try:
        step = execution.advance()
        while not isinstance(step, Draft):
            step = execution.advance(Completion(f"[{step.name}]", "stop", 0, 0, "nobody@0"))
    except ProtocolFault as fault:
        if fault.__cause__ is None:
            name = recipe.sampling.protocol
            raise RecipeError(
                f"{_set_in(recipe, 'protocol')}: protocol: {name}, tried with `[step]` for each completion, {fault}"
            ) from fault


def _set_in(recipe: Recipe, key: str) -> str:
    return str(recipe.set_in.get(key, recipe.name))
