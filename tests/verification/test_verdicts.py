import pytest

from toolkit.verification.verdicts import Judgement, judge


@pytest.mark.parametrize(
    ("text", "finish", "expected"),
    [
        ("\\boxed{4}", "error", Judgement("failed", None, None)),
        ("\\boxed{4}", "length", Judgement("truncated", None, None)),
        ("four", "stop", Judgement("unparsable", None, None)),
        ("\\boxed{5}", "stop", Judgement("rejected", "5", None)),
        ("\\boxed{4}", "stop", Judgement("accepted", "4", None)),
    ],
)
def test_the_first_verdict_that_applies(text, finish, expected):
    assert judge("4", text, finish) == expected


def test_steps_of_accepted_responses_are_checked_on_request():
    assert judge("4", "1 + 1 = 3. 2 + 2 = 4. \\boxed{4}", "stop", check_steps=True).wrong_step is True
    assert judge("4", "2 + 2 = 4. \\boxed{4}", "stop", check_steps=True).wrong_step is False
    assert judge("4", "2 + 2 = 5. \\boxed{5}", "stop", check_steps=True).wrong_step is None


def test_an_unknown_finish_reason_is_refused():
    with pytest.raises(ValueError, match=r"eos_token.*known: stop, length, error"):
        judge("4", "", "eos_token")
