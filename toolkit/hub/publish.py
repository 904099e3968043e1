"""A release on the Hub: what is published stays, larger budgets add their increments, another source is refused."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.hub import push
from toolkit.hub.check import read_release
from toolkit.hub.decide import Change, Manifest, Refused, differences
from toolkit.hub.parcel import pack
from toolkit.hub.push import Published, Target

# What may differ between two releases of one source: parts grow, tools get newer, a model repo's commit is no weight.
GROWING = ("corpus", "toolkit", "teacher_repo")


def publish(folder: Path, repo: str, target: Target, *, version: str) -> Published:
    """Publish a release folder as the dataset `repo` at the tag `version`: one commit, one tag, or nothing at all.

    Args:
        version: the folder's own; a card names its version, so that a folder has one only.

    Raises:
        Refused: for another version than the folder's, and see `push` and `decide`.
        HubFault: see `push`.
    """
    manifest = read_release(folder)
    if manifest["version"] != version:
        raise Refused(f"{folder}: made as {manifest['version']}, not {version}; make it anew as {version}")
    message = f"Release {version}: {', '.join(manifest['configs'])}"
    parcel = pack(folder, repo, "dataset", message, target.folders)
    return push.push(target, parcel, release_change)


def fitting_version(make: Callable[[str], Path], repo: str, target: Target, *, version: str) -> str:
    """The version under which a release can be published, the one asked for or another; see `push.fitting`.

    Args:
        make: version -> the release's folder under it.
    """
    parcel = push.fitting(target, lambda wanted: pack(make(wanted), repo, "dataset", ""), version, release_change)
    return parcel.version


def release_change(old: Manifest, new: Manifest) -> Change:
    """How a release relates to a published one; see `Change`."""
    why = differences(_source(old), _source(new))
    if why:
        return Change("source", why)
    shared = [name for name in old["cells"] if name in new["cells"]]
    moved = [
        f"{name}: its rows are others than those published under the same source; `fss pull` brings the published ones"
        for name in shared
        if old["cells"][name] != new["cells"][name]
    ]
    if _test_files(old) != _test_files(new):
        moved.append("test: its questions are others than those published")
    inside = not moved and set(new["cells"]) < set(old["cells"])
    why = [*([] if inside else _ladder_differences(old["cells"], new["cells"])), *moved]
    if why:
        return Change("source", why)
    if inside:
        return Change("inside")
    if len(shared) < len(new["cells"]):
        return Change("growth")
    return Change("none" if _same_text(old, new) else "text")


def _source(manifest: Manifest) -> dict[str, Any]:
    fixed = {key: value for key, value in manifest["provenance"].items() if key not in GROWING}
    return {"format": manifest["format"], **fixed}


def _ladder_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Published rungs stay, and new ones lie above the last: an increment that is published is never split."""
    lines = []
    grown = _ladders(new)
    for subset, published in _ladders(old).items():
        budgets = grown.get(subset, [])
        gone = [rung for rung in published if rung not in budgets]
        if gone:
            lines.append(f"{_cells(subset, gone)}: published and missing here; put the budgets back")
        between = [rung for rung in budgets if rung not in published and rung < max(published)]
        if between:
            lines.append(f"{_cells(subset, between)}: would split a published increment; add rungs above the last only")
    return lines


def _ladders(cells: Mapping[str, Any]) -> dict[str, list[int]]:
    """Subset prefix (`q4-` or empty) -> its budgets; `a16` counts accepted responses."""
    ladders: dict[str, list[int]] = {}
    for name in cells:
        budget = name.rpartition("-")[2][1:]
        ladders.setdefault(name.removesuffix(budget), []).append(int(budget))
    return ladders


def _cells(subset: str, budgets: Sequence[int]) -> str:
    return ", ".join(f"{subset}{budget}" for budget in budgets)


def _test_files(manifest: Manifest) -> Any:
    return manifest["configs"].get("test", {}).get("files")


def _same_text(old: Manifest, new: Manifest) -> bool:
    """Whether all else is the same too; a card names its version, so cards of two versions never are."""
    fields = ("version", "default", "configs", "statistics", "files")
    return all(old[name] == new[name] for name in fields)
