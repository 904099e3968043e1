"""Every name of every table leads to a module that has what its contract asks for."""

import importlib
import sys

import pytest

from toolkit import doors
from toolkit.recipe.sections import Serving
from toolkit.teachers.serve import server_of
from toolkit.verification.policies import answer_kind

CONTRACTS = {
    "SERVERS": ("commands", "running", "client"),
    "PROTOCOLS": ("protocol",),
    "QUESTION_PROTOCOLS": ("protocol",),
    "ANSWER_KINDS": ("extract", "answer_to", "compare_by", "COMPARED"),
    "BENCHMARKS": ("benchmark",),
}


@pytest.mark.parametrize(("table", "names"), CONTRACTS.items())
def test_a_name_stands_for_a_module_that_keeps_the_contract(table, names):
    for module in getattr(doors, table).values():
        imported = importlib.import_module(module)
        assert [name for name in names if not hasattr(imported, name)] == []


def test_older_results_are_of_known_names():
    assert doors.OLDER["protocol"] in doors.PROTOCOLS and doors.OLDER["benchmark"] in doors.BENCHMARKS


@pytest.fixture
def half(tmp_path, monkeypatch):
    """A module with one function of three."""
    (tmp_path / "half_a_door.py").write_text("def commands(teacher, serving, sampling): return []")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "half_a_door", raising=False)
    return "half_a_door"


def test_what_a_server_s_module_lacks_is_named(half, monkeypatch):
    monkeypatch.setitem(doors.SERVERS, "half", half)
    with pytest.raises(doors.DoorError, match=r"half_a_door\.py: has no `running` and no `client`; docs/extending\.md"):
        server_of(Serving(server="half"))


def test_what_the_module_of_a_kind_of_answer_lacks_is_named(half, monkeypatch):
    monkeypatch.setitem(doors.ANSWER_KINDS, "half", half)
    with pytest.raises(doors.DoorError, match=r"half_a_door\.py: has no `extract` and no `answer_to`"):
        answer_kind("half")
