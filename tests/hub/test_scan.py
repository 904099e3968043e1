import base64
import bz2
import gzip
import hashlib
import io
import json
import lzma
import socket
import tracemalloc
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants

from toolkit.hub.scan import pieces, refuse_paths, refuse_pickles, refuse_secrets
from toolkit.hub.version import Refused

TOKEN = "hf_" + "aB3" * 11


def scan(tmp_path, text, name="README.md", folders=()):
    path = tmp_path / name
    path.write_text(text)
    refuse_secrets({name: path}, folders)


@pytest.mark.parametrize("name", ["README.md", "manifest.json", "test.yaml", "notes.txt", "chat_template.jinja"])
def test_anything_like_a_token_is_refused(tmp_path, name):
    with pytest.raises(Refused, match=rf"{name}.* holds a Hub token; name things by repo") as caught:
        scan(tmp_path, f"see {TOKEN} there", name)
    assert TOKEN not in str(caught.value)


def test_the_token_of_the_environment_is_refused_whatever_its_form(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "my-own-secret")
    with pytest.raises(Refused, match="holds a Hub token"):
        scan(tmp_path, "x my-own-secret x")


def test_the_stored_token_is_refused_though_the_environment_names_another(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("stored-secret\n")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("HF_TOKEN", "another")
    with pytest.raises(Refused, match="holds a Hub token"):
        scan(tmp_path, "x stored-secret x")


def test_folders_of_this_machine_are_refused(tmp_path):
    with pytest.raises(Refused, match="holds a folder of this machine"):
        scan(tmp_path, f"base: {Path.home()}/models/base")
    with pytest.raises(Refused, match="holds a folder of this machine"):
        scan(tmp_path, f"{(tmp_path / 'workspace').resolve()}/runs", folders=[tmp_path / "workspace"])


@pytest.mark.parametrize(
    ("host", "text", "output"),
    [
        ("gpu-17", "made on gpu-17.", True),
        ("gpu-17", "made on gpu-170", False),
        ("node3.example.org", "on node3.example.org", True),
        ("math", "a math data set", False),  # an ordinary word tells nothing
        ("localhost", "http://localhost:80", False),
    ],
)
def test_the_hosts_name_is_refused_where_it_is_one(tmp_path, monkeypatch, host, text, output):
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    if output:
        with pytest.raises(Refused, match="holds this machine's name"):
            scan(tmp_path, text)
    else:
        scan(tmp_path, text)
    assert (tmp_path / "README.md").exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "load_dataset('hf_org/name'), hf_hub_download, 1/2, /data/x.parquet"),
        ("tokenizer.json", f'{{"{Path.home()}/": 7}}'),  # learnt from texts of others
        (
            "README.md",
            "hf_hub_download_file_from_the_cache_of_this_machine, risk-assessment-of-synthetic-training-data2",
        ),
        (
            "README.md",
            "sk-learn-pipelines-with-2-stages, the bearer of responsibilities2024, Authorization: Bearer $HF_TOKEN",
        ),
        ("manifest.json", '{"sha256": "' + "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7" + '"}'),
        ("README.md", "3A6EB0790F39AC87C94F3856B2DD2C5D110E6811602261A9A923D3BB23ADC8B7 git+https://github.com/a/b@v1"),
        ("data.jsonl", r'{"text": "\\frac{sk-1}{2} = \\sqrt{2}, \\upsilon, x_{12345678901234567890123456789012}"}'),
        ("data.jsonl", '{"text": "https://example.org:8080/a@b, 12:30@noon, key: AKIA, ghp_1, /workspaces/of/others"}'),
    ],
)
def test_what_tells_nothing_passes(tmp_path, name, text):
    scan(tmp_path, text, name)
    assert (tmp_path / name).read_text() == text


def test_only_safetensors_are_weights():
    refuse_pickles(["model.safetensors", "config.json"])
    with pytest.raises(Refused, match=r"training_args\.bin, x\.pt: only safetensors are published"):
        refuse_pickles(["model.safetensors", "training_args.bin", "x.pt"])


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ("/data/base", True), ("./base", True), ("~/base", True), ("C:\\models\\base", True), ("a/b/c", True),
        ("org/base", False), ("sha256:0a", False), ("base", False), (None, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["base_model_name_or_path", "_name_or_path"])
def test_a_configuration_that_names_a_folder_is_refused(tmp_path, field, value, output):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({field: value}))
    if output:
        with pytest.raises(Refused, match=f"config.json: {field} is a folder of some machine; give the base's repo"):
            refuse_paths({"config.json": path})
    else:
        refuse_paths({"config.json": path})
    assert path.exists()


