"""What is shown of an error body, and how long a server may ask to wait."""

import pytest

from toolkit.teachers.failure import reason_of, seconds_asked


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error":"Input validation error: x","error_type":"validation"}', "Input validation error: x"),
        (b'{"error":{"message":"too long","code":400}}', "too long"),
        (b'{"detail":"Not found"}', "Not found"),
        (b'{"detail":[{"loc":["body"],"msg":"field required"}]}', "field required"),
        (b"Failed to deserialize", "Failed to deserialize"),
        (b"x" * 1000, "x" * 200),
        (b"{}", "{}"),
        (b"a\x1b[31mred\r\n\x00b", "a?[31mred ?b"),
        (b"[" * 100_000, "[" * 200),
    ],
)
def test_reasons_of_every_server_as_one_line_without_control_characters(body, reason):
    assert reason_of(body) == reason


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3),
        ("0.5", 0.5),
        ("-1", 0),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("1e300", 300),
        ("99999999999", 300),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 9999 07:28:00 GMT", 300),
    ],
)
def test_how_long_a_server_asks_to_wait_is_bounded(value, seconds):
    assert seconds_asked({"Retry-After": value}) == seconds
    assert seconds_asked({}) is None
