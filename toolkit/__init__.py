"""When does generating more synthetic data help? Fixed-source synthesis, its law and its planner (arXiv 2607.01727)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.laws.curve.fit import fit_law
    from toolkit.laws.forecast.curve import forecast
    from toolkit.laws.forecast.surface import forecast_surface
    from toolkit.laws.planning.next_cells import next_cells
    from toolkit.laws.planning.plan import plan
    from toolkit.laws.surface.fit import fit_surface
    from toolkit.pipeline.run import run
    from toolkit.recipe.load import load_run
    from toolkit.verification.single import judge

__version__ = "0.1.0"
__all__ = [
    "__version__", "fit_law", "fit_surface", "forecast", "forecast_surface", "judge", "load_run", "next_cells", "plan",
    "run",
]  # fmt: skip

# Imported when first used: `import toolkit` costs nothing, and the law needs none of the libraries that a run does.
_HOMES = {
    "fit_law": "toolkit.laws.curve.fit",
    "fit_surface": "toolkit.laws.surface.fit",
    "forecast": "toolkit.laws.forecast.curve",
    "forecast_surface": "toolkit.laws.forecast.surface",
    "judge": "toolkit.verification.single",
    "load_run": "toolkit.recipe.load",
    "next_cells": "toolkit.laws.planning.next_cells",
    "plan": "toolkit.laws.planning.plan",
    "run": "toolkit.pipeline.run",
}


def __getattr__(name: str) -> Any:
    """Import a public function from its home.

    Raises:
        AttributeError: for a name that the toolkit does not export.
    """
    if name not in _HOMES:
        raise AttributeError(f"module 'toolkit' has no attribute {name!r}; it exports {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)
