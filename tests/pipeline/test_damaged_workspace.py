"""What a crash or a hand left damaged in a workspace: made again, or named with file and line; never a traceback."""

import json

import pytest

from toolkit.pipeline.rates import read_rate
from toolkit.pipeline.stages.journal_index import JournalIndex
from toolkit.synthesis.journal import Journal, JournalError, Response, encode
from toolkit.workspace import MANIFEST, Workspace

GOOD = Response("q", 0, "text", "stop", 1, 2, 3)
DAMAGED = ["", "{", "[]", "null", '{"files": {}}', '{"files": [], "facts": {}, "seconds": 1}', "\0\0", "1" * 5000,
           "[" * 100_000, '{"files": {}, "facts": {}, "seconds": "1"}', '{"files": 1, "files": 2}']  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_manifest_is_no_artifact_and_is_made_again(tmp_path, text):
    said = []
    space = Workspace(tmp_path, said.append)

    def make(out):
        (out / "a.txt").write_text("a")
        return {}

    artifact, _ = space.build("stage", 1, make)
    (artifact.path / MANIFEST).write_text(text)
    again, known = space.build("stage", 1, make)
    assert not known and again.files == artifact.files
    assert said[0] == f"stage {artifact.key}: {MANIFEST} is damaged; making the artifact again"


def test_a_manifest_in_another_encoding_is_no_artifact_either(tmp_path):
    space = Workspace(tmp_path, lambda text: None)
    artifact, _ = space.build("stage", 1, lambda out: {})
    (artifact.path / MANIFEST).write_bytes((artifact.path / MANIFEST).read_text().encode("utf-16"))
    assert space.find("stage", 1) is None


@pytest.mark.parametrize("text", [*DAMAGED, '{"responses": 0, "seconds": 0}', '{"responses": NaN, "seconds": 1}',
                                  '{"responses": 5, "seconds": -1}', '{"responses": null, "seconds": 1}'])  # fmt: skip
def test_a_damaged_rate_is_none(tmp_path, text):
    path = tmp_path / "x.rate.json"
    path.write_text(text)
    assert read_rate(path) is None and read_rate(tmp_path / "none.rate.json") is None
    path.write_text('{"responses": 10, "seconds": 5}')
    assert read_rate(path) == (5, 10, 10, None)


WRONG = [
    {"index": -1}, {"index": 2**40}, {"index": "0"}, {"index": True}, {"index": 1.0}, {"index": None},
    {"prompt_tokens": -5}, {"completion_tokens": 10**30}, {"completion_tokens": True}, {"seed": 2**70}, {"seed": "x"},
    {"text": None}, {"text": 5}, {"finish_reason": "abort"}, {"finish_reason": None}, {"question_id": 1},
    {"model": None}, {"error": []}, {"more": 1},
]  # fmt: skip


@pytest.mark.parametrize("change", WRONG, ids=str)
def test_a_journal_row_of_another_type_or_range_is_named_with_file_and_line(tmp_path, change):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(encode(GOOD._replace(index=1)) + json.dumps(GOOD._asdict() | change).encode() + b"\n")
    for read in (lambda: Journal(path), JournalIndex(path, [{"question_id": "q", "answer": "1"}]).read):
        with pytest.raises(JournalError) as refused:
            read()
        assert str(refused.value).startswith(
            f"{path}: line 2 is no response: {next(iter(change)) if 'more' not in change else ''}"
        )
        assert "remove the line, and the response is sampled again" in str(refused.value)


@pytest.mark.parametrize("line", [b"[]", b"null", b"5", b"{", b"\xff\xfe", b"[" * 100_000, b'{"question_id": "q"}'])
def test_a_line_that_is_no_row_is_named(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(line + b"\n")
    with pytest.raises(JournalError, match=r"line 1 is no response: "):
        Journal(path)
    with pytest.raises(JournalError, match=r"line 1 is no response: "):
        JournalIndex(path, []).read()
