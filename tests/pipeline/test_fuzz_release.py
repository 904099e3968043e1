"""Releases that a stranger damaged: check and pull say in plain words what is wrong, and leave nothing behind."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.hub.tiny_ladder import make_release
from toolkit.hub.download import Download, read_form
from toolkit.hub.manifest import NAME_DIGITS, file_facts
from toolkit.pipeline.verify import check
from toolkit.pipeline.verify_tables import check_pool, responses_of
from toolkit.progress import Progress
from toolkit.workspace import canonical, file_digest

PLAIN = (ValueError, RuntimeError, OSError)  # what the command explains in one message
VALUES = [
    None,
    -1,
    0,
    2**31,
    2**63,
    10**30,
    1.5,
    True,
    "",
    "x",
    "../x",
    "/etc/passwd",
    "é",
    [],
    ["x"],
    {},
    {"x": 1},
    "A" * 64,
]


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("honest") / "release"
    make_release(folder, (1, 2))
    return folder


def fitted(folder, old, new):
    """The names and digests of changed files, as somebody who wants to be believed writes them."""
    manifest = json.loads((folder / "manifest.json").read_text())
    text = json.dumps(manifest).replace(old, new)
    manifest = json.loads(text)
    manifest["files"] = canonical(file_facts(folder))
    (folder / "manifest.json").write_text(json.dumps(manifest))


def in_table(folder, path, change):
    """A changed table under a name and digest that fit."""
    pq.write_table(change(pq.read_table(path)), path)
    old = path.relative_to(folder).as_posix()
    new = f"{old.removesuffix('.parquet')[:-NAME_DIGITS]}{file_digest(path)[:NAME_DIGITS]}.parquet"
    path.rename(folder / new)
    fitted(folder, old, new)
    return new


def retyped(table, name, kind):
    array = table[name].to_pylist() if kind != pa.null() else [None] * len(table)
    try:
        column = pa.array(array).cast(kind, safe=False) if kind != pa.null() else pa.nulls(len(table))
    except (pa.ArrowException, TypeError):
        column = pa.nulls(len(table), kind)
    return table.set_column(table.column_names.index(name), pa.field(name, column.type), column)


def valued(table, name, value):
    rows = table.to_pylist()
    rows[0][name] = value
    plain = pa.schema([pa.field(field.name, field.type) for field in table.schema])
    try:
        return pa.Table.from_pylist(rows, plain)
    except (pa.ArrowException, OverflowError, TypeError):
        return table.drop_columns([name])


KINDS = [
    pa.int8(),
    pa.int64(),
    pa.float64(),
    pa.string(),
    pa.binary(),
    pa.bool_(),
    pa.null(),
    pa.date32(),
    pa.list_(pa.string()),
]
CELLS = [None, -1, 2**31 - 1, 100_000, "", "abort", "\0", "x" * 100, [], [{"role": "user", "content": None}]]


@st.composite
def damages(draw):
    kind = draw(
        st.sampled_from(
            [
                "flip",
                "cut",
                "gone",
                "more",
                "swap",
                "json",
                "text",
                "column",
                "type",
                "value",
                "rows",
                "link",
                "manifest",
            ]
        )
    )
    return kind, draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6))


def damage(folder, kind, one, two):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path, other = files[one % len(files)], files[two % len(files)]
    tables = sorted(folder.rglob("*.parquet"))
    table = tables[one % len(tables)]
    names = pq.read_schema(table).names
    name = names[two % len(names)]
    data = path.read_bytes()
    at = two % len(data)
    if kind == "flip":
        path.write_bytes(data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :])
    elif kind == "cut":
        path.write_bytes(data[:at])
    elif kind == "gone":
        path.unlink()
    elif kind == "more":
        (folder / f"more{one}.txt").write_text("x")
    elif kind == "swap":
        path.write_bytes(other.read_bytes())
    elif kind == "link":
        path.unlink()
        path.symlink_to("/etc/hostname" if one % 2 else path.with_name("nowhere"))
    elif kind == "text":
        path.write_bytes(data.decode("utf-8", "replace").encode(["utf-16", "utf-32", "cp037"][one % 3]))
    elif kind in ("json", "manifest"):
        in_json(folder / "manifest.json", one, VALUES[two % len(VALUES)])
    elif kind == "column":
        in_table(folder, table, lambda held: held.drop_columns([name]))
    elif kind == "type":
        in_table(folder, table, lambda held: retyped(held, name, KINDS[(one + two) % len(KINDS)]))
    elif kind == "value":
        in_table(folder, table, lambda held: valued(held, name, CELLS[(one + two) % len(CELLS)]))
    else:
        in_table(
            folder,
            table,
            lambda held: held.take(np.arange(len(held))[::-1]) if one % 2 else pa.concat_tables([held, held]),
        )
    if kind in ("flip", "cut", "text", "swap") and one % 3 and path.name != "manifest.json":
        fitted(folder, "", "")


def in_json(path, one, value):
    manifest = json.loads(path.read_text())
    place = manifest
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = keys[one % len(keys)]
        one //= len(keys)
        if not isinstance(place[key], dict | list) or not place[key] or not one:
            break
        place = place[key]
    place[key] = value
    path.write_text(json.dumps(manifest))


def is_plain(folder):
    try:
        found = check(folder, Progress(io.StringIO()))
    except PLAIN as error:
        assert str(error)
    else:
        assert all(isinstance(problem, str) for problem in found.problems)


def pulls_plainly(folder):
    """What a pull reads of a release, without a Hub."""
    try:
        form = read_form((folder / "manifest.json").read_text(encoding="utf-8"), "a/b@v1")
        release = Download(folder, "a/b@v1", *form)
        pool = {f"{part}.parquet": folder / release.one_file(part) for part in ("questions", "test")}
        list(responses_of(folder, release.parts("all"), check_pool(pool)))
    except PLAIN as error:
        assert str(error)


def left_behind(honest, folder, changes):
    """Read a damaged release in every way; the names beside its folder before and after."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(honest, folder)
    for change in changes:
        try:
            damage(folder, *change)
        except (OSError, ValueError, KeyError, IndexError, ZeroDivisionError, TypeError, AttributeError):
            continue  # two damages that exclude one another
    before = sorted(path.name for path in folder.parent.iterdir())
    is_plain(folder)
    pulls_plainly(folder)
    return before, sorted(path.name for path in folder.parent.iterdir())


