"""Tell from a column's name what it measures, and from its values whether they are fractions or percent."""

import re
from collections.abc import Sequence

QUANTITIES = ("error", "accuracy", "loss")
UNITS = ("fraction", "percent")
# Whole words of a name, so that neither "emd" nor "empirical" is taken for "em".
WORDS = {
    "loss": r"loss|losses|nll|ppl|perplexity|perplexities|bpb|bpc|xent|ce|cross entropy|bits per (byte|char|character)",
    "accuracy": r"accuracy|accuracies|acc|correct|solved|pass|passed|passes|solve|solves|em|exact match|success|score|"
    r"maj|precision|recall|f1|correctness|win rate|hit rate|resolved",
    "error": r"error|errors|err|errs|wrong|incorrect|mistake|mistakes|fail|fails|failed|failure|failures|misses|miss|"
    r"wer|cer|unsolved|misclassified",
}
# Words of other quantities, whatever else the name says: spreads, counts, and errors that are not shares.
OTHER = (
    r"std|sd|stdev|stddev|stderr|se|sem|var|variance|ci|low|lower|high|upper|min|max|n|num|number|count|counts|total|of|"
    r"rmse|mse|mae|squared|absolute|relative|deviation|standard|margin|bars?|log|delta|diff|difference|change|gain|"
    r"improvement|reduction|drop|gap|id|ids|message|messages|type|time|not|non|no|without|minus"
)
PERCENT = re.compile(r"\b(percent|percentage|pct|perc)\b")
ONE_MINUS = re.compile(r"\s*1\s*[-\u2212]")


def words(name: str) -> str:
    """Return a name in small letters, with its words apart and nothing else: `Error_rate (%)` is "error rate"."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", name)
    return re.sub(r"[\W_]+", " ", apart).strip().lower()


def quantity_of(name: str) -> str | None:
    """Return "error", "accuracy" or "loss" where a column's name says so and nothing else, or None."""
    text = words(re.sub(r"@\s*\w+", " ", name))  # pass@n
    if ONE_MINUS.match(name) or re.search(rf"\b({OTHER})\b", text):
        return None
    matches = [quantity for quantity, pattern in WORDS.items() if re.search(rf"\b({pattern})\b", text)]
    return matches[0] if len(matches) == 1 else None


def quantity(name: str, declared: str | None) -> tuple[str, tuple[str, ...]]:
    """Return what a column measures, as `declared` or by its name, and notes on what was assumed.

    ValueError for an unknown quantity, and for a name that does not say.
    """
    if declared is not None and declared not in QUANTITIES:
        raise ValueError(f"quantity is {declared!r}: use one of {', '.join(QUANTITIES)}")
    kind = declared or quantity_of(name)
    if kind is None:
        raise ValueError(
            f"the name of column {name!r} does not tell what it measures: say --quantity error, accuracy or loss"
        )
    if declared or name == kind == "error":
        return kind, ()
    reading = "an accuracy: error = 1 - " + name if kind == "accuracy" else "an error" if kind == "error" else "a loss"
    return kind, (f"column {name!r} is read as {reading}",)


def unit_of(name: str, values: Sequence[float], signed: bool) -> str | None:
    """Return "percent" or "fraction" for errors or accuracies, or None where only their owner knows.

    Percent signs in the cells decide, and values above 1 where all values are; 0 is the same in both. Values of at most
    1 may be either among larger ones, or where the name says percent.
    """
    small = [value for value in values if 0 < value <= 1]
    if signed or (not small and max(values, default=0) > 1):
        return "percent"
    return None if len(small) < len([value for value in values if value]) or in_percent(name) else "fraction"


def in_percent(name: str) -> bool:
    """Say whether a column's name says that it holds percent."""
    return "%" in name or bool(PERCENT.search(words(name)))
