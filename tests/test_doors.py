"""Every name of every table leads to a module that has what its contract asks for."""

import importlib

import pytest

from toolkit import doors

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
