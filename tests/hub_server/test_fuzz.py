"""Any method at any address with any body: an answer in time, below 500, and a server that works on afterwards."""

import json
import string

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SECONDS = 10  # of patience with one answer
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
KINDS = ("models", "datasets", "spaces")
OID = "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"
ODD = st.text(max_size=20) | st.sampled_from(
    ["..", ".", "%", "%00", "%2f", "%ff", "a" * 3000, "refs%2Fpr%2F1", "²", "٣"]
)
PART = ODD | st.sampled_from(["main", "v1", "local", "fuzzed", "README.md", "data", "1", OID])
NAMED = st.sampled_from(
    [
        "/api/{k}",
        "/api/{k}/local/fuzzed",
        "/api/{k}/local/fuzzed/{p}/{q}",
        "/api/{k}/{p}/{q}",
        "/{k}/local/fuzzed",
        "/api/{k}/local/fuzzed/revision/{p}",
        "/api/{k}/local/fuzzed/tree/{p}/{q}?recursive={q}&expand={q}&cursor={q}",
        "/api/{k}/local/fuzzed/paths-info/{p}",
        "/api/{k}/local/fuzzed/commits/{p}",
        "/api/{k}/local/fuzzed/refs",
        "/api/{k}/local/fuzzed/preupload/{p}",
        "/api/{k}/local/fuzzed/commit/{p}",
        "/api/{k}/local/fuzzed/tag/{p}",
        "/api/{k}/local/fuzzed/branch/{p}",
        "/api/{k}/local/fuzzed/super-squash/{p}",
        "/api/{k}/local/fuzzed/settings",
        "/api/{k}/local/fuzzed/discussions",
        "/api/{k}/local/fuzzed/discussions/{p}",
        "/api/validate-yaml",
        "/api/repos/create",
        "/api/repos/move",
        "/api/whoami-v2",
        "/api/collections",
        "/api/collections/{p}/{q}",
        "/api/collections/{p}/{q}/items",
        "/{k}/local/fuzzed/resolve/{p}/{q}",
        "/{k}/local/fuzzed/info/refs?service={p}",
        "/{k}/local/fuzzed.git/git-upload-pack",
        "/{k}/local/fuzzed.git/info/lfs/objects/batch",
        "/{k}/local/fuzzed.git/info/lfs/objects/verify",
        "/{k}/local/fuzzed/lfs/{p}?size={q}&expires={q}&signature={q}",
        "/{p}",
        "/{p}/{q}",
        "/",
    ]
)
FIELDS = st.sampled_from(
    [
        "key",
        "value",
        "path",
        "content",
        "encoding",
        "oid",
        "size",
        "files",
        "objects",
        "operation",
        "title",
        "name",
        "type",
        "organization",
        "tag",
        "message",
        "startingPoint",
        "visibility",
        "pullRequest",
        "item",
        "id",
        "sample",
        "gitIgnore",
        "summary",
        "description",
        "parentCommit",
        "fromRepo",
        "toRepo",
        "sdk",
        "namespace",
        "private",
    ]
)
WORDS = st.sampled_from(
    [
        "header",
        "file",
        "lfsFile",
        "deletedFile",
        "deletedFolder",
        "base64",
        "upload",
        "download",
        "dataset",
        "private",
        "local/fuzzed",
        "local",
        "main",
        "README.md",
        "---\na: b\n---\n",
        OID,
        "YQ==",
    ]
)
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | WORDS
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4), max_leaves=12
)
LINES = st.lists(st.dictionaries(FIELDS, VALUE, max_size=6).map(json.dumps), max_size=4).map("\n".join).map(str.encode)


def form(paths: list[str]) -> bytes:
    return "&".join(f"paths={each}" for each in paths).encode()


PACKET = st.binary(max_size=40).map(lambda data: b"%04x" % (len(data) + 4) + data)
BODY = st.one_of(
    LINES,
    st.binary(max_size=200),
    st.lists(PACKET | st.just(b"0000") | st.just(b"0009done\n"), max_size=4).map(b"".join),
    st.text(max_size=80).map(lambda text: json.dumps({"content": f"---\n{text}\n---\n"}).encode()),
    st.lists(st.text(string.printable, max_size=8), max_size=5).map(form),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Range", "Content-Encoding", "Content-Type", "Accept", "Cookie", "Expect", "Upgrade", "If-None-Match"]
    ),
    st.sampled_from(
        [b"bytes=0-", b"bytes=-1", b"bytes=9-1", b"gzip", b"\xe9", b"application/json", b"100-continue", b"websocket"]
    ),
    max_size=2,
)
TOKENS = st.sampled_from([b"write", None, b"Basic \xe9", b"Basic Zm9v", b"Bearer", b"Bearer hf_wrong", b"\xff"])


@pytest.fixture(scope="module")
def fuzzed(hub) -> str:
    """Make a dataset with a file, the target of most requests."""
    body = {"name": "fuzzed", "type": "dataset"}
    httpx2.post(f"{hub.endpoint}/api/repos/create", json=body, headers={"Authorization": f"Bearer {hub.token}"})
    return "fuzzed"


def ask(hub, method, path, parts, body, headers, token):
    k, p, q = parts
    quoted = {"k": k, "p": httpx2.QueryParams({"": p}).__str__()[1:], "q": httpx2.QueryParams({"": q}).__str__()[1:]}
    bearer = f"Bearer {hub.token}".encode() if token == b"write" else token
    headers = headers | ({"Authorization": bearer} if bearer else {})
    url = httpx2.URL(hub.endpoint).copy_with(raw_path=path.format(**quoted).encode("ascii", "ignore"))
    return httpx2.request(method, url, content=body, headers=headers, timeout=SECONDS)


ANYTHING = {
    "method": st.sampled_from(METHODS),
    "path": NAMED,
    "parts": st.tuples(st.sampled_from(KINDS), PART, PART),
    "body": BODY,
    "headers": HEADERS,
    "token": TOKENS,
}
LENIENT = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=80, **LENIENT)
@given(**ANYTHING)
def test_no_request_is_a_fault_of_the_server(hub, fuzzed, **query):
    answer = ask(hub, **query)
    assert answer.status_code < 500, answer.text[:300]


@settings(max_examples=80, **LENIENT)
@given(**ANYTHING | {"method": st.just("POST"), "token": st.just(b"write"), "headers": st.just({})})
def test_no_writing_request_is_a_fault_of_the_server(hub, fuzzed, **query):
    answer = ask(hub, **query)
    assert answer.status_code < 500, answer.text[:300]


@pytest.mark.slow
@settings(max_examples=3000, **LENIENT)
@given(**ANYTHING)
def test_none_of_thousands_of_requests_is_a_fault_of_the_server(hub, fuzzed, **query):
    answer = ask(hub, **query)
    assert answer.status_code < 500, answer.text[:300]


@pytest.mark.slow
@settings(max_examples=3000, **LENIENT)
@given(**ANYTHING | {"method": st.just("POST"), "token": st.just(b"write"), "headers": st.just({})})
def test_none_of_thousands_of_writing_requests_is_a_fault_of_the_server(hub, fuzzed, **query):
    answer = ask(hub, **query)
    assert answer.status_code < 500, answer.text[:300]


def test_the_server_works_on(api, fuzzed):
    api.create_repo("local/after", repo_type="dataset")
    api.upload_file(path_or_fileobj=b"a", path_in_repo="after", repo_id="local/after", repo_type="dataset")
    assert "after" in api.list_repo_files("local/after", repo_type="dataset")
