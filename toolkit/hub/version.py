"""Decide from manifests alone what a push would do: nothing, one commit and one tag, or a refusal with a reason.

A tag never moves. Published content only grows, until a new major version replaces it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from toolkit.hub.manifest import MANIFEST, Manifest

Kind = Literal["none", "inside", "text", "growth", "source"]
SCAFFOLD = {".gitattributes"}  # what a Hub puts into a new repo
LISTED = 6  # largest number of differences or names in a message


class Refused(ValueError):
    """A push that would break published content; the message names the difference and the remedy."""


class Change(NamedTuple):
    """The relation of new content to the published one.

    Attributes:
        kind: `none` for the same content; `inside` for a part of it; `text` for the same data under another card or
            table; `growth` for all of it and more; `source` for something else.
        why: the differences of another source, a line each.
    """

    kind: Kind
    why: Sequence[str] = ()


Compare = Callable[[Manifest, Manifest], Change]  # (published, new)


@dataclass(frozen=True)
class Remote:
    """A repo as it is: files and manifest at the head of `main`, its tags, the manifest at the requested tag."""

    head: str | None = None  # commit; None for a branch without any
    names: frozenset[str] = frozenset()
    manifest: Manifest | None = None
    tags: Mapping[str, str] = field(default_factory=dict)  # name -> commit
    at_tag: Manifest | None = None

    @property
    def version(self) -> str | None:
        """Return the last published version; None in a repo without any of ours."""
        return self.manifest.version if self.manifest else None


@dataclass(frozen=True)
class PushPlan:
    """Files to add and to delete in one commit with the tag `version`; none when `version` already holds this."""

    version: str
    adds: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    reason: str = ""


def decide(new: Manifest, version: str, remote: Remote, compare: Compare) -> PushPlan:
    """Decide what to do so that the tag `version` names the content `new`.

    Args:
        new: the manifest, with `files` (name -> sha256 and bytes) of all other files.
        compare: says how new content relates to that of the head of `main`.

    Raises:
        Refused: for a repo with other content, a tag of other content, a version that is not above the last, or a
            changed source without a new major version.
    """
    exists = version in remote.tags
    if exists and remote.at_tag is not None and compare(remote.at_tag, new).kind == "none":
        return PushPlan(version, reason=f"{version} is published with exactly this")
    if remote.manifest is None:
        _refuse_foreign(remote)
        _refuse_version(version, remote.tags, "growth")
        return PushPlan(version, _adds(None, new), reason="first release")
    change = compare(remote.manifest, new)
    published = remote.manifest.version
    if change.kind == "inside" or (change.kind in ("none", "text") and exists and published != version):
        return PushPlan(published, reason=f"{published} holds all of it")
    if change.kind == "source":
        _refuse_source(change, version, remote.tags)
    _refuse_version(version, remote.tags, change.kind)
    gone = tuple(sorted((set(remote.manifest.files) - set(new.files)) & remote.names))
    return PushPlan(version, _adds(remote, new), gone, f"{change.kind} over {published}")


def choose_version(new: Manifest, again: Manifest, remote: Remote, compare: Compare, step: Kind | None = None) -> str:
    """Choose the version under which content can be published.

    It is the requested one where that is free, the published one where nothing is new, else the next free one. A
    changed source needs a major version, which must be requested.

    Args:
        new: the manifest under the requested version.
        again: the manifest under the last published version; in a repo without any, `new`.
        step: the step to the next free version, `growth` for a minor one and `text` for a patch; None: by the change.

    Raises:
        Refused: see `decide`.
    """
    change = compare(remote.manifest, new).kind if remote.manifest else "none"
    try:
        if decide(new, new.version, remote, compare).version == new.version:
            return new.version
    except Refused:
        if remote.manifest is None or change == "source":
            raise
    assert remote.manifest is not None  # without one, only the requested version is decided
    if compare(remote.manifest, again).kind in ("none", "inside"):
        return remote.manifest.version
    return next_version(remote.tags, step or change)


def next_version(tags: Mapping[str, str], kind: Kind) -> str:
    """Return the next free version after the last tag: major for a new source, minor for growth, else a patch."""
    last = _last(tags)
    if last is None:
        return "v1.0.0"
    major, minor, patch = last
    steps = {"source": (major + 1, 0, 0), "growth": (major, minor + 1, 0)}
    return "v{}.{}.{}".format(*steps.get(kind, (major, minor, patch + 1)))


def parse_version(name: str) -> tuple[int, int, int] | None:
    """Parse `v1.2.3` as numbers; None for a tag of another form."""
    match = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", name, re.ASCII)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def differences(old: Any, new: Any, name: str = "") -> list[str]:
    """List every field in which two JSON values differ, as `name: published ..., now ...`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = sorted({*old, *new})
        return [line for key in keys for line in differences(old.get(key), new.get(key), f"{name}.{key}".lstrip("."))]
    return [] if old == new else [f"{name}: published {_short(old)}, now {_short(new)}"]


def _adds(remote: Remote | None, new: Manifest) -> tuple[str, ...]:
    """List the files that the head lacks or holds differently, and always the card and the manifest."""
    published = remote.manifest.files if remote and remote.manifest else {}
    names = remote.names if remote else frozenset()
    changed = [name for name, file in new.files.items() if name not in names or published.get(name) != file]
    return tuple(dict.fromkeys([*changed, "README.md", MANIFEST]))


def _refuse_foreign(remote: Remote) -> None:
    others = sorted(remote.names - SCAFFOLD)
    if others:
        raise Refused(
            f"it holds files that no release made ({_listed(others)}); name a repo that is new or empty, or remove them"
        )


def _refuse_source(change: Change, version: str, tags: Mapping[str, str]) -> None:
    last, requested = _last(tags), parse_version(version)
    if last is None or requested is None or requested[0] <= last[0]:
        next_major = next_version(tags, "source")
        more = [f"and {len(change.why) - LISTED} more"] if change.why[LISTED:] else []
        reasons = "".join(f"\n  {line}" for line in [*change.why[:LISTED], *more])
        raise Refused(
            f"what is published differs, so {version} cannot follow it:{reasons}\n"
            f"Ask for {next_major} to replace the published content by this, or name another repo"
        )


def _refuse_version(version: str, tags: Mapping[str, str], kind: Kind) -> None:
    last, requested = _last(tags), parse_version(version)
    free = next_version(tags, kind)
    if version in tags:
        raise Refused(f"{version} is published with other content and a tag never moves; the next free one is {free}")
    if last and requested and requested < last:
        raise Refused(f"{version} is below the last version v{_dotted(last)}; the next free one is {free}")


def _last(tags: Mapping[str, str]) -> tuple[int, int, int] | None:
    return max((numbers for name in tags if (numbers := parse_version(name))), default=None)


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if names[LISTED:] else "")


def _short(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 90 else f"{text[:87]}..."
