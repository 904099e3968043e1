"""Every answer, whatever its shape: what is kept, what is sent again, what is recorded, and what it took."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.teachers.answer import OtherModel, Reader, Unanswered
from toolkit.teachers.completion import Transient
from toolkit.teachers.reasoning import split_tags
from toolkit.teachers.request import CHAT, COMPLETIONS, GENERATE

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def body(content="four", reason="stop", usage=USAGE, choices=1, top=None, choice=None, **message):
    one = {"index": 0, "message": {"role": "assistant", "content": content} | message, "finish_reason": reason}
    reply = (
        {"choices": [one | (choice or {})] * choices} | ({"usage": usage} if usage is not None else {}) | (top or {})
    )
    return json.dumps(reply).encode()


def read(raw, path=CHAT, keep=False, stop=(), headers=None, **options):
    return Reader(path, stop, keep, "m@1", **options).read(raw, headers or {})


def sent_again(raw, **options):
    with pytest.raises(Transient) as fault:
        read(raw, **options)
    return fault.value


@pytest.mark.parametrize(
    ("reason", "kept"),
    [(reason, "stop") for reason in ("stop", "STOP", "eos", "eos_token", "stop_sequence", "end_turn", "eosFound")]
    + [(reason, "stop") for reason in ("COMPLETE", "FinishReason.STOP")]
    + [(reason, "length") for reason in ("length", "max_tokens", "model_length", "MAX_TOKENS", "max-output-tokens")]
    + [(reason, "length") for reason in ("maxPredictedTokensReached", "contextLengthReached", "limit")],
)
def test_finish_reasons_of_every_server_in_every_form(reason, kept):
    assert read(body(reason=reason))[:6] == ("four", kept, 3, 4, "m@1", "")
    plain = {"choices": [{"text": "four", "finish_reason": reason}], "usage": USAGE}
    assert read(json.dumps(plain).encode(), COMPLETIONS)[:2] == ("four", kept)
    own = {"generated_text": "four", "details": {"finish_reason": reason, "generated_tokens": 4}}
    assert read(json.dumps(own).encode(), GENERATE, headers={"x-prompt-tokens": "3"})[:4] == ("four", kept, 3, 4)


@pytest.mark.parametrize("reason", ["abort", "insufficient_system_resource", "error", "cancelled", "timeout", "unload"])
def test_an_end_that_the_server_forced_is_sent_again_and_its_tokens_count(reason):
    fault = sent_again(body(content=None, reason=reason))
    assert (fault.reason, fault.prompt_tokens, fault.completion_tokens) == (f"finish reason: {reason}", 3, 4)


@pytest.mark.parametrize("reason", ["content_filter", "tool_calls", "SAFETY", "recitation", "something new"])
def test_an_end_for_another_reason_is_an_error_that_names_it_and_its_tokens_count(reason):
    answer = read(body(reason=reason))
    assert answer[:4] == ("", "error", 3, 4) and answer.error == f"finish reason: {reason}"


@pytest.mark.parametrize("reason", [None, "", "  ", "123"])
def test_no_reason_at_all_is_sent_again(reason):
    assert sent_again(body(reason=reason)).reason == "malformed body: no finish reason"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking"])
def test_a_response_cut_in_its_reasoning_is_truncated_and_its_tokens_count(field):
    raw = body(content=None, reason="length", **{field: "hm"})
    assert read(raw)[:4] == ("", "length", 3, 4)
    assert read(raw, keep=True)[:4] == ("<think>\nhm", "length", 3, 4)
    assert read(body(content=None, reason="length"))[:4] == ("", "length", 3, 4)


def test_tools_and_refusals_in_place_of_a_text_are_errors_whose_tokens_count():
    called = read(body(content=None, tool_calls=[{"function": {"name": "f"}}]))
    assert called[1:4] == ("error", 3, 4) and called.error == "no text: a call of a tool"
    assert read(body(content=None, refusal="I will not")).error == "no text: refusal: I will not"


def test_a_content_in_parts_is_put_together():
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "fo"}, "ur"]
    assert read(body(content=parts)).text == "four"
    assert read(body(content=parts), keep=True).text == "<think>\nhm\n</think>\n\nfour"
    assert sent_again(body(content=[{"type": "image_url"}])).completion_tokens == 4


@pytest.mark.parametrize(
    "raw",
    [
        body("four", reasoning_content="hm"),
        body("four", reasoning="hm"),
        body("four", reasoning="hm", reasoning_content="hm"),
        body("four", reasoning=None, reasoning_details=[{"type": "reasoning.text", "text": "hm"}, "odd"]),
        body("<think>hm</think>four"),
        body("\n<think>\nhm\n</think>\n\nfour"),
        body("hm\n</think>\n\nfour"),  # a template that opens the tag
        body("[THINK]hm[/THINK]four"),
        body("◁think▷hm◁/think▷four"),
    ],
)
def test_reasoning_is_dropped_or_kept_in_one_form_wherever_it_stands(raw):
    dropped, kept = read(raw), read(raw, keep=True)
    assert (dropped.text, dropped.reasoned) == ("four", True)
    assert (kept.text, kept.completion_tokens) == ("<think>\nhm\n</think>\n\nfour", 4)


@given(st.text(alphabet="ab <>/think"))
def test_a_text_without_tags_is_left_alone(text):
    reasoning, answer = split_tags(text)
    assert (reasoning, answer) == ("", text) or "think" in text


def test_reasoning_that_only_the_total_counts_is_priced():
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 57}
    assert read(body(usage=usage)).completion_tokens == 54
    assert read(body(usage={"input_tokens": 3, "output_tokens": 4})).completion_tokens == 4


@pytest.mark.parametrize("count", [10**30, -5, True, 1.5, "4", 2**31, [], 1e300])
@pytest.mark.parametrize("field", ["prompt_tokens", "completion_tokens"])
def test_a_usage_that_is_no_number_of_tokens_is_recorded_with_its_reason(field, count):
    answer = read(body(usage=USAGE | {field: count}))
    assert answer[:4] == ("", "error", 0, 0) and answer.uncounted
    assert answer.error.startswith(f"usage: {field} is ")


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 3}, {"prompt_tokens": 3, "completion_tokens": None}])
def test_an_answer_without_usage_is_counted_at_the_most(usage):
    fault = sent_again(body(usage=usage))
    assert fault.uncounted and "no usage" in fault.reason


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"null",
        b"3",
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b"\xff" * 9,
        body()[:-9],
        b'{"a": NaN}',
        b"data: {}",
        b"[]",
        b"{}",
        b"1" * 5000,
        body(choices=0),
        body(choices=2),
        body(content=3),
        body(content={"text": "four"}),
        body(content=None),
        body(choice={"message": None}),
        body(choice={"finish_reason": 7}),
    ],
)
def test_a_body_that_is_no_answer_is_sent_again_with_its_first_characters(raw):
    fault = sent_again(raw)
    assert fault.reason.startswith("malformed body: ") and len(fault.reason) <= len("malformed body: ") + 200


@pytest.mark.parametrize(
    ("raw", "status", "reason"),
    [
        (b'{"error": {"code": 502, "message": "provider down"}}', 502, "provider down"),
        (b'{"error": {"code": "429", "message": "slow"}}', 429, "slow"),
        (b'{"error": "overloaded"}', 500, "overloaded"),
        (b'{"object": "error", "message": "too long", "code": 400}', 400, "too long"),
        (body(reason="error", choice={"error": {"code": 503, "message": "gone"}}), 503, "gone"),
    ],
)
def test_an_error_in_a_200_has_the_status_that_it_tells(raw, status, reason):
    with pytest.raises(Unanswered) as error:
        read(raw)
    assert (error.value.status, error.value.reason) == (status, reason)


def test_another_models_answer_is_no_answer():
    with pytest.raises(OtherModel, match="other"):
        read(body(top={"model": "other"}), is_asked=lambda name: name == "m")
    for name in ("m", None, "", 3):
        assert read(body(top={"model": name}), is_asked=lambda name: name == "m").text == "four"


@given(st.binary())
def test_no_bytes_bring_an_answer_or_another_exception(raw):
    for path in (CHAT, COMPLETIONS, GENERATE):
        with pytest.raises(Transient):
            read(raw, path, headers={"x-prompt-tokens": "1"})
