import json
import socket
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, DatasetCard, HfApi, constants

from tests.hub.remote import commits, contents, expected, quiet, tags
from tests.hub.tiny_ladder import count
from toolkit.hub.check import check_release
from toolkit.hub.faults import HubFault
from toolkit.hub.manifest import read_release
from toolkit.hub.release import publish_release, release_change
from toolkit.hub.upload import read_published
from toolkit.hub.version import Refused, choose_version


def put(folder, repo, api, say=lambda text: None, **changes):
    version = json.loads((folder / "manifest.json").read_text())["version"]
    version = changes.pop("version", version)
    return publish_release(folder, repo, quiet(api, say=say, **changes), version=version)


def fitting(make, repo, api, version="v1.0.0"):
    remote = read_published(quiet(api), repo, "dataset", version)
    new, again = (read_release(make(each)) for each in (version, remote.version or version))
    return choose_version(new, again, remote, release_change)


def put_file(api, repo, name, data=b"x"):
    return api.create_commit(
        repo, [CommitOperationAdd(name, data)], repo_type="dataset", commit_message="by hand"
    ).oid  # fmt: skip


def test_a_first_release_is_one_commit_and_one_tag(ladder, api, direct, repo, tmp_path):
    folder = ladder()
    published = put(folder, repo, api)
    assert published.new and published.version == "v1.0.0" and set(published.added) == set(expected(folder))
    assert commits(direct, repo)[0] == published.commit and len(commits(direct, repo)) == 2  # the Hub's own came first
    assert tags(direct, repo) == {"v1.0.0": published.commit}
    assert contents(direct, repo, "v1.0.0") == expected(folder)
    got = direct.snapshot_download(repo, repo_type="dataset", revision="v1.0.0", local_dir=tmp_path / "got")
    assert check_release(Path(got), count) == []


def test_a_rerun_makes_no_commit_and_sends_nothing(ladder, api, direct, proxy, repo):
    first = put(ladder(), repo, api)
    before = commits(direct, repo), tags(direct, repo)
    proxy.reset()
    again = put(ladder(), repo, api)
    assert (commits(direct, repo), tags(direct, repo)) == before
    assert not again.new and (again.commit, again.bytes, again.added) == (first.commit, 0, ())
    assert sum(proxy.sent.values()) == 0 and not any(call.startswith(("POST", "PUT")) for call in proxy.calls)


def test_a_larger_budget_adds_its_increment_only(ladder, api, direct, proxy, repo):
    first = put(ladder((1, 2)), repo, api)
    proxy.reset()
    larger = ladder((1, 2, 8), "v1.1.0")
    published = put(larger, repo, api)
    new = set(expected(larger)) - set(expected(ladder((1, 2))))
    assert set(published.added) == new | {"README.md", "manifest.json"} and published.deleted == ()
    assert {Path(name).name[:8] for name in new} == {"i002-008"}
    assert proxy.sent["PUT"] == sum((larger / name).stat().st_size for name in new)
    assert tags(direct, repo) == {"v1.0.0": first.commit, "v1.1.0": published.commit}
    assert contents(direct, repo, "v1.0.0") == expected(ladder((1, 2))) and contents(direct, repo, "main") == expected(
        larger
    )


def test_all_rows_are_sent_once(ladder, api, proxy, repo):
    folder = ladder((1, 2, 4, 8))
    put(folder, repo, api)
    manifest = json.loads((folder / "manifest.json").read_text())
    names = {name for config in manifest["configs"].values() for name in config["files"]}
    assert proxy.sent["PUT"] == sum((folder / name).stat().st_size for name in names)


def test_a_taken_version_is_refused_and_the_free_one_found(ladder, api, direct, repo):
    put(ladder((1, 2)), repo, api)
    larger = ladder((1, 2, 8))
    with pytest.raises(
        Refused, match=rf"{repo}: v1\.0\.0 is published with other content .* next free one is v1\.1\.0"
    ):
        put(larger, repo, api)
    assert fitting(lambda version: ladder((1, 2, 8), version), repo, api) == "v1.1.0"
    assert fitting(lambda version: ladder((1, 2), version), repo, api) == "v1.0.0"
    assert contents(direct, repo, "main") == expected(ladder((1, 2)))


def test_a_new_repo_takes_the_folders_own_version(ladder, api, repo):
    assert fitting(lambda version: ladder((1, 2), version), repo, api, "v3.0.0") == "v3.0.0"
    with pytest.raises(ValueError, match=r"made as v3\.0\.0, not v1\.0\.0; make it anew as v1\.0\.0"):
        put(ladder((1, 2), "v3.0.0"), repo, api, version="v1.0.0")


