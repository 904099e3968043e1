"""What a token of a teacher costs, beside one of the first arm's: compute by its parameters, money by its prices.

A forward pass takes about 2P FLOPs per token of prompt or completion, with P parameters that a token meets, so that at
equal mean length S_weak = S_strong x P_strong / P_weak (Bansal et al. 2024, arXiv 2408.16737, section 3). Here the
tokens that were spent are compared, not a mean length.
"""

import dataclasses
import math
from fractions import Fraction
from typing import Any, NamedTuple

from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.stages.models import nano_options
from toolkit.pipeline.teacher import NANO
from toolkit.recipe.sections import Recipe, Serving
from toolkit.workspace import Artifact

FLOPS = 2  # per token and parameter, of a forward pass


class TokenCosts(NamedTuple):
    """Weights of a prompt's token and of a completion's, in one unit for both arms.

    Attributes:
        first: of the first arm.
        own: of the arm that is matched to it; whole numbers.
    """

    first: tuple[Fraction, Fraction]
    own: tuple[int, int]

    @property
    def ratio(self) -> Fraction:
        """Give how many tokens of the arm cost as much as one of the first arm, where half of them are prompts."""
        return sum(self.first, Fraction()) / sum(self.own)


TOKENS = TokenCosts((Fraction(1), Fraction(1)), (1, 1))  # where every token counts the same


def token_costs(context: Context, teacher: Artifact, first: Artifact) -> TokenCosts | None:
    """Give what tokens cost where an arm is matched by them; None where parameters are not known before a download.

    Args:
        context: of a single run, of an arm.
        teacher: its own.
        first: that of the first arm.
    """
    recipe, plain = context.recipe, plain_recipe(context.recipe)
    if recipe.ladder.match == "money":
        return _by_price(plain.serving, recipe.serving)
    if recipe.ladder.match != "compute":
        return TOKENS
    of_first, own = _known_size(context.with_recipe(plain), first), _known_size(context, teacher)
    return TokenCosts((Fraction(of_first, own),) * 2, (1, 1)) if of_first and own else None


def _known_size(context: Context, teacher: Artifact) -> int | None:
    """Give what `parameters_of` gives.

    Raises:
        StageError: for weights that are here and cannot be counted.
    """
    size = parameters_of(context, teacher)
    if size is None and teacher.path.is_dir():
        raise StageError(
            f"match compute: the weights of teacher {context.recipe.teacher.teacher} are packed and cannot be counted; "
            "set `parameters` to those that a token meets"
        )
    return size


def own_weights(recipe: Recipe) -> tuple[int, int]:
    """Give the weights of an arm's own tokens, see `TokenCosts`; these need no look at a model."""
    if recipe.ladder.match != "money":
        return TOKENS.own
    return _by_price(plain_recipe(recipe).serving, recipe.serving).own


def weights(recipe: Recipe) -> tuple[int, int, int]:
    """Give what a sample, a token of its prompt and one of its completion count in the unit of an arm's `match`."""
    return (1, 0, 0) if recipe.ladder.match == "samples" else (0, *own_weights(recipe))


def correction_share(recipe: Recipe) -> Fraction:
    """Give the share of what a matched arm may take that is kept for corrections of its students' mistakes."""
    has_corrections = recipe.ladder.match and recipe.student.pairs == "mistakes"
    return Fraction(str(recipe.student.correction_share)) if has_corrections else Fraction()


def plain_recipe(recipe: Recipe) -> Recipe:
    """Give the recipe of the first arm, from that of a single run; itself where it has no arms."""
    first = recipe.plain
    if first is None or first.teacher is None or first.serving is None:
        return recipe
    ways: dict[str, Any] = {"sampling": first.sampling, "ladder": first.ladder, "protocol_file": None}
    return dataclasses.replace(recipe, **ways, teacher=first.teacher, serving=first.serving)


def _by_price(first: Serving, own: Serving) -> TokenCosts:
    """Give prices as whole numbers of the largest unit that makes all four of them whole."""
    prices = [Fraction(str(price)) for side in (first, own) for price in (side.price_prompt, side.price_completion)]
    unit = math.lcm(*(price.denominator for price in prices))
    of_first, of_own = prices[:2], [int(price * unit) for price in prices[2:]]
    return TokenCosts((of_first[0] * unit, of_first[1] * unit), (of_own[0], of_own[1]))


def parameters_of(context: Context, teacher: Artifact) -> int | None:
    """Count the parameters of a recipe's teacher: as the recipe says, else its weights; None if it cannot be told."""
    recipe = context.recipe
    if recipe.serving.parameters:
        return recipe.serving.parameters
    if recipe.teacher.teacher == NANO and not teacher.made:
        from toolkit.nano.pretrain import NanoSettings, count_parameters

        return count_parameters(NanoSettings(**nano_options(context, "teacher")))
    if not teacher.path.is_dir():
        return None
    from toolkit.models.networks import count_weights

    return count_weights(teacher.path, f"teacher {recipe.teacher.teacher}")


def flops_of(context: Context, teacher: Artifact, tokens: int) -> int | None:
    """Give the FLOPs behind tokens of prompts and completions; None where the teacher's size cannot be told."""
    size = parameters_of(context, teacher)
    return None if size is None else FLOPS * size * tokens
