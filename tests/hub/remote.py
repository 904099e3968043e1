"""What the tests of pushes ask of a repo: its files, tags and commits."""

import json
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.sha import git_hash

from toolkit.hub.upload import Target


def quiet(api: HfApi, **options) -> Target:
    """Give a silent target of pushes."""
    return Target(api, **({"say": lambda text: None} | options))


def expected(folder: Path) -> dict[str, str]:
    """Give name -> sha256 of a large file, git's hash of any other, of what a push of this folder must leave."""
    manifest = json.loads((folder / "manifest.json").read_text())
    names = [*manifest["files"], "manifest.json"]
    return {
        name: manifest["files"][name]["sha256"] if name.endswith(".parquet") else git_hash((folder / name).read_bytes())
        for name in names
    }


def contents(api: HfApi, repo: str, revision: str, repo_type: str = "dataset") -> dict[str, str]:
    """Give the same for what a repo holds at a revision, without the file of its first commit."""
    tree = api.list_repo_tree(repo, repo_type=repo_type, revision=revision, recursive=True)
    files = {file.path: file for file in tree if isinstance(file, RepoFile) and file.path != ".gitattributes"}
    return {name: file.lfs.sha256 if file.lfs else file.blob_id for name, file in files.items()}


def tags(api: HfApi, repo: str, repo_type: str = "dataset") -> dict[str, str]:
    """Give name -> commit of a repo's tags."""
    return {tag.name: tag.target_commit for tag in api.list_repo_refs(repo, repo_type=repo_type).tags}


def commits(api: HfApi, repo: str, repo_type: str = "dataset") -> list[str]:
    """List the commits of main, the newest first."""
    return [commit.commit_id for commit in api.list_repo_commits(repo, repo_type=repo_type)]
