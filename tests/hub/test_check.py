import dataclasses
import json
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toolkit.hub.check import check_release
from toolkit.hub.manifest import read_release
from toolkit.workspace import file_digest


@pytest.fixture(scope="module")
def result(tiny, tmp_path_factory):
    base = tmp_path_factory.mktemp("check")
    tiny.release(base / "tiny", tiny.corpus(base / "corpus"))
    return base / "tiny"


@pytest.fixture
def folder(result, tmp_path):
    return shutil.copytree(result, tmp_path / "tiny")


def rewrite(folder, change, card=lambda text: text):
    """Change manifest and card as somebody who keeps the digests right would."""
    (folder / "README.md").write_text(card((folder / "README.md").read_text()))
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    path = folder / "README.md"
    manifest["files"]["README.md"] = {"sha256": file_digest(path), "bytes": path.stat().st_size}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_good_release_has_nothing_wrong(folder, tiny):
    assert check_release(folder, tiny.count) == []
    assert read_release(folder).version == "v1.0.0"


def test_what_others_keep_in_the_folder_is_theirs(folder, tiny):
    (folder / ".gitattributes").write_text("*.parquet filter=lfs")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "download.json").write_text("{}")
    assert check_release(folder, tiny.count) == []


def test_damaged_missing_and_added_files_are_named(folder, tiny):
    first, second, third, *_ = sorted(folder.glob("data/accepted/*/*.parquet"))
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    second.unlink()
    third.rename(third.with_name("more.parquet"))
    found = check_release(folder, tiny.count)
    names = [path.relative_to(folder).as_posix() for path in (first, second, third)]
    assert f"{names[0]}: its bytes are not those of the manifest" in found
    assert f"{names[1]}: is missing" in found and f"{names[2]}: is missing" in found
    assert "data/accepted/q1/more.parquet: is not in the manifest" in found and len(found) == 4


def test_a_card_edited_without_the_manifest_is_damage(folder, tiny):
    (folder / "README.md").write_text((folder / "README.md").read_text() + "\nmore")
    assert check_release(folder, tiny.count) == ["README.md: its bytes are not those of the manifest"]


def test_counts_that_the_files_do_not_bear_out_are_found_on_the_card_and_in_the_manifest(folder, tiny):
    rewrite(folder, lambda manifest: manifest["statistics"]["r2"].update(accepted=99))
    assert check_release(folder, tiny.count) == ["r2: the statistics of the manifest are not those of the files"]


def test_a_wrong_number_on_the_card_is_found(folder, tiny):
    rewrite(folder, lambda manifest: None, lambda text: text.replace("| r4 | 4 | 16 |", "| r4 | 4 | 17 |"))
    assert check_release(folder, tiny.count) == ["r4: the counts on the card are not those of the files"]


def test_front_matter_that_disagrees_is_found(folder, tiny):
    rewrite(folder, lambda manifest: None, lambda text: text.replace("num_examples: 5", "num_examples: 6"))
    assert check_release(folder, tiny.count) == ["README.md: its dataset_info does not agree with the files"]
    rewrite(folder, lambda manifest: manifest.update(default="r2"))
    assert "README.md: its configs are not those of the manifest" in check_release(folder, tiny.count)


def test_a_broken_nesting_is_found(folder, tiny):
    def swap(manifest):
        files = manifest["cells"]["r4"]["accepted"]
        files[0], files[1] = files[1], files[0]
        manifest["cells"]["r1"]["accepted"].append(files[2])

    rewrite(folder, swap)
    found = check_release(folder, tiny.count)
    assert "r2: its files are not the first ones of r4" in found
    assert "r1: its files hold 4 responses per question" in found


