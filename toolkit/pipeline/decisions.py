"""What a whole run decides from its results, by the rules of its recipe: a verdict, a table, a figure, a sentence."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.pipeline.corpus import Corpus
from toolkit.pipeline.forecasts import written_forecasts
from toolkit.pipeline.job import Job
from toolkit.pipeline.results import what_varies
from toolkit.recipe.decision_rules import Rules
from toolkit.recipe.sections import Recipe
from toolkit.reports.rules.verdict import CANNOT_TELL, NoAnswer
from toolkit.workspace import Artifact, to_json, write_atomic


def rules_of(recipe: Recipe) -> Rules:
    """The recipe's decision rules; the control that counts is its first."""
    settings: dict[str, Any] = {"control": recipe.controls[0], **recipe.decisions.rules}
    return Rules(**settings)


def decisions_stage(
    job: Job, results: Mapping[str, Artifact], release: Artifact, corpus: Corpus
) -> dict[str, Artifact]:
    """A decision for each of the recipe's `decide`, once all of it is measured; by where it lies among the results.

    Args:
        results: `curves`, and the laws with the forecasts that were written before their held-out rungs were trained.
        release: the folder with the responses of `corpus`; its card and version are no part of what is decided on.
    """
    chosen = job.recipe.decisions.decide if job.run.whole else ()
    asked = {"rules": rules_of(job.recipe), "results": results["curves"].digest, "title": job.recipe.title}
    decided = {}
    for rule in chosen:
        inputs = {**asked, "rule": rule, "notes": _notes(job.recipe)}
        if rule == "law":
            inputs["laws"] = [made.digest for place, made in results.items() if place != "curves"]
        if rule == "saturation":
            inputs["corpus"] = [part.digest for part in corpus.parts.values()]
        with job.progress.stage("decision") as stage:
            made = job.build(stage, "decision", inputs, partial(_decide, job, rule, results, release))
            stage.text = f"{rule}: {made.facts['verdict']}" if made.made else rule
        decided[f"decisions/{rule}"] = made
    return decided


def _notes(recipe: Recipe) -> list[str]:
    return [f"Replicates: {what_varies(recipe)}.", *recipe.release.limits[:1]]


def _decide(job: Job, rule: str, results: Mapping[str, Artifact], release: Artifact, out: Path) -> dict[str, Any]:
    from toolkit.laws.curve.data import NoCurve
    from toolkit.reports.results import read_results
    from toolkit.reports.rules.decide import Question, decide, write_decision
    from toolkit.reports.solutions import release_paths

    recipe, curves = job.recipe, results["curves"].path
    experiment, every = read_results(curves / "curves.parquet", curves / "items.parquet")
    labels = list(release_paths(release.path, recipe.ladder.ladder_questions)) if rule == "saturation" else []
    written = written_forecasts(results, recipe.law.confirm or recipe.law.held_out) if rule == "law" else []
    question = Question(rule, written=written, labels=labels, notes=_notes(recipe))
    try:
        decision = decide(question, experiment, every, rules_of(recipe))
    except (NoAnswer, NoCurve) as error:  # that these results do not allow the rule is an answer, and costs no other
        told = {"verdict": CANNOT_TELL, "sentence": f"The rule does not apply to these results: {error}"}
        write_atomic(out / f"{rule}.json", to_json({"rule": rule, "experiment": experiment, **told}))
        return told
    write_decision(out, decision, every, recipe.title)
    return {"verdict": decision.verdict, "sentence": decision.sentence}
