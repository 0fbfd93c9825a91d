"""The employee survey in the scorecard and in the study of drivers: figures held against computations of their own."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
import yaml
from page import answer, in_both, prose
from scipy import optimize, special, stats

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DatasetUnavailable
from xmresearch.studies.drivers.params import DriversParams
from xmresearch.studies.scorecard.params import ScorecardParams

DIMENSIONS = {"Ben": 3, "Work": 3, "Man": 3, "Car": 4}


@pytest.fixture(scope="module")
def employees():
    try:
        return load_dataset("employee_survey")
    except DatasetUnavailable as error:
        pytest.skip(str(error))


def pages(root, study, **more):
    folder = root / "params" / study
    given = yaml.safe_load((folder / "employees.yml").read_text("utf-8"))
    model = {"scorecard": ScorecardParams, "drivers": DriversParams}[study]
    return in_both(
        study,
        folder,
        **model.model_validate({**given, **more}).model_dump(exclude={"study", *model.shown_only, *model.front_only}),
    )


def table(report, key):
    return next(b.content for b in report.blocks if b.kind == "table" and b.content["key"] == key)


def test_shares_of_the_best_answer_are_those_counted_by_hand(root, employees):
    both = pages(root, "scorecard")
    rows = {r[0]: r for r in table(both["en"], "waves")["rows"]}
    counted = {
        "Overall happiness": "Happiness",
        "Work environment, question 2": "Work2",
        "Career prospects, question 4": "Car4",
    }
    for label, item in counted.items():
        found = stats.binomtest(int((employees[item] == 4).sum()), len(employees)).proportion_ci(method="wilson")
        share = 100 * (employees[item] == 4).mean()
        assert rows[label][4:6] == [f"{share:.1f}", f"[{100 * found.low:.1f}, {100 * found.high:.1f}]"]
    assert len(rows) == 14
    work = next(r for r in table(both["en"], "tree")["rows"] if r[0] == "Work environment")
    assert work[4] == f"{100 * (employees[['Work1', 'Work2', 'Work3']] == 4).to_numpy().mean():.1f}"
    assert work[-1] == "● red: missed"
    for lang, words in (("en", "There is one wave, so scores stand alone"), ("zh", "只有一期数据")):
        assert "moved" not in both[lang].claims
        assert words in "".join(b.content.get("text", "") for b in both[lang].blocks)
        assert words not in "".join(b.content.get("text", "") for b in answer(both[lang]))


def test_shares_of_drivers_are_those_of_every_order_of_entry(root, employees):
    """McFadden's pseudo R squared of cumulative logits of all 16 subsets, fitted here by a plain optimiser."""
    both = pages(root, "drivers", bootstrap=200)
    x = np.column_stack([employees[[f"{d}{k + 1}" for k in range(n)]].mean(axis=1) for d, n in DIMENSIONS.items()])
    x, y = x - x.mean(axis=0), employees["Happiness"].to_numpy() - 1
    null = np.log(np.bincount(y) / len(y))[y].sum()

    def explained(subset):
        if not subset:
            return 0.0
        part = x[:, list(subset)]

        def loss(theta):
            cuts = np.concatenate([[-np.inf], np.cumsum([theta[0], *np.exp(theta[1:3])]), [np.inf]])
            along = part @ theta[3:]
            chance = special.expit(cuts[y + 1] - along) - special.expit(cuts[y] - along)
            return -np.log(np.maximum(chance, 1e-300)).sum()

        start = np.concatenate([[-5.0, 1.0, 0.5], np.ones(len(subset))])
        return 1 + optimize.minimize(loss, start, method="BFGS").fun / null

    of = {s: explained(s) for r in range(5) for s in combinations(range(4), r)}
    added = np.zeros(4)
    for s, value in of.items():
        for j in set(range(4)) - set(s):
            added[j] += (of[tuple(sorted({*s, j}))] - value) / 4 / comb(3, len(s))
    importance = table(both["en"], "importance")
    at = importance["head"].index("Share")
    assert [r[at] for r in importance["rows"]] == [f"{100 * v / added.sum():.0f} %" for v in added]
    assert f"pseudo R² [@mcfadden1974] of overall happiness to {of[0, 1, 2, 3]:.3f}" in prose(both["en"])
    assert "总体幸福感" in prose(both["zh"])
