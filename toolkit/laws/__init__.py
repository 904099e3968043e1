"""Laws of error against budget: forms, fits with honest intervals, baselines, coverage and plans. Numbers only."""

from toolkit.laws.baselines import forecast_table, predict_baselines
from toolkit.laws.fit import fit_law
from toolkit.laws.lawfit import LawFit
from toolkit.laws.predict import Forecast
from toolkit.laws.surface import SurfaceFit, fit_surface

__all__ = ["Forecast", "LawFit", "SurfaceFit", "fit_law", "fit_surface", "forecast_table", "predict_baselines"]
