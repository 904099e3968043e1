import json
import os
import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.synthesis.journal import PLAIN_FIELDS, Journal, JournalError, Response, encode, read_journal

texts = st.text()
rows = st.lists(
    st.builds(
        Response,
        st.text(min_size=1),
        st.integers(0, 100),
        texts,
        st.sampled_from(["stop", "length"]),
        st.integers(0, 9),
        st.integers(0, 9),
        st.integers(0, 2**63 - 1),
        texts,
        texts,
        st.just(""),
        st.just(0),
    ),
    unique_by=lambda row: (row.question_id, row.index),
)


def response(index=0, question_id="q", text="t"):
    return Response(question_id, index, text, "stop", 3, 4, 5)


@given(rows)
def test_a_response_is_one_line_and_comes_back_as_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("journal") / "rows.jsonl"
    with Journal(path) as journal:
        journal.append(rows)
        assert list(journal) == rows
    assert path.read_bytes().count(b"\n") == len(rows)
    with Journal(path) as journal:
        assert all(journal.has(row.question_id, row.index) for row in rows)
        assert not journal.has("never asked", 0)


@given(st.text(st.characters(exclude_categories=[])), st.integers(0, 2**63 - 1))
def test_a_line_has_the_bytes_that_it_always_had(text, seed):
    row = response(text=text)._replace(seed=seed, model=text)
    fields = {name: getattr(row, name) for name in PLAIN_FIELDS}
    line = json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert encode(row) == line.encode(errors="replace")


def test_rows_older_than_model_and_error_are_read(tmp_path):
    row = response()._asdict()
    del row["model"], row["error"]
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    assert list(read_journal(tmp_path / "rows.jsonl")) == [response()]


def test_usage_counts_responses_and_not_errors(tmp_path):
    rows = [response(0), response(1), response(2)._replace(finish_reason="error")]
    for _ in range(2):
        with Journal(tmp_path / "rows.jsonl") as journal:
            journal.append(row for row in rows if not journal.has("q", row.index))
            assert journal.ledger == {"answer": (2, 6, 8)}


def test_a_lone_surrogate_is_data_too(tmp_path):
    with Journal(tmp_path / "rows.jsonl") as journal:
        journal.append([response(text="\ud800 and \u2028 and \x00")])
        assert len(list(journal)) == 1


@given(cut=st.integers(1, 200))
def test_what_a_killed_writer_left_unfinished_is_cut_off(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("journal") / "rows.jsonl"
    with Journal(path) as journal:
        journal.append([response(0), response(1)])
    whole = path.read_bytes()
    torn = encode(response(2, text="x" * 200))[:-1][:cut]
    path.write_bytes(whole + torn)
    with Journal(path) as journal:
        assert [row.index for row in journal] == [0, 1]
        journal.append([response(2)])
    assert path.read_bytes() == whole + encode(response(2))


def test_a_torn_first_line_longer_than_a_block_is_cut_off(tmp_path):
    (tmp_path / "rows.jsonl").write_bytes(b"x" * 200_000)
    with Journal(tmp_path / "rows.jsonl") as journal:
        assert list(journal) == []


def test_the_same_response_twice_is_refused_and_not_written(tmp_path):
    with Journal(tmp_path / "rows.jsonl") as journal:
        journal.append([response(0)])
        with pytest.raises(JournalError, match="question q, index 0 is there twice"):
            journal.append([response(0)])
    assert len(list(read_journal(tmp_path / "rows.jsonl"))) == 1


@pytest.mark.parametrize("line", ["{}", "[]", "no json", '{"question_id": "q", "more": 1}'])
def test_a_damaged_line_is_named(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(encode(response(0)) + line.encode() + b"\n")
    with pytest.raises(JournalError, match=r"rows\.jsonl: line 2 is no response"):
        Journal(path)


FULL = """
import resource, sys
from pathlib import Path
from toolkit.synthesis.journal import Journal, Response
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))  # a disk of 5,000 bytes
with Journal(Path(sys.argv[1])) as journal:
    for index in range(10**6):
        try:
            journal.write(Response("q", index, "text " * 50, "stop", 1, 1, index))
        except OSError:
            assert not journal.has("q", index) and journal.responses == index
            raise
"""


def test_a_full_disk_is_an_error_and_keeps_every_whole_row(tmp_path):
    path = tmp_path / "rows.jsonl"
    ran = subprocess.run([sys.executable, "-c", FULL, path], stderr=subprocess.PIPE, text=True)
    assert ran.returncode == 1 and "OSError: [Errno 27] File too large" in ran.stderr
    content = path.read_bytes()
    assert content.endswith(b"\n") and 4_000 < len(content) <= 5_000
    assert [row.index for row in read_journal(path)] == list(range(content.count(b"\n")))


WRITER = """
import sys
from pathlib import Path
from toolkit.synthesis.journal import Journal, Response
with Journal(Path(sys.argv[1])) as journal:
    held = sum(1 for _ in journal)
    for index in range(held, 10**6):
        journal.append([Response("q", index, "text " * 50, "stop", 1, 1, index)])
        sys.stdout.write(f"{index}\\n")
        sys.stdout.flush()
"""


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_nothing_reported_as_written_is_lost_to_a_kill(tmp_path, kills):
    path = tmp_path / "rows.jsonl"
    for kill in range(kills):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True)
        told = -1
        for line in writer.stdout:
            told = int(line)
            if told % 37 == kill % 37:
                break
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        with Journal(path) as journal:
            indices = [row.index for row in journal]
        assert indices == list(range(len(indices))) and len(indices) > told
