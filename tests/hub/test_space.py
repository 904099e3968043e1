import pytest
from huggingface_hub import CommitOperationAdd, snapshot_download

from tests.hub.remote import commits, quiet
from toolkit.hub.space import Space, publish_space, write_bundle
from toolkit.hub.version import Refused
from toolkit.workspace import folder_files

SPACE = Space()


@pytest.fixture
def small(monkeypatch, tmp_path):
    """An app of one line, where nothing is asked of the files of ours."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text("import toolkit.text\n")
    monkeypatch.setattr("toolkit.hub.space.APP", tmp_path / "app")


def pulled(hub, repo, folder):
    snapshot_download(repo, repo_type="space", local_dir=folder, endpoint=hub.endpoint, token=hub.token)
    return {name: digest for name, digest in folder_files(folder).items() if not name.startswith(".")}


def test_a_space_is_one_commit_and_comes_back_as_the_bundle(hub, api, direct, repo, tmp_path):
    done = publish_space(repo, SPACE, quiet(api))
    assert direct.space_info(repo).sdk == "gradio" and done.new
    assert commits(direct, repo, "space")[0] == done.commit and len(commits(direct, repo, "space")) == 2
    write_bundle(tmp_path / "made", SPACE)
    assert pulled(hub, repo, tmp_path / "back") == folder_files(tmp_path / "made")


@pytest.mark.usefixtures("small")
def test_nothing_new_is_no_commit_and_an_older_bundle_comes_back(api, direct, repo, tmp_path):
    first = publish_space(repo, SPACE, quiet(api))
    again = publish_space(repo, SPACE, quiet(api))
    assert not again.new and again.commit == first.commit
    other = publish_space(repo, Space([f"{repo}-results@v1.0.0"]), quiet(api))
    assert other.new and set(other.added) == {"README.md", "results.txt"} and not other.deleted
    back = publish_space(repo, SPACE, quiet(api))
    assert back.new and back.deleted == ("results.txt",) and back.version == first.version
    assert not direct.file_exists(repo, "results.txt", repo_type="space")


@pytest.mark.usefixtures("small")
def test_what_was_edited_at_the_hub_is_put_right(api, direct, repo):
    publish_space(repo, SPACE, quiet(api))
    edit = CommitOperationAdd("app.py", b"raise SystemExit\n")
    direct.create_commit(repo, [edit], commit_message="by hand", repo_type="space")
    done = publish_space(repo, SPACE, quiet(api))
    assert done.new
    assert direct.list_repo_commits(repo, repo_type="space")[0].title == f"Space {done.version}"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("fault", ["500", "lost", "cut"])
def test_a_fault_is_got_over(api, direct, proxy, repo, fault):
    proxy.fail(fault, 2)
    done = publish_space(repo, SPACE, quiet(api))
    assert commits(direct, repo, "space")[0] == done.commit and len(commits(direct, repo, "space")) == 2


@pytest.mark.usefixtures("small")
def test_a_dry_run_makes_nothing(api, direct, proxy, repo):
    messages = []
    done = publish_space(repo, SPACE, quiet(api, say=messages.append, dry=True))
    assert done.dry and not done.new and "app.py" in done.added
    assert not direct.repo_exists(repo, repo_type="space") and "would be made, a public Space" in messages[0]


@pytest.mark.usefixtures("small")
def test_another_app_is_left_alone_and_the_readme_of_a_new_space_is_not_in_the_way(api, direct, repo):
    direct.create_repo(repo, repo_type="space", space_sdk="gradio")
    readme = CommitOperationAdd("README.md", b"---\nsdk: gradio\n---\n")
    direct.create_commit(repo, [readme], commit_message="as a Hub does", repo_type="space")
    assert publish_space(repo, SPACE, quiet(api)).new
    direct.create_repo(f"{repo}-app", repo_type="space", space_sdk="gradio")
    theirs = CommitOperationAdd("main.py", b"print(1)\n")
    direct.create_commit(f"{repo}-app", [theirs], commit_message="an app", repo_type="space")
    with pytest.raises(Refused, match=r"holds files of another app \(main.py\)"):
        publish_space(f"{repo}-app", SPACE, quiet(api))


@pytest.mark.usefixtures("small")
def test_a_public_space_is_not_made_private_by_the_way(api, repo):
    publish_space(repo, SPACE, quiet(api))
    with pytest.raises(Refused, match="it is public, and you ask for a private one"):
        publish_space(repo, SPACE, quiet(api, private=True))


@pytest.mark.usefixtures("small")
def test_it_goes_into_the_collection_of_the_study_of_its_owner(api, direct, repo):
    done = publish_space(repo, Space([f"{repo}-results@v1.0.0", "other/x-results@v1.0.0"]), quiet(api))
    study = direct.create_collection(repo.removeprefix("local/"), namespace="local", exists_ok=True)
    assert [(item.item_id, item.item_type) for item in study.items] == [(done.repo, "space")]
