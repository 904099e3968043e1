"""Laws of error against budget: forms, fits with honest intervals, baselines, coverage and plans. Numbers only."""

from toolkit.laws.baselines import forecast_table, predict_baselines
from toolkit.laws.fit import fit_law
from toolkit.laws.lawfit import LawFit
from toolkit.laws.pooled import pool_beta
from toolkit.laws.predict import Forecast
from toolkit.laws.profile import profile_interval
from toolkit.laws.surface import SurfaceFit, fit_surface
from toolkit.laws.surface_table import surface_table, verdict

__all__ = [
    "Forecast",
    "LawFit",
    "SurfaceFit",
    "fit_law",
    "fit_surface",
    "forecast_table",
    "pool_beta",
    "predict_baselines",
    "profile_interval",
    "surface_table",
    "verdict",
]
