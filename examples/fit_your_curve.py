"""Forecast a budget that you have not paid for yet, and fit the law to your own curve.

    python examples/fit_your_curve.py

Needs nothing but `pip install fss-toolkit`: no torch, no account.
"""

from toolkit import fit_law, forecast

# Error of a student against responses per question; repeated budgets are seeds.
BUDGETS = [1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8, 16, 16, 16]
ERRORS = [0.92, 0.91, 0.93, 0.86, 0.87, 0.85, 0.81, 0.82, 0.81, 0.76, 0.75, 0.77, 0.72, 0.73, 0.72]


def main() -> None:
    for budget in (32, 64):
        ahead = forecast(BUDGETS, ERRORS, budget)
        low, high = ahead.interval(0.9, rows=1)[:, 0]
        print(f"r = {budget}: {ahead.mean[0]:.1%}, and 90 % of new students between {low:.1%} and {high:.1%}")
    print(f"the forecast: {ahead.reading}")
    law = fit_law(BUDGETS, ERRORS)
    print(f"{law.form.formula} with {', '.join(f'{name} = {value:.3g}' for name, value in law.parameters.items())}")
    for note in (*ahead.notes, *law.warnings):
        print(f"note: {note}")


if __name__ == "__main__":
    main()
