"""The corpus: responses are judged, joined into files by shell x increment, and searched for held-out questions."""

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.corpora.budgets import file_name
from toolkit.corpora.decontamination import assert_clean
from toolkit.pipeline.cells import corpora_of, corpus_name
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.judge import CorpusJudge, judged_by
from toolkit.pipeline.protocol import has_steps
from toolkit.pipeline.source import Part, Source, responses_of, rows_of
from toolkit.pipeline.stages.journal_index import Row, judged_rows
from toolkit.pipeline.stages.pool import held_out_questions, procedural
from toolkit.pipeline.teacher import teacher_name
from toolkit.pipeline.training_prompts import own_prompts, prompts_of_rows
from toolkit.prompt import contents
from toolkit.verification.verdicts import VERDICTS
from toolkit.workers import Counted
from toolkit.workspace import Artifact, to_json, write_atomic


@dataclasses.dataclass(frozen=True)
class Corpus:
    """The corpus files of the run's parts: one artifact per shell x increment.

    Attributes:
        parts: by shell x increment.
        corpora: (questions, budget) of every corpus that they make up.
        has_steps: whether a response takes several completions.
    """

    parts: Mapping[Part, Artifact]
    corpora: Sequence[tuple[int, int]]
    has_steps: bool = False

    @property
    def made(self) -> bool:
        """Tell whether every file is there."""
        return all(part.made for part in self.parts.values())

    @functools.cached_property
    def statistics(self) -> Mapping[tuple[int, int], Mapping[str, Any]]:
        """Count what each corpus holds, by (questions, budget); empty for one that is not made."""
        return {corpus: _statistics(self.parts, *corpus) for corpus in self.corpora} if self.made else {}

    @functools.cached_property
    def ledgers(self) -> Mapping[tuple[int, int], Mapping[str, Mapping[str, int]]]:
        """Count the steps of each corpus, by (questions, budget) and step; empty where a response is one completion."""
        return {corpus: self.ledger(*corpus) for corpus in self.corpora} if self.made and self.has_steps else {}

    def ledger(self, questions: int, budget: int) -> dict[str, dict[str, int]]:
        """Count what one corpus took of its teacher, by step."""
        from toolkit.corpora.steps import count_answers, count_steps

        files = partial(_cell_files, self.parts, questions, budget)
        if self.has_steps:
            return count_steps(files("steps"), files("accepted"))
        return count_answers(files("accepted"), files("rejected"))

    def accepted(self, questions: int, budget: int) -> list[tuple[Artifact, str]]:
        """List (artifact, file in it) of the accepted responses to a question subset at `budget`, in corpus order."""
        return self._side("accepted", questions, budget)

    def rejected(self, questions: int, budget: int) -> list[tuple[Artifact, str]]:
        """List, as `accepted`, the files of the responses that were not accepted, or repeat an accepted one."""
        return self._side("rejected", questions, budget)

    def _side(self, side: str, questions: int, budget: int) -> list[tuple[Artifact, str]]:
        return [
            (part, f"data/{side}/{file_name(shell, rung)}")
            for (shell, rung), part in self.parts.items()
            if shell.stop <= questions and rung[1] <= budget
        ]


def find_verdicts(context: Context, source: Source) -> dict[Part, Artifact]:
    """Look up the verdicts on a source's responses."""
    return {part: context.workspace.planned("verdicts", verdict_inputs(context, source, part)) for part in source.parts}


def find_corpus(context: Context, source: Source) -> Corpus:
    """Look up the corpus of a source."""
    parts = {
        part: context.workspace.planned("corpus", file_inputs(context, source, part, verdicts))
        for part, verdicts in find_verdicts(context, source).items()
    }
    return Corpus(parts, corpora_of(context.run), has_steps(context.recipe))


def find_corpus_leaks(context: Context, pool: Artifact, corpus: Corpus) -> Artifact:
    """Look up the search of a corpus for held-out questions."""
    return context.workspace.planned("leaks", _leak_inputs(context, pool, corpus))


def verdict_inputs(context: Context, source: Source, part: Part) -> dict[str, Any]:
    """Give what the verdicts on a part of the responses are made from."""
    inputs = {"responses": source.digests[part], **judged_by(context, source.pool), **_labelled_by(source)}
    return inputs | _protocol_inputs(context, source, part)


def verdicts_stage(context: Context, source: Source, judge: CorpusJudge) -> dict[Part, Artifact]:
    """Judge every response of the run's parts."""
    with context.progress.stage("verdicts") as stage:
        verdicts = {
            part: context.build(
                stage, "verdicts", verdict_inputs(context, source, part), _judging(context, source, part, judge)
            )
            for part in source.parts
        }
        stage.text = counted(context, verdicts)
    return verdicts


