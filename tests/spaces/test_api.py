"""What `gradio_client` calls, on a page served on the loopback address."""

import json
from urllib.request import urlopen

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from toolkit.cli import main


@pytest.fixture(scope="module")
def client(address):
    return Client(address, verbose=False)


@pytest.fixture(scope="module")
def measured(ladder):
    return {"budgets": ladder["budget"].tolist(), "errors": ladder["error"].tolist(), "fit_max": 16}


def test_the_api_is_these_three(client):
    documented = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert sorted(documented) == ["/fit", "/forecast", "/plan"]
    for name in ("/fit", "/plan"):
        arguments = [each["parameter_name"] for each in documented[name]["parameters"]]
        assert all(argument in documented[name]["description"] for argument in arguments)
    assert "refused" in documented["/forecast"]["description"]


def test_fit_and_forecast_are_what_fss_fit_prints(client, measured, curves, capsys):
    columns = ["--x", "budget", "--y", "error", "--seed", "train_seed", "--where", "arm=FSS", "control=steps"]
    assert main(["fit", str(curves), *columns, "--fit-max", "16", "--predict", "32", "64", "--json"]) == 0
    expected = next(iter(json.loads(capsys.readouterr().out).values()))
    assert client.predict(**measured, ahead=[32, 64], api_name="/forecast") == expected
    fitted = client.predict(**measured, api_name="/fit")
    assert fitted["parameters"] == expected["parameters"] and fitted["forecasts"] == []


def test_plan_answers_in_a_sentence(client):
    questions, budgets = [m for m in (64, 128, 256) for _ in range(8)], [1, 1, 2, 2, 4, 4, 8, 8] * 3
    rows = zip(questions, budgets, range(24), strict=True)
    errors = [0.2 + 25 / (30 + m * r / (1 + 0.1 * (r - 1))) + 0.01 * (-1) ** k for m, r, k in rows]
    output = client.predict(questions, budgets, errors, {"question": 20, "response": 1}, spend=6000, api_name="/plan")
    assert output["sentence"].startswith(("With 6,000 to spend, take", "Cannot tell")) and len(output["frontier"]) == 25


@pytest.mark.parametrize(
    ("endpoint", "changed", "why"),
    [
        ("/fit", {"errors": [0.5], "budgets": [1.0] * 18}, "errors has 1 values for 18 rows"),
        ("/fit", {"budgets": [0.0] * 18, "errors": [0.5] * 18}, "budgets must be above 0"),
        ("/fit", {"quantity": "joy"}, "joy"),
        (
            "/fit",
            {"budgets": [float(r) for r in range(1, 5001)], "errors": [0.5] * 5000},
            "5,000 different budgets: at",
        ),
        ("/fit", {"errors": [10**400] * 18, "budgets": [1.0] * 18}, "errors, row 1: must be 0, or a number from 1e-15"),
        ("/fit", {"fit_max": -(10**400)}, "fit_max must be 0, or a number from"),
        ("/fit", {"errors": [1e-300] * 18, "budgets": [1.0] * 18}, "errors, row 1: must be 0, or a number from"),
        ("/fit", {"errors": ["x"] * 18, "budgets": [1.0] * 18}, "errors, row 1: must be a number, got 'x'"),
        ("/fit", {"errors": [[0.5]] * 18, "budgets": [1.0] * 18}, "errors, row 1: must be a number"),
        ("/fit", {"budgets": None}, "budgets is not a list of numbers"),
        ("/forecast", {"ahead": [10**400]}, "ahead, row 1: must be 0, or a number from"),
        ("/forecast", {"ahead": [1000]}, "measure a larger rung first"),
        ("/forecast", {"ahead": [2.0] * 101}, "at most 100"),
        ("/fit", {"budgets": [1.0] * 5001, "errors": [0.5] * 5001}, "at most 5,000"),
    ],
)
def test_a_bad_request_is_answered_with_the_reason(client, measured, endpoint, changed, why):
    with pytest.raises(AppError, match=why):
        client.predict(**(measured | changed), api_name=endpoint)


CELLS = ([float(m) for m in range(201)], [1.0] * 201, [0.5] * 201)


@pytest.mark.parametrize(
    ("cells", "prices", "why"),
    [
        (CELLS, {"question": 20}, "201 different cells: at most 200 are taken"),
        (([1.0], [1.0], [0.5]), {"question": 10**400}, "the price 'question' must be 0, or a number from"),
        (([1.0], [1.0], [0.5]), {"qestion": 1}, "nothing is called 'qestion'; known are question, response"),
        (([1.0], [1.0], [0.5]), [20], "prices are not an object of names and numbers"),
    ],
)
def test_a_plan_that_cannot_be_made_is_answered_with_the_reason(client, cells, prices, why):
    with pytest.raises(AppError, match=why):
        client.predict(*cells, prices, spend=10.0, api_name="/plan")


def test_the_page_names_no_other_host(address):
    """Links that a reader may follow are none either; the framework's examples for its API page are never fetched."""
    with urlopen(address) as answer:
        text = answer.read().decode()
    config = json.loads(text.split("window.gradio_config = ", 1)[1].split(";</script>", 1)[0])
    display = [
        {name: output for name, output in each.items() if name != "example_inputs"} for each in config["components"]
    ]
    assert "https://" not in json.dumps(display) and config["analytics_enabled"] is False
