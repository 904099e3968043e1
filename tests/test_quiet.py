"""The block in which libraries keep off the terminal, and what it leaves behind."""

import logging
import warnings

import datasets
import pytest
import transformers.utils.logging as transformers_logging

from toolkit.quiet import quiet


def test_warnings_and_logs_are_held_back_and_errors_are_not(caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quiet():
            warnings.warn("inside", UserWarning, stacklevel=1)
            logging.getLogger("transformers").warning("inside")
            logging.getLogger("transformers").error("failure")
        warnings.warn("outside", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in caught] == ["outside"]
    assert "failure" in caplog.text and "inside" not in caplog.text


@pytest.mark.parametrize("shown", [True, False])
def test_progress_bars_are_as_they_were_afterwards(shown: bool) -> None:
    switch = (datasets.enable_progress_bars, datasets.disable_progress_bars)
    before = datasets.are_progress_bars_disabled()
    switch[not shown]()
    with quiet():
        assert datasets.are_progress_bars_disabled()
        assert not transformers_logging.is_progress_bar_enabled()
    assert datasets.are_progress_bars_disabled() is not shown
    assert transformers_logging.is_progress_bar_enabled()
    switch[before]()


def test_an_error_inside_leaves_logging_on() -> None:
    with pytest.raises(KeyError), quiet():
        raise KeyError("x")
    assert logging.root.manager.disable == logging.NOTSET
