"""Training on pairs: which pairs, what the losses are, that the margin rises, and when a student has collapsed."""

import csv
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from tests.tiny_model import make_tiny_model
from toolkit.models.files import Collapsed, NotFinite
from toolkit.models.networks import load_network
from toolkit.prompt import user_turn
from toolkit.quiet import quiet
from toolkit.recipe.sections import Student
from toolkit.students.pairs import Pair, corpus_pairs, read_pairs, tokenize_pairs, write_pairs
from toolkit.students.preference import LOG, RediTrainer, _dataset, _trainer, pair_settings, redi_loss
from toolkit.students.rows import StudentError
from toolkit.students.train import continue_student, train_student
from toolkit.students.weights import load_student

SETTINGS = Student(
    steps=24,
    batch_size=4,
    learning_rate=0.02,
    lora_rank=4,
    lora_alpha=8,
    max_length=32,
    objective="redi",
    preference_steps=12,
    preference_learning_rate=5e-3,
)
QUESTIONS = ["one plus one", "one plus two", "two plus two"]
RIGHT = ["\\boxed{2}", "\\boxed{3}", "\\boxed{4}"]
WRONG = ["\\boxed{3}", "\\boxed{4}", "\\boxed{2}"]
PAIRS = [
    Pair(f"q{number}", user_turn(asked), f"{asked} makes {right}", f"{asked} makes makes {wrong}")
    for number, (asked, right, wrong) in enumerate(zip(QUESTIONS, RIGHT, WRONG, strict=True))
]


def row(question: str, index: int, response: str, verdict: str, prompt: str = "one") -> dict[str, Any]:
    messages = [*user_turn(prompt), {"role": "assistant", "content": response}]
    fixed = {"question_id": question, "question": "one", "messages": messages}
    return fixed | {"response": response, "response_index": index, "verdict": verdict}


def write(file: Path, rows: Sequence[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), file)
    return file


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "base", ["one", "two", "plus", "makes", *RIGHT])


