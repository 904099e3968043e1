"""Fit laws of error against budget: forms, intervals, baselines, coverage and plans. Numbers only."""

from toolkit.laws.curve.baselines import forecast_table, predict_baselines
from toolkit.laws.curve.fit import fit_law
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.pooled import pool_beta
from toolkit.laws.curve.predict import Forecast
from toolkit.laws.curve.profile import profile_interval
from toolkit.laws.surface.fit import SurfaceFit, fit_surface
from toolkit.laws.surface.table import surface_table, verdict

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
