"""A store at an odd path, an environment without a home or a temporary folder, and a clock that is set back."""

import time

import pytest
from huggingface_hub import HfApi

from toolkit.hub_server import auth, running, serve
from toolkit.hub_server.auth import Tokens

ODD = ["with spaces", "wörk→spaçe", 'quote\'s "and" $dollar', "/".join(["long" * 40] * 4)]


@pytest.mark.parametrize("name", ODD, ids=range(4))
def test_a_store_at_an_odd_path_works(tmp_path, monkeypatch, name):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    with running(tmp_path / name) as (endpoint, token):
        api = HfApi(endpoint=endpoint, token=token)
        api.create_repo("local/d", repo_type="dataset")
        api.upload_file(path_or_fileobj=b"a", path_in_repo="a b ü.txt", repo_id="local/d", repo_type="dataset")
        assert "a b ü.txt" in api.list_repo_files("local/d", repo_type="dataset")


def test_a_store_that_is_a_file_is_named(tmp_path):
    (tmp_path / "hub").write_text("")
    with pytest.raises(OSError, match=str(tmp_path / "hub")), running(tmp_path / "hub"):
        pass


def test_a_port_in_use_is_reported(tmp_path, hub):
    port = int(hub.endpoint.rsplit(":", 1)[1])
    with pytest.raises(ValueError, match=rf"Cannot listen on 127\.0\.0\.1:{port} .*choose another host or port"):
        serve(tmp_path, port=port, say=print)


def test_an_address_signed_before_the_clock_was_set_back_still_holds(monkeypatch):
    tokens = Tokens("hf_x")
    signed = auth.sign(tokens, "PUT x", 4)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3 * auth.SIGNED_SECONDS)
    query = dict(part.split("=") for part in signed.split("&"))
    state = type("State", (), {"tokens": tokens})
    request = type("Request", (), {"query_params": query, "app": type("App", (), {"state": state})})
    assert auth.signed_size(request, "PUT x") == 4
