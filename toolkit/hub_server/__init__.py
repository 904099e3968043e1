"""The embedded Hub: a server that the unchanged huggingface_hub and datasets clients take for the Hub.

Repos are bare git repositories in a folder, each with a store of large files. `serve` runs it in the foreground,
`running` beside a run, and `app` is the ASGI application for other servers.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.hub_server.process import running, serve

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["app", "running", "serve"]


def app(root: Path) -> "ASGIApp":
    """The hub over the store in `root`, made where missing, with the token file `root/token`."""
    from toolkit.hub_server.routes import application

    return application(root)
