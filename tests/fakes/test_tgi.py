"""The fake teacher keeps to TGI's own document, and counts what it sees."""

import json
import subprocess
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.fakes.answers import from_solutions, read_solutions
from tests.fakes.tgi import change, stats, tgi
from tests.openapi import checker

CHAT = {"messages": [{"role": "user", "content": "one two"}], "max_tokens": 20, "seed": 3}
GENERATE = {"inputs": "one two", "parameters": {"max_new_tokens": 20, "seed": 3, "do_sample": True, "details": True}}


def post(url, path, body):
    """(status, body) as text."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urlopen(Request(url + path, data=data)) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture(scope="module")
def document(shared_data):
    path = shared_data / "tgi-openapi.json"
    if not path.is_file():
        pytest.skip(f"TGI's OpenAPI document not found at {path}")
    return json.loads(path.read_text(encoding="utf-8"))


def faults(document, name, body):
    return [error.message for error in checker(document, name).iter_errors(json.loads(body))]


@pytest.fixture(scope="module")
def url():
    with tgi() as url:
        yield url


def test_answers_validate_against_the_document(document, url):
    with urlopen(f"{url}/info") as response:
        assert not faults(document, "Info", response.read())
    assert not faults(document, "ChatCompletion", post(url, "/v1/chat/completions", CHAT)[1])
    assert not faults(document, "GenerateResponse", post(url, "/generate", GENERATE)[1])
    assert not faults(document, "TokenizeResponse", post(url, "/tokenize", GENERATE)[1])
    assert not faults(document, "ChatTokenizeResponse", post(url, "/chat_tokenize", CHAT)[1])
    assert not faults(document, "ErrorResponse", post(url, "/v1/chat/completions", CHAT | {"top_p": 1.0})[1])


def test_n_is_taken_and_one_choice_comes_back(url):
    assert len(json.loads(post(url, "/v1/chat/completions", CHAT | {"n": 4})[1])["choices"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/v1/chat/completions", CHAT | {"top_p": 1.0}, "`top_p` must be > 0.0 and < 1.0"),
        ("/v1/chat/completions", CHAT | {"stop": list("abcde")}, "`stop` supports up to 4 stop sequences. Given: 5"),
        ("/v1/chat/completions", CHAT | {"max_tokens": 5000}, "must be <= 4096"),
        ("/generate", {"inputs": "a", "parameters": {"temperature": 0.0}}, "`temperature` must be strictly positive"),
        ("/generate", {"inputs": "w " * 4096, "parameters": {}}, "must have less than 4095 tokens"),
    ],
)
def test_validation(url, path, body, words):
    status, text = post(url, path, body)
    assert (status, json.loads(text)["error_type"]) == (422, "validation")
    assert words in json.loads(text)["error"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"messages": "hi"}', b'{"messages": [], "seed": -1}'])
def test_a_bad_shape_is_refused_in_plain_text(url, body):
    status, text = post(url, "/v1/chat/completions", body)
    assert status == 422
    assert text.startswith("Failed to deserialize the JSON body")


def test_the_one_above_the_permits_is_refused_before_validation():
    with tgi(permits=0) as url:
        assert post(url, "/v1/chat/completions", CHAT | {"top_p": 1.0}) == (
            429,
            '{"error": "Model is overloaded", "error_type": "overloaded"}',
        )


def test_what_was_asked_is_counted():
    with tgi() as url:
        for seed in (1, 2, 2):
            post(url, "/v1/chat/completions", CHAT | {"seed": seed})
        change(url, fail=1.0)
        post(url, "/v1/chat/completions", CHAT | {"seed": 3})
        seen = stats(url, pairs=True)
    assert seen["asked"] == [["one two", 1, 1], ["one two", 2, 2], ["one two", 3, 1]]
    assert (seen["pairs_answered"], seen["answered_twice"], seen["repeats"]) == (2, 1, 1)


def test_solutions_of_a_file_are_given_rightly_and_wrongly(tmp_path):
    rows = [{"question": f"What is {n} + {n}?", "answer": f"It is {n} + {n}.\n#### {2 * n}"} for n in range(30)]
    file = tmp_path / "solved.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    answer = from_solutions(read_solutions(file), right=0.7)
    given = [answer(f"Solve: {row['question']}", seed).endswith(row["answer"]) for row in rows for seed in range(40)]
    assert 0.6 < sum(given) / len(given) < 0.8
    assert answer("What is 7 + 7?", 5) == answer("What is 7 + 7?", 5)


def test_it_runs_as_a_process_and_tells_its_address():
    command = [sys.executable, "-m", "tests.fakes.tgi", "--refuse-every", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        assert post(url, "/v1/chat/completions", CHAT)[0] == 429
        process.terminate()
