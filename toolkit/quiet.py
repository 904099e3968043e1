"""Keep the model libraries off the terminal: progress is reported by callbacks, and errors by exceptions."""

import contextlib
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence Hugging Face libraries inside the block: no progress bars, no log records or warnings below an error."""
    import datasets
    import transformers.utils.logging as transformers_logging

    bars = transformers_logging.is_progress_bar_enabled(), datasets.are_progress_bars_disabled()
    threshold = logging.root.manager.disable
    transformers_logging.disable_progress_bar()
    datasets.disable_progress_bars()
    logging.disable(max(threshold, logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(threshold)
        if bars[0]:
            transformers_logging.enable_progress_bar()
        if not bars[1]:
            datasets.enable_progress_bars()
