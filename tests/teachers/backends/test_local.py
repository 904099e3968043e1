import asyncio
import math
from collections import Counter

import pytest
import torch

from tests.tiny_model import make_tiny_model
from toolkit.prompt import user_turn
from toolkit.recipe.sections import Sampling
from toolkit.teachers.backends.local import LocalTeacher, SeededGumbel

WORDS = [f"w{n}" for n in range(20)]
QUESTIONS = ["w1 w2", "w3 w4 w5", "w6"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("teacher"), WORDS)


def teacher(folder, batch=512, threads=1, **settings):
    sampling = Sampling(**({"temperature": 1.0, "max_tokens": 12} | settings))
    return LocalTeacher(folder, sampling, model="tiny@1", batch=batch, threads=threads)


def ask(opened, questions, seeds):
    """Ask all at once, as the sampler does."""

    async def run():
        async with opened:
            return await asyncio.gather(
                *(opened.complete(user_turn(*one), seed) for *one, seed in zip(questions, seeds, strict=True))
            )

    return asyncio.run(run())


def test_a_response_depends_on_its_question_and_seed_only(folder):
    together = ask(teacher(folder), QUESTIONS * 20, range(60))
    alone = [ask(teacher(folder), [question], [seed])[0] for seed, question in enumerate(QUESTIONS)]
    assert together[:3] == alone
    assert len({completion.text for completion in together}) > 50
    assert {completion.model for completion in together} == {"tiny@1"}


def test_requests_are_generated_in_batches_and_none_is_lost(folder):
    sizes = []
    small = teacher(folder, batch=16)
    generate = small.generate
    small.generate = lambda questions, seeds: sizes.append(len(questions)) or generate(questions, seeds)
    completions = ask(small, QUESTIONS * 20, range(60))
    assert sizes == [16, 16, 16, 12]
    assert completions == ask(teacher(folder), QUESTIONS * 20, range(60))


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_change_no_response_and_share_the_requests(folder, threads):
    several = teacher(folder, batch=4, threads=threads)
    running, most, generate = set(), [], several.generate

    def watched(questions, seeds):
        running.add(tuple(seeds))
        most.append(len(running))
        try:
            return generate(questions, seeds)
        finally:
            running.discard(tuple(seeds))

    several.generate = watched
    assert ask(several, QUESTIONS * 20, range(60)) == ask(teacher(folder), QUESTIONS * 20, range(60))
    assert 1 < max(most) <= threads


def test_who_asks_late_is_answered_too(folder):
    async def run():
        async with teacher(folder, batch=2, threads=2) as opened:

            async def ask_and_ask_again(seed):
                return [(await opened.complete(user_turn("w1"), seed + again)).text for again in range(0, 40, 20)]

            return await asyncio.wait_for(asyncio.gather(*map(ask_and_ask_again, range(20))), 60)

    assert len(asyncio.run(run())) == 20


@pytest.mark.parametrize("threads", [1, 3])
def test_a_fault_reaches_everyone_who_waits(folder, threads):
    broken = teacher(folder, threads=threads)

    def generate(questions, seeds):
        raise ValueError("out of positions")

    broken.generate = generate

    async def run():
        async with broken:
            answers = (broken.complete(user_turn("w1"), seed) for seed in range(3))
            return await asyncio.gather(*answers, return_exceptions=True)

    assert [str(error) for error in asyncio.run(run())] == ["out of positions"] * 3


def test_a_stop_text_ends_a_response_and_is_no_part_of_it(folder):
    plain = ask(teacher(folder), ["w7"] * 100, range(100))
    stopped = ask(teacher(folder, stop=("w7", "w8")), ["w7"] * 100, range(100))
    stops = 0
    for whole, cut in zip(plain, stopped, strict=True):
        words = whole.text.split()
        ends = [at for at, word in enumerate(words) if word.startswith(("w7", "w8"))]
        if not ends:
            assert cut == whole
            continue
        stops += 1
        assert cut.text.split() == words[: ends[0]]
        assert cut.finish_reason == "stop"
        # Special tokens count and are no part of the text.
        assert ends[0] < cut.completion_tokens <= whole.completion_tokens
    assert stops > 20


def test_the_messages_are_put_into_the_chat_template(folder):
    assert teacher(folder).prompt(user_turn("w9 w1 w2 w9\n")) == "<user> w9 w1 w2 w9\n <assistant>"


def test_finish_reason_and_token_counts(folder):
    completions = ask(teacher(folder, max_tokens=6), ["w1"] * 200, range(200))
    assert {completion.finish_reason for completion in completions} == {"stop", "length"}
    for completion in completions:
        assert completion.prompt_tokens == 3  # <user> w1 <assistant>
        assert "<eos>" not in completion.text
        if completion.finish_reason == "length":
            assert completion.completion_tokens == 6
        else:
            assert 1 <= completion.completion_tokens <= 6


def test_draws_follow_the_softmax_at_the_temperature(folder):
    n, temperature = 20_000, 0.7
    model = teacher(folder)
    ids = model.tokenizer(model.prompt(user_turn("w1 w2")), return_tensors="pt", add_special_tokens=False).input_ids
    with torch.inference_mode():
        expected = torch.softmax(model.network(ids).logits[0, -1].double() / temperature, 0)
    noise = SeededGumbel(torch.arange(n) * 7919, ids.shape[1])
    scores = (expected.log()[None].repeat(n, 1)).float()
    counts = Counter(noise(ids.repeat(n, 1), scores).argmax(1).tolist())
    for token, share in enumerate(expected.tolist()):
        assert abs(counts[token] / n - share) < 5 * math.sqrt(share * (1 - share) / n) + 1e-9


def test_a_low_top_p_leaves_only_the_likeliest_token(folder):
    first = ask(teacher(folder, top_p=1e-6), ["w1"] * 8, range(8))
    assert len({completion.text for completion in first}) == 1


def test_what_the_tokenizer_cannot_read_is_named(folder):
    assert teacher(folder).reads(user_turn("w1 w2"))
    assert not teacher(folder).reads(user_turn("w1 euros"))


def test_a_greedy_teacher_says_the_same_whatever_seed_and_temperature(folder):
    warm, cold = (
        LocalTeacher(folder, Sampling(temperature=heat, max_tokens=8), model="tiny@1", greedy=True) for heat in (5, 0.1)
    )
    said = ask(warm, ["w1 w2"] * 3, range(3)) + ask(cold, ["w1 w2"], [9])
    assert len(set(said)) == 1 and len(set(ask(teacher(folder), ["w1 w2"] * 3, range(3)))) > 1