QUICK = {"phases": [Phase.explicit, Phase.generate], "suppress_health_check": list(HealthCheck)}


@settings(max_examples=25, **QUICK)
@given(st.lists(damages(), min_size=1, max_size=2))
def test_a_damaged_release_is_refused_in_plain_words(honest, tmp_path_factory, changes):
    before, after = left_behind(honest, tmp_path_factory.getbasetemp() / "damaged" / "release", changes)
    assert after == before


@pytest.mark.slow
@settings(max_examples=500, **QUICK)
@given(st.lists(damages(), min_size=1, max_size=2))
def test_five_hundred_damaged_releases_are_refused_in_plain_words(honest, tmp_path_factory, changes):
    before, after = left_behind(honest, tmp_path_factory.getbasetemp() / "damaged" / "release", changes)
    assert after == before


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("response_index", -1, "index: must be a whole number from 0 to 99,999, not -1"),
        ("response_index", 2**31 - 1, "index: must be a whole number from 0 to 99,999, not 2147483647"),
        ("response", None, "text: must be a text, not None"),
        ("finish_reason", "abort", "finish_reason: must be one of stop, length, error, not 'abort'"),
        ("finish_reason", None, "finish_reason: must be a text, not None"),
        ("tokens", -5, "completion_tokens: must be a whole number"),
        ("prompt_tokens", None, "prompt_tokens: must be a whole number"),
        ("question_id", "elsewhere", "question 'elsewhere' is not in the release's pool"),
    ],
)
def test_a_row_out_of_range_is_named_with_file_and_row(honest, tmp_path, column, value, message):
    folder = shutil.copytree(honest, tmp_path / "release")
    name = in_table(folder, sorted(folder.rglob("i000-001-*.parquet"))[0], lambda table: valued(table, column, value))
    with pytest.raises(RuntimeError, match="row 1: ") as refused:
        list(responses_of(folder, [name], {f"id{at}" for at in range(4)}))
    assert message in str(refused.value) and str(refused.value).startswith(name)


def test_an_index_of_another_type_and_a_row_twice_are_named(honest, tmp_path):
    folder = shutil.copytree(honest, tmp_path / "release")
    first, second = sorted(folder.glob("data/accepted/q1/*.parquet"))
    huge = in_table(folder, first, lambda table: retyped(table, "response_index", pa.int64()))
    with pytest.raises(RuntimeError, match="column response_index: missing, or of another type"):
        list(responses_of(folder, [huge], {"id0"}))
    twice = in_table(folder, second, lambda table: pa.concat_tables([table, table]))
    with pytest.raises(RuntimeError, match=r"question 'id\d', index 1 is there twice"):
        list(responses_of(folder, [twice], {f"id{at}" for at in range(4)}))


def test_names_that_differ_in_capitals_and_digests_in_capitals_are_refused(honest, tmp_path):
    for change in (
        lambda files: files.update({"readme.md": files["README.md"]}),
        lambda files: files["README.md"].update(sha256=files["README.md"]["sha256"].upper()),
    ):
        folder = shutil.copytree(honest, tmp_path / "release", dirs_exist_ok=True)
        manifest = json.loads((honest / "manifest.json").read_text())
        change(manifest["files"])
        (folder / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(ValueError, match="files"):
            check(Path(folder), Progress(io.StringIO()))
