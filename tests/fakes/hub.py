"""The embedded Hub as a server process, with a token that writes and one that only reads."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

from toolkit.hub_server import running

READ_TOKEN = "hf_only_for_reading"


@contextlib.contextmanager
def running_hub(root: Path) -> Iterator[SimpleNamespace]:
    """Run a server on a folder; give its endpoint, token, read_token and root."""
    (root / "read-token").write_text(READ_TOKEN)
    with running(root) as (endpoint, token):
        yield SimpleNamespace(endpoint=endpoint, token=token, read_token=READ_TOKEN, root=root)