KEYS = {
    "hf": (f"hf_{'x7' * 17}", "a Hub token"),
    "organisation": (f"api_org_{'Qx' * 17}", "a Hub token"),
    "openai": (f"sk-{'aB3x' * 12}", "an API key"),
    "openai project": (f"sk-proj-{'aB3-x_' * 12}", "an API key"),
    "anthropic": (f"sk-ant-api03-{'aB3-x_' * 12}", "an API key"),
    "openrouter": (f"sk-or-v1-{'a1' * 32}", "an API key"),
    "deepseek": (f"sk-{'0a1b' * 8}", "an API key"),
    "aws": ("AKIAIOSFODNN7EXAMPLE", "an API key"),
    "github": (f"ghp_{'aB3' * 12}", "an API key"),
    "github fine": (f"github_pat_{'aB3_' * 12}", "an API key"),
    "gitlab": (f"glpat-{'aB3-' * 5}", "an API key"),
    "slack": ("xoxb-123456789012-abcdef", "an API key"),
    "google": (f"AIza{'aB3-x' * 7}", "an API key"),
    "web token": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N", "an API key"),
    "header": ("Authorization: Bearer 0123456789abcdef0123", "a login header"),
    "header as a field": ("'authorization': 'Basic dXNlcjpwYXNzd29yZDEyMw=='", "a login header"),
    "address": ("http://alice:s3cr3tword@10.0.0.1/v1", "a password in an address"),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_secret_of_another_kind_is_refused_and_not_shown(tmp_path, kind):
    secret, what = KEYS[kind]
    with pytest.raises(Refused, match=f"a.jsonl holds {what}") as caught:
        scan(tmp_path, f'{{"text": "see ({secret}) there"}}', "a.jsonl")
    assert secret not in str(caught.value)


def test_the_keys_of_the_environment_are_refused_but_not_what_tells_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "EMPTY")
    monkeypatch.setenv("MY_API_KEY", "correct horse battery")
    scan(tmp_path, "EMPTY")
    with pytest.raises(Refused, match="holds an API key"):
        scan(tmp_path, "x correct horse battery x")


def table(path, values, kind=None, **metadata):
    array = pa.array(values, kind)
    pq.write_table(pa.table({"n": pa.array([1] * len(array)), "held": array}).replace_schema_metadata(metadata), path)


NESTED = {
    "text": ([TOKEN], pa.string()),
    "large text": ([TOKEN], pa.large_string()),
    "bytes": ([TOKEN.encode()], pa.binary()),
    "fixed bytes": ([TOKEN.encode()], pa.binary(len(TOKEN))),
    "dictionary": (pa.array([TOKEN, "a", TOKEN]).dictionary_encode(), None),
    "list": ([["a", None], None, [TOKEN]], pa.list_(pa.string())),
    "list of lists": ([[["a"], [TOKEN]]], pa.list_(pa.list_(pa.string()))),
    "struct": ([{"a": 1, "b": TOKEN}], None),
    "list of structs": ([[{"role": "user", "content": TOKEN}]], None),
    "key of a map": ([[(TOKEN, 1)]], pa.map_(pa.string(), pa.int64())),
    "value of a map": ([[("a", {"b": [TOKEN]})]], pa.map_(pa.string(), pa.struct({"b": pa.list_(pa.string())}))),
    "json in a text": ([json.dumps({"a": TOKEN}).replace("hf_", "hf\\u005f")], pa.string()),
    "the last row of many": (["a"] * 2000 + [TOKEN], pa.string()),
}


@pytest.mark.parametrize("kind", NESTED)
def test_every_text_of_a_table_is_read(tmp_path, kind):
    values, arrow = NESTED[kind]
    table(tmp_path / "a.parquet", values, arrow)
    with pytest.raises(Refused, match=r"a\.parquet, column 'held' holds a Hub token"):
        refuse_secrets({"a.parquet": tmp_path / "a.parquet"})


@pytest.mark.parametrize("most", [2, 10_000])
def test_a_name_in_many_rows_is_read_once_while_it_is_remembered_and_no_text_is_left_out(tmp_path, monkeypatch, most):
    monkeypatch.setattr("toolkit.hub.scan.KNOWN", most)
    long = "x" * 300
    values = [
        text for row in range(2000) for text in (f"item {row % 1000}", "one name", long if row % 500 == 0 else None)
    ]
    table(tmp_path / "a.parquet", values)
    output = [
        line for piece in pieces(tmp_path / "a.parquet") if "held" in piece.where for line in piece.text.split("\n")
    ]
    assert set(output) == set(values) - {None}
    assert output.count("one name") == (1 if most == 10_000 else 6)  # of 12 pieces, every other one forgets
    assert output.count(long) == 4


