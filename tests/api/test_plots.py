"""`plot()` gives a figure that shows the result's numbers."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from xmresearch.plots import MOST, forest

DRAWN = (
    "fit", "paths", "bayes", "pls", "effects", "mediation", "indices", "gains", "gaps", "priorities", "drivers", "scores",
    "importance", "tolerance", "segments", "did", "sensitivity", "bacon", "experiment", "monitor", "sequential", "synthetic",
    "markov", "rules", "shapley", "journey", "consistency", "grid", "kano", "moved", "by_group",
)  # fmt: skip


def labels(figure):
    axes = figure.axes[0]
    return [t.get_text() for t in axes.get_yticklabels() + axes.texts]


@pytest.mark.parametrize("name", DRAWN)
def test_a_result_draws_itself(results, name):
    figure = results[name].plot()
    assert isinstance(figure, Figure)
    figure.savefig(io.BytesIO(), format="png")  # a warning, such as of a missing glyph, is an error here
    assert figure.axes[0].has_data()
    assert not plt.get_fignums()  # left open it would be shown twice in a notebook


def test_every_result_with_a_plot_is_drawn_here(results):
    assert {name for name, result in results.items() if hasattr(result, "plot")} - set(DRAWN) == {
        "bootstrapped",
        "ordered",
        "cfa",
    }


def test_the_gaps_are_drawn_where_the_table_has_them(survey_results):
    table = survey_results["gaps"].tidy("dimension")
    figure = survey_results["gaps"].plot()
    points = figure.axes[0].lines[-1].get_xdata()
    np.testing.assert_allclose(points, table["gap"])
    ends = np.array([segment[:, 0] for segment in figure.axes[0].collections[0].get_segments()])
    np.testing.assert_allclose(ends, table[["ci_lower", "ci_upper"]])
    assert labels(figure) == table["construct"].tolist()


def test_effects_over_time_are_drawn_with_bands(causal_results):
    dynamic = causal_results["did"].tidy("dynamic")
    axes = causal_results["did"].plot().axes[0]
    np.testing.assert_allclose(axes.lines[-1].get_xydata(), dynamic[["event_time", "estimate"]])
    ends = np.array([segment[:, 1] for segment in axes.collections[0].get_segments()])
    np.testing.assert_allclose(ends, dynamic[["band_lower", "band_upper"]])


def test_quadrants_are_parted_where_the_result_says(survey_results):
    result = survey_results["importance"]
    axes = result.plot().axes[0]
    assert axes.lines[0].get_xdata()[0] == result.cross_performance
    assert axes.lines[1].get_ydata()[0] == result.cross_importance
    assert {t.get_text() for t in axes.texts} == set(result.table["id"])


def test_chinese_names_have_glyphs():
    table = pd.DataFrame(
        {"name": ["响应性", "Ärger $x$"], "est": [1.0, 2.0], "ci_lower": [0.5, 1.0], "ci_upper": [1.5, 3.0]}
    )
    figure = forest(table, "name", "est", "ci", axis="差距")
    figure.savefig(io.BytesIO(), format="svg")
    assert labels(figure) == ["响应性", "Ärger $x$"]


def test_three_hundred_units_are_cut_to_the_ends():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"name": [f"unit {k}" for k in range(300)], "est": rng.normal(size=300)})
    figure = forest(table.assign(ci_lower=table["est"] - 1, ci_upper=table["est"] + 1), "name", "est", "ci")
    assert len(labels(figure)) == MOST
    assert "300" in figure.axes[0].get_title()
    assert {f"unit {table['est'].idxmax()}", f"unit {table['est'].idxmin()}"} <= set(labels(figure))
