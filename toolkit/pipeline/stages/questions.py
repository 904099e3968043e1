"""New questions of an arm: made from the seeds by its protocol, answered as these are, labelled by the answers."""

import dataclasses
import functools
import json
import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from toolkit.corpora.decontamination import leak_finder
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.judge import judged_by
from toolkit.pipeline.protocol import made_from, question_protocol_of
from toolkit.pipeline.source import Source
from toolkit.pipeline.stages.pool import held_out_questions, procedural
from toolkit.pipeline.teacher import NANO, is_served, nano_domain, nano_formats
from toolkit.protocols.contract import Filter, ProtocolFault, Question, QuestionProtocol
from toolkit.recipe.documents import OPTION, documents_name, read_documents
from toolkit.synthesis.journal import Journal, Ledger, Response, Usage, book, read_journal
from toolkit.synthesis.labels import Label, label_precision, label_responses, verified_label
from toolkit.synthesis.questions import SYNTHESIS, Synthesised, SynthesisError
from toolkit.verification.judge import Judge
from toolkit.workspace import Artifact, hash_of, to_json, write_atomic

Synthesise = Callable[..., Synthesised]

UNREADABLE = "unreadable"  # to an embedded model, which knows the words of its pool and no other


def find_questions(context: Context, source: Source, allowed: int | None) -> Artifact:
    """Look up the new questions of a source.

    Args:
        source: with the seeds that they are made from.
        allowed: samples that calls and answers may take together; None for as many new questions as seeds.
    """
    return context.workspace.planned("questions", _inputs(context, source, allowed))


def questions_stage(context: Context, source: Source, allowed: int | None, synthesise: Synthesise) -> Artifact:
    """Make the new questions of a source, with those that were dropped and why.

    Args:
        synthesise: asks for new questions; is given stage, journal, protocol, how many, and what finds held-out ones.

    Raises:
        StageError: where they do not come about.
    """
    protocol = sifting(context)
    held_out = leak_finder(held_out_questions(source.pool.path, seeds=False), procedural=procedural(context))

    def make(out: Path) -> dict[str, Any]:
        with Journal(source.journal) as journal:
            ask = functools.partial(synthesise, stage, journal, protocol, held_out=held_out)
            made = ask(len(source.questions)) if allowed is None else _within(context, source, allowed, ask)
        rows = [question._asdict() | {"answer": ""} for question in made.questions]
        write_atomic(out / "questions.json", to_json(rows))
        write_atomic(out / "dropped.json", to_json([question._asdict() for question in made.dropped]))
        took = _ledger(source, made)
        counts: dict[str, Any] = {"questions": len(rows), "dropped": len(made.dropped), "failed": len(made.failed)}
        counts["ledger"] = {step: _as_counts(usage) for step, usage in took.items()}
        expands = {"expands": True} if context.recipe.documents else {}
        return counts | expands | {"rounds": [*map(str, made.counts)]}

    with context.progress.stage("questions") as stage:
        try:
            questions = context.build(stage, "questions", _inputs(context, source, allowed), make)
        except (SynthesisError, ProtocolFault) as error:
            raise StageError(str(error)) from error
        stage.text = described(questions)
    return questions


def sifting(context: Context) -> QuestionProtocol:
    """Give the protocol of new questions; where a model is an embedded one, it also drops what that cannot read."""
    protocol = question_protocol_of(context.recipe)
    if not _embedded(context):
        return protocol
    return protocol._replace(filters={UNREADABLE: _unreadable(context), **protocol.filters})


def _embedded(context: Context) -> bool:
    """Tell whether an embedded model answers new questions, or learns from them: such a base reads a domain's alone."""
    recipe = context.recipe
    answers = recipe.teacher.teacher == NANO and not is_served(recipe)
    return answers or (recipe.base.base == NANO and procedural(context))


def _unreadable(context: Context) -> Filter:
    from toolkit.nano.tokenizer import build_tokenizer, unreadable

    tokenizer = build_tokenizer(nano_domain(context.recipe), nano_formats(context.recipe))
    return lambda text, known: bool(unreadable(tokenizer, [text]))


def seeds_of(context: Context, source: Source, held_out: Callable[[str], bool]) -> list[Question]:
    """Give what new questions are made of: the seeds, or the documents of an arm without those that leak.

    Raises:
        StageError: for documents that are not those of the recipe any more, or all of which have held-out questions.
    """
    if not (folder := context.recipe.documents):
        return made_from(context.recipe, source.questions)
    documents = read_documents(folder)
    if documents_name(folder, documents) != context.recipe.sampling.protocol_options[OPTION]:
        raise StageError(f"{folder}: its documents changed since the recipe was read; run again")
    clean = [Question(name, text) for name, text in documents.items() if not held_out(text)]
    if not clean:
        raise StageError(f"{folder}: held-out questions are in all of its {len(documents):,} documents; give others")
    context.progress.say(
        f"source expansion: questions of {len(clean):,} documents, {len(documents) - len(clean):,} with held-out "
        "questions left out"
    )
    return clean


def described(questions: Artifact) -> str:
    """Say how many new questions there are, and what became of the other candidates."""
    facts = questions.facts
    expands = " (source expansion: made of documents)" * facts.get("expands", False)
    return f"{facts['questions']:,} new questions{expands}, {facts['dropped']:,} dropped; {facts['rounds'][-1]}"


def with_questions(source: Source, questions: Artifact) -> Source:
    """Give the source its new questions in the place of the seeds, without answers; none before they are made."""
    rows = json.loads((questions.path / "questions.json").read_text(encoding="utf-8")) if questions.made else []
    return dataclasses.replace(source, questions=rows, made=questions)


