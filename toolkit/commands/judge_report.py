"""Write what `fss judge` prints: verdicts and their shares, how they compare with labels, and example rows."""

import textwrap
from collections import Counter
from dataclasses import dataclass, field

from toolkit.commands.judge_rows import UNJUDGED, JudgedRow
from toolkit.verification.verdicts import VERDICTS

_ALWAYS = ("accepted", "rejected", "unparsable")
_ORDER = (*_ALWAYS, *(verdict for verdict in reversed(VERDICTS) if verdict not in _ALWAYS), UNJUDGED)
_WIDE = 80


@dataclass
class JudgeTally:
    """Counts over judged rows, and the first `examples` rows of each kind of error."""

    examples: int
    verdicts: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Counter[str]] = field(default_factory=dict)  # verdicts of each kind
    wrong: Counter[tuple[str, bool]] = field(default_factory=Counter)  # (kind, accepted) -> against the label
    labels: Counter[tuple[bool, bool]] = field(default_factory=Counter)  # (labelled right, judged right) -> rows
    unlabelled: int = 0
    false_accepts: list[JudgedRow] = field(default_factory=list)
    false_rejects: list[JudgedRow] = field(default_factory=list)
    unjudged: list[JudgedRow] = field(default_factory=list)
    first: JudgedRow | None = None  # of the unjudged rows

    def add(self, row: JudgedRow) -> None:
        """Count a row."""
        self.verdicts[row.verdict] += 1
        self.kinds.setdefault(row.kind, Counter())[row.verdict] += 1
        if row.verdict == UNJUDGED:
            self.first = self.first or row
            self._keep(self.unjudged, row)
            return
        if row.right is None:
            self.unlabelled += 1
            return
        accepted = row.verdict == "accepted"
        self.labels[row.right, accepted] += 1
        if row.right != accepted:
            self.wrong[row.kind, accepted] += 1
            self._keep(self.false_accepts if accepted else self.false_rejects, row)

    def _keep(self, rows: list[JudgedRow], row: JudgedRow) -> None:
        if len(rows) < self.examples:
            rows.append(row)

    @property
    def rows(self) -> int:
        """Return how many rows were counted."""
        return self.verdicts.total()


def as_text(tally: JudgeTally, label: str | None) -> str:
    """Write the whole report, at most 80 columns wide; `label` names the column with labels, if there is one."""
    parts = [_verdicts(tally)]
    if len(tally.kinds) > 1:
        parts.append(_kinds(tally, label))
    if label:
        parts.append(_agreement(tally, label))
        parts += _examples("false accepts", tally.false_accepts, tally.labels[False, True])
        parts += _examples("false rejects", tally.false_rejects, tally.labels[True, False])
    parts += _examples("unjudged", tally.unjudged, tally.verdicts[UNJUDGED])
    return "\n\n".join(parts)


def _verdicts(tally: JudgeTally) -> str:
    rows = [verdict for verdict in _ORDER if verdict in _ALWAYS or tally.verdicts[verdict]]
    lines = [f"{'verdict':<12}{'rows':>12}{'share':>10}"]
    lines += [_line(verdict, tally.verdicts[verdict], tally.rows) for verdict in rows]
    return "\n".join([*lines, f"{'all':<12}{tally.rows:>12,}"])


def _line(name: str, count: int, of: int) -> str:
    return f"{name:<12}{count:>12,}{_share(count, of):>10}"


def _share(count: int, of: int) -> str:
    return f"{count / of:.1%}".replace("%", " %") if of else "-"


def _kinds(tally: JudgeTally, label: str | None) -> str:
    against = f"{'false accepts':>16}{'false rejects':>16}" if label else ""
    lines = [f"{'kind':<12}{'rows':>12}{'accepted':>10}{against}"]
    for kind, counts in sorted(tally.kinds.items()):
        line = f"{kind:<12}{counts.total():>12,}{_share(counts['accepted'], counts.total()):>10}"
        against = f"{tally.wrong[kind, True]:>16,}{tally.wrong[kind, False]:>16,}" if label else ""
        lines.append(line + against)
    return "\n".join(lines)


def _agreement(tally: JudgeTally, label: str) -> str:
    labels = tally.labels
    same = labels[True, True] + labels[False, False]
    wrong, right = labels[False, True] + labels[False, False], labels[True, True] + labels[True, False]
    lines = [
        f"{'by ' + label:<18}{'accepted':>12}{'not accepted':>14}",
        f"{'  right':<18}{labels[True, True]:>12,}{labels[True, False]:>14,}",
        f"{'  wrong':<18}{labels[False, True]:>12,}{labels[False, False]:>14,}",
        "",
        f"{'agreement':<18}{same:>12,}{_share(same, labels.total()):>14}",
        _of("false accepts", labels[False, True], wrong, "wrong"),
        _of("false rejects", labels[True, False], right, "right"),
    ]
    if tally.unlabelled:
        lines.append(f"{'without a label':<18}{tally.unlabelled:>12,}")
    return "\n".join(lines)


def _of(name: str, count: int, labelled: int, as_what: str) -> str:
    return f"{name:<18}{count:>12,}{_share(count, labelled):>14} of those labelled {as_what}"


def _examples(title: str, rows: list[JudgedRow], count: int) -> list[str]:
    if not rows:
        return []
    which = f"{count:,}" if count == len(rows) else f"the first {len(rows)} of {count:,}"
    return ["\n".join([f"{title}, {which}:", *(_row(row) for row in rows)])]


def _row(row: JudgedRow) -> str:
    answer = "no answer" if row.extracted is None else f"answer {_cut(row.extracted, 30)}"
    text = row.problem or f"gold {_cut(row.gold, 30)}, {answer}"
    prefix = f"  row {row.number}: "
    return textwrap.fill(" ".join(text.split()), _WIDE, initial_indent=prefix, subsequent_indent=" " * len(prefix))


def _cut(text: str, most: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[: most - 3]}..."
