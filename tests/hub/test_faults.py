"""A fault at each HTTP call of a push in turn: what is published is always the old release or the new one, whole."""

import httpx2
import pytest
from huggingface_hub.errors import HfHubHTTPError
from tenacity import RetryCallState, Retrying

from tests.fakes.faulty_proxy import FAULTS
from tests.hub.remote import commits, contents, expected, tags
from tests.hub.test_publish import put
from toolkit.hub.faults import HubFault, explain, passing, pause

OLD, NEW = "v1.0.0", "v1.1.0"


@pytest.fixture
def releases(ladder):
    return {OLD: ladder((1, 2)), NEW: ladder((1, 2, 8), NEW)}


def check_whole(direct, repo, releases):
    """`main` and every tag hold one of the releases, all of it; each was committed once."""
    if not direct.repo_exists(repo, repo_type="dataset"):
        return
    main = contents(direct, repo, "main")
    assert main in ({}, *(expected(folder) for folder in releases.values()))
    found = tags(direct, repo)
    for name, commit in found.items():
        assert contents(direct, repo, commit) == expected(releases[name])
    assert len(commits(direct, repo)) <= 1 + len(releases)


def push_with_fault(api, direct, proxy, repo, releases, version, fault, at, until_reset):
    """A push that meets the fault, then one that meets none."""
    proxy.fail(fault, at, until_reset=until_reset)
    try:
        put(releases[version], repo, api)
        failed = False
    except HubFault as error:
        assert str(error).startswith(f"{repo}: ")
        failed = True
    met = len(proxy.calls) > at
    proxy.reset()
    check_whole(direct, repo, releases)
    put(releases[version], repo, api)
    assert contents(direct, repo, version) == contents(direct, repo, "main") == expected(releases[version])
    check_whole(direct, repo, releases)
    return met, failed


COUNTED: dict[str, int] = {}


@pytest.fixture
def calls(api, proxy, releases):
    """Version -> HTTP calls of a push that meets no fault, on top of the version before."""
    for version, folder in releases.items():
        if version not in COUNTED:
            proxy.reset()
            put(folder, "local/counted", api)
            COUNTED[version] = len(proxy.calls)
    proxy.reset()
    return COUNTED


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("call", "version"), [(1, OLD), (-2, OLD), (-1, OLD), (-2, NEW), (-1, NEW)])
def test_the_calls_that_change_a_repo(api, direct, proxy, repo, releases, calls, fault, call, version):
    """Making it, the commit and the tag, of a first release and of a later one."""
    if version == NEW:
        put(releases[OLD], repo, direct)
    met, failed = push_with_fault(api, direct, proxy, repo, releases, version, fault, call % calls[version], False)
    assert met and not failed  # one fault is got over


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", [4, -2, -1])
def test_a_hub_that_stays_in_trouble(api, direct, proxy, repo, releases, calls, fault, call):
    met, failed = push_with_fault(api, direct, proxy, repo, releases, OLD, fault, call % calls[OLD], True)
    assert met and failed


def test_tries_are_bounded(api, proxy, repo, releases):
    proxy.fail("500", 0, until_reset=True)
    with pytest.raises(HubFault, match=rf"{repo}: {proxy.url} is in trouble \(500\); run the same command later"):
        put(releases[OLD], repo, api)
    assert len(proxy.calls) == 8


def test_a_limit_is_explained(api, proxy, repo, releases):
    proxy.fail("429", 0, until_reset=True)
    with pytest.raises(HubFault, match=r"limits how often may be pushed \(429\)"):
        put(releases[OLD], repo, api)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("404", r"not found on http://[\d.:]+, or hidden from this token \(404\); check the name and `hf auth whoami`"),
        ("400", r"http://[\d.:]+ refused it \(400\): "),
        ("403", r"may not write there \(403\)"),
    ],
)
def test_what_does_not_pass_is_explained_at_once(api, proxy, repo, releases, calls, status, message):
    proxy.fail(status, calls[OLD] - 2, until_reset=True)  # the commit
    with pytest.raises(HubFault, match=f"^{repo}: .*{message}"):
        put(releases[OLD], repo, api)
    assert len(proxy.calls) == calls[OLD] - 1


def test_the_pause_is_what_the_hub_asks_for_and_bounded():
    def query(**headers):
        state = RetryCallState(Retrying(), None, (), {})
        response = httpx2.Response(429, headers=headers, request=httpx2.Request("GET", "http://x"))
        state.set_exception((None, HfHubHTTPError("limit", response=response), None))
        return pause(state)

    assert query(**{"Retry-After": "7"}) == 7 and query(**{"Retry-After": "3600"}) == 30
    assert 0 <= query() <= 1 and 0 <= query(**{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}) <= 1


def test_a_commit_that_is_always_overtaken_is_explained(api, proxy, repo, releases, calls):
    proxy.fail("412", calls[OLD] - 2, until_reset=True)
    with pytest.raises(HubFault, match=r"others pushed again and again meanwhile \(412\)"):
        put(releases[OLD], repo, api)


@pytest.mark.parametrize("name", ["objects", "refs/heads/main"])
def test_a_damaged_repo_is_reported_at_once_and_others_are_pushed(api, direct, hub, proxy, repo, releases, name):
    put(releases[OLD], repo, direct)
    folder = hub.root / "datasets" / f"{repo}.git"
    for path in [folder / name] if (folder / name).is_file() else (folder / name).glob("??/*"):
        path.chmod(0o644)
        path.write_bytes(b"damaged")
    proxy.reset()
    with pytest.raises(HubFault, match=rf"^{repo}: .*its repository {folder} is damaged .*publish again"):
        put(releases[NEW], repo, api)
    assert len(proxy.calls) <= 3  # told at once: another try would meet the same
    put(releases[OLD], f"{repo}-other", api)


@pytest.mark.parametrize(
    ("address", "output"),
    [
        ("https://hub.example/?token=hf_secret", "https://hub.example/"),
        ("https://alice:hf_secret@hub.example", "https://hub.example"),
        ("https://hf_secret@hub.example/api#hf_secret", "https://hub.example/api"),
        ("http://127.0.0.1:80/a?b=1&key=hf_secret", "http://127.0.0.1:80/a"),
    ],
)
def test_no_secret_of_an_address_is_reported(address, output):
    fault = explain(httpx2.ConnectError(f"cannot reach '{address}'"), "org/name", address)
    assert "hf_secret" not in str(fault) and f"no answer from {output} (" in str(fault) and f"'{output}'" in str(fault)
    response = httpx2.Response(507, request=httpx2.Request("GET", address))
    full = explain(HfHubHTTPError("no", response=response, server_message=f"{address} is full"), "org/name", address)
    assert f"{output} cannot store it (507): {output} is full" in str(full) and not passing(full)


def test_other_errors_do_not_pass():
    assert not passing(ValueError("x")) and not passing(OSError(28, "No space left on device"))


@pytest.mark.slow
@pytest.mark.parametrize("until_reset", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("version", [OLD, NEW])
def test_every_call(api, direct, proxy, repo, releases, calls, fault, until_reset, version):
    outcomes = []
    for at in range(calls[version]):
        name = f"{repo}-{at}"
        if version == NEW:
            put(releases[OLD], name, direct)
        outcomes.append(push_with_fault(api, direct, proxy, name, releases, version, fault, at, until_reset))
    assert all(met for met, _ in outcomes)
    assert all(failed == until_reset for _, failed in outcomes)
