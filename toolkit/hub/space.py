"""Publish the Space in one commit: the app, the part of the toolkit that it imports, its examples and its card."""

import ast
import json
import re
import shutil
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, SpaceCard, SpaceCardData
from markupsafe import Markup

from toolkit.hub.cards.markdown import render
from toolkit.hub.cards.release import PAPER
from toolkit.hub.faults import HubFault, attempts, explained
from toolkit.hub.manifest import FORMAT, MANIFEST, SPACE, Manifest, file_facts
from toolkit.hub.upload import Published, Target, Upload, check_repo, collect, prepare, read_remote, refuse_public
from toolkit.hub.version import SCAFFOLD, Refused, Remote
from toolkit.shipped import PACKAGE, shipped
from toolkit.workspace import hash_of, remove, write_atomic

HOME = PACKAGE.parent
APP = shipped("spaces/law")
TITLE = "When does generating more synthetic data help?"
PYTHON = "3.11"
REQUIRED = ("numpy", "scipy", "pandas", "plotly", "gradio", "datasets")
RESULTS = "results.txt"  # results that the app offers besides its examples, a name with its revision a line
NAMED = re.compile(r"[\w.-]+/[\w.-]+-results@[\w.-]+", re.ASCII)


@dataclass(frozen=True)
class Space:
    """The results and models of a bundle.

    Attributes:
        results: results datasets at their revisions, `org/name-results@v1.0.0`, offered besides the bundled examples.
        models: model repos that its card names.
    """

    results: Sequence[str] = ()
    models: Sequence[str] = ()

    @property
    def studies(self) -> list[str]:
        """Return the repos of the data that the results were measured on."""
        return [name.partition("@")[0].removesuffix("-results") for name in self.results]


def write_bundle(out: Path, space: Space) -> Manifest:
    """Fill the folder `out` with everything that the Space needs; equal input, equal bytes.

    Args:
        out: a new or empty folder, or an older bundle, which is replaced.

    Raises:
        Refused: for a folder that holds other things, or results without a revision.
    """
    _check(space)
    _clear(out)
    for name, path in _files().items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, out / name)
    pins = _pins()
    write_atomic(out / "requirements.txt", "".join(f"{name}=={pins[name]}\n" for name in REQUIRED))
    write_atomic(out / "README.md", _card(space, pins["gradio"]))
    if space.results:
        write_atomic(out / RESULTS, "".join(f"{name}\n" for name in space.results))
    files = file_facts(out)
    manifest = Manifest(format=FORMAT, version=f"bundle-{hash_of(files)[:12]}", files=files)
    write_atomic(out / MANIFEST, manifest.text(SPACE))
    return manifest


def _check(space: Space) -> None:
    for name in space.results:
        if not NAMED.fullmatch(name):
            raise Refused(f"{name[:120]!r} names no results at a revision; give org/name-results@v1.0.0")
    for name in space.models:
        check_repo(name)


def _clear(out: Path) -> None:
    """Remove an older bundle; refuse a folder with anything else in it."""
    out.mkdir(parents=True, exist_ok=True)
    if not any(out.iterdir()):
        return
    manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8")) if (out / MANIFEST).is_file() else {}
    if not str(manifest.get("version")).startswith("bundle-"):
        raise Refused(f"{out}: holds something other than a bundle of the Space; name a new or empty folder")
    remove(out)
    out.mkdir()


def _files() -> dict[str, Path]:
    """Return name in the bundle -> file: the app with its examples, and the toolkit's modules that it can import."""
    app = {
        path.relative_to(APP).as_posix(): path
        for path in sorted(APP.rglob("*"))
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(APP).parts)
    }
    modules = imported_files(path for path in app.values() if path.suffix == ".py")
    return app | {path.relative_to(HOME).as_posix(): path for path in sorted(modules)} | {"LICENSE": shipped("LICENSE")}


def imported_files(files: Iterable[Path]) -> set[Path]:
    """Return the files of the toolkit that these import, directly or through others, anywhere in their text."""
    imports: set[Path] = set()
    waiting = list(files)
    while waiting:
        new = {path for name in _imports(waiting.pop()) for path in _modules(name)} - imports
        imports |= new
        waiting += new
    return imports


