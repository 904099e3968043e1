"""Decides from manifests alone what a push would do: nothing, one commit and one tag, or a refusal that says why.

A tag is never moved. What is published only grows, until a new major version replaces it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from toolkit.hub.manifest import MANIFEST, Manifest

Kind = Literal["none", "inside", "text", "growth", "source"]
SCAFFOLD = {".gitattributes"}  # what a Hub puts into a new repo
SHOWN = 6  # differences or names listed at most


class Refused(ValueError):
    """A push that would break what is published; the message names what differs and the mend."""


class Change(NamedTuple):
    """How new content relates to the published one.

    `none`: the same; `inside`: all of it is published already, and more; `text`: the same data under another card or
    table; `growth`: all that is published and more; `source`: something else, and `why` says what, a line each.
    """

    kind: Kind
    why: Sequence[str] = ()


Compare = Callable[[Manifest, Manifest], Change]  # (published, new)


@dataclass(frozen=True)
class Remote:
    """A repo as it stands: files and manifest at the head of `main`, its tags, the manifest at the tag asked for."""

    head: str | None = None  # commit; None for a branch without any
    names: frozenset[str] = frozenset()
    manifest: Manifest | None = None
    tags: Mapping[str, str] = field(default_factory=dict)  # name -> commit
    taken: Manifest | None = None

    @property
    def version(self) -> str | None:
        """The last version that was published; None in a repo without any of ours."""
        return self.manifest.version if self.manifest else None


@dataclass(frozen=True)
class Plan:
    """Files to add and to delete in one commit that gets the tag `version`; none at all when `version` holds it."""

    version: str
    adds: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    reason: str = ""


def decide(new: Manifest, version: str, remote: Remote, compare: Compare) -> Plan:
    """What to do so that the tag `version` names the content `new`.

    Args:
        new: the manifest, with `files` (name -> sha256 and bytes) of everything beside it.
        compare: how new content relates to what the head of `main` holds.

    Raises:
        Refused: for a repo with other content, a tag that is taken, a version that is not above the last, or a changed
            source without a new major version.
    """
    held = version in remote.tags
    if held and remote.taken is not None and compare(remote.taken, new).kind == "none":
        return Plan(version, reason=f"{version} is published with exactly this")
    if remote.manifest is None:
        _refuse_foreign(remote)
        _refuse_version(version, remote.tags, "growth")
        return Plan(version, _adds(None, new), reason="first release")
    change = compare(remote.manifest, new)
    published = remote.manifest.version
    if change.kind == "inside" or (change.kind in ("none", "text") and held and published != version):
        return Plan(published, reason=f"{published} holds all of it")
    if change.kind == "source":
        _refuse_source(change, version, remote.tags)
    _refuse_version(version, remote.tags, change.kind)
    gone = tuple(sorted((set(remote.manifest.files) - set(new.files)) & remote.names))
    return Plan(version, _adds(remote, new), gone, f"{change.kind} over {published}")


def choose_version(new: Manifest, again: Manifest, remote: Remote, compare: Compare, step: Kind | None = None) -> str:
    """The version under which content can be published: the one asked for where that is free, the published one where
    nothing is new, else the next free one. A changed source gets none by itself: a major version is asked for.

    Args:
        new: the manifest under the version asked for.
        again: the manifest under the last version that was published; of a repo without any, `new`.
        step: what the next free version tells, `growth` a minor one and `text` a patch; None takes what it is.

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
    assert remote.manifest is not None  # without one, nothing but the version asked for is decided
    if compare(remote.manifest, again).kind in ("none", "inside"):
        return remote.manifest.version
    return next_version(remote.tags, step or change)


def next_version(tags: Mapping[str, str], kind: Kind) -> str:
    """The next free version after the last tag: a major one for a new source, a minor for growth, else a patch."""
    last = _last(tags)
    if last is None:
        return "v1.0.0"
    major, minor, patch = last
    steps = {"source": (major + 1, 0, 0), "growth": (major, minor + 1, 0)}
    return "v{}.{}.{}".format(*steps.get(kind, (major, minor, patch + 1)))


def parse_version(name: str) -> tuple[int, int, int] | None:
    """`v1.2.3` as numbers; None for a tag of another form."""
    found = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", name, re.ASCII)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def differences(old: Any, new: Any, name: str = "") -> list[str]:
    """Every field in which two JSON values differ, as `name: published ..., now ...`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = sorted({*old, *new})
        return [line for key in keys for line in differences(old.get(key), new.get(key), f"{name}.{key}".lstrip("."))]
    return [] if old == new else [f"{name}: published {_short(old)}, now {_short(new)}"]


def _adds(remote: Remote | None, new: Manifest) -> tuple[str, ...]:
    """Files of which the head does not hold these bytes; the card and the manifest always go along."""
    held = remote.manifest.files if remote and remote.manifest else {}
    names = remote.names if remote else frozenset()
    changed = [name for name, file in new.files.items() if name not in names or held.get(name) != file]
    return tuple(dict.fromkeys([*changed, "README.md", MANIFEST]))


def _refuse_foreign(remote: Remote) -> None:
    others = sorted(remote.names - SCAFFOLD)
    if others:
        raise Refused(
            f"it holds files that no release made ({_listed(others)}); name a repo that is new or empty, or remove them"
        )


def _refuse_source(change: Change, version: str, tags: Mapping[str, str]) -> None:
    last, asked = _last(tags), parse_version(version)
    if last is None or asked is None or asked[0] <= last[0]:
        wanted = next_version(tags, "source")
        more = [f"and {len(change.why) - SHOWN} more"] if change.why[SHOWN:] else []
        told = "".join(f"\n  {line}" for line in [*change.why[:SHOWN], *more])
        raise Refused(
            f"what is published differs, so {version} cannot follow it:{told}\n"
            f"Ask for {wanted} to replace the published content by this, or name another repo"
        )


def _refuse_version(version: str, tags: Mapping[str, str], kind: Kind) -> None:
    last, asked = _last(tags), parse_version(version)
    free = next_version(tags, kind)
    if version in tags:
        raise Refused(f"{version} is published with other content and a tag never moves; the next free one is {free}")
    if last and asked and asked < last:
        raise Refused(f"{version} is below the last version v{_dotted(last)}; the next free one is {free}")


def _last(tags: Mapping[str, str]) -> tuple[int, int, int] | None:
    return max((found for name in tags if (found := parse_version(name))), default=None)


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if names[SHOWN:] else "")


def _short(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 90 else f"{text[:87]}..."
