"""A folder to a Hub: one commit on the head that was read, then one tag; after any fault the next call finishes it."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from toolkit.hub.decide import Compare, Kind, Plan, Refused, Remote, decide, next_version
from toolkit.hub.faults import HubFault, explain, passing, pause
from toolkit.hub.parcel import Parcel, RepoType
from toolkit.hub.remote import read_remote

TRIES = 8  # of the whole push; every lost race means that another one landed
Say = Callable[[str], None]


@dataclass(frozen=True)
class Target:
    """A Hub to push to, and how.

    Attributes:
        api: the client, with its endpoint and token.
        say: gets a sentence for each thing done.
        private: make repos private; one that is there and public is refused.
        dry: say what would be done, and do nothing.
        folders: folders of this machine that no text may name, such as the workspace; the home folder never may.
    """

    api: HfApi
    say: Say
    private: bool = False
    dry: bool = False
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Published:
    """What a push left: the tag `version` of `repo` names `commit`.

    Attributes:
        new: whether this call made the commit.
        added, deleted: names of the files in it.
        bytes: sizes of the added files in all; a Hub that has some of them already is sent less.
        reason: why nothing was committed, or what the commit is.
        dry: nothing was done, and `commit` is the one that would have been built on.
    """

    repo: str
    repo_type: RepoType
    version: str
    commit: str
    new: bool = False
    added: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    bytes: int = 0
    reason: str = ""
    dry: bool = False


def push(target: Target, parcel: Parcel, compare: Compare) -> Published:
    """Make the tag that the parcel's manifest names, holding its files; nothing is done where it does already.

    Args:
        compare: how new content relates to published content of this kind.

    Raises:
        Refused: see `decide`.
        HubFault: for a Hub that cannot be reached or does not let us, naming the mend.
    """
    with explained(target.api, parcel.repo):
        if target.dry:
            return attempts()(_rehearse, target, parcel, compare)
        return attempts()(_push_once, target, parcel, compare, [])


def fitting(
    target: Target, make: Callable[[str], Parcel], version: str, compare: Compare, step: Kind | None = None
) -> Parcel:
    """Content under the version at which it can be published: the one asked for where that is free, the published one
    where nothing is new, else the next free one. A changed source gets none by itself: a major version is asked for.

    Args:
        make: version -> the content under it; a card names its version, so that each is another parcel.
        step: what the next free version tells, `growth` a minor one and `text` a patch; None takes what it is.

    Raises:
        Refused, HubFault: see `push`.
    """
    asked = make(version)
    with explained(target.api, asked.repo):
        remote = attempts()(read_remote, target.api, asked.repo, asked.repo_type, version)[0] or Remote()
        change = compare(remote.manifest, asked.manifest).kind if remote.manifest else "none"
        try:
            if decide(asked.manifest, version, remote, compare).version == version:
                return asked
        except Refused:
            if remote.manifest is None or change == "source":
                raise
    assert remote.manifest is not None  # without one, nothing but the version asked for is decided
    last = str(remote.manifest["version"])
    published = asked if last == version else make(last)
    if compare(remote.manifest, published.manifest).kind in ("none", "inside"):
        return published
    return make(next_version(remote.tags, step or change))


@contextlib.contextmanager
def explained(api: HfApi, repo: str) -> Iterator[None]:
    """Refusals name the repo; faults of the Hub become one `HubFault` with the mend."""
    try:
        yield
    except Refused as error:
        raise Refused(f"{repo}: {error}") from error
    except (OSError, httpx2.HTTPError, RuntimeError, JSONDecodeError) as error:
        fault = explain(error, repo, api.endpoint)
        if fault is None:
            raise
        raise fault from error


def attempts() -> Retrying:
    """Up to `TRIES` tries of what may pass: lost races, limits, faults of the server or the line."""
    return Retrying(retry=retry_if_exception(passing), stop=stop_after_attempt(TRIES), wait=pause, reraise=True)


def _push_once(target: Target, parcel: Parcel, compare: Compare, sent: list[Published]) -> Published:
    """One try; `sent` keeps what an earlier one committed, should only its tag have failed."""
    api, say, private = target.api, target.say, target.private
    where: dict[str, Any] = {"repo_id": parcel.repo, "repo_type": parcel.repo_type}
    remote, finished = read_remote(api, parcel.repo, parcel.repo_type, parcel.version)
    if remote is None:
        say(f"{parcel.repo}: a new {'private ' if private else ''}{parcel.repo_type} repo")
        api.create_repo(**where, private=private, exist_ok=True)
        remote, finished = read_remote(api, parcel.repo, parcel.repo_type, parcel.version)
    if remote is None:
        raise HubFault(f"{parcel.repo}: was made and cannot be found yet; run the same command again")
    refuse_public(api, where, private)
    if finished:
        say(f"{parcel.repo}: {finished} was committed and not tagged; it is now")
        api.create_tag(**where, tag=finished, revision=remote.head)
    plan = decide(parcel.manifest, parcel.version, remote, compare)
    if not plan.adds:
        return sent[-1] if sent else _nothing(parcel, plan, remote)
    say(_told(parcel, plan, "commit"))
    commit = api.create_commit(
        **where, operations=_operations(parcel, plan), commit_message=parcel.message, parent_commit=remote.head
    )
    sent.append(replace(_described(parcel, plan), commit=commit.oid, new=True))
    api.create_tag(**where, tag=plan.version, revision=commit.oid)
    return sent[-1]


def _rehearse(target: Target, parcel: Parcel, compare: Compare) -> Published:
    api, say, private = target.api, target.say, target.private
    remote, finished = read_remote(api, parcel.repo, parcel.repo_type, parcel.version)
    if remote is None:
        say(f"{parcel.repo}: would be made, a {'private' if private else 'public'} {parcel.repo_type} repo")
    else:
        refuse_public(api, {"repo_id": parcel.repo, "repo_type": parcel.repo_type}, private)
    if finished:
        say(f"{parcel.repo}: would tag {finished}, which was committed and not tagged")
    plan = decide(parcel.manifest, parcel.version, remote or Remote(), compare)
    if not plan.adds:
        say(f"{parcel.repo}: nothing to do, {plan.reason}")
        return replace(_nothing(parcel, plan, remote or Remote()), dry=True)
    say(_told(parcel, plan, "would commit"))
    say("\n".join([*(f"  + {name}" for name in plan.adds), *(f"  - {name}" for name in plan.deletes)]))
    return replace(_described(parcel, plan), commit=(remote and remote.head) or "", dry=True)


def refuse_public(api: HfApi, where: Mapping[str, Any], private: bool) -> None:
    """What is to be private is not sent to a repo that others read already."""
    if private and not api.repo_info(**where).private:
        raise Refused("it is public, and you ask for a private one; make it private in its settings, or name another")


def _operations(parcel: Parcel, plan: Plan) -> list[CommitOperationAdd | CommitOperationDelete]:
    return [
        *(CommitOperationDelete(name, is_folder=False) for name in plan.deletes),
        *(CommitOperationAdd(name, parcel.folder / name) for name in plan.adds),
    ]


def _described(parcel: Parcel, plan: Plan) -> Published:
    size = parcel.size(plan.adds)
    return Published(parcel.repo, parcel.repo_type, plan.version, "", False, plan.adds, plan.deletes, size, plan.reason)


def _nothing(parcel: Parcel, plan: Plan, remote: Remote) -> Published:
    commit = remote.tags.get(plan.version) or remote.head or ""
    return Published(parcel.repo, parcel.repo_type, plan.version, commit, reason=plan.reason)


def _told(parcel: Parcel, plan: Plan, verb: str) -> str:
    gone = f", {len(plan.deletes)} deleted" if plan.deletes else ""
    size = parcel.size(plan.adds)
    what = f"{len(plan.adds)} files, {size:,} bytes{gone}"
    return f"{parcel.repo}: {verb} {what} as {parcel.message!r}, tag {plan.version}"