def test_another_source_is_refused_until_a_major_version_replaces_it(ladder, api, direct, repo):
    old = ladder((1, 2))
    put(old, repo, api)
    other = ladder((1, 2), "v1.1.0", "b", 0.5)
    for ask in (lambda: put(other, repo, api), lambda: fitting(lambda version: other, repo, api)):
        with pytest.raises(Refused, match=r"sampling\.temperature: published 0\.8, now 0\.5\nAsk for v2\.0\.0"):
            ask()
    put_file(direct, repo, "notes.txt")
    replaced = put(ladder((1, 2), "v2.0.0", "b", 0.5), repo, api)
    assert set(replaced.deleted) == {name for name in expected(old) if "rejected" in name or "accepted" in name}
    assert contents(direct, repo, "v2.0.0").keys() == {*expected(ladder((1, 2), "v2.0.0", "b", 0.5)), "notes.txt"}
    assert contents(direct, repo, "v1.0.0") == expected(old) and len(commits(direct, repo)) == 4


def test_other_responses_of_the_same_source_are_refused(ladder, api, repo):
    put(ladder((1, 2)), repo, api)
    with pytest.raises(Refused, match="r1: its rows differ from those published"):
        put(ladder((1, 2, 4), "v1.1.0", "b"), repo, api)


def test_a_repo_with_other_content_is_left_alone(ladder, api, direct, repo):
    direct.create_repo(repo, repo_type="dataset")
    head = put_file(direct, repo, "theirs.csv")
    with pytest.raises(Refused, match=rf"{repo}: it holds files that no release made \(theirs\.csv\)"):
        put(ladder(), repo, api)
    assert commits(direct, repo)[0] == head and tags(direct, repo) == {}


def test_an_empty_repo_is_filled_and_keeps_its_visibility(ladder, api, direct, repo):
    direct.create_repo(repo, repo_type="dataset", private=True)
    put(ladder(), repo, api)
    assert contents(direct, repo, "v1.0.0") == expected(ladder()) and direct.dataset_info(repo).private


def test_a_private_release(ladder, api, direct, repo):
    put(ladder(), repo, api, private=True)
    assert direct.dataset_info(repo).private


@pytest.mark.parametrize("dry", [True, False])
def test_what_is_to_be_private_goes_to_no_public_repo(ladder, api, direct, repo, dry):
    direct.create_repo(repo, repo_type="dataset")
    with pytest.raises(Refused, match=f"{repo}: it is public, and you ask for a private one"):
        put(ladder(), repo, api, private=True, dry=dry)
    assert tags(direct, repo) == {} and len(commits(direct, repo)) == 1


def test_a_commit_without_its_tag_is_tagged_by_the_next_run(ladder, api, direct, repo):
    first = put(ladder((1, 2)), repo, api)
    direct.delete_tag(repo, tag="v1.0.0", repo_type="dataset")
    again = put(ladder((1, 2)), repo, api)
    assert tags(direct, repo) == {"v1.0.0": first.commit} and not again.new
    direct.delete_tag(repo, tag="v1.0.0", repo_type="dataset")
    larger = put(ladder((1, 2, 8), "v1.1.0"), repo, api)  # the next run may be of another release
    assert tags(direct, repo) == {"v1.0.0": first.commit, "v1.1.0": larger.commit}


def test_an_untagged_version_is_taken_all_the_same(ladder, api, direct, repo):
    first = put(ladder((1, 2)), repo, api)
    direct.delete_tag(repo, tag="v1.0.0", repo_type="dataset")
    with pytest.raises(Refused, match="published with other content"):
        put(ladder((1, 2, 8)), repo, api)
    assert tags(direct, repo) == {"v1.0.0": first.commit}


def test_an_edit_by_hand_is_no_release(ladder, api, direct, repo):
    first = put(ladder((1, 2)), repo, api)
    put_file(direct, repo, "README.md", b"# Mine\n")
    again = put(ladder((1, 2)), repo, api)
    assert (again.new, again.commit) == (False, first.commit)
    direct.delete_tag(repo, tag="v1.0.0", repo_type="dataset")
    put(ladder((1, 2)), repo, api)
    assert contents(direct, repo, "v1.0.0") == expected(ladder((1, 2)))


