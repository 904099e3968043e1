"""Publish students, teachers and bases as model repos: safetensors, a card, results as the Hub reads them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import EvalResultEntry, ModelCard, ModelCardData, eval_result_entries_to_yaml
from huggingface_hub.utils import yaml_dump
from markupsafe import Markup

from toolkit.hub.cards.markdown import render
from toolkit.hub.cards.release import PAPER
from toolkit.hub.faults import explained
from toolkit.hub.manifest import FORMAT, MANIFEST, MODEL, NAME_DIGITS, File, Manifest, file_fact, in_order, text_fact
from toolkit.hub.scan import refuse_paths, refuse_pickles
from toolkit.hub.upload import Published, Target, check_repo, prepare, push, read_published
from toolkit.hub.version import Change, Refused, choose_version
from toolkit.workspace import hash_of, to_json, write_atomic

ADAPTER = "adapter_config.json"
CARDS = ("README.md", ".eval_results/")  # files that may change for the same weights


@dataclass(frozen=True)
class Score:
    """An accuracy on a release's held-out questions, in [0, 1], with the bounds of its interval at `level`.

    `note` says how the model was scored, so that readers see which scores are comparable.
    """

    accuracy: float
    low: float
    high: float
    level: float
    n: int
    note: str


@dataclass(frozen=True)
class Model:
    """What a model's card says; text is escaped when it is printed.

    Attributes:
        base_model, base_revision: repo of the base and its commit; an adapter must name them.
        data_repo, data_config, data_revision: its training data, the revision a commit; none for a teacher.
        recipe: the settings of its training by name.
        scores: accuracies on the `test` config of the data.
        license: identifier of the Hub.
    """

    title: str
    summary: str
    license: str
    base_model: str | None = None
    base_revision: str | None = None
    data_repo: str | None = None
    data_config: str | None = None
    data_revision: str | None = None
    recipe: Mapping[str, Any] | None = None
    scores: Sequence[Score] = ()
    limits: Sequence[str] = ()
    language: str = "en"
    tags: Sequence[str] = ("synthetic",)


def publish_model(
    folder: Path,
    repo: str,
    model: Model,
    target: Target,
    *,
    version: str | None = None,
) -> Published:
    """Publish an adapter or a whole model as the model repo `repo`, in one commit with one tag; see `push`.

    Args:
        folder: a model as `save_pretrained` writes it; a README in it is not published.
        version: the tag, or the next free one where that names another model. None tags by the digest of the files,
            so that each set of weights is pushed once and a release can name its commit: this is for teachers and
            bases, which have no versions.

    Raises:
        Refused: before any call, for weights other than safetensors, an adapter without the repo of its base, or a
            configuration that names a folder.
    """
    check_repo(repo)
    with TemporaryDirectory() as scratch:
        staged = Path(scratch)
        stage_weights(staged, folder, model)
        weights = _facts(staged)
        tag = f"weights-{hash_of(weights)[:NAME_DIGITS]}"
        if model.scores:
            write_atomic(staged / ".eval_results" / "test.yaml", yaml_dump(_results(model)))
        files = _facts(staged)
        if version is not None:
            remote = read_published(target, repo, "model", version)
            new, again = (_manifest(repo, model, files, name) for name in (version, remote.version or version))
            with explained(target.api, repo):
                tag = choose_version(new, again, remote, model_change, "text")
        write_atomic(staged / "README.md", _card(repo, model, files, tag))
        write_atomic(staged / MANIFEST, _manifest(repo, model, files, tag).text(MODEL))
        upload = prepare(staged, repo, "model", f"{model.title}, {tag}", [folder, *target.folders])
        return push(target, upload, weights_change if version is None else model_change)


def stage_weights(out: Path, folder: Path, model: Model) -> None:
    """Fill `out` with links to the model's files; an adapter's configuration then names its base by the repo."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    refuse_pickles(names)
    if not any(name.endswith(".safetensors") for name in names):
        raise Refused(
            f"{folder}: holds no *.safetensors, so it is not a model; give the folder that save_pretrained wrote"
        )
    for name in names:
        if name not in ("README.md", ADAPTER):
            (out / name).symlink_to((folder / name).resolve())
    if ADAPTER in names:
        write_atomic(out / ADAPTER, to_json(_adapter(folder, model)))
    refuse_paths({path.name: path for path in out.glob("*.json")})


def _manifest(repo: str, model: Model, files: Mapping[str, File], tag: str) -> Manifest:
    """Return the manifest of these files and the card under a tag."""
    fields = ("base_model", "base_revision", "data_repo", "data_revision", "data_config")
    return Manifest(
        format=FORMAT,
        version=tag,
        repo=repo,
        provenance={field: getattr(model, field) for field in fields},
        files=in_order({**files, "README.md": text_fact(_card(repo, model, files, tag))}),
    )


def model_change(old: Manifest, new: Manifest) -> Change:
    """Compare a model with the published one: any other files are a new version."""
    return Change("none" if old.files == new.files else "growth")


def weights_change(old: Manifest, new: Manifest) -> Change:
    """Compare a model that is identified by its weights with the published one: its card may differ."""
    return Change("none" if _weights(old) == _weights(new) else "growth")


def _weights(manifest: Manifest) -> dict[str, File]:
    return {name: file for name, file in manifest.files.items() if not name.startswith(CARDS)}


def _facts(folder: Path) -> dict[str, File]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_fact(path) for path in paths}


def _adapter(folder: Path, model: Model) -> dict[str, Any]:
    """Return the adapter's configuration with the base's repo and commit, from which `AutoPeftModel` loads it."""
    if not model.base_model:
        raise Refused(f"{folder}: an adapter needs its base; publish the base and name its repo")
    check_repo(model.base_model)
    config: dict[str, Any] = json.loads((folder / ADAPTER).read_text(encoding="utf-8"))
    return config | {"base_model_name_or_path": model.base_model, "revision": model.base_revision}


def _results(model: Model) -> list[dict[str, Any]]:
    """Return the scores in the form of `.eval_results/*.yaml`: accuracies as fractions."""
    if not model.data_repo:
        raise Refused(f"{model.title}: scores need the data repo whose test questions were asked")
    entries = [
        EvalResultEntry(
            dataset_id=model.data_repo,
            dataset_revision=model.data_revision,
            task_id="test",
            value=score.accuracy,
            notes=f"accuracy, {score.level:.0%} interval {score.low:.4f}-{score.high:.4f}, n = {score.n}; {score.note}",
        )
        for score in model.scores
    ]
    return eval_result_entries_to_yaml(entries)


def _card(repo: str, model: Model, files: Mapping[str, File], tag: str) -> str:
    adapter = ADAPTER in files
    front = ModelCardData(
        license=model.license,
        language=[model.language],
        library_name="peft" if adapter else "transformers",
        pipeline_tag="text-generation",
        base_model=model.base_model,
        datasets=[model.data_repo] if model.data_repo else None,
        tags=[*model.tags, PAPER],
    )
    values = {"model": model, "repo": repo, "tag": tag, "adapter": adapter}
    return str(ModelCard(render("model.md.jinja", front_matter=Markup(front.to_yaml()), **values)))
