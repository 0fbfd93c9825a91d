"""What cannot be used is refused by an error that says what it is and what to do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import XMError
from xmresearch.sem.bayes import sample
from xmresearch.sem.fitting import fit, fit_all
from xmresearch.sem.followup import factor_scores
from xmresearch.sem.invariance_ladder import invariance
from xmresearch.sem.pls_fit import pls
from xmresearch.sem.tables import diagram, loadings, paths
from xmresearch.sem.total_effects import effects, mediation
from xmresearch.sem.what_if import gains, indices

MODEL = "f =~ a + b + c\ng =~ d + e + h\ng ~ f"
FRONTS: dict[str, Callable[[Any, Any], Any]] = {
    "fit": fit,
    "fit_group": lambda m, d: fit(m, d, group="school"),
    "fit_ordered": lambda m, d: fit(m, d, ordered=True),
    "fit_fiml": lambda m, d: fit(m, d, missing="fiml"),
    "fit_all": lambda m, d: fit_all({"one": m}, d),
    "invariance": lambda m, d: invariance(m, d, "school"),
    "pls": pls,
    "sample": sample,
}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    g = np.random.default_rng(1)
    f = g.normal(size=(80, 2)) @ np.array([[1, 0.5], [0, 0.9]])
    values = f[:, [0, 0, 0, 1, 1, 1]] + 0.6 * g.normal(size=(80, 6))
    return pd.DataFrame(values, columns=list("abcdeh")).assign(school=np.resize(["x", "y"], 80))


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("model", [None, 3, ["f =~ a + b + c"], "", "f", b"f =~ a", MODEL.replace("a", "zz")])
def test_a_model_that_is_none(rows: pd.DataFrame, front: str, model: Any) -> None:
    with pytest.raises(XMError) as caught:
        FRONTS[front](model, rows)
    assert caught.value.hint or "line" in caught.value.problem or "operator" in caught.value.problem
    if not isinstance(model, str):
        assert "not text" in caught.value.problem


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize(
    "kind", ["none", "path", "array", "dict", "no_rows", "no_columns", "twice", "infinite", "words"]
)
def test_data_that_are_none(rows: pd.DataFrame, front: str, kind: str) -> None:
    twice = pd.concat([rows, rows[["b"]]], axis=1)
    infinite = rows.copy()
    infinite.loc[4, "d"] = np.inf
    data: Any = {
        "none": None, "path": "survey.csv", "array": rows[list("abcdeh")].to_numpy(), "dict": {"a": [1, 2]},
        "no_rows": rows.iloc[:0], "no_columns": pd.DataFrame(index=range(5)), "twice": twice, "infinite": infinite,
        "words": rows.assign(e="often"),
    }[kind]  # fmt: skip
    with pytest.raises(XMError) as caught:
        FRONTS[front](MODEL, data)
    assert caught.value.hint
    named = {"twice": "'b' twice", "infinite": "'d' has infinite", "words": "'e'"}.get(kind, "")
    assert named in caught.value.problem


def test_a_group_column_that_is_there_twice(rows: pd.DataFrame) -> None:
    with pytest.raises(XMError, match="'school' twice"):
        fit(MODEL, pd.concat([rows, rows[["school"]]], axis=1), group="school")


@pytest.mark.parametrize("what", [None, MODEL, 3])
def test_what_was_not_fitted(rows: pd.DataFrame, what: Any) -> None:
    scales = dict.fromkeys("abcdeh", (-5.0, 5.0))
    for ask in (
        effects, loadings, paths, diagram, lambda f: mediation(f, [("f", "g", "h")]),
        lambda f: gains(f, rows, ["g"], scales), lambda f: indices(f, rows, ["g"], scales),
        lambda f: factor_scores(f, rows),
    ):  # fmt: skip
        with pytest.raises(XMError, match="fitted model is needed"):
            ask(what)
    with pytest.raises(XMError, match="mapping from name to text"):
        fit_all(MODEL, rows)  # type: ignore[arg-type]


def test_scores_and_indices_of_data_that_are_none(rows: pd.DataFrame) -> None:
    fitted, scales = fit(MODEL, rows), dict.fromkeys("abcdeh", (-5.0, 5.0))
    for data in (
        None,
        rows.iloc[:0],
        rows.drop(columns=["a", "d"]),
        rows.assign(a="often", d="often"),
        rows.assign(a=np.inf, d=np.inf),
    ):
        for ask in (
            lambda d: factor_scores(fitted, d), lambda d: indices(fitted, d, ["g"], scales),
            lambda d: gains(fitted, d, ["g"], scales, shifts={"f": 1.0, "g": 1.0}),
        ):  # fmt: skip
            with pytest.raises(XMError):
                ask(data)


def test_a_composite_is_said_to_be_one(rows: pd.DataFrame) -> None:
    for front in (fit, pls, sample):
        with pytest.raises(XMError, match="line 1.*'f' a composite of its items") as caught:
            front("f <~ a + b + c\ng =~ d + e + h\ng ~ f", rows)
        assert "formative=['f']" in caught.value.hint


def test_pls_paths_are_counted_beside_those_of_the_model(rows: pd.DataFrame) -> None:
    found = pls(MODEL, rows)
    table = pd.DataFrame({"outcome": ["g", "g"], "cause": ["f", "h"], "std_all": [0.0, 0.0]})
    assert found.beside(table) == {"case": "none", "paths": 1, "closer": 0}
    assert found.beside(table.assign(std_all=-1.0)) == {"case": "all", "paths": 1, "closer": 1}
