import dataclasses
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.hub.manifest import Config, File, ReleaseManifest, Sides
from toolkit.hub.release import release_change
from toolkit.hub.version import (
    Change,
    Refused,
    Remote,
    choose_version,
    decide,
    differences,
    next_version,
    parse_version,
)

LADDERS = [(1,), (1, 2), (1, 4), (1, 2, 4), (1, 2, 4, 8), (2, 4)]


def manifest(budgets, version="v1.0.0", source="a", card="card", subset="", rows="x", toolkit="1"):
    """A release of a ladder: names that carry their content, as the real ones do."""
    steps = list(itertools.pairwise((0, *budgets)))
    files = [f"data/accepted/i{start}-{stop}-{source}{rows}.parquet" for start, stop in steps]
    test = f"data/test-{source}.parquet"
    return ReleaseManifest(
        format=1,
        version=version,
        default=f"{subset}r{budgets[-1]}",
        cells={f"{subset}r{stop}": Sides(files[: k + 1], []) for k, (_, stop) in enumerate(steps)},
        configs={"all": Config("train", files), "test": Config("test", [test])},
        statistics={},
        provenance={"pool": source, "sampling": {"temperature": 0.8}, "corpus": files, "toolkit": toolkit},
        files={name: File(name, 1) for name in (*files, test)} | {"README.md": File(card + version, 1)},
    )


def remote_of(*published, edited=()):
    """A repo after these releases, each at its tag; the last one is the head."""
    tags = {entry.version: f"commit{number}" for number, entry in enumerate(published)}
    head = published[-1]
    names = frozenset({*head.files, "manifest.json", ".gitattributes", *edited})
    return lambda version: Remote(
        f"commit{len(published) - 1}", names, head, tags, {entry.version: entry for entry in published}.get(version)
    )


def ask(new, remote):
    return decide(new, new.version, remote(new.version), release_change)


EMPTY = lambda version: Remote("commit0", frozenset({".gitattributes"}))  # noqa: E731


def chosen(request, *published):
    """The version at which content can be published after these; `asked` gives its manifest under any version."""
    last = published[-1].version if published else "v1.0.0"
    remote = remote_of(*published)("v1.0.0") if published else Remote()
    return choose_version(request("v1.0.0"), request(last), remote, release_change)


def test_the_version_is_chosen_from_manifests_alone():
    small, large = manifest((1, 2)), manifest((1, 2, 4), "v1.1.0")
    assert chosen(lambda version: manifest((1, 2), version)) == "v1.0.0"
    assert chosen(lambda version: manifest((1, 2), version), small) == "v1.0.0"
    assert chosen(lambda version: manifest((1, 2), version, card="another"), small) == "v1.0.1"
    assert chosen(lambda version: manifest((1, 2, 4), version), small) == "v1.1.0"
    assert chosen(lambda version: manifest((1, 2, 4), version), small, large) == "v1.1.0"
    assert chosen(lambda version: manifest((1,), version), small, large) == "v1.1.0"
    with pytest.raises(Refused, match=re.escape("Ask for v2.0.0")):
        chosen(lambda version: manifest((1, 2), version, source="b"), small)


@pytest.mark.parametrize("remote", [EMPTY, lambda version: Remote()])
def test_a_new_or_empty_repo_gets_everything(remote):
    new = manifest((1, 2))
    plan = ask(new, remote)
    assert set(plan.adds) == {*new.files, "manifest.json"} and len(plan.adds) == len(set(plan.adds))
    assert (plan.version, plan.deletes) == ("v1.0.0", ())


def test_a_repo_with_other_content_is_refused():
    remote = lambda version: Remote("c", frozenset({".gitattributes", "data.csv", "README.md"}))  # noqa: E731
    with pytest.raises(Refused, match=r"holds files that no release made \(README.md, data.csv\)"):
        ask(manifest((1, 2)), remote)


@given(st.sampled_from(LADDERS), st.sampled_from(["v1.0.0", "v1.2.0", "v3.0.1"]), st.booleans())
def test_a_rerun_with_nothing_new_adds_nothing(budgets, version, newer_tools):
    published = manifest(budgets, version)
    again = manifest(budgets, version, toolkit="2" if newer_tools else "1")
    plan = ask(again, remote_of(published))
    assert (plan.version, plan.adds, plan.deletes) == (version, (), ())


@given(st.sampled_from(LADDERS), st.sampled_from(LADDERS), st.sampled_from(["v1.0.0", "v1.1.0"]))
def test_a_ladder_only_grows_upward_and_adds_its_increments_only(old, new, version):
    published, request = manifest(old), manifest(new, version)
    grows = new[: len(old)] == old
    inside = old[: len(new)] == new and old != new
    if inside:
        assert ask(request, remote_of(published)).adds == ()
    elif old != new and not grows:
        with pytest.raises(Refused, match=r"put the budgets back|would split a published increment"):
            ask(request, remote_of(published))
    elif version == "v1.0.0":
        if old == new:
            assert ask(request, remote_of(published)).adds == ()
            return
        with pytest.raises(Refused, match=r"published with other content .* the next free one is v1\.1\.0"):
            ask(request, remote_of(published))
    else:
        plan = ask(request, remote_of(published))
        assert set(plan.adds) == set(request.files) - set(published.files) | {"README.md", "manifest.json"}
        assert plan.deletes == () and plan.version == version