def _imports(path: Path) -> Iterator[str]:
    for node in _run(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """Yield every node below this one except those that only a type checker reads."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _run(child)


def _modules(name: str) -> Iterator[Path]:
    """Yield the files that importing `a.b.c` runs, where `a` is the toolkit and `c` may be a name in `b`."""
    parts = name.split(".")
    if parts[0] != PACKAGE.name:
        return
    for end in range(1, len(parts) + 1):
        place = HOME.joinpath(*parts[:end])
        yield from (path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file())


def _pins() -> dict[str, str]:
    lines = shipped("constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


def _card(space: Space, gradio: str) -> str:
    front = SpaceCardData(
        title=TITLE,
        emoji="📈",
        colorFrom="blue",
        colorTo="yellow",
        sdk="gradio",
        sdk_version=gradio,
        python_version=PYTHON,
        app_file="app.py",
        license="apache-2.0",
        short_description="The law of fixed-source synthesis: fit, forecast, plan",
        datasets=[dataset for name in space.studies for dataset in (f"{name}-results", name)] or None,
        models=list(space.models) or None,
        tags=["synthetic", PAPER],
    )
    text = render("space.md.jinja", front_matter=Markup(front.to_yaml()), space=space, title=TITLE)
    return str(SpaceCard(text))


def publish_space(repo: str, space: Space, target: Target) -> Published:
    """Make the Space `repo` hold the bundle: one commit on the head that was read, or none where it already does.

    A Space shows the head of `main`, so bundles get no tag. A Space that shows results of its own owner is added to the
    collection of their name.

    Raises:
        Refused: for a Space that holds files of others; see also `write_bundle` and `toolkit.hub.upload.prepare`.
        HubFault: see `toolkit.hub.upload`.
    """
    with TemporaryDirectory() as scratch, explained(target.api, repo):
        version = write_bundle(Path(scratch), space).version
        upload = prepare(Path(scratch), repo, "space", f"Space {version}", target.folders)
        done = attempts()(_dry_run if target.dry else _push_once, target, upload)
    owner = repo.partition("/")[0]
    for study in space.studies:
        if study.startswith(f"{owner}/") and not target.dry:
            collect(target, study.removeprefix(f"{owner}/"), owner, [(repo, "space")])
    return done


def _push_once(target: Target, upload: Upload) -> Published:
    api = target.api
    where: dict[str, Any] = {"repo_id": upload.repo, "repo_type": "space"}
    remote = _read(target, upload)
    if remote is None:
        target.say(f"{upload.repo}: a new {'private ' if target.private else ''}Space")
        api.create_repo(**where, space_sdk="gradio", private=target.private, exist_ok=True)
        remote = _read(target, upload)
    if remote is None:
        raise HubFault(f"{upload.repo}: was made and cannot be found yet; run the same command again")
    adds, gone = _changes(upload, remote)
    # All files are offered: the client leaves out those that the Hub already holds, also after edits there.
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        *(CommitOperationDelete(name, is_folder=False) for name in gone),
        *(CommitOperationAdd(name, upload.folder / name) for name in (*upload.manifest.files, MANIFEST)),
    ]
    with warnings.catch_warnings(action="ignore"):  # the client warns of a table in a repo that is not a dataset
        commit = api.create_commit(
            **where, operations=operations, commit_message=upload.message, parent_commit=remote.head
        )
    new = commit.oid != remote.head
    target.say(
        f"{upload.repo}: {f'{len(adds)} files of {upload.version}' if new else f'holds {upload.version} already'}"
    )
    return Published(upload.repo, "space", upload.version, commit.oid, new, adds, gone, upload.size(adds))


def _dry_run(target: Target, upload: Upload) -> Published:
    remote = _read(target, upload)
    if remote is None:
        target.say(f"{upload.repo}: would be made, a {'private' if target.private else 'public'} Space")
    adds, gone = _changes(upload, remote or Remote())
    size = upload.size(adds)
    target.say(f"{upload.repo}: would commit {len(adds)} files, {size:,} bytes, and delete {len(gone)}")
    head = (remote and remote.head) or ""
    return Published(upload.repo, "space", upload.version, head, False, adds, gone, size, dry=True)


def _read(target: Target, upload: Upload) -> Remote | None:
    """Read the Space as it is, if it exists and may be written to."""
    remote, _ = read_remote(target.api, upload.repo, "space", upload.version)
    if remote is not None:
        refuse_public(target.api, {"repo_id": upload.repo, "repo_type": "space"}, target.private)
        _refuse_foreign(remote)
    return remote


def _changes(upload: Upload, remote: Remote) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of new or changed files, and those of the earlier bundle that this one no longer has."""
    published, files = (remote.manifest.files if remote.manifest else {}), upload.manifest.files
    adds = tuple(name for name, file in files.items() if published.get(name) != file)
    return adds, tuple(sorted((set(published) - set(files)) & remote.names))


def _refuse_foreign(remote: Remote) -> None:
    """Refuse a Space with files of another app: a Hub puts only a README into a new one."""
    others = sorted(remote.names - SCAFFOLD - {"README.md"})
    if others and remote.manifest is None:
        raise Refused(f"it holds files of another app ({', '.join(others[:6])}); name a Space that is new or empty")
