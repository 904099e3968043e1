"""What somebody plants in a release who makes every digest, count and card fit again is found all the same."""

import io
import json
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi

from tests.hub.tiny_ladder import CARD, RECIPE, TEST_QUESTION, counts, make_release, write_corpus
from toolkit.cli import main
from toolkit.hub_server import running
from toolkit.pipeline.verify import check, check_named
from toolkit.progress import Progress
from toolkit.workspace import file_digest

WRONG = "is published as {}, and judged again it is {}"
NAME = re.compile(r"data/(?:accepted|rejected)/(.*)-\w{12}(\.parquet)")


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """r1, r2, r4 of 4 questions, and q2-r2 of 8."""
    folder = tmp_path_factory.mktemp("honest") / "release"
    make_release(folder, (1, 2, 4), subsets=[(8, 2)])
    return folder


def checked(folder):
    return check(folder, Progress(io.StringIO()))


def forge(honest, out, change=lambda rows: None, cells=lambda cells: cells, provenance=None):
    """A release of changed rows or cells, with everything else made anew to fit; each row says its `file`."""
    manifest = json.loads((honest / "manifest.json").read_text())
    plain = {name: [NAME.sub(r"\1\2", file) for file in sides["accepted"]] for name, sides in manifest["cells"].items()}
    schema, rows = None, []
    for path in sorted(honest.glob("data/*ed/*/*.parquet")):
        table = pq.read_table(path)
        schema = table.schema
        file = NAME.sub(r"\1\2", path.relative_to(honest).as_posix())
        rows += [row | {"file": file} for row in table.to_pylist()]
    change(rows)
    rows.sort(key=lambda row: (row["response_index"], int(row["question_id"][2:])))
    corpus = out / "corpus"
    for file in {file for files in plain.values() for file in files}:
        for side in ("accepted", "rejected"):
            kept = [row for row in rows if row["file"] == file and (row["verdict"] == "accepted") == (side[0] == "a")]
            (corpus / "data" / side / file).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(kept, schema), corpus / "data" / side / file)
    forge_pool(honest, corpus, rows)
    made, facts = cells(plain), provenance or manifest["provenance"]
    facts = facts | {"pool": file_digest(corpus / "questions.parquet")}
    told = made, "r4", counts(corpus, made), CARD, "v1.0.0", facts, RECIPE
    write_corpus(out / "release", corpus, *told)
    return out / "release"


def forge_pool(honest, corpus, rows):
    """The pool beside the corpus, with each question as all of its rows have it."""
    for name in ("questions", "test"):
        (path,) = honest.glob(f"data/{name}-*.parquet")
        table = pq.read_table(path)
        seeds = table.to_pylist()
        for seed in seeds:
            texts = {row["question"] for row in rows if row["question_id"] == seed["question_id"]}
            seed["question"] = texts.pop() if len(texts) == 1 else seed["question"]
        pq.write_table(pa.Table.from_pylist(seeds, table.schema), corpus / f"{name}.parquet")


def test_an_honest_release_holds_and_its_forgery_without_a_change_too(honest, tmp_path):
    looked_at, problems = checked(honest)
    assert problems == checked(forge(honest, tmp_path)).problems == []
    assert "4 budgets: nesting row by row, and every count on the card (r1, r2, q2-r2, r4)" in looked_at
    assert looked_at[2:] == [
        "24 verdicts judged again",
        "8 questions and every accepted response searched for the release's 1 held-out questions (of a benchmark "
        "beside them it has no items)",
    ]


def first(rows, **wanted):
    return next(row for row in rows if all(row[name] == value for name, value in wanted.items()))


def flip_to_accepted(rows):
    first(rows, verdict="rejected")["verdict"] = "accepted"


def flip_to_rejected(rows):
    first(rows, verdict="accepted")["verdict"] = "rejected"


def tell_a_wrong_answer(rows):
    row = first(rows, verdict="accepted")
    say(row, "So it is \\boxed{77}")
    row["extracted"] = "77"


def change_what_was_extracted(rows):
    first(rows, verdict="rejected")["extracted"] = "77"


def call_it_cut(rows):
    first(rows, verdict="rejected").update(finish_reason="length")


def make_the_answer_fit(rows):
    row = first(rows, verdict="rejected")
    row.update(verdict="accepted", answer=row["extracted"])


def plant_a_test_question(rows):
    ask(rows, TEST_QUESTION)


def plant_a_near_test_question(rows):
    ask(rows, f"Tell me once more, please: {TEST_QUESTION.lower()}")


def quote_a_test_question(rows):
    row = first(rows, verdict="accepted")
    say(row, f"{TEST_QUESTION} I do not know. \\boxed{{{row['answer']}}}")


def train_on_something_else(rows):
    first(rows, verdict="accepted")["messages"][0]["content"] = TEST_QUESTION


def say(row, text):
    row["response"] = row["messages"][1]["content"] = text


def ask(rows, question):
    """Rejected rows hold it too: nothing with it is to be published."""
    for row in rows:
        if row["question_id"] == "id3":
            row["question"] = row["messages"][0]["content"] = question


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (flip_to_accepted, WRONG.format("accepted", "rejected")),
        (flip_to_rejected, WRONG.format("rejected", "accepted")),
        (tell_a_wrong_answer, WRONG.format("accepted", "rejected")),
        (call_it_cut, WRONG.format("rejected", "truncated")),
        (change_what_was_extracted, "the answer cut out, or whether a step is wrong, is not what the policy gives"),
        (make_the_answer_fit, "its question or known answer is not one of the seed questions"),
        (plant_a_test_question, r": has the held-out question 't0' in it \(exact\)"),
        (plant_a_near_test_question, r": has the held-out question 't0' in it \(near\)"),
        (quote_a_test_question, WRONG.format("accepted", "leaked, for a held-out question is in it")),
        (train_on_something_else, "its messages are not its question and its response"),
    ],
)
def test_a_planted_row_is_the_one_thing_found(honest, tmp_path, change, found):
    (problem,) = checked(forge(honest, tmp_path, change)).problems
    assert re.match(f"question 'id\\d'.*{found}", problem)


