"""Show errors as errors or as accuracies, in percent."""

from typing import Any, NamedTuple

import numpy as np

from toolkit.reports.fit_report import error_text


class Scale(NamedTuple):
    """The scale that a reader chose; fits and files hold errors as fractions either way."""

    accuracy: bool = False

    @property
    def name(self) -> str:
        """Return the name of the numbers."""
        return "accuracy" if self.accuracy else "error"

    @property
    def axis(self) -> str:
        """Return the title of an axis."""
        return f"test {self.name}, %"

    def of(self, error: Any) -> Any:
        """Return errors (fractions) on this scale, as fractions."""
        return 1 - np.asarray(error, float) if self.accuracy else np.asarray(error, float)

    def percent(self, error: Any) -> Any:
        """Return errors (fractions) on this scale, in percent."""
        return 100 * self.of(error)

    def ends(self, low: Any, high: Any) -> tuple[Any, Any]:
        """Return an interval of errors in percent, the smaller end first."""
        return (self.percent(high), self.percent(low)) if self.accuracy else (self.percent(low), self.percent(high))

    def text(self, error: Any) -> str:
        """Write an error as every table does, without its sign."""
        return error_text(float(self.of(error)), True)

    def span(self, low: Any, high: Any, unit: str = "") -> str:
        """Write an interval of errors, the smaller end first."""
        ends = (high, low) if self.accuracy else (low, high)
        return " to ".join(f"{self.text(end)}{unit}" for end in ends)