@pytest.fixture(scope="module")
def tokenizer(base: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(base)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [{"question_id": pair.question_id, "question": pair.prompt[0]["content"]} for pair in PAIRS]
    texts = [{"response": pair.chosen} for pair in PAIRS]
    return write(tmp_path_factory.mktemp("corpus") / "rows.parquet", [a | b for a, b in zip(rows, texts, strict=True)])


def train(base: Path, corpus: Path, out: Path, settings: Student = SETTINGS, **options: Any) -> dict[str, Any]:
    options = {"pairs": PAIRS, "progress": lambda done, total: None} | options
    return train_student(base, [corpus], out, settings, 0, **options)


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def trainer(network: Any, base: Path, out: Path, settings: Student) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(base)
    rows = _dataset(tokenize_pairs(tokenizer, PAIRS[:2], settings.max_length))
    with quiet():
        return _trainer(network, tokenizer, rows, out, pair_settings(settings), 0, lambda done, total: None)


# --- pairs ---


def test_pairs_are_the_first_accepted_and_the_first_rejected_response(tmp_path: Path) -> None:
    accepted = [
        write(tmp_path / "a1.parquet", [row("q1", 1, "late", "accepted"), row("q0", 2, "good", "accepted")]),
        write(tmp_path / "a0.parquet", [row("q1", 0, "early", "accepted"), row("q2", 0, "alone", "accepted")]),
    ]
    rejected = write(
        tmp_path / "r.parquet",
        [
            row("q0", 0, "cut", "truncated"),
            row("q0", 1, "leak", "leaked"),
            row("q0", 4, "worse", "rejected"),
            row("q0", 3, "bad", "rejected"),
            row("q1", 2, "repeat", "accepted"),
            row("q1", 3, "odd", "unparsable"),
            row("q3", 0, "bad", "rejected"),
        ],
    )
    plain = [tuple(pair) for pair in corpus_pairs(accepted, [rejected], ["rejected"])]
    assert plain == [("q0", user_turn("one"), "good", "bad")]
    more = corpus_pairs(accepted, [rejected], ["rejected", "truncated", "unparsable"])
    assert [(pair.chosen, pair.rejected) for pair in more] == [("early", "odd"), ("good", "cut")]


def test_a_rejected_response_to_other_messages_or_with_a_leak_is_in_no_pair(tmp_path: Path) -> None:
    accepted = write(tmp_path / "a.parquet", [row("q0", 0, "good", "accepted")])
    rows = [row("q0", 1, "guided", "rejected", "two"), row("q0", 2, "held out", "rejected")]
    rejected = write(tmp_path / "r.parquet", [*rows, row("q0", 3, "bad", "rejected")])
    (pair,) = corpus_pairs([accepted], [rejected], ["rejected"], lambda text: "held out" in text)
    assert (pair.chosen, pair.rejected) == ("good", "bad")


def test_many_rows_are_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.students.pairs.ROWS", 2)
    accepted = write(tmp_path / "a.parquet", [row(f"q{n}", 5, f"good {n}", "accepted") for n in range(5)])
    rejected = write(tmp_path / "r.parquet", [row(f"q{n % 5}", n // 5, f"bad {n}", "rejected") for n in range(25)])
    pairs = corpus_pairs([accepted], [rejected], ["rejected"])
    assert [(pair.chosen, pair.rejected) for pair in pairs] == [(f"good {n}", f"bad {n}") for n in range(5)]


def test_token_pairs_are_whole_and_end(tokenizer: PreTrainedTokenizerBase) -> None:
    pairs = tokenize_pairs(tokenizer, PAIRS[:1], 32)
    decoded = [tokenizer.decode(ids) for (ids,) in (pairs.prompt_ids, pairs.chosen_ids, pairs.rejected_ids)]
    assert decoded == [
        "<user> one plus one <assistant>",
        "one plus one makes \\boxed{2} <eos>",
        "one plus one makes makes \\boxed{3} <eos>",
    ]


def test_a_side_that_is_too_long_is_refused_and_never_cut(tokenizer: PreTrainedTokenizerBase) -> None:
    assert len(tokenize_pairs(tokenizer, PAIRS[:1], 12)) == 1
    with pytest.raises(StudentError, match="question q0: prompt and response have 12 tokens, max_length is 11"):
        tokenize_pairs(tokenizer, PAIRS[:1], 11)


def test_a_pair_that_cannot_be_read_is_left_out_and_counted(tokenizer: PreTrainedTokenizerBase) -> None:
    garbled, ending = PAIRS[0]._replace(rejected="oneplus"), PAIRS[0]._replace(rejected="one <eos> two")
    pairs = tokenize_pairs(tokenizer, [garbled, PAIRS[1], ending], 32)
    assert (len(pairs), pairs.unreadable) == (1, 2)
    for none in ([], [garbled]):
        with pytest.raises(StudentError, match=f"no pair to learn from, of {len(none)} made.*objective: sft"):
            tokenize_pairs(tokenizer, none, 32)
    with pytest.raises(StudentError, match="question q0: both sides of its pair are one text"):
        tokenize_pairs(tokenizer, [PAIRS[0]._replace(rejected=PAIRS[0].chosen)], 32)


# --- losses, by hand (shared notes; arXiv 2505.24850 and 2305.18290) ---


@pytest.mark.parametrize(("alpha", "expected"), [(0.0, 1.5), (0.8, 1.18), (1.0, 1.1)])
def test_redi_by_hand(alpha: float, expected: float) -> None:
    chosen = torch.tensor([[-0.5, -1.0, -1.5, -3.0]], requires_grad=True)
    rejected = torch.tensor([[-0.2, -0.4, -0.1, -0.9, -0.4]], requires_grad=True)
    loss = redi_loss(chosen.mean(1), rejected.mean(1), alpha)
    loss.backward()
    assert loss.item() == pytest.approx(expected)
    assert torch.allclose(chosen.grad, torch.full((1, 4), -1 / 4))
    assert torch.allclose(rejected.grad, torch.full((1, 5), alpha / 5))


class Spoken(torch.nn.Module):
    """A network with fixed log-probabilities, for the loss of a trainer."""

    def __init__(self, log_probs: torch.Tensor) -> None:
        super().__init__()
        self.log_probs = log_probs

    def forward(self, **_: Any) -> Any:
        zero = torch.zeros_like(self.log_probs)
        names = ("entropy", "mean_logits")
        return type("Output", (), {"log_probs": self.log_probs, **dict.fromkeys(names, zero), "is_top1": zero.bool()})


def spoken(chosen: Sequence[float], rejected: Sequence[float]) -> tuple[Spoken, dict[str, torch.Tensor]]:
    """A batch of one pair behind a prompt of one token, with these log-probabilities."""
    width = max(len(chosen), len(rejected))
    values = torch.tensor([[*side, *[0.0] * (width - len(side))] for side in (chosen, rejected)])
    mask = torch.tensor([[0, *[1] * len(side), *[0] * (width - len(side))] for side in (chosen, rejected)])
    return Spoken(values), {"input_ids": mask + 1, "attention_mask": mask, "completion_mask": mask}


def references(chosen: float, rejected: float) -> dict[str, torch.Tensor]:
    return {"ref_chosen_logps": torch.tensor([chosen]), "ref_rejected_logps": torch.tensor([rejected])}


@pytest.mark.parametrize("alpha", [0.0, 0.8, 1.0])
def test_redis_loss_is_over_the_tokens_of_each_response(base: Path, tmp_path: Path, alpha: float) -> None:
    made = trainer(load_network(base), base, tmp_path, dataclasses.replace(SETTINGS, redi_alpha=alpha))
    network, inputs = spoken([-0.5, -1, -1.5, -3], [-0.2, -0.4, -0.1, -0.9, -0.4])
    loss = made.compute_loss(network, inputs | references(-6, -2))
    assert loss.item() == pytest.approx(1.5 - 0.4 * alpha)
    assert made.means == [(-1.5, pytest.approx(-0.4))]


def test_the_trainer_gives_dpos_loss_against_the_reference(base: Path, tmp_path: Path) -> None:
    """Sums of -6 and -2, by the reference -7 and -2.5: the log-ratios 1 and .5 differ by .5, at beta .1 by .05."""
    made = trainer(load_network(base), base, tmp_path, dataclasses.replace(SETTINGS, objective="dpo", dpo_beta=0.1))
    network, inputs = spoken([-3.0, -3.0], [-1.0, -1.0])
    loss = made.compute_loss(network, inputs | references(-7.0, -2.5))
    assert loss.item() == pytest.approx(0.668460, abs=1e-6)
    assert made.means == [(-3.0, -1.0)]


# --- training ---


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_student_that_is_there_goes_on_as_one_that_was_trained_in_one_go(
    base: Path, corpus: Path, tmp_path: Path, method: str
) -> None:
    settings = dataclasses.replace(SETTINGS, objective="dpo", method=method)
    whole = train(base, corpus, tmp_path / "whole", settings)
    train(base, corpus, tmp_path / "first", dataclasses.replace(settings, objective="sft", steps=12), pairs=None)
    before = digest(tmp_path / "first")
    write_pairs(tmp_path / "pairs.parquet", PAIRS)
    options = {"pairs": read_pairs(tmp_path / "pairs.parquet"), "progress": lambda done, total: None}
    second = continue_student(
        base, tmp_path / "first", out=tmp_path / "second", settings=settings, train_seed=0, **options
    )
    for name in ("chosen_logp_before", "rejected_logp_before", "chosen_logp", "rejected_logp", "preference_loss"):
        assert second[name] == pytest.approx(whole[name], abs=1e-5), name
    assert (second["pairs"], second["preference_steps"]) == (3, 12) and digest(tmp_path / "first") == before
    own, other = (load_student(base, tmp_path / name).state_dict() for name in ("whole", "second"))
    for name, tensor in own.items():
        torch.testing.assert_close(other[name], tensor, atol=1e-5, rtol=1e-4)


def test_a_second_stage_needs_pairs_that_fit(base: Path, corpus: Path, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, objective="dpo", max_length=4)
    rest = tmp_path / "out", settings, 0, lambda done, total: None
    with pytest.raises(StudentError, match="max_length is 4; raise it"):
        continue_student(base, tmp_path, PAIRS, *rest)
    with pytest.raises(StudentError, match="objective: sft has no second stage"):
        continue_student(base, tmp_path, PAIRS, rest[0], dataclasses.replace(settings, objective="sft"), *rest[2:])


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("objective", ["dpo", "redi"])
def test_the_margin_rises_and_steps_are_shared(
    base: Path, corpus: Path, tmp_path: Path, objective: str, method: str, capfd: pytest.CaptureFixture[str]
) -> None:
    calls: list[tuple[int, int]] = []
    settings = dataclasses.replace(SETTINGS, objective=objective, method=method)
    facts = train(base, corpus, tmp_path / "student", settings, progress=lambda *call: calls.append(call))
    assert (facts["steps"], facts["supervised_steps"], facts["preference_steps"]) == (24, 12, 12)
    assert facts["epochs"] == 12 * 4 / 3 and (facts["pairs"], facts["unreadable_pairs"]) == (3, 0)
    assert calls == [(step, 24) for step in range(1, 25)]
    margin, before = (facts[f"chosen_logp{when}"] - facts[f"rejected_logp{when}"] for when in ("", "_before"))
    assert margin > before + 0.05
    assert facts["chosen_logp"] > facts["chosen_logp_before"] - 1
    with (tmp_path / "student" / LOG).open() as log:
        steps = list(csv.DictReader(log))
    assert [step["step"] for step in steps] == [str(step) for step in range(1, 13)]
    assert capfd.readouterr() == ("", "")


def test_the_second_stage_trains_the_adapter_of_the_first(base: Path, corpus: Path, tmp_path: Path) -> None:
    train(base, corpus, tmp_path / "student")
    assert sorted(digest(tmp_path / "student")) == ["adapter_config.json", "adapter_model.safetensors", LOG]
    still = dataclasses.replace(SETTINGS, preference_learning_rate=1e-12)
    train(base, corpus, tmp_path / "still", still)
    supervised = dataclasses.replace(SETTINGS, objective="sft", steps=12)
    train(base, corpus, tmp_path / "supervised", supervised, pairs=None)
    weights = [load_file(tmp_path / name / "adapter_model.safetensors") for name in ("still", "supervised", "student")]
    assert all(torch.allclose(value, weights[1][name], atol=1e-6) for name, value in weights[0].items())
    assert any(not torch.allclose(value, weights[1][name], atol=1e-4) for name, value in weights[2].items())
    config = json.loads((tmp_path / "student" / "adapter_config.json").read_text())
    assert config["r"] == 4 and load_student(base, tmp_path / "student")


def test_no_second_adapter_and_no_second_network_is_kept(base: Path, tmp_path: Path) -> None:
    for objective in ("dpo", "redi"):
        network = get_peft_model(load_network(base), LoraConfig(r=2, target_modules="all-linear"))
        learned = [name for name, weight in network.named_parameters() if weight.requires_grad]
        made = trainer(network, base, tmp_path, dataclasses.replace(SETTINGS, objective=objective))
        assert list(network.peft_config) == ["default"] and made.ref_model is None
        assert [name for name, weight in network.named_parameters() if weight.requires_grad] == learned


def test_the_reference_is_the_student_of_the_first_stage(base: Path, tmp_path: Path) -> None:
    """So that DPO begins at log 2, also where an adapter has been trained already."""
    network = get_peft_model(load_network(base), LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False))
    made = trainer(network, base, tmp_path, dataclasses.replace(SETTINGS, objective="dpo"))
    batch = next(iter(made.get_train_dataloader()))
    assert made.compute_loss(network, batch).item() == pytest.approx(0.693147, abs=1e-5)


def test_the_loss_of_redi_is_that_of_the_networks_own_logits(base: Path, tmp_path: Path) -> None:
    network = load_network(base)
    made = trainer(network, base, tmp_path, SETTINGS)
    assert isinstance(made, RediTrainer)
    batch = next(iter(made.get_train_dataloader()))
    loss = made.compute_loss(network, batch)
    logits = network(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
    targets, mask = batch["input_ids"][:, 1:, None], batch["completion_mask"][:, 1:]
    logps = logits.log_softmax(-1).gather(2, targets)[..., 0]
    chosen, rejected = ((logps * mask).sum(1) / mask.sum(1)).chunk(2)
    assert loss.item() == pytest.approx((0.8 * rejected - chosen).mean().item(), rel=1e-5)


def test_same_seed_same_bytes(base: Path, corpus: Path, tmp_path: Path) -> None:
    for name in ("first", "again"):
        train(base, corpus, tmp_path / name)
    assert digest(tmp_path / "first") == digest(tmp_path / "again")


@pytest.mark.parametrize("objective", ["dpo", "redi"])
def test_a_student_that_collapses_is_no_student(base: Path, corpus: Path, tmp_path: Path, objective: str) -> None:
    wild = {"method": "full", "preference_learning_rate": 1.0, "redi_alpha": 20.0, "warmup": 0.0}
    calls: list[int] = []
    message = r"the student collapsed at step \d+ of 12 on pairs: accepted responses lost .* nats a token .*lower "
    with pytest.raises(Collapsed, match=message):
        settings = dataclasses.replace(SETTINGS, objective=objective, **wild)
        train(base, corpus, tmp_path, settings, progress=lambda done, total: calls.append(done))
    assert 12 < len(calls) < 24 and not list(tmp_path.glob("*.safetensors"))
    assert issubclass(Collapsed, NotFinite)  # a run leaves both out


def test_a_collapse_at_the_last_step_is_seen(base: Path, corpus: Path, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, preference_steps=1, preference_learning_rate=1.0, method="full")
    with pytest.raises(Collapsed, match="the student collapsed after the last step on pairs"):
        train(base, corpus, tmp_path, dataclasses.replace(settings, warmup=0.0))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 5}, "batch_size: must be even with objective redi"),
        ({"preference_steps": 24}, r"preference_steps: must be below steps \(24\)"),
        ({"control": "epochs"}, "control: must be steps with objective redi"),
        ({"max_length": 11}, "question q0: prompt and response have 12 tokens, max_length is 11; raise it"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_training(
    base: Path, corpus: Path, tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(StudentError, match=message):
        train(base, corpus, tmp_path / "student", dataclasses.replace(SETTINGS, **changed))
    with pytest.raises(StudentError, match="objective: redi compares responses: give `pairs`"):
        train(base, corpus, tmp_path / "student", pairs=None)
    assert not (tmp_path / "student").exists()
