"""The tables of a release whose arm makes new questions, read from the journal of its source."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit.corpora.decontamination import leak_finder
from toolkit.corpora.new_questions import CALLS, DROPPED, KEPT, SCHEMAS, write_table
from toolkit.pipeline.context import Context
from toolkit.pipeline.protocol import question_protocol_of
from toolkit.pipeline.source import Source
from toolkit.pipeline.stages.pool import has_benchmark, held_out_questions, procedural
from toolkit.protocols.calls import read_questions
from toolkit.protocols.contract import ANSWER
from toolkit.recipe.documents import read_documents
from toolkit.synthesis.journal import Response, read_journal
from toolkit.synthesis.questions import SYNTHESIS
from toolkit.workspace import Artifact

Row = dict[str, Any]


def synthesis_tables(context: Context, source: Source) -> Artifact | None:
    """Make `new_questions.parquet`, `dropped_questions.parquet` and `calls.parquet`; None for an arm without them.

    Its facts say how the new questions were sifted: `seeds` that calls could read, `rounds` and `calls` in all, how
    many questions were `wanted`, the ids of the `documents` in place of seeds, and whether a `benchmark` was held out.
    """
    if not (source.made and source.labels):
        return None
    kept, dropped = (_read(source.made, name) for name in ("questions.json", "dropped.json"))
    labels = _read(source.labels, "labels.json")

    def make(out: Path) -> Mapping[str, Any]:
        held_out = leak_finder(held_out_questions(source.pool.path, seeds=False), procedural=procedural(context))
        facts = _facts(context, source, held_out)
        calls = list(_calls(source.journal, facts["calls"]))
        write_table(out, KEPT, (_kept(row, labels[row["question_id"]]) for row in kept))
        write_table(out, DROPPED, (row | {"text": None if held_out(row["text"]) else row["text"]} for row in dropped))
        write_table(out, CALLS, (row for call in calls for row in _steps(*call)))
        brought = sum(len(read_questions(final.text)) for final, _ in calls if not final.failed)
        return facts | {"wanted": brought - len(dropped)}

    named = {name: schema.names for name, schema in SCHEMAS.items()}
    inputs = {"questions": source.made.digest, "labels": source.labels.digest, "source": source.key, "columns": named}
    return context.workspace.build("synthesis", inputs, make)[0]


def _read(artifact: Artifact, name: str) -> Any:
    return json.loads((artifact.path / name).read_text(encoding="utf-8"))


def _facts(context: Context, source: Source, held_out: Callable[[str], bool]) -> Row:
    """Give what does not depend on the rows."""
    assert source.made
    recipe = context.recipe
    seeds, rounds = max(recipe.subsets), len(source.made.facts["rounds"])
    documents = _documents(recipe.documents, held_out) if recipe.documents else []
    per_round = question_protocol_of(recipe).calls_per_round or len(documents) or seeds
    benchmark = {"benchmark": recipe.evaluation.benchmark} if has_benchmark(recipe) else {}
    named = {"documents": documents} if documents else {}
    return {"seeds": seeds, "rounds": rounds, "calls": rounds * per_round, **named, **benchmark}


def _documents(folder: Path, held_out: Callable[[str], bool]) -> list[str]:
    """List the ids of the documents that calls read, in their order."""
    return [name for name, text in read_documents(folder).items() if not held_out(text)]


def _calls(journal: Path, count: int) -> Iterator[tuple[Response, list[Response]]]:
    """Yield what each of the first calls came to, with the completions that led to it."""
    finals: dict[int, Response] = {}
    steps: dict[int, list[Response]] = {}
    for row in read_journal(journal):
        if row.question_id != SYNTHESIS or row.index >= count:
            continue
        if not row.pending:
            finals[row.index] = row
        if row.pending and row.is_completion:
            steps.setdefault(row.index, []).append(row)
    for index in range(count):
        yield finals[index], steps.get(index, [])


def _steps(final: Response, steps: list[Response]) -> Iterator[Row]:
    """Yield the rows of a call: its completions, and what failed; a list that was made of them is none of these."""
    for row in [*steps, *([final] if final.is_completion or final.failed else [])]:
        yield {
            "question_id": SYNTHESIS,
            "response_index": row.index,
            "step": row.step or ANSWER * (not row.final),
            "occurrence": row.occurrence,
            "parents": list(row.parents),
            "text": row.text,
            "finish_reason": row.finish_reason,
            "prompt_tokens": row.prompt_tokens,
            "tokens": row.completion_tokens,
            "seed": row.seed,
            "model": row.model,
            "error": row.error,
        }


def _kept(row: Mapping[str, Any], label: Mapping[str, Any]) -> Row:
    return {**row, **label, "answer": label["label"] or ""}