def counted(context: Context, verdicts: Mapping[Part, Artifact]) -> str:
    """Say how many responses have each verdict, and how many accepted ones show a wrong step."""
    counts: Counter[str] = sum((Counter(part.facts.get("verdicts", {})) for part in verdicts.values()), Counter())
    text = ", ".join(f"{counts[verdict]:,} {verdict}" for verdict in reversed(VERDICTS) if counts[verdict])
    wrong = sum(part.facts.get("wrong_steps", 0) for part in verdicts.values())
    if context.recipe.verification.check_steps and counts["accepted"]:
        text += f"; {wrong / counts['accepted']:.1%} of the accepted show a wrong step"
    return text


def _judging(context: Context, source: Source, part: Part, judge: CorpusJudge) -> Callable[[Path], dict[str, Any]]:
    def make(out: Path) -> dict[str, Any]:
        from toolkit.corpora.build import open_rows

        golds = [row["answer"] for row in source.questions]
        counts, wrong_steps = Counter[str](), 0
        with open_rows(out / "verdicts.parquet", _verdict_schema()) as file:
            rows = judged_rows(judge, golds, rows_of(source, part))
            for (row, answer), prompt in zip(rows, own_prompts(context, source, part), strict=True):
                judged = judge.without_leaks(answer, contents(prompt)) if prompt else answer
                file.add({"question_id": row["question_id"], "index": row["index"], **judged._asdict()})
                counts[judged.verdict] += 1
                wrong_steps += bool(judged.wrong_step)
        return {"verdicts": dict(counts), "wrong_steps": wrong_steps}

    return make


def _verdict_schema() -> Any:
    import pyarrow as pa

    text = [(name, pa.string()) for name in ("question_id", "verdict", "extracted")]
    return pa.schema([text[0], ("index", pa.int32()), *text[1:], ("wrong_step", pa.bool_())])


def corpus_stage(context: Context, source: Source, verdicts: Mapping[Part, Artifact]) -> Corpus:
    """Join responses and verdicts into accepted and rejected files, and count what each budget holds.

    Raises:
        StageError: when a part that a student would be trained on holds no accepted response.
    """
    with context.progress.stage("corpus") as stage:
        parts = {part: _files(context, stage, source, part, verdicts[part]) for part in source.parts}
        corpus = Corpus(parts, corpora_of(context.run), has_steps(context.recipe))
        stage.text = described(context, corpus)
    return corpus


def described(context: Context, corpus: Corpus) -> str:
    """Say how many accepted responses the corpora hold that students are trained on.

    Raises:
        StageError: one holds none.
    """
    trained = {name: counts for name, counts in corpus.statistics.items() if name[1] in context.run.budgets}
    for (_, budget), counts in trained.items():
        _refuse_empty(counts, budget)
    named = [f"{corpus_name(context.recipe, *name)} {counts['accepted']:,}" for name, counts in trained.items()]
    return f"accepted responses: {', '.join(named)}" if named else "not made yet"


def file_inputs(context: Context, source: Source, part: Part, verdicts: Artifact) -> dict[str, Any]:
    """Give what the corpus files of a part are made from."""
    from toolkit.corpora.build import SCHEMA

    counting = context.recipe.ladder.counting
    return {
        "responses": source.digests[part],
        "verdicts": verdicts.digest,
        "questions": source.pool.file("questions.parquet"),
        "cell": [part[0].name, part[0].start, part[0].stop, *part[1]],
        "teacher": list(teacher_name(context, source.teacher)),
        "columns": SCHEMA.names,
        **_labelled_by(source),
        # Where repeats do not train; elsewhere the rows alone make the corpus.
        **({"counting": counting} if counting == "accepted" else {}),
        **_step_inputs(context, source, part),
    }


def _labelled_by(source: Source) -> dict[str, Any]:
    """Give what the answers of new questions depend on; nothing for seeds."""
    return {"labels": source.labels.digest if source.labels else None} if source.made else {}


def _protocol_inputs(context: Context, source: Source, part: Part) -> dict[str, Any]:
    """Give what a student reads before a response depends on, where a protocol has steps and says so."""
    sampling = context.recipe.sampling
    if not has_steps(context.recipe):
        return {}
    made = {"protocol": sampling.protocol, "options": sampling.protocol_options, "prompt": sampling.prompt}
    prompts = {"prompts": sampling.protocol_prompts} if sampling.protocol_prompts else {}
    return {"steps": source.rows[part].steps_digest if source.rows else None, **made, **prompts}


def _step_inputs(context: Context, source: Source, part: Part) -> dict[str, Any]:
    """Give what else the files are made from where a protocol has steps."""
    from toolkit.corpora.steps import SCHEMA

    inputs = _protocol_inputs(context, source, part)
    return inputs | {"step_columns": SCHEMA.names} if inputs else {}


