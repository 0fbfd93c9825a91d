"""Every result shows itself shortly: a line in a console, what a person wants to see in a notebook."""

import ast
import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import xmresearch as xm
from xmresearch.display import MOST_ROWS, Shown, readable, short

LONGEST = 2000
METHODS = (
    "data",
    "sufficient",
    "claims",
    "sem",
    "causal",
    "attribution",
    "psychometrics",
    "metrics",
    "linkage",
    "monitoring",
    "missing",
    "sampling",
)
# What cannot grow with the data.
SMALL = re.compile(r"(str|int|float|bool|None|Any|Literal\[.*\])( \| (str|int|float|bool|None))*")


def reachable(thing, seen):
    """Yield everything of xmresearch that is held by a result, itself included."""
    if id(thing) in seen:
        return
    seen[id(thing)] = thing
    if isinstance(thing, list | tuple | dict):
        for part in thing.values() if isinstance(thing, dict) else thing:
            yield from reachable(part, seen)
    elif dataclasses.is_dataclass(thing):
        yield thing
        for field in dataclasses.fields(thing):
            yield from reachable(getattr(thing, field.name), seen)


def test_no_result_and_nothing_that_it_holds_says_more_than_two_thousand_characters(results):
    seen, kinds = {}, set()
    for result in reachable(results, seen):
        kinds.add(type(result).__name__)
        line = repr(result)
        assert len(line.encode()) < LONGEST, (type(result).__name__, len(line))
        assert line.startswith(type(result).__name__)
        assert "\n" not in line
    wanted = {"SemFit", "BayesianSem", "InvarianceResult", "PlsResult", "GapResult", "Survey", "Codebook", "Moments", "DidResult", "Panel",
              "SensitivityResult", "AttributionResult", "Journeys", "EventLog", "Transitions", "JourneyResult", "Model"}  # fmt: skip
    assert wanted <= kinds


def test_dataclasses_whose_fields_can_grow_are_shown():
    for package in METHODS:
        for path in sorted(Path(xm.__file__).parent.joinpath(package).rglob("*.py")):
            for node in ast.parse(path.read_text("utf-8")).body:
                if (
                    isinstance(node, ast.ClassDef)
                    and not node.name.startswith("_")
                    and "dataclass" in ast.unparse(node.decorator_list)
                ):
                    fields = [ast.unparse(f.annotation) for f in node.body if isinstance(f, ast.AnnAssign)]
                    grows = [f for f in fields if not SMALL.fullmatch(f)]
                    assert not grows or "repr=False" in ast.unparse(node.decorator_list), (
                        f"{path.name}: {node.name} dumps {grows}"
                    )


def test_every_public_result_is_shown():
    for home in (xm.sem, xm.causal, xm.attribution, xm.psychometrics, xm.metrics, xm.missing, xm.sampling):
        for name in home.__all__:
            kind = getattr(home, name)
            assert not dataclasses.is_dataclass(kind) or issubclass(kind, Shown), name


def test_many_rows_and_units_stay_short(causal_results):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"customer": np.arange(100_000), "time": "2025-01-01", "page": "x" * 5000, "sold": 1})
    log = xm.attribution.EventLog(frame, touchpoint="page", conversion="sold")
    streamed = dataclasses.replace(log, data=pl.from_pandas(frame.head()).lazy())
    moments = xm.sem.Moments.of(rng.normal(size=(500, 200)), [f"item_{k}_of_a_long_name" for k in range(200)])
    for thing in (log, streamed, moments):
        assert len(repr(thing)) < LONGEST
    assert "DataFrame 100000 x 4" in repr(log)
    assert "LazyFrame" in repr(streamed)


