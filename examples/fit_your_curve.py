"""Fit the law to your own curve and forecast a budget that you have not paid for yet.

    python examples/fit_your_curve.py

Needs nothing but `pip install fss-toolkit`: no torch, no account.
"""

from toolkit import fit_law

# Error of a student against responses per question; repeated budgets are seeds.
BUDGETS = [1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8, 16, 16, 16]
ERRORS = [0.92, 0.91, 0.93, 0.86, 0.87, 0.85, 0.81, 0.82, 0.81, 0.76, 0.75, 0.77, 0.72, 0.73, 0.72]


def main() -> None:
    law = fit_law(BUDGETS, ERRORS)
    forecast = law.predict([32, 64])
    print(f"{law.form.formula} with {', '.join(f'{name} = {value:.3g}' for name, value in law.parameters.items())}")
    for budget, mean, low, high in zip(forecast.r, forecast.mean, forecast.low_new, forecast.high_new, strict=True):
        print(f"r = {budget:g}: {mean:.1%}, and 90 % of new students between {low:.1%} and {high:.1%}")
    for warning in law.warnings:
        print(f"note: {warning}")


if __name__ == "__main__":
    main()
