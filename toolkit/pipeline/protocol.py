"""The protocol of a recipe: refused before any work where it cannot be had, and named where it is the user's code."""

from toolkit.progress import Progress
from toolkit.protocols import ProtocolError, load_protocol
from toolkit.protocols.contract import Protocol
from toolkit.protocols.options import OptionError
from toolkit.protocols.prompts import PromptError
from toolkit.recipe.files import RecipeError
from toolkit.recipe.sections import Recipe


def protocol_of(recipe: Recipe) -> Protocol:
    """Load the protocol by which a recipe's responses come about."""
    sampling = recipe.sampling
    made = sampling.protocol, sampling.prompt, sampling.protocol_options
    return load_protocol(*made, recipe.protocol_file, sampling.protocol_prompts)


def has_steps(recipe: Recipe) -> bool:
    """Tell whether responses come about otherwise than by plain rejection sampling; then their steps are kept, too."""
    return recipe.sampling.protocol != "rejection_sampling"


def open_protocol(recipe: Recipe, progress: Progress) -> None:
    """Load the protocol before any work, and say so where it is code of the user's own.

    Raises:
        RecipeError: naming file, key and value, for a protocol that cannot be loaded or does not take its options.
    """
    if recipe.protocol_file:
        progress.say(f"protocol: runs your own code, {recipe.protocol_file} ({recipe.sampling.protocol})")
    try:
        protocol_of(recipe)
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


def _set_in(recipe: Recipe, key: str) -> str:
    return str(recipe.set_in.get(key, recipe.name))