def test_a_push_that_another_one_overtakes_is_decided_again(ladder, api, direct, repo):
    put(ladder((1, 2)), repo, api)
    overtaken = []

    def say(text):
        if " commit " in text and not overtaken:  # between reading the head and committing on it
            overtaken.append(put_file(direct, repo, "notes.txt"))

    published = put(ladder((1, 2, 8), "v1.1.0"), repo, api, say=say)
    assert commits(direct, repo)[:2] == [published.commit, *overtaken]
    assert contents(direct, repo, "v1.1.0").keys() == {*expected(ladder((1, 2, 8), "v1.1.0")), "notes.txt"}


def test_a_push_that_is_overtaken_by_the_same_version_gives_way(ladder, api, direct, repo):
    def say(text):
        if " commit " in text:
            put(ladder((1, 2)), repo, direct)

    with pytest.raises(Refused, match=r"v1\.0\.0 is published with other content"):
        put(ladder((1, 2, 8)), repo, api, say=say)
    assert contents(direct, repo, "v1.0.0") == expected(ladder((1, 2)))


def test_a_rehearsal_tells_all_and_changes_nothing(ladder, api, direct, proxy, repo):
    messages = []
    put(ladder((1, 2)), repo, api, say=messages.append, dry=True)
    assert proxy.calls == [f"GET /api/datasets/{repo}/refs"] and not direct.repo_exists(repo, repo_type="dataset")
    assert "would be made, a public dataset repo" in messages[0] and "would commit 9 files" in messages[1]
    put(ladder((1, 2)), repo, api)
    before = commits(direct, repo), tags(direct, repo)
    messages.clear()
    larger = put(ladder((1, 2, 8), "v1.1.0"), repo, api, say=messages.append, dry=True)
    assert (commits(direct, repo), tags(direct, repo)) == before
    assert larger.dry and not larger.new and larger.commit == before[0][0]
    named = "Release v1.1.0: r1, r2, r8, all, test, questions"
    assert f"would commit 4 files, {larger.bytes:,} bytes as '{named}'" in messages[0]
    assert "  + manifest.json" in messages[1]


@pytest.mark.parametrize(
    "name", ["a/..", "a/b..c", "a/b c", "a/" + "x" * 200, "name", "a/b/c", "../../etc", "a/b--c", ""]
)
def test_names_that_cannot_be_are_refused_before_any_call(ladder, api, proxy, name):
    with pytest.raises(Refused, match=r"give an owner and a name, `org/name`|give `org/name`") as caught:
        put(ladder(), name, api)
    assert proxy.calls == [] and len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("read", r"may not write there \(403\); use one of role `write` that reaches local: `hf auth login`"),
        ("hf_unknown", r"does not accept the token \(401\); log in with `hf auth login`"),
        (False, r"does not accept the token \(401\)"),
    ],
)
@pytest.mark.parametrize("exists", [True, False])
def test_a_token_that_may_not_write_is_explained(ladder, hub, proxy, direct, repo, token, message, exists):
    if exists:
        direct.create_repo(repo, repo_type="dataset")
    token = hub.read_token if token == "read" else token
    with pytest.raises(HubFault, match=f"^{repo}: .*{message}") as caught:
        put(ladder(), repo, HfApi(endpoint=proxy.url, token=token))
    assert not token or token not in str(caught.value)


def test_no_network_is_one_message(ladder, hub, repo):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(
        HubFault, match=f"{repo}: no answer from http://127.0.0.1:{port} .* check network and HF_ENDPOINT"
    ):
        put(ladder(), repo, HfApi(endpoint=f"http://127.0.0.1:{port}", token=hub.token))


def test_offline_mode_is_one_message(ladder, api, repo, monkeypatch):
    from huggingface_hub.utils import close_session

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    close_session()
    try:
        with pytest.raises(HubFault, match=f"{repo}: HF_HUB_OFFLINE is set"):
            put(ladder(), repo, api)
    finally:
        close_session()


def test_a_folder_that_was_changed_is_not_pushed(ladder, api, proxy, repo, tmp_path):
    import shutil

    folder = Path(shutil.copytree(ladder(), tmp_path / "release"))
    (folder / "README.md").write_text("# Other\n")
    with pytest.raises(Refused, match=r"README\.md: not as its manifest says; make the folder again"):
        put(folder, repo, api)
    assert proxy.calls == []


def test_the_card_passes_the_clients_own_validation(ladder, hub, repo, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    card = DatasetCard.load(ladder() / "README.md")
    card.validate()
    with pytest.raises(ValueError, match="license"):
        DatasetCard("---\nlicense: {a: b}\n---\n").validate()
