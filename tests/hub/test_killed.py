"""kill -9 of a process while it publishes: the old release or the new one, whole, and the next push completes it."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hub.remote import commits, contents, expected, tags
from tests.hub.test_faults import NEW, OLD, check_whole
from tests.hub.test_publish import put

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def releases(ladder):
    return {OLD: ladder((1, 2)), NEW: ladder((1, 2, 8), NEW)}


def publish_until(hub, proxy, repo, folder, version, at, moment):
    """Publish in a process that is killed a moment (seconds) after its call number `at`; whether that was in time."""
    environment = os.environ | {"HF_TOKEN": hub.token, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    command = [sys.executable, "-m", "tests.hub.racer", proxy.url, repo, str(folder), version]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    proxy.reset()
    with subprocess.Popen(command, env=environment, cwd=ROOT, text=True, **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        while len(proxy.calls) <= at and process.poll() is None:
            time.sleep(0.0005)
        time.sleep(moment)
        process.kill()
    return process.returncode == -9


def kill_often(hub, api, direct, proxy, repo, releases, kills, seed):
    """Of releases that are first in turn and later ones; what stood there after each kill."""
    chance, found, calls = random.Random(seed), [], {}
    for version, folder in releases.items():  # how many calls each takes
        proxy.reset()
        put(folder, f"{repo}-counted", api)
        calls[version] = len(proxy.calls)
    for number in range(kills):
        version, name = (OLD, NEW)[number % 2], f"{repo}-{number}"
        if version == NEW:
            put(releases[OLD], name, direct)
        at = chance.randrange(calls[version])
        killed = publish_until(hub, proxy, name, releases[version], version, at, chance.uniform(0, 0.02))
        check_whole(direct, name, releases)
        found.append(standing(direct, name, version) if killed else "done")
        put(releases[version], name, direct)
        assert contents(direct, name, version) == contents(direct, name, "main") == expected(releases[version])
        check_whole(direct, name, releases)
    return found


def standing(direct, repo, version):
    """How far a killed push had come."""
    if not direct.repo_exists(repo, repo_type="dataset"):
        return "nothing"
    if version in tags(direct, repo):
        return "tagged"
    result = len(commits(direct, repo)) - 1  # the Hub's own apart
    return "committed" if result > (version == NEW) else "old" if result else "empty"


def test_a_push_that_is_killed_twice(hub, api, direct, proxy, repo, releases):
    assert len(kill_often(hub, api, direct, proxy, repo, releases, 2, seed=0)) == 2


@pytest.mark.slow
def test_a_push_that_is_killed_at_any_moment(hub, api, direct, proxy, repo, releases):
    found = kill_often(hub, api, direct, proxy, repo, releases, 40, seed=1)
    assert len(found) - found.count("done") >= 20, found
    assert {"empty", "old", "committed"} <= set(found)