def test_rows_on_the_wrong_side_or_of_other_indices_are_found(tiny, tmp_path):
    source = tiny.corpus(tmp_path / "corpus")
    for side in ("accepted", "rejected"):
        (source / "data" / side / "q1" / "i000-001.parquet").rename(source / f"{side}.parquet")
    shutil.copy(source / "rejected.parquet", source / "data/accepted/q1/i000-001.parquet")
    shutil.copy(source / "data/rejected/q1/i001-002.parquet", source / "data/rejected/q1/i000-001.parquet")
    tiny.release(tmp_path / "tiny", source)
    found = " ".join(check_release(tmp_path / "tiny", tiny.count))
    assert re.search(r"data/accepted/q1/i000-001-\w+.parquet: holds a verdict of the other side", found)
    assert re.search(r"data/rejected/q1/i000-001-\w+.parquet: holds responses .* to indices 0 to 0\b", found)
    assert "question 'id1', and 1 more: a response is missing or there twice" in found


COUNTINGS = {"accepted": "a4", "adaptive": "s4"}


@pytest.fixture
def counted(tiny, tmp_path):
    def make(counting, **changes):
        source = tiny.corpus(tmp_path / "corpus", counting=counting)
        card = dataclasses.replace(tiny.card, counting=counting)
        tiny.release(tmp_path / "tiny", source, card, **({"default": COUNTINGS[counting]} | changes))
        return tmp_path / "tiny"

    return make


@pytest.mark.parametrize("counting", COUNTINGS)
def test_a_good_release_of_another_counting_has_nothing_wrong(counted, tiny, counting):
    assert check_release(counted(counting), tiny.count) == []


def rebuilt(folder, tiny, change):
    """What is wrong with the release made again, its tables changed and everything else as if they had been so."""
    source = folder.parent / "changed"
    tables = {}
    for path in folder.glob("data/*/*/*.parquet"):
        tables["/".join(path.parts[-3:-1]) + "/" + path.stem.rpartition("-")[0]] = pq.read_table(path)
    change(tables)
    for name, table in tables.items():
        (source / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, source / "data" / f"{name}.parquet")
    for name in ("questions", "test"):
        shutil.copy(next(folder.glob(f"data/{name}-*.parquet")), source / f"{name}.parquet")
    shutil.rmtree(folder)
    tiny.release(folder, source, dataclasses.replace(tiny.card, counting="accepted"), default="a4")
    return check_release(folder, tiny.count)


def test_a_repeat_that_trains_is_found(counted, tiny):
    def same_text(tables):
        for name, rows in tables.items():
            column = rows.schema.get_field_index("response")
            tables[name] = rows.set_column(column, rows.field("response"), pa.array(["same"] * len(rows)))

    found = rebuilt(counted("accepted"), tiny, same_text)
    assert found == [
        "a2: 8 responses train, of which only 4 are distinct",
        "a4: 16 responses train, of which only 4 are distinct",
        "q2-a2: 16 responses train, of which only 8 are distinct",
    ]


def test_a_response_in_the_file_of_another_rank_is_found(counted, tiny):
    def move(tables):
        first, second = "rejected/q1/i001-002", "rejected/q1/i002-004"
        tables[first] = pa.concat_tables([tables[first], tables[second]]).sort_by("response_index")
        tables[second] = tables[second].slice(0, 0)

    (found,) = rebuilt(counted("accepted"), tiny, move)
    assert re.fullmatch(
        r"data/rejected/q1/i001-002-\w+.parquet: holds .* not belong to the accepted texts 1 to 1", found
    )


def test_a_response_that_is_missing_is_found(counted, tiny):
    def cut(tables):
        tables["rejected/q1/i001-002"] = tables["rejected/q1/i001-002"].slice(1)

    (found,) = rebuilt(counted("accepted"), tiny, cut)
    assert re.fullmatch(r"question 'id\d', and 0 more: a response is missing or there twice", found)


def test_adaptive_draws_are_one_budget(counted, tiny):
    folder = counted("adaptive")
    rewrite(folder, lambda manifest: manifest["cells"].update(s2=manifest["cells"]["s4"]))
    assert "s: draws that were stopped early are no ladder, yet there are 2 budgets of them" in check_release(
        folder, tiny.count
    )


def test_what_is_no_release_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"holds no manifest.json, so it is not a release"):
        read_release(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": 7}')
    with pytest.raises(ValueError, match="format 7; this toolkit reads format 1"):
        read_release(tmp_path)
