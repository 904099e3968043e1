"""A repo that is deleted while somebody writes to it: the writer is told, and it stays deleted."""

import asyncio
import hashlib

import pytest
from dulwich.objects import Blob
from dulwich.repo import Repo

from toolkit.hub_server import lfs, repos
from toolkit.hub_server.errors import HubError


@pytest.fixture
def place(tmp_path) -> repos.RepoPlace:
    result = repos.RepoPlace(repos.prepare(tmp_path), "datasets", "local/x")
    result.path.mkdir(parents=True)
    Repo.init_bare(str(result.path))
    return result


def delete(place: repos.RepoPlace) -> None:
    place.path.rename(place.root / "deleted")


def test_a_large_file_finds_no_repo_at_its_end(place):
    async def stream():
        yield b"da"
        delete(place)
        yield b"ta"

    with pytest.raises(HubError) as error:
        asyncio.run(lfs.receive(place, hashlib.sha256(b"data").hexdigest(), 4, stream()))
    assert error.value.headers["X-Error-Code"] == "RepoNotFound"
    assert not place.path.exists() and not list((place.root / "incoming").iterdir())


def test_objects_find_no_repo_when_they_are_settled(place):
    with place.opened() as repo, pytest.raises(HubError, match="not found"), place.writer(repo) as writer:
        writer.put(Blob.from_string(b"x"))
        delete(place)
        writer.settle()
    assert not place.path.exists() and not list((place.root / "incoming").iterdir())


def test_a_repo_that_is_gone_is_404_and_no_fault_of_the_server(place):
    delete(place)
    for call in (lambda: place.opened().__enter__(), place.facts):
        with pytest.raises(HubError) as error:
            call()
        assert error.value.status == 404
