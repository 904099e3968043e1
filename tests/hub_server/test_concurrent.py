"""Several writers at once, in processes of their own: nothing is lost, every tag is whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

from huggingface_hub import HfApi

from toolkit.hub_server import running

KIND = {"repo_type": "dataset"}
WRITERS, COMMITS = 6, 3
WRITER = """
import json, sys
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError
repo, writer, commits = sys.argv[1], sys.argv[2], int(sys.argv[3])
api, refused, made = HfApi(), 0, {}
for number in range(commits):
    name = f"{writer}-{number}"
    while name not in made:
        head = api.repo_info(repo, repo_type="dataset").sha
        adds = [CommitOperationAdd(f"{name}.txt", name.encode()), CommitOperationAdd(f"{name}.bin", name.encode() * 9)]
        try:
            made[name] = api.create_commit(repo, adds, commit_message=name, repo_type="dataset", parent_commit=head).oid
        except HfHubHTTPError as error:
            if error.response.status_code != 412:
                raise
            refused += 1
    api.create_tag(repo, tag=name, revision=made[name], repo_type="dataset")
print(json.dumps([made, refused]))
"""


def start(endpoint: str, token: str, repo: str, writer: int) -> subprocess.Popen:
    environment = os.environ | {"HF_ENDPOINT": endpoint, "HF_TOKEN": token, "HF_HUB_DISABLE_XET": "1"}
    environment |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    command = [sys.executable, "-c", WRITER, repo, f"w{writer}", str(COMMITS)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def check_all_landed(api: HfApi, repo: str, writers: list[subprocess.Popen]) -> None:
    """Each commit is in the history of main, each tag at its commit with all files of the commits before it."""
    result: dict[str, str] = {}
    for writer in writers:
        messages = writer.communicate()[0]
        assert writer.returncode == 0
        result |= json.loads(messages)[0]
    history = api.list_repo_commits(repo, **KIND)[::-1]
    assert sorted(commit.title for commit in history) == sorted([*result, "initial commit"])
    assert {commit.title: commit.commit_id for commit in history[1:]} == result
    assert {ref.name: ref.target_commit for ref in api.list_repo_refs(repo, **KIND).tags} == result
    for number, commit in enumerate(history):
        there = set(api.list_repo_files(repo, revision=commit.commit_id, **KIND)) - {".gitattributes"}
        assert there == {f"{done.title}.{end}" for done in history[1 : number + 1] for end in ("txt", "bin")}


def test_six_processes_release_to_one_repo(hub, api, dataset):
    writers = [start(hub.endpoint, hub.token, dataset, number) for number in range(WRITERS)]
    check_all_landed(api, dataset, writers)
    for name in (f"w{writer}-{COMMITS - 1}" for writer in range(WRITERS)):
        path = api.hf_hub_download(dataset, f"{name}.bin", revision=name, **KIND)
        assert Path(path).read_bytes() == name.encode() * 9


def test_two_servers_work_on_one_store(hub, api, dataset):
    with running(hub.root) as (other, token):
        assert token == hub.token
        writers = [start((hub.endpoint, other)[number], token, dataset, number) for number in range(2)]
        check_all_landed(HfApi(other, token=token), dataset, writers)
