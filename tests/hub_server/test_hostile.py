"""Requests that no client library makes: each gets a 4xx within its time, none a 500, and none stays open."""

import gzip
import json
import socket
from urllib.parse import urlsplit

import httpx2
import pytest

from toolkit.hub_server import cards

SECONDS = 5  # of patience with any answer, on a busy machine
OID = "a" * 64
BATCH, COMMIT = "/datasets/{d}.git/info/lfs/objects/batch", "/api/datasets/{d}/commit/main"


@pytest.fixture
def ask(hub, dataset):
    """Send one request with the writing token; `{d}` in its address is a dataset."""

    def ask(method, path, content=b"", **headers):
        headers = {"Authorization": f"Bearer {hub.token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        url = hub.endpoint + path.replace("{d}", dataset)
        return httpx2.request(method, url, content=content, headers=headers, timeout=SECONDS)

    return ask


@pytest.mark.parametrize(
    "header",
    [
        b"Basic \xe9", b"Basic aGY=\xff", b"Basic ====", b"Basic a", b"Basic",
        b"Bearer \xe9", b"Bearer", b"\xe9\xe9", b"Basic " + b"A" * 9000,
    ],
    ids=range(9),
)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/models", "/api/whoami-v2", "/datasets/{d}/info/refs?service=git-upload-pack"])
def test_a_header_that_names_no_token(ask, header, path):
    assert ask("GET", path, Authorization=header).status_code == 401


BODIES = {
    "deep": b'{"title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep within json": b'{"title": ' + b"[" * 500 + b"]" * 500 + b"}",
    "deep objects": b'{"a":' * 500 + b"1" + b"}" * 500,
    "infinite": b'{"title": 1e999}',
    "not a number": b'{"title": NaN}',
    "long number": b'{"title": ' + b"9" * 5000 + b"}",
    "half a pair": b'{"title": "\\ud800"}',
    "half a pair as a name": b'{"\\udfff": 1}',
    "no object": b"[1]",
    "cut": b'{"title": "',
    "latin-1": b'{"title": "\xe9"}',
    "utf-16": '{"title": 1}'.encode("utf-16"),
    "nul": b"\0",
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["/api/collections", "/api/validate-yaml", "/api/datasets/{d}/discussions"])
def test_a_body_that_is_no_plain_json(ask, body, path):
    assert ask("POST", path, BODIES[body]).status_code == 400


def chain(first: str, link: str) -> str:
    """Thirty values, each of nine times the one before."""
    return "".join(link.format(n=n, nine=f"*b{n - 1}," * 9) if n else first for n in range(30))


CARDS = {
    "deep": "a: " + "[" * 3000 + "]" * 3000,
    "deep blocks": "".join(f"{' ' * depth}a:\n" for depth in range(200)),
    "long": "a: 1\n" * 300_000,
    "many": "a: [" + "1," * 120_000 + "]",
    "aliases": chain("b0: &b0 [1]\n", "b{n}: &b{n} [{nine}1]\n"),
    "merges": chain("b0: &b0 {{y: 1}}\n".format(), "b{n}: &b{n} {{{{<<: [{nine}*b0]}}}}\n"),
    "in itself": "a: &a [*a]",
    "unknown alias": "a: *b",
    "bad tag": "a: !!bool x",
    "bad time": "a: !!timestamp x",
    "bad whole number": "a: !!int ''",
    "bad day": "a: 2020-13-45",
    "python": "a: !!python/object/apply:os.getcwd []",
    "long number": "a: " + "9" * 5000,
    "list as a name": "? [a]\n: b",
    "nul": "a: \0",
}  # fmt: skip


@pytest.mark.parametrize("card", CARDS)
def test_a_card_that_would_cost_too_much_or_is_none(ask, card):
    messages = ask("POST", "/api/validate-yaml", json.dumps({"content": f"---\n{CARDS[card]}\n---\n"}).encode())
    assert messages.status_code == 400 and messages.json()["errors"][0]["message"].startswith("its metadata ")


ENDLESS = ["---\n" * 200_000, "\n" * 900_000, "---\n" + "\n" * 900_000 + "x", "---" * 300_000]


@pytest.mark.parametrize("content", ENDLESS, ids=range(4))
def test_a_card_without_an_end_costs_no_time(ask, content):
    messages = ask("POST", "/api/validate-yaml", json.dumps({"content": content}).encode())
    assert messages.status_code in (200, 400)


def test_values_of_yaml_that_json_lacks_are_shown_as_text(api, dataset):
    front = "a: 2020-01-01\nb: .nan\nc: !!binary YQ==\nd: !!set {x}\ne: 0x" + "f" * 40 + "\n1: {2020-01-01: x}\n"
    stored_content = cards.front_matter(f"---\n{front}---\n")
    large = "0x" + "f" * 40
    assert stored_content == {
        "a": "2020-01-01",
        "b": "nan",
        "c": "b'a'",
        "d": ["x"],
        "e": large,
        "1": {"2020-01-01": "x"},
    }
    card = f"---\nlicense: mit\n{front}---\n".encode()
    api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=dataset, repo_type="dataset")
    assert api.dataset_info(dataset).card_data.a == "2020-01-01"


def test_shared_values_of_a_card_are_ordinary():
    assert cards.front_matter("---\na: &a [x, y]\nb: *a\nc: {d: *a}\n---\n")["c"] == {"d": ["x", "y"]}


@pytest.mark.parametrize("name", ["Apache 2.0", "apache", "MIT License"])
def test_a_licence_that_the_hub_does_not_know(ask, name):
    messages = ask("POST", "/api/validate-yaml", json.dumps({"content": f"---\nlicense: {name}\n---\n"}).encode())
    meant = "mit" if "MIT" in name else "apache-2.0"
    assert messages.status_code == 400 and f"did you mean {meant}?" in messages.json()["errors"][0]["message"]


PACKS = {
    "nothing": b"", "noise": b"\xff\xfe\xfd", "cut": b"0032want 00", "no length": b"zzzz", "a lie": b"0032want 0000",
    "unknown": b"0032want " + b"1" * 40 + b"\n00000009done\n",
    "unknown with capabilities": b"0056want " + b"1" * 40 + b" side-band-64k ofs-delta thin-pack x\n00000009done\n",
    "no id": b"0009want0000", "deepen": b"000cdeepen 10000",
}  # fmt: skip


@pytest.mark.parametrize("pack", PACKS)
def test_broken_pack_data(ask, pack):
    path = "/datasets/{d}.git/git-upload-pack"
    assert ask("POST", path, PACKS[pack]).status_code == 400
    assert ask("POST", path, gzip.compress(PACKS[pack]), content_encoding="gzip").status_code == 400
    assert ask("POST", path, PACKS[pack] + b"x", content_encoding="gzip").status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", "/api/datasets/{d}/discussions/" + "9" * 5000, b""),
        ("GET", "/api/datasets/{d}/discussions/-1", b""),
        ("GET", "/api/datasets/{d}/tree/main?limit=" + "9" * 5000, b""),
        ("GET", "/datasets/{d}/resolve/main/" + "a/" * 3000, b""),
        ("GET", "/datasets/{d}/resolve/main/%ff%fe", b""),
        ("GET", "/datasets/{d}/resolve/%00/x", b""),
        ("GET", "/datasets/{d}/resolve/..%2f..%2fetc/passwd", b""),
        ("GET", "/datasets/{d}/lfs/" + OID + "?size=" + "9" * 5000, b""),
        ("PUT", "/datasets/{d}/lfs/" + OID, b"x"),
        ("POST", BATCH, b'{"operation":"upload","objects":[{"oid":"%s","size":"4"}]}' % OID.encode()),
        ("POST", BATCH, b'{"operation":"upload","objects":[{"oid":[],"size":4}]}'),
        ("POST", "/api/datasets/{d}/paths-info/main", b"paths=a&" * 2000),
        ("POST", COMMIT, b'{"key":"file","value":{"path":"a","content":"\xe9"}}'),
        ("POST", COMMIT, b'{"key":"file","value":{"path":"a","content":"\\u00e9","encoding":"base64"}}'),
        ("POST", "/api/repos/move", b'{"type":"../models","fromRepo":"local/a","toRepo":"local/b"}'),
        ("POST", "/api/repos/create", b'{"name":"space-of-odd-kind","type":"space","sdk":{"a":1}}'),
        ("POST", "/api/repos/create", b'{"name":"/","type":"dataset"}'),
        ("POST", "/api/validate-yaml", b"x" * (5 << 20)),
    ],
    ids=range(18),
)  # fmt: skip
def test_what_no_client_asks(ask, method, path, content):
    assert 400 <= ask(method, path, content).status_code < 500


def test_a_range_beyond_all_numbers_is_the_whole_file(ask):
    answer = ask("GET", "/datasets/{d}/resolve/main/.gitattributes", Range="bytes=" + "9" * 5000 + "-")
    assert answer.status_code == 200 and answer.content


POST = b"POST /api/validate-yaml HTTP/1.1\r\nHost: localhost\r\n"
RAW = {
    "no http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a broken host": b"GET /api/models HTTP/1.1\r\nHost: [::\r\n\r\n",
    "a broken port": b"GET /api/models/ HTTP/1.1\r\nHost: 127.0.0.1:[\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    "an absolute address": b"GET http://127.0.0.1/api/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "no chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
}


def port_of(endpoint: str) -> int:
    return urlsplit(endpoint).port or 80


@pytest.mark.parametrize("name", RAW)
def test_what_is_no_http(hub, name):
    with socket.create_connection(("127.0.0.1", port_of(hub.endpoint)), timeout=SECONDS) as line:
        line.sendall(RAW[name])
        assert line.recv(100).startswith(b"HTTP/1.1 4")
    assert httpx2.get(f"{hub.endpoint}/api/models").status_code == 200
