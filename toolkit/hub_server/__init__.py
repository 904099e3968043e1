"""Serve the embedded Hub to unchanged huggingface_hub and datasets clients.

Repos are bare git repositories in a folder, each with a store of large files. `serve` runs the server in the
foreground, `running` beside a run, and `app` is the ASGI application for other servers.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.hub_server.process import running, serve

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["app", "running", "serve"]


def app(root: Path) -> "ASGIApp":
    """Return the hub over the store in `root`, made where missing, with the token file `root/token`."""
    from toolkit.hub_server.routes import application

    return application(root)
