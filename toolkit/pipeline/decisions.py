"""What a whole run decides from its results, by the rules of its recipe: a verdict, a table, a figure, a sentence."""

from functools import partial
from pathlib import Path
from typing import Any

from toolkit.pipeline.job import Job, StageError
from toolkit.pipeline.results import what_varies
from toolkit.recipe import Recipe
from toolkit.reports.rules import CANNOT_TELL, Rules
from toolkit.workspace import Artifact, to_json, write_atomic


def rules_of(recipe: Recipe) -> Rules:
    """The recipe's decision rules; the control that counts is its first.

    Raises:
        StageError: for a setting that the rules do not have, or a value outside its range.
    """
    settings: dict[str, Any] = {"control": recipe.controls[0], **recipe.decisions.rules}
    try:
        return Rules(**settings)
    except (TypeError, ValueError) as error:
        known = ", ".join(name for name, value in vars(Rules()).items() if isinstance(value, float))
        raise StageError(f"{recipe.name}: rules: {error}; settings and their names: {known}") from error


def decisions_stage(job: Job, curves: Artifact, release: Artifact) -> dict[str, Artifact]:
    """A decision for each of the recipe's `decide`, once all of it is measured; by where it lies among the results."""
    law, chosen = job.recipe.law, job.recipe.decisions.decide if job.run.whole else ()
    asked = {"fit_max": law.fit_max, "held_out": law.confirm or law.held_out, "rules": rules_of(job.recipe)}
    decided = {}
    for rule in chosen:
        inputs = {**asked, "rule": rule, "results": curves.digest, "title": job.recipe.title}
        if rule == "saturation":
            inputs["corpus"] = release.digest
        with job.progress.stage("decision") as stage:
            made = job.build(stage, "decision", inputs, partial(_decide, job, rule, curves, release))
            stage.text = f"{rule}: {made.facts['verdict']}" if made.made else rule
        decided[f"decisions/{rule}"] = made
    return decided


def _decide(job: Job, rule: str, curves: Artifact, release: Artifact, out: Path) -> dict[str, Any]:
    from toolkit.reports.decisions import Question, decide, write_decision
    from toolkit.reports.paths_read import release_paths
    from toolkit.reports.results import read_results

    recipe = job.recipe
    experiment, every = read_results(curves.path / "curves.parquet", curves.path / "items.parquet")
    labels = list(release_paths(release.path, recipe.ladder.ladder_questions)) if rule == "saturation" else []
    question = Question(
        rule,
        fit_max=recipe.law.fit_max,
        held_out=recipe.law.confirm or recipe.law.held_out,
        labels=labels,
        notes=[f"Replicates: {what_varies(recipe)}.", *recipe.release.limits[:1]],
    )
    try:
        decision = decide(question, experiment, every, rules_of(recipe))
    except ValueError as error:  # a rule that these results do not allow is an answer, too, and costs no other
        told = {"verdict": CANNOT_TELL, "sentence": f"The rule does not apply to these results: {error}"}
        write_atomic(out / f"{rule}.json", to_json({"rule": rule, "experiment": experiment, **told}))
        return told
    write_decision(out, decision, every, recipe.title)
    return {"verdict": decision.verdict, "sentence": decision.sentence}
