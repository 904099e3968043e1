"""Names from outside never lead outside, whatever they are."""

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.hub_server import names
from toolkit.hub_server.content import requested_range
from toolkit.hub_server.errors import HubError

PARTS = st.sampled_from(
    ["..", ".", "", ".git", ".GIT", "git~1", "a", "b.txt", "\0", "\n", "~", "\\", "C:", "é", "x" * 300]
)
PATHS = st.lists(PARTS, max_size=6).map("/".join) | st.text(max_size=40)


@given(PATHS)
def test_an_accepted_path_stays_inside_and_is_no_part_of_git(path):
    try:
        accepted = names.file_path(path)
    except HubError as error:
        assert error.status == 400 and error.message
        return
    joined = posixpath.normpath(posixpath.join("/store", accepted))
    assert accepted == path and joined == f"/store/{path}"
    assert ".git" not in path.lower().split("/")


@given(st.lists(PARTS, max_size=4).map("/".join) | st.text(max_size=120))
def test_an_accepted_repo_name_is_two_plain_parts(text):
    try:
        accepted = names.full_name(text)
    except HubError as error:
        assert error.status == 400 and error.message
        return
    owner, name = accepted.split("/")
    for part in (owner, name):
        assert 0 < len(part) <= 96 and part.isascii() and not part.startswith(".") and ".." not in part
    assert posixpath.normpath(f"/store/datasets/{accepted}.git") == f"/store/datasets/{owner}/{name}.git"


@given(st.integers(0, 30), st.integers(0, 40), st.integers(0, 40), st.sampled_from(["both", "from", "last"]))
def test_a_range_means_what_a_slice_means(size, first, last, form):
    header = {"both": f"bytes={first}-{last}", "from": f"bytes={first}-", "last": f"bytes=-{last}"}[form]
    data = bytes(range(size))
    part = {"both": data[first : last + 1], "from": data[first:], "last": data[max(0, size - last) :]}[form]
    if not part:
        with pytest.raises(HubError) as error:
            requested_range(header, size)
        assert error.value.status == 416
    else:
        start, stop = requested_range(header, size)
        assert data[start:stop] == part
