"""Bad designs are one clear error or a loud warning; results say what they are."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from xmresearch.causal.designs import did
from xmresearch.causal.result import DidResult
from xmresearch.errors import DataError, InsufficientData, ParamsError
from xmresearch.sufficient.cells import Cells

KEYS = {"outcome": "y", "unit": "branch", "time": "month"}


@pytest.fixture(scope="module")
def frame(branches) -> pd.DataFrame:
    return branches(periods=4)


@pytest.fixture(scope="module")
def found(frame) -> DidResult:
    return did(frame, treated="now", smallest=0.1, **KEYS)


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        (lambda f: f[f["treated"] == 1], {"treated": "now"}, InsufficientData, "No unit is untreated"),
        (lambda f: f[f["treated"] == 0], {"treated": "now"}, InsufficientData, "'now' is 0 throughout"),
        (lambda f: f, {"treated": "treated"}, InsufficientData, "no period before treatment.*treated_from"),
        (lambda f: f, {"treated": "treated", "treated_from": 0}, InsufficientData, "from the first period 0 on"),
        (lambda f: f, {"treated": "treated", "treated_from": 9}, InsufficientData, "treated_from is 9, after the last period 3"),
        (lambda f: f, {"treated": "now", "treated_from": 2}, DataError, "changes within branch 0"),
        (lambda f: f.assign(now=f["now"] * (f["month"] < 3)), {"treated": "now"}, DataError, "branch 0 switches off in month 3"),
        (lambda f: f.assign(now=np.arange(len(f)) % 2), {"treated": "now"}, DataError, "both 0 and 1 for branch 0 in month 0"),
        (lambda f: f.assign(now=f["now"] * 2), {"treated": "now"}, DataError, "Column 'now' holds 2"),
        (lambda f: f.assign(y=4.0), {"treated": "now"}, DataError, "Outcome 'y' is 4 in every row"),
        (lambda f: f, {"treated": "now", "family": "bernoulli"}, DataError, "not only 0 and 1"),
        (lambda f: f, {"treated": "now", "family": "count"}, DataError, "not only whole numbers of at least 0"),
        (lambda f: f.assign(y=f["month"] * 4), {"treated": "now", "family": "nps"}, DataError, "whole numbers from 0 to 10"),
        (lambda f: f.assign(y=f["month"] + 0.5), {"treated": "now", "family": "ordinal"}, DataError, "no ordered answer"),
        (lambda f: f.assign(month=f["month"].map(dict(enumerate("abcd")))), {"treated": "now"}, DataError, "text that cannot be ordered"),
        (lambda f: f[f["month"] == 3], {"treated": "treated", "treated_from": 3}, InsufficientData, "There is one period, 3"),
        (lambda f: f, {}, DataError, "Nothing says which units were treated"),
        (lambda f: f, {"treated": [99], "treated_from": 2}, DataError, "no unit 99"),
        (lambda f: f, {"treated": [1, 2]}, DataError, "Nothing says when treatment started"),
        (lambda f: f.assign(g=f["month"] + 1), {"cohort": "g"}, DataError, "branch 0 several first treated periods"),
        (lambda f: f.assign(g=0), {"cohort": "g"}, DataError, "could mean never or from the first period"),
        (lambda f: f.assign(g=0, month=f["month"] + 1), {"cohort": "g"}, InsufficientData, "No unit is treated: column 'g'"),
        (lambda f: f.assign(g=f["treated"] * 8, month=f["month"] + 1), {"cohort": "g"}, InsufficientData, "Every treated unit starts after"),
        (lambda f: f.assign(g=f["treated"] * 2), {"cohort": "g", "treated_from": 2}, DataError, "cohort column and treated_from"),
        (lambda f: f, {"treated": "nwo"}, DataError, "no column 'nwo'.*Did you mean 'now'"),
        (lambda f: f, {"treated": "treated", "treated_from": "March"}, DataError, "'March' is no period"),
        (lambda f: f, {"treated": "now", "kind": "synth"}, ParamsError, "no kind 'synth'"),
        (lambda f: f, {"treated": "now", "family": "gauss"}, ParamsError, "Did you mean 'gaussian'"),
        (lambda f: f, {"treated": "now", "cluster": "region"}, DataError, "no column 'region'"),
        (lambda f: f, {"treated": "now", "cluster": "none", "kind": "event_study"}, ParamsError, "always clustered"),
        (lambda f: f, {"treated": "now", "confidence": 95}, ParamsError, "confidence is 95"),
        (lambda f: f, {"treated": "now", "smallest": -1}, ParamsError, "smallest is -1"),
        (lambda f: f, {"treated": "now", "draws": 5}, ParamsError, "draws is 5"),
        (lambda f: f, {"treated": "now", "anticipation": -1}, ParamsError, "anticipation is -1"),
        (lambda f: f, {"treated": "now", "anticipation": 1, "kind": "two_by_two"}, ParamsError, "'two_by_two' knows no anticipation"),
        (lambda f: f, {"treated": "now", "control": "nevr"}, ParamsError, "no control 'nevr'. Did you mean 'never'"),
        (lambda f: f.assign(g=np.where(f["treated"] == 1, 2 + f["branch"] % 2, np.nan)), {"cohort": "g", "control": "never", "kind": "hierarchical"},
         ParamsError, "'hierarchical' does not choose its controls"),
    ],
)  # fmt: skip
def test_bad_designs_are_one_clear_error(frame, change, options, error, message):
    with pytest.raises(error, match=message):
        did(change(frame), **KEYS, **options)


def test_one_unit_per_arm_is_a_loud_warning(frame):
    two = frame[frame["branch"].isin([0, 19])]
    found = did(two, treated="now", **KEYS)
    assert found.kind == "two_by_two"
    assert "each arm has one unit" in found.chosen
    assert found.clustered.startswith("not clustered")
    assert "The interval is not clustered: each arm has one unit" in found.warnings[-1]
    assert found.diagnostics().loc[0, "status"] == "fail"
    with pytest.raises(InsufficientData, match="Each arm has one unit"):
        did(two, treated="now", cluster="unit", kind="two_by_two", **KEYS)


def test_every_input_gives_the_same_answer(frame, found):
    lazy = pl.from_pandas(frame).lazy()
    cells = Cells.of(frame, **KEYS, treated="now")
    halves = Cells.of(frame.iloc[::2], **KEYS, treated="now") + Cells.of(frame.iloc[1::2], **KEYS, treated="now")
    dates = frame.assign(month=pd.to_datetime("2025-01-01") + pd.to_timedelta(frame["month"] * 31, unit="D"))
    others = [
        did(lazy, treated="now", **KEYS), did(cells), did(halves),
        did(frame, treated="treated", treated_from=2, **KEYS), did(frame, treated=list(range(10)), treated_from=2, **KEYS),
        did(frame.assign(g=np.where(frame["treated"] == 1, 2.0, np.nan)), cohort="g", **KEYS),
        did(dates, treated="treated", treated_from="2025-03-01", **KEYS),
        did(dates.assign(g=pd.Series(pd.Timestamp("2025-03-02"), dates.index).where(dates["treated"] == 1)), cohort="g", **KEYS),
        did(frame.assign(now=frame["now"] == 1), treated="now", **KEYS),
    ]  # fmt: skip
    for other in others:
        np.testing.assert_allclose(other.draws, found.draws, rtol=1e-9)
    assert did(frame, treated="now", seed=1, **KEYS).draws[0] != found.draws[0]


def test_result_answers_the_question(found):
    assert found.effect["smallest"] == 0.1
    decision = found.decision()
    assert decision["p_above"] + decision["p_within"] + decision["p_below"] == pytest.approx(1)
    assert decision["expected_gain"] == pytest.approx(found.draws.mean())
    assert found.decision(100)["verdict"] == "negligible"
    assert found.summary()["case"] == decision["verdict"]
    with pytest.raises(ParamsError, match="smallest effect worth acting on is -1"):
        found.decision(-1)
    with pytest.raises(DataError, match="no level 'dynamics'.*Did you mean 'dynamic'"):
        found.tidy("dynamics")
    tree = found.posterior
    assert tree["posterior"]["effect"].shape == (1, 4000)
    assert tree["posterior"]["dynamic"].dims == ("chain", "draw", "event_time")
    assert found.posterior is tree
    assert "<table" in found._repr_html_()
    assert "dynamic" in found._repr_markdown_()


def test_cells_that_lack_counts_are_refused(frame):
    cells = Cells.of(frame.assign(y=frame["month"] + 1), **KEYS, treated="now")
    with pytest.raises(DataError, match="hold no counts per answer"):
        did(cells, family="ordinal")


def test_every_argument_of_did_reaches_the_plan():
    """`did` hands its arguments to `prepare` by name: none may be forgotten."""
    import ast
    import inspect

    from xmresearch.causal import designs as module

    call = next(n for n in ast.walk(ast.parse(inspect.getsource(module.did))) if isinstance(n, ast.Call))
    handed = {keyword.arg for keyword in call.keywords if keyword.arg}
    assert handed == set(module.did.__kwdefaults__)
