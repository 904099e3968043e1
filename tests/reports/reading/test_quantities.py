"""What a column measures, by its name; fractions and percent, by its values."""

import pytest

from toolkit.reports.reading.quantities import quantity, quantity_of, unit_of

LOSSES = ["loss", "eval/loss", "run-1 - eval/loss", "val_loss", "Test Loss", "perplexity", "ppl",
          "word_perplexity,none",          "nll", "bits_per_byte,none", "cross-entropy", "valLoss"]  # fmt: skip
ACCURACIES = ["accuracy", "acc", "acc_norm,none", "val_acc", "solve_rate", "exact_match,strict-match", "pass@1",
              "pass@k", "exact_match,flexible-extract", "Pass Rate", "correct", "score", "em", "maj@8",
              "success rate", "pass^4",
              "Accuracy (%)", "accuracyPct", "GSM8K accuracy", "top-1 accuracy", "f1", "win_rate"]  # fmt: skip
ERRORS = ["error", "err", "Error_rate (%)", "test error", "empirical_error", "errorRate", "err@1", "wer",
          "failure rate", "share wrong", "incorrect"]  # fmt: skip
UNCLEAR = ["emd", "y", "value", "metric", "exact_match_stderr,strict-match", "acc_stderr", "error_sd", "std_error",
           "n_correct", "num_errors", "correct_count", "rmse", "1 - accuracy", "accuracy_error", "empirical", "passage",
           "terror", "accumulated", "scoreboard", "lossless", "eval/loss__MIN", "error bar", "accuracy gap", "reward",
           "not solved", "standard error"]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "expected"), [(LOSSES, "loss"), (ACCURACIES, "accuracy"), (ERRORS, "error"), (UNCLEAR, None)]
)
def test_a_name_says_what_is_measured_or_is_asked_about(names, expected):
    assert {name: quantity_of(name) for name in names} == dict.fromkeys(names, expected)


def test_what_was_assumed_is_said_and_what_is_stated_counts():
    assert quantity("error", None) == ("error", ())
    assert quantity("ppl", None) == ("loss", ("column 'ppl' is read as a loss",))
    assert quantity("empirical_error", None) == ("error", ("column 'empirical_error' is read as an error",))
    assert quantity("acc", None) == ("accuracy", ("column 'acc' is read as an accuracy: error = 1 - acc",))
    assert quantity("emd", "error") == ("error", ()) and quantity("loss", "accuracy") == ("accuracy", ())
    with pytest.raises(ValueError, match="the name of column 'emd' does not tell what it measures: say --quantity"):
        quantity("emd", None)
    with pytest.raises(ValueError, match="quantity is 'joy': use one of error, accuracy, loss"):
        quantity("loss", "joy")


@pytest.mark.parametrize(
    ("name", "values", "signed", "unit"),
    [
        ("error", [0.9, 0.8], False, "fraction"),
        ("error", [90, 0, 80], False, "percent"),
        ("error", [0.9, 0.8], True, "percent"),
        ("error", [0, 1], False, "fraction"),
        ("error", [1.02, 0.8, 0.7], False, None),
        ("error", [60, 0.5], False, None),
        ("error (%)", [60, 50], False, "percent"),
        ("error (%)", [0.6, 0.5], False, None),
        ("error_pct", [0.6, 0.5], False, None),
    ],
)
def test_percent_is_distinguished_from_fractions_or_is_asked_about(name, values, signed, unit):
    assert unit_of(name, values, signed) == unit