def test_a_larger_release_is_found_again_under_the_version_that_holds_it():
    small, large = manifest((1, 2)), manifest((1, 2, 4), "v1.1.0")
    remote = remote_of(small, large)
    assert ask(manifest((1, 2)), remote).version == "v1.0.0"  # its own tag
    assert ask(manifest((1, 2, 4)), remote).version == "v1.1.0"  # asked as v1.0.0, which is taken
    assert ask(manifest((1,), "v1.0.5"), remote).version == "v1.1.0"


def test_a_tag_is_never_moved_and_versions_grow():
    remote = remote_of(manifest((1,), "v1.3.0"))
    with pytest.raises(
        Refused, match=re.escape("v1.2.9 is below the last version v1.3.0; the next free one is v1.4.0")
    ):
        ask(manifest((1, 2), "v1.2.9"), remote)
    with pytest.raises(Refused, match=re.escape("the next free one is v1.3.1")):
        ask(manifest((1,), "v1.3.0", card="another"), remote)
    assert set(ask(manifest((1,), "v1.3.1", card="another"), remote).adds) == {"README.md", "manifest.json"}


def test_a_changed_source_is_refused_field_by_field_until_a_major_version():
    published, new = manifest((1, 2)), manifest((1, 2), "v1.1.0", source="b")
    with pytest.raises(Refused) as caught:
        ask(new, remote_of(published))
    assert "pool: published 'a', now 'b'" in str(caught.value) and "Ask for v2.0.0" in str(caught.value)
    assert "sampling" not in str(caught.value)
    plan = ask(manifest((1, 2), "v2.0.0", source="b"), remote_of(published, edited=["notes.txt"]))
    assert set(plan.deletes) == {name for name in published.files if name != "README.md"}
    assert "notes.txt" not in plan.deletes and len(plan.adds) == 5


def test_other_rows_of_the_same_source_are_refused():
    with pytest.raises(Refused, match="r1: its rows differ from those published under the same source"):
        ask(manifest((1, 2), "v1.1.0", rows="y"), remote_of(manifest((1, 2))))


def test_what_is_missing_at_the_head_is_put_back():
    published = manifest((1, 2))
    names = frozenset({*published.files, "manifest.json"} - {"data/accepted/i0-1-ax.parquet"})
    plan = decide(published, "v1.0.0", Remote("c", names, published), release_change)
    assert "data/accepted/i0-1-ax.parquet" in plan.adds and "data/accepted/i1-2-ax.parquet" not in plan.adds


def test_another_subset_is_growth():
    published, q4 = manifest((1, 2)), manifest((1, 2), "v1.1.0", subset="q4-")
    new = dataclasses.replace(q4, cells=published.cells | q4.cells)
    assert release_change(published, new).kind == "growth"
    with pytest.raises(Refused, match="r1, r2: published and missing here"):
        ask(q4, remote_of(published))


@given(
    st.lists(st.sampled_from(LADDERS), min_size=1, max_size=3),
    st.sampled_from(LADDERS),
    st.sampled_from(["v1.0.0", "v1.1.0", "v1.9.0", "v2.0.0", "v9.0.0"]),
    st.sampled_from("ab"),
)
def test_whatever_is_asked_no_tag_moves_and_nothing_published_goes_but_by_a_major_version(
    ladders, new, version, source
):
    published = [manifest(budgets, f"v1.{number}.0") for number, budgets in enumerate(ladders)]
    remote, request = remote_of(*published), manifest(new, version, source)
    try:
        plan = ask(request, remote)
    except Refused as error:
        assert "v" in str(error)
        return
    last = max(map(parse_version, remote(version).tags))
    if not plan.adds:
        assert plan.version in remote(version).tags and plan.deletes == ()
        return
    assert plan.version == version and version not in remote(version).tags and parse_version(version) > last
    assert plan.deletes == () or parse_version(version)[0] > last[0]


def test_the_next_version_by_kind():
    tags = {"v1.4.2": "a", "v1.10.0": "b", "other": "c"}
    assert [next_version(tags, kind) for kind in ("source", "growth", "text")] == ["v2.0.0", "v1.11.0", "v1.10.1"]
    assert next_version({"main": "a"}, "growth") == "v1.0.0"


def test_differences_name_the_fields():
    old = {"a": {"b": 1, "c": [1]}, "d": "x"}
    assert differences(old, {"a": {"b": 2, "c": [1]}, "e": "y"}) == [
        "a.b: published 1, now 2", "d: published 'x', now nothing", "e: published nothing, now 'y'",
    ]  # fmt: skip
    assert len(differences({"a": "x" * 500}, {"a": "y"})[0]) < 130


def test_many_differences_are_cut():
    change = lambda old, new: Change("source", [f"line {number}" for number in range(20)])  # noqa: E731
    with pytest.raises(Refused, match=re.escape("line 5\n  and 14 more\nAsk for v2.0.0")):
        decide(manifest((1,)), "v1.1.0", remote_of(manifest((1,)))("v1.1.0"), change)
