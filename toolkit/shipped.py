"""Where the files lie that come with the toolkit but are no modules of it: recipes, the Space, pinned versions."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Return the place of a file or folder: in the installed package, else beside it in the checkout."""
    installed = PACKAGE / "shipped" / name
    return installed if installed.exists() else PACKAGE.parent / name
