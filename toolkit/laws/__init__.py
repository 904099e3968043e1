"""Laws of error against budget: forms, fits with honest intervals, baselines, coverage and plans. Numbers only."""

from toolkit.laws.baselines import forecast_table, predict_baselines
from toolkit.laws.fit import LawFit, fit_law
from toolkit.laws.predict import Forecast

__all__ = ["Forecast", "LawFit", "fit_law", "forecast_table", "predict_baselines"]