def test_many_rows_are_one_sentence(honest, tmp_path):
    def flip_all(rows):
        for row in rows:
            row["verdict"] = "accepted"

    (problem,) = checked(forge(honest, tmp_path, flip_all)).problems
    assert problem.endswith("judged again it is rejected (8 rows in all)")


def test_a_row_moved_between_increments_is_found(honest, tmp_path):
    def move(rows):
        first(rows, file="q1/i001-002.parquet", verdict="accepted")["file"] = "q1/i000-001.parquet"

    (problem,) = checked(forge(honest, tmp_path, move)).problems
    assert re.fullmatch(r"data/accepted/q1/i000-001-\w+.parquet: holds responses .* belong to indices 0 to 0", problem)


def test_a_budget_that_is_no_prefix_is_found_in_the_rows(honest, tmp_path):
    def turn(cells):
        return cells | {"r2": cells["r2"][::-1]}

    assert "r1: its rows are not the first ones of r2" in checked(forge(honest, tmp_path, cells=turn)).problems


def test_questions_that_are_not_nested_are_found(honest, tmp_path):
    def other(cells):
        return cells | {"q2-r2": ["q2/i000-001.parquet", "q2/i001-002.parquet", "q1/i000-001.parquet"]}

    assert "r2: its questions are not among those of q2-r2" in checked(forge(honest, tmp_path, cells=other)).problems


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("| r4 | 4 | 16 |", "| r4 | 4 | 17 |", "r4: the counts on the card are not those of the files"),
        ("num_examples: 3\n", "num_examples: 4\n", "README.md: its dataset_info does not agree with the files"),
    ],
)
def test_a_false_card_is_found(honest, tmp_path, old, new, found):
    folder = Path(shutil.copytree(honest, tmp_path / "release"))
    card, path = folder / "README.md", folder / "manifest.json"
    assert old in card.read_text()
    card.write_text(card.read_text().replace(old, new, 1))
    manifest = json.loads(path.read_text())
    manifest["files"]["README.md"] = {"sha256": file_digest(card), "bytes": card.stat().st_size}
    path.write_text(json.dumps(manifest))
    assert checked(folder).problems == [found]


def test_a_configuration_that_loads_less_than_its_budget_is_found(honest, tmp_path):
    folder = forge(honest, tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["configs"]["r4"]["files"].pop()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert "r4: loads other files than its accepted ones" in checked(folder).problems


def test_a_question_of_no_pool_is_found_and_named_where_it_is_held_out(honest, tmp_path):
    def ask_once(rows):
        row = first(rows, verdict="rejected")
        row["question"] = row["messages"][0]["content"] = TEST_QUESTION

    foreign, leaked = checked(forge(honest, tmp_path, ask_once)).problems
    assert foreign.endswith("its question or known answer is not one of the seed questions")
    assert leaked.endswith("has the held-out question 't0' in it (exact)")


def test_another_pool_than_the_one_of_the_provenance_is_found(honest, tmp_path):
    folder = forge(honest, tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["provenance"]["pool"] = "0a"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (problem,) = checked(folder).problems
    assert re.fullmatch(r"data/questions-\w+\.parquet: is another pool than the one in the provenance", problem)


@pytest.mark.parametrize("procedural", [True, False])
def test_a_response_that_no_question_leaked_was_not_leaked(honest, tmp_path, procedural):
    def leak(rows):
        first(rows, verdict="accepted")["verdict"] = "leaked"

    facts = json.loads((honest / "manifest.json").read_text())["provenance"] | {"procedural": procedural}
    (problem,) = checked(forge(honest, tmp_path, leak, provenance=facts)).problems
    assert problem.endswith(WRONG.format("leaked", "accepted"))


def test_a_release_that_does_not_say_how_it_was_judged_is_told(honest, tmp_path):
    with pytest.raises(ValueError, match="its provenance does not say how responses were judged"):
        checked(forge(honest, tmp_path, provenance={"sampling": {}}))


def test_the_exit_code_tells(honest, tmp_path, capsys):
    assert main(["check", str(honest)]) == 0
    assert capsys.readouterr().out.endswith("\nall of it holds\n")
    assert main(["check", str(forge(honest, tmp_path, flip_to_accepted))]) == 1
    assert "\nwrong, 1:\nquestion 'id" in capsys.readouterr().out
    (honest.parent / "empty").mkdir()
    assert main(["check", str(honest.parent / "empty")]) == 1
    assert "holds no manifest.json, so it is not a release" in capsys.readouterr().err


def test_a_release_of_a_hub_under_the_tag_of_another_version_is_found(honest, tmp_path, monkeypatch):
    for name in ("HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with running(tmp_path / "hub") as (endpoint, token):
        api, where = HfApi(endpoint, token=token), {"repo_id": "local/tiny", "repo_type": "dataset"}
        api.create_repo(**where)
        api.upload_folder(**where, folder_path=honest)
        for tag in ("v1.0.0", "v2.0.0"):
            api.create_tag(**where, tag=tag)
    named, right = check_named("local/tiny@v1.0.0", tmp_path, progress=Progress(io.StringIO()))
    assert named.startswith("local/tiny@v1.0.0, commit ") and right.problems == []
    wrong = check_named("local/tiny", tmp_path, progress=Progress(io.StringIO()))[1]
    assert wrong.problems == ["manifest.json: says v1.0.0, yet the tag is v2.0.0"]