def test_the_metadata_of_a_table_is_read(tmp_path):
    table(tmp_path / "a.parquet", [1], made_by=f"{Path.home()}/bin/tool")
    with pytest.raises(Refused, match=r"a\.parquet, its metadata holds a folder of this machine"):
        refuse_secrets({"a.parquet": tmp_path / "a.parquet"})
    field = pa.field("x", pa.int64(), metadata={"from": TOKEN})
    pq.write_table(pa.table([pa.array([1])], schema=pa.schema([field])), tmp_path / "b.parquet")
    with pytest.raises(Refused, match=r"b\.parquet, its metadata holds a Hub token"):
        refuse_secrets({"b.parquet": tmp_path / "b.parquet"})


def test_a_table_of_hashes_and_maths_passes(tmp_path):
    digests = [hashlib.sha256(bytes([n])).hexdigest() for n in range(200)]
    encoded = [base64.b64encode(bytes.fromhex(each) * 3).decode() for each in digests]
    maths = [r"\frac{1}{2} \upsilon /root x_{10^{20}} \u0041 " + each for each in digests]
    table(tmp_path / "a.parquet", [*digests, *encoded, *maths, None, ""])
    refuse_secrets({"a.parquet": tmp_path / "a.parquet"}, [tmp_path / "ws"])
    assert pq.read_metadata(tmp_path / "a.parquet").num_rows == 602


PACKED = {
    "a.jsonl.gz": gzip.compress,
    "a.csv.bz2": bz2.compress,
    "a.txt.xz": lzma.compress,
    "a.jsonl.zst": lambda data: pa.compress(data, "zstd", asbytes=True),
    "a.bin": lambda data: gzip.compress(bz2.compress(data)),
    "a.npz": lambda data: zipped(data),
    "a.arrow": lambda data: b"ARROW1\0\0" + data,
    "a.txt": lambda data: data.decode().encode("utf-16"),
    "model.safetensors": lambda data: len(data).to_bytes(8, "little") + data + bytes(99),
}


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt", data)
    return out.getvalue()


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("before", [0, (1 << 20) - 20, 3 << 20])
def test_what_is_packed_is_read_through_and_across_pieces(tmp_path, name, before):
    inside = json.dumps({"__metadata__": {"from": "." * before + " " + TOKEN}}).encode()
    (tmp_path / name).write_bytes(PACKED[name](inside))
    with pytest.raises(Refused, match="holds a Hub token"):
        refuse_secrets({name: tmp_path / name})


def test_a_large_file_is_read_in_bounded_memory(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(64):
            file.write(b"0123456789abcde\n" * (1 << 16))
    tracemalloc.start()
    refuse_secrets({"a": path})
    assert tracemalloc.get_traced_memory()[1] < 32 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "data",
    [b"PAR1 and no more", gzip.compress(b"a" * 99)[:-12], b"PK\3\4", b"\x28\xb5\x2f\xfd noise"],
    ids=["parquet", "gzip", "zip", "zstandard"],
)
def test_a_damaged_file_is_refused_or_read_as_it_is(tmp_path, data):
    (tmp_path / "a.dat").write_bytes(data)
    if data.startswith(b"PK"):
        refuse_secrets({"a.dat": tmp_path / "a.dat"})
    else:
        with pytest.raises(Refused, match=r"a\.dat: cannot be searched for secrets, it is damaged \("):
            refuse_secrets({"a.dat": tmp_path / "a.dat"})


def test_a_vocabulary_may_hold_a_folder_but_no_token(tmp_path):
    scan(tmp_path, f'{{"{Path.home()}/": 7}}', "tokenizer.json")
    with pytest.raises(Refused, match=r"tokenizer\.json holds a Hub token"):
        scan(tmp_path, f'{{"{TOKEN}": 7}}', "tokenizer.json")


@pytest.mark.parametrize("escaped", [r"\/", r"\u002f", r"\u002F"])
def test_a_folder_that_json_escapes_is_found(tmp_path, escaped):
    with pytest.raises(Refused, match="holds a folder of this machine"):
        scan(tmp_path, json.dumps({"from": f"{Path.home()}/x"}).replace("/", escaped), "a.json")


def test_a_home_that_is_the_root_refuses_no_address(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/")
    assert scan(tmp_path, "see https://example.org/ and 1/2", folders=[Path("/")]) is None  # no refusal


@pytest.mark.parametrize(
    ("text", "output"), [("/ws/runs", True), ("in /ws.", True), ("/ws-other", False), ("a/ws", False)]
)
def test_a_folder_is_a_whole_name(tmp_path, monkeypatch, text, output):
    if output:
        with pytest.raises(Refused, match="a folder of this machine"):
            scan(tmp_path, text, folders=[Path("/ws")])
    else:
        scan(tmp_path, text, folders=[Path("/ws")])
    assert (tmp_path / "README.md").read_text() == text