def test_html_has_a_heading_tables_and_what_is_not_passed(results):
    for name, result in results.items():
        shown = result._repr_html_()
        assert f"<b>{type(result).__name__}</b>" in shown, name
        assert all(table.count("<tr") <= MOST_ROWS + 1 for table in shown.split("<table")), name
        assert len(shown) < 100_000, name
        assert type(result).__name__ in result._repr_markdown_()
        if hasattr(result, "tidy"):
            assert "<table" in shown, name
        if hasattr(result, "diagnostics"):
            checks = result.diagnostics()
            missed = set(checks.loc[checks["status"] != "pass", "check"])
            assert all(f"Check {check}:" in shown for check in list(missed)[:3]), name


def test_a_fit_shows_its_measures_with_its_estimates(sem_results):
    shown = sem_results["fit"]._repr_html_()
    for part in ("Fit measures", "rmsea_ci", "[0.071, 0.114]", "0.931", "Estimates", "std_all", "0.554"):
        assert part in shown
    assert repr(sem_results["fit"]) == (
        "SemFit(estimator = ML, n = 301, chisq = 85.306, df = 24, CFI = 0.9306, RMSEA = 0.09212, SRMR = 0.06521)"
    )
    assert "holds = up to metric" in repr(sem_results["ladder"])


def test_a_survey_shows_no_answers(survey):
    shown = survey._repr_html_() + repr(survey) + survey._repr_markdown_()
    assert "Screening" in shown
    assert "too_fast" in shown
    named = dataclasses.replace(survey, frame=survey.frame.assign(branch="SECRET"))
    assert "SECRET" not in named._repr_html_() + repr(named) + named._repr_markdown_()


def test_markup_in_names_is_escaped():
    @dataclasses.dataclass(frozen=True, repr=False)
    class Result(Shown):
        name: str

        def tidy(self):
            return pd.DataFrame({"<script>": ["<b>"]})

    shown = Result("<script>alert()</script>")._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (float("nan"), ""), ((), ""), ({}, ""), (True, "True"), (3, "3"), (np.int64(3), "3"), (1 / 3, "0.3333"),
        (np.float64(2.5), "2.5"), (np.array(7.0), "7"), (np.zeros((3, 4)), "array 3 x 4"), (pd.DataFrame({"a": [1, 2]}), "DataFrame 2 x 1"),
        (("a", "b"), "(a, b)"), ({"a": 1.0}, "(a: 1)"), (list(range(100)), "100 items"), ("x" * 99, f"{'x' * 57}..."),
        ("two\nlines", "two lines"), (pd.Timestamp("2025-03-01"), "2025-03-01 00:00:00"), (object(), "object"),
        (pl.LazyFrame({"a": [1]}), "LazyFrame"), ([{"a": 1}], "1 items"),
    ],
)  # fmt: skip
def test_values_are_said_in_a_few_characters(value, text):
    assert short(value) == text


def test_tables_are_cut_and_bounds_joined():
    frame = pd.DataFrame(
        {
            "unit": [f"u{k}" for k in range(40)],
            "n": 1000.0,
            "est": 0.12345,
            "est_lower": 0.1,
            "est_upper": 0.2,
            "p": 1e-9,
        }
    )
    table = readable(frame)
    assert list(table.columns) == ["unit", "n", "est", "est_ci", "p"]
    assert table.iloc[0].tolist() == ["u0", "1000", "0.123", "[0.100, 0.200]", "< .001"]
    assert len(table) == MOST_ROWS
    assert readable(frame.set_index("unit"))["unit"].iloc[1] == "u1"
    blanks = pd.DataFrame({"a": [np.nan, 1.5], "b": [None, "x"], "c": [None, np.nan]})
    assert readable(blanks).to_numpy().tolist() == [["", ""], ["1.500", "x"]]
    assert list(readable(frame.head(0)).columns) == ["unit", "n", "est", "est_ci", "p"]


def test_names_of_pooled_and_dropped_channels_are_not_shown(attribution_results):
    touches = dataclasses.replace(attribution_results["touches"], pool=("SECRET",), dropped=("HIDDEN",))
    shown = touches._repr_html_() + repr(touches)
    assert "pooled = 1" in shown
    assert "SECRET" not in shown
    assert "HIDDEN" not in shown