def _files(context: Context, stage: Any, source: Source, part: Part, verdicts: Artifact) -> Artifact:
    from toolkit.corpora.build import build_cell
    from toolkit.corpora.steps import write_steps

    def make(out: Path) -> dict[str, Any]:
        prompts = prompts_of_rows(context, source, part, lambda: _trained(source, part, verdicts))
        rows = ({**row, "prompt": prompt} for row, prompt in zip(_joined(source, part, verdicts), prompts, strict=True))
        if has_steps(context.recipe):
            write_steps(out / "data" / "steps" / file_name(*part), responses_of(source, part))
        build_cell(out, rows, *part, *teacher_name(context, source.teacher))
        return {}

    return context.build(stage, "corpus", file_inputs(context, source, part, verdicts), make)


def _joined(source: Source, part: Part, verdicts: Artifact) -> Iterator[Row]:
    """Yield question, response and verdict of each row of the part, sorted by (index, position)."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(verdicts.path / "verdicts.parquet") as file:
        judged = (verdict for batch in file.iter_batches(batch_size=10_000) for verdict in batch.to_pylist())
        for row, verdict in zip(rows_of(source, part), judged, strict=True):
            if (row["question_id"], row["index"]) != (verdict["question_id"], verdict["index"]):
                raise StageError(
                    f"{verdicts.path}: the verdicts are in another order than the responses; remove this folder"
                )
            yield source.questions[row["position"]] | row | verdict


def _trained(source: Source, part: Part, verdicts: Artifact) -> set[tuple[str, int]]:
    """Give question id and index of the rows of the part that train."""
    rows = _joined(source, part, verdicts)
    trained = (row for row in rows if row["verdict"] == "accepted" and not row["repeat"])
    return {(row["question_id"], row["index"]) for row in trained}


def _statistics(parts: Mapping[Part, Artifact], questions: int, budget: int) -> dict[str, Any]:
    from toolkit.corpora.statistics import cell_statistics

    sides = (_cell_files(parts, questions, budget, side) for side in ("accepted", "rejected"))
    return dataclasses.asdict(cell_statistics(*sides))


def _cell_files(parts: Mapping[Part, Artifact], questions: int, budget: int, name: str) -> list[Path]:
    own = (part for part in parts if part[0].stop <= questions and part[1][1] <= budget)
    return [parts[part].path / "data" / name / file_name(*part) for part in own]


def _refuse_empty(statistics: Mapping[str, Any], budget: int) -> None:
    if not statistics["accepted"]:
        counts = ", ".join(f"{statistics[verdict]:,} {verdict}" for verdict in VERDICTS if statistics[verdict])
        raise StageError(
            f"no response was accepted at r = {budget} ({counts}), so there is nothing to train on. Use a "
            "stronger teacher, easier questions, or check that the answer pattern fits what the teacher writes"
        )


def corpus_leaks_stage(context: Context, pool: Artifact, corpus: Corpus) -> None:
    """Search every accepted row of the corpus, all that trains of it, for test and dev questions."""
    inputs = _leak_inputs(context, pool, corpus)

    def make(out: Path) -> Mapping[str, Any]:
        files = [
            part.path / name for part, name in corpus.accepted(max(context.recipe.subsets), max(context.run.budgets))
        ]
        texts = Counted(corpus_texts(files, corpus.has_steps), lambda done, total: stage.tick("leaks", done, total))
        assert_clean(held_out_questions(pool.path, seeds=False), texts, "the corpus", procedural=procedural(context))
        counted = {"corpus": texts.count}
        write_atomic(out / "clean.json", to_json({"texts": counted, "leaks": 0}))
        return {"texts": counted}

    with context.progress.stage("leaks") as stage:
        checked = context.build(stage, "leaks", inputs, make)
        texts = sum(checked.facts.get("texts", {}).values())
        stage.text = f"no test or dev question in {texts:,} texts of the corpus" if texts else "the corpus"


def _leak_inputs(context: Context, pool: Artifact, corpus: Corpus) -> dict[str, Any]:
    return {
        "pool": pool.digest,
        "corpus": [part.digest for part in corpus.parts.values()],
        "procedural": procedural(context),
    }


def corpus_texts(files: Iterable[Path], has_steps: bool) -> Iterator[str]:
    """Yield question and response of every row, and with steps what a student reads beside them.

    The question is taken out of what the student reads: the numbers of an attempt or a critique beside it would make it
    look like another question in the same words.
    """
    import pyarrow.parquet as pq

    columns = ["question", "response", *(["messages"] if has_steps else [])]
    for path in files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=10_000, columns=columns):
                for row in batch.to_pylist():
                    yield from (row["question"], row["response"])
                    if has_steps:
                        yield contents(row["messages"][:-1]).replace(row["question"], "\n")
