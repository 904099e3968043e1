"""Every kind of chat model is asked one way, ends where it should, trains and is scored; what is none is refused."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import LogitsProcessor

from tests.model_kinds import KINDS, make_kind
from tests.tiny_model import make_tiny_model
from toolkit.evaluation.score import ScoredModel, score_models
from toolkit.models.chat import chat_ids, ends_of, load_tokenizer, mute, prompt_ids, prompt_text, without_opened
from toolkit.models.files import ModelFilesError
from toolkit.prompt import Messages, user_turn
from toolkit.recipe.sections import Evaluation, Sampling, Student
from toolkit.students.rows import IGNORED, read_responses, tokenize_rows
from toolkit.students.train import _dataset, _trainer, train_student
from toolkit.students.weights import load_student
from toolkit.teachers.backends.local import LocalTeacher

QUESTION = "  What is 2 + 3?\n"
LORA = Student(steps=2, batch_size=2, lora_rank=2, lora_alpha=4, max_length=400)


@pytest.fixture(scope="module", params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_kind(tmp_path_factory.mktemp("kinds") / kind, kind)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        {
            "question_id": f"q{at}",
            "question": QUESTION + "?" * at,
            "response": f"<think>\nAdd.\n</think>\n\\boxed{{{at}}}",
        }
        for at in range(3)
    ]
    file = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file


class Say(LogitsProcessor):
    """Has a model write `token` at a step, counted from 0, and `other` before."""

    def __init__(self, token: int, step: int, other: int) -> None:
        self.token, self.step, self.other, self.calls = token, step, other, 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        scores[:] = -torch.inf
        scores[:, self.token if self.calls == self.step else self.other] = 0
        self.calls += 1
        return scores


def teacher(folder: Path, **settings: object) -> LocalTeacher:
    return LocalTeacher(folder, Sampling(max_tokens=6, **settings), model="kind@1")


def named_ends(kind: str, folder: Path) -> set[int]:
    tokenizer = load_tokenizer(folder)
    tokens = {KINDS[kind].names["eos_token"], *(KINDS[kind].ends or ())}
    return {tokenizer.convert_tokens_to_ids(token) for token in tokens}


def test_a_response_stops_at_every_end(kind: str, folder: Path) -> None:
    local = teacher(folder)
    other = local.tokenizer.convert_tokens_to_ids("a")
    assert set(local.ends) == named_ends(kind, folder)
    plain = list(local.warpers)
    for end in local.ends:
        local.warpers = [*plain, Say(end, 3, other)]
        for answer in local.generate([user_turn(QUESTION), user_turn("a longer question than the other")], [1, 2]):
            assert (answer.text.strip(), answer.finish_reason, answer.completion_tokens) == ("aaa", "stop", 4)
    local.warpers = [*plain, Say(other, 0, other)]
    assert {answer.finish_reason for answer in local.generate([user_turn(QUESTION)], [1])} == {"length"}


def test_sampling_does_not_depend_on_the_batch_and_ids_stand_for_text(folder: Path) -> None:
    local = teacher(folder, temperature=1.5)
    questions = list(map(user_turn, [QUESTION, "one", "a much longer question than the others, by far"]))
    together = local.generate(questions, [7, 8, 9])
    assert together == [
        local.generate([question], [seed])[0] for question, seed in zip(questions, [7, 8, 9], strict=True)
    ]


def test_training_scoring_and_sampling_read_the_same_prompt(folder: Path, corpus: Path) -> None:
    tokenizer = load_tokenizer(folder)
    rows = read_responses([corpus])
    trained = tokenize_rows(tokenizer, rows, 400)
    local = teacher(folder)
    for row, ids in zip(rows, trained.input_ids, strict=True):
        prompt = tokenizer(local.prompt(user_turn(row["question"])), add_special_tokens=False)["input_ids"]
        assert ids[: len(prompt)] == prompt == prompt_ids(tokenizer, row["question"])
    assert trained.unreadable == 0


def test_a_sequence_begins_once(kind: str, folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    begin = tokenizer.bos_token_id
    ids = prompt_ids(tokenizer, QUESTION)
    if KINDS[kind].begins:
        assert ids.count(begin) == 1 and ids[0] == begin
    elif begin is not None:
        assert ids.count(begin) == prompt_text(tokenizer, QUESTION).count(tokenizer.bos_token)


def test_labels_are_the_response_and_its_end_in_every_batch(folder: Path, corpus: Path, tmp_path: Path) -> None:
    """Include the case that the end is also the padding."""
    tokenizer = load_tokenizer(folder)
    rows = tokenize_rows(tokenizer, read_responses([corpus]), 400)
    trainer = _trainer(folder, tokenizer, _dataset(rows), tmp_path, LORA, 0, lambda done, total: None)
    batch = next(iter(trainer.get_train_dataloader()))
    for labels, wanted in zip(batch["labels"].tolist(), rows.labels, strict=False):
        learned = [label for label in labels if label != IGNORED]
        assert learned == [label for label in wanted if label != IGNORED] and learned[-1] == tokenizer.eos_token_id
        assert "boxed" in tokenizer.decode(learned)


def test_it_trains_and_is_scored(kind: str, folder: Path, corpus: Path, tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([{"question_id": "t", "question": QUESTION, "answer": "5"}]), tmp_path / "t")
    for method in ("lora", "full"):
        settings = Student(**{**LORA.__dict__, "method": method})
        out = tmp_path / method
        facts = train_student(folder, [corpus], out, settings, 0, lambda done, total: None)
        assert facts["steps"] == 2 and facts["rows"] == 3
        load_student(folder, out)
        model = ScoredModel(method, out, tmp_path / f"{method}-score", folder)
        (score,) = score_models([model], tmp_path / "t", Evaluation(eval_max_tokens=4), lambda done, total: None)
        assert score["n"] == 1
    assert set(ends_of(tmp_path / "full", load_tokenizer(tmp_path / "full"))) == named_ends(kind, folder)


def test_control_tokens_in_a_question_are_plain_text(kind: str, folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    end = tokenizer.eos_token
    ids = prompt_ids(tokenizer, f"what does {end} mean?")
    assert ids.count(tokenizer.eos_token_id) == prompt_ids(tokenizer, "what").count(tokenizer.eos_token_id)
    text = tokenizer.decode(ids).replace(" ", "")
    assert f"whatdoes{end}mean?" in text


def test_control_tokens_in_several_turns_are_plain_text(kind: str, folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    end = tokenizer.eos_token

    def turns(*texts: str) -> Messages:
        roles = ("user", "assistant", "user")
        return [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]

    ids = chat_ids(tokenizer, turns(f"what does {end} mean?", f"{end} ends", "sure?"))
    plain = chat_ids(tokenizer, turns("what does it mean?", "it ends", "sure?"))
    assert ids.count(tokenizer.eos_token_id) == plain.count(tokenizer.eos_token_id)
    assert tokenizer.decode(ids).replace(" ", "").count(end) == 2 + plain.count(tokenizer.eos_token_id)
    assert LocalTeacher(folder, Sampling(max_tokens=2), model="kind@1").generate([turns("a", "b", "c")], [1])


def test_a_thought_that_the_prompt_opens_is_not_opened_again(tmp_path: Path, corpus: Path) -> None:
    tokenizer = load_tokenizer(make_kind(tmp_path / "reasoner", "reasoner"))
    rows = tokenize_rows(tokenizer, read_responses([corpus]), 400)
    opened = tokenizer.convert_tokens_to_ids("<think>")
    assert all(ids.count(opened) == 1 for ids in rows.input_ids)
    assert tokenizer.decode(rows.input_ids[0]).endswith("assistant\n<think>\nAdd.\n</think>\n\\boxed{0}<|im_end|>")
    plain = load_tokenizer(make_kind(tmp_path / "qwen", "qwen"))
    assert "<think>\nAdd." in plain.decode(tokenize_rows(plain, read_responses([corpus]), 400).input_ids[0])


@pytest.mark.parametrize(
    ("prompt", "response", "kept"),
    [
        ("assistant\n<think>\n", "<think>\nAdd.", "Add."),
        ("assistant\n<think>\n", "<think>Add.", "Add."),
        ("assistant\n<think>", "\n<think>\nAdd.", "Add."),
        ("assistant\n<think>\n", "Add.</think> 5", "Add.</think> 5"),
        ("assistant\n<think>\n\n</think>\n\n", "<think>\n\n</think>\n\n5", "5"),
        ("assistant\n<think>\n\n</think>\n\n", "<think> Add. </think> 5", "<think> Add. </think> 5"),
        ("<|assistant|>[THINK]", "[THINK]Add.", "Add."),
        ("<|assistant|><think>\n", "<think>\nAdd.", "Add."),
        ("assistant\n", "<think>\nAdd.", "<think>\nAdd."),
        ("is 3 <think>? assistant:", "<think>", "<think>"),
        ("<" * 100_000, "<" * 100, "<" * 100),
    ],
)
def test_opened_tags(prompt: str, response: str, kept: str) -> None:
    assert without_opened(prompt, response) == kept


def test_a_models_own_sampling_does_not_bend_the_recipes(tmp_path: Path) -> None:
    folder = make_kind(tmp_path / "qwen", "qwen")
    bent = teacher(folder).generate([user_turn(QUESTION)] * 4, [1, 2, 3, 4])
    for name in ("repetition_penalty", "top_k", "top_p", "temperature"):
        assert name in (folder / "generation_config.json").read_text()
    ends = {"eos_token_id": json.loads((folder / "generation_config.json").read_text())["eos_token_id"]}
    (folder / "generation_config.json").write_text(json.dumps(ends))
    assert teacher(folder).generate([user_turn(QUESTION)] * 4, [1, 2, 3, 4]) == bent


def test_ids_beyond_the_tokenizer_are_not_drawn(tmp_path: Path) -> None:
    local = teacher(make_kind(tmp_path / "qwen", "qwen"))
    count = len(local.tokenizer)
    assert local.network.config.vocab_size == count + 5
    scores = torch.zeros(2, count + 5)
    for warper in local.warpers:
        scores = warper(torch.zeros(2, 1, dtype=torch.long), scores)
    assert torch.isinf(scores[:, count:]).all() and torch.isfinite(scores[:, :count]).all()


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "no chat template to ask questions with; add chat_template.jinja"),
        ("{{ raise_exception('needs a system message') }}", "needs a system message"),
        ("{{ messages[5]['content'] }}", "cannot write a single question"),
        ("{{ 1 / 0 }}", "cannot write a single question"),
        ("{% for", "cannot write a single question"),
        ("Hello", "does not show the question"),
    ],
)
def test_templates_that_cannot_ask_are_refused(tmp_path: Path, template: str | None, message: str) -> None:
    folder = make_tiny_model(tmp_path / "model", ["one"])
    (folder / "chat_template.jinja").unlink()
    if template:
        (folder / "chat_template.jinja").write_text(template)
    assert message in str(mute(load_tokenizer(folder)))
    with pytest.raises(ModelFilesError, match=r"chat[ _]template"):
        teacher(folder)


def test_a_template_that_prints_the_date_prints_one(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "model", ["one"])
    template = (
        "{% if strftime_now is defined %}Today: {{ strftime_now('%d %b %Y') }}{% endif %} {{ messages[0].content }}"
    )
    (folder / "chat_template.jinja").write_text(template)
    assert prompt_text(load_tokenizer(folder), "one") == "Today: 26 Jul 2024 one"


def ends_with(folder: Path, generation: object, model: dict) -> list[int]:
    """Give the end tokens of a folder whose two configurations list these; None leaves generation_config.json out."""
    (folder / "generation_config.json").unlink(missing_ok=True)
    if generation is not None:
        (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": generation}))
    config = json.loads((folder / "config.json").read_text())
    config.pop("eos_token_id", None)
    (folder / "config.json").write_text(json.dumps(config | model))
    return ends_of(folder, load_tokenizer(folder))


@pytest.mark.parametrize(
    ("generation", "model", "ends"),
    [
        ([3, 4], {"eos_token_id": 5}, [2, 3, 4, 5]),
        (None, {"eos_token_id": [5, 3]}, [2, 3, 5]),
        (None, {"eos_token_id": None, "text_config": {"eos_token_id": 6}}, [2, 6]),
        (-1, {"eos_token_id": None}, [2]),
        (None, {}, [2]),
    ],
)
def test_ends_are_those_of_the_files(tmp_path: Path, generation: object, model: dict, ends: list[int]) -> None:
    folder = make_tiny_model(tmp_path / "model", ["one"])
    assert ends_with(folder, generation, model) == ends


@pytest.mark.parametrize("wrong", ["</s>", [1, "2"], True, 2.0, {"a": 1}])
def test_an_end_that_is_not_a_token_id_is_refused(tmp_path: Path, wrong: object) -> None:
    folder = make_tiny_model(tmp_path / "model", ["one"])
    with pytest.raises(ModelFilesError, match="eos_token_id"):
        ends_with(folder, wrong, {})


def test_a_model_without_any_end_needs_a_stop_text(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "model", ["one"])
    for name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        read = json.loads((folder / name).read_text())
        rest = {key: value for key, value in read.items() if key not in ("eos_token", "eos_token_id")}
        (folder / name).write_text(json.dumps(rest))
    with pytest.raises(ModelFilesError, match="no token ends its answers; set eos_token"):
        teacher(folder)
    assert teacher(folder, stop=("one",)).generate([user_turn("one")], [1])[0].finish_reason in ("stop", "length")


def test_a_tokenizer_of_another_network_is_refused(tmp_path: Path) -> None:
    small, large = make_tiny_model(tmp_path / "small", ["one"]), make_tiny_model(tmp_path / "large", ["two", "one"])
    for file in large.glob("tokenizer*"):
        shutil.copy(file, small / file.name)
    with pytest.raises(ModelFilesError, match="writes token 6 and its network knows 6 tokens"):
        teacher(small).generate([user_turn("one")], [1])


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_tokenizer_is_named(tmp_path: Path, content: bytes) -> None:
    folder = make_tiny_model(tmp_path / "model", ["one"])
    (folder / "tokenizer.json").write_bytes(content)
    with pytest.raises(ModelFilesError, match="its tokenizer cannot be read"):
        load_tokenizer(folder)