def _inputs(context: Context, source: Source, allowed: int | None) -> dict[str, Any]:
    seeds = hash_of([row["question_id"] for row in source.questions])
    budget = max(context.run.budgets) if allowed is not None else None
    inputs = {"source": source.key, "seeds": seeds, "allowed": allowed, "budget": budget}
    return inputs | ({UNREADABLE: "dropped"} if _embedded(context) else {})


def _within(context: Context, source: Source, allowed: int, ask: Callable[[int], Synthesised]) -> Synthesised:
    """Make as many new questions as can be made and answered with so many samples.

    Each trial asks for as many as would fit if calls cost what they have cost so far; none asks for calls twice.
    """
    budget, wanted = max(context.run.budgets), 1
    while True:
        made = ask(wanted)
        spent = sum(usage.samples for usage in _ledger(source, made).values())
        each = spent / max(len(made.questions), 1)
        fitting = math.floor((allowed - spent) / budget)
        if fitting < 1:
            raise StageError(
                f"the calls for a first new question took {spent:,} of {allowed:,} samples, and {budget} answers "
                "do not fit: lower `calls_per_round` in protocol_options, or raise ladder_questions or budgets"
            )
        if fitting <= wanted:
            return dataclasses.replace(made, questions=made.questions[:fitting])
        wanted += max(math.floor((allowed - spent - wanted * budget) / (budget + each)), 1)


def _ledger(source: Source, made: Synthesised) -> Ledger:
    """Count what the calls behind some new questions took; a journal may have more, of an arm that asked for more."""
    calls, ledger = sum(count.calls for count in made.counts), Ledger()
    for row in read_journal(source.journal):
        if row.question_id == SYNTHESIS and row.index < calls:
            book(ledger, row)
    return ledger


def _as_counts(usage: Usage) -> dict[str, int]:
    """Give what calls took as a corpus counts it; none of them trains."""
    samples, prompt_tokens, tokens = usage
    return {"samples": samples, "kept": 0, "prompt_tokens": prompt_tokens, "tokens": tokens}


def find_labels(context: Context, source: Source) -> Artifact:
    """Look up the labels of a source's new questions."""
    return context.workspace.planned("labels", _label_inputs(context, source))


def labels_stage(context: Context, source: Source, judge: Judge) -> Artifact:
    """Label each new question by the answer that most of its responses agree on."""

    def make(out: Path) -> dict[str, Any]:
        votes = _votes(source)
        labels = {row["question_id"]: _label(judge, row, votes[row["question_id"]]) for row in source.questions}
        write_atomic(out / "labels.json", to_json({name: label._asdict() for name, label in labels.items()}))
        return _label_facts(context, source, labels, judge)

    with context.progress.stage("labels") as stage:
        labels = context.build(stage, "labels", _label_inputs(context, source), make)
        stage.text = labelled(labels)
    return labels


def _label(judge: Judge, row: Mapping[str, Any], responses: list[Response]) -> Label:
    """Label a question by its responses, and one of a document only where they agree with what the document says."""
    label = label_responses(judge, responses)
    return verified_label(row["extracted"], label, judge) if row.get("extracted") else label


def labelled(labels: Artifact) -> str:
    """Say how many new questions have a label, and how many labels are right where that can be told."""
    facts = labels.facts
    text = f"{facts['labelled']:,} of {facts['questions']:,} new questions, mean share of votes {facts['share']:.2f}"
    if facts.get("verified"):
        text += f"; {facts['verified']:,} verified: the answer that their document gives"
    if facts["known"]:
        text += f"; {facts['right']:,} of the {facts['known']:,} labels whose truth is known are right"
    return text


def with_labels(source: Source, labels: Artifact) -> Source:
    """Give the source the labels of its new questions as their answers; one without a label has an empty one."""
    known = json.loads((labels.path / "labels.json").read_text(encoding="utf-8")) if labels.made else {}
    rows = [row | {"answer": known.get(row["question_id"], {}).get("label") or ""} for row in source.questions]
    return dataclasses.replace(source, questions=rows, labels=labels)


def _label_inputs(context: Context, source: Source) -> dict[str, Any]:
    responses = hash_of([source.digests[part] for part in source.parts])
    questions = source.made.digest if source.made else None
    return {"questions": questions, "responses": responses, **judged_by(context, source.pool)}


def _votes(source: Source) -> Mapping[str, list[Response]]:
    from toolkit.pipeline.replay import response_of
    from toolkit.pipeline.source import rows_of

    votes: dict[str, list[Response]] = defaultdict(list)
    for part in source.parts:
        for row in rows_of(source, part):
            votes[row["question_id"]].append(response_of(row))
    return votes


def _label_facts(context: Context, source: Source, labels: Mapping[str, Label], judge: Judge) -> dict[str, Any]:
    shares = [label.share for label in labels.values()]
    truths = {row["question_id"]: _truth(context, row["question"]) for row in source.questions}
    precision = label_precision(((label, truths[name]) for name, label in labels.items()), judge.same)
    return {
        "questions": len(labels),
        "labelled": sum(label.label is not None for label in labels.values()),
        "verified": sum(label.verified for label in labels.values()),
        "share": sum(shares) / max(len(shares), 1),
        "known": precision.labelled,
        "right": precision.right,
    }


def _truth(context: Context, question: str) -> str | None:
    """Compute the answer of a new question, where the domain of the seeds can read it."""
    from toolkit.domains import DOMAINS
    from toolkit.domains.domain import Domain

    domain = DOMAINS.get(context.recipe.pool.pool)
    learner = domain.learner if isinstance(domain, Domain) else None
    found = learner.parse(question) if learner else None
    return found.answer if found else None
