"""Finds the files that come with the toolkit and are not modules: recipes, the Space, pinned versions."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Give the path of a file or folder: in the installed package, else next to it in the checkout."""
    installed = PACKAGE / "shipped" / name
    return installed if installed.exists() else PACKAGE.parent / name
