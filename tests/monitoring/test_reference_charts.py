"""Charts of reference/monitor, formula by formula to 1e-9, and qcc's chart of orange juice cans."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.monitoring.control_chart import D2
from xmresearch.monitoring.count_charts import c_chart, np_chart, p_chart, u_chart
from xmresearch.monitoring.individuals_chart import xmr_chart

# qcc::orangejuice, rows with trial = TRUE: Montgomery (1991), table 5.1: nonconforming cans of 50
CANS = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]


@pytest.fixture(scope="module")
def monitor(reference):
    return reference / "monitor"


def series(monitor, name):
    return pd.read_csv(monitor / f"series_{name}.csv")


def charts(monitor):
    p, counts, u, x, laney = (series(monitor, k) for k in ("p_chart", "np_chart", "u_c_chart", "xmr", "laney"))
    return {
        "p": p_chart(p["d"], p["n"]), "np": np_chart(counts["d"], counts["n"]), "u": u_chart(u["d"], u["n"]), "c": c_chart(u["d"]),
        "x_individuals": xmr_chart(x["x"]), "laney_plain_p": p_chart(laney["d"], laney["n"]),
        "laney_p_prime": p_chart(laney["d"], laney["n"], overdispersed=True),
        "laney_u_prime": u_chart(u["d"], u["n"], overdispersed=True),
        "p_phase1_0_19": p_chart(p["d"], p["n"], baseline=p["t"] < 20),
    }  # fmt: skip


def close(found, want):
    np.testing.assert_allclose(np.asarray(found, dtype=float), np.asarray(want, dtype=float), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    "name", ["p", "np", "u", "c", "x_individuals", "laney_plain_p", "laney_p_prime", "laney_u_prime", "p_phase1_0_19"]
)
def test_charts_are_those_of_the_reference(monitor, name):
    """reference/monitor/chart_*.csv."""
    found, want = charts(monitor)[name].tidy(), pd.read_csv(monitor / f"chart_{name}.csv")
    close(found["value"], want["y"])
    close(found["centre"], want["center"])
    close(found["sigma"], want["sigma"])
    close(found["centre"] - 3 * found["sigma"], want["lower"])
    close(found["centre"] + 3 * found["sigma"], want["upper"])
    close(found["lower"], want["lower_clipped"] if name != "x_individuals" else want["lower"])
    assert found["signal"].tolist() == (want["signal"] == 1).tolist()


def test_spreads_of_individual_values_are_those_of_the_reference(monitor):
    """reference/monitor/xmr_summary.csv."""
    want = pd.read_csv(monitor / "xmr_summary.csv").set_index("quantity")["value"]
    x = series(monitor, "xmr")["x"]
    chart, robust = xmr_chart(x), xmr_chart(x, middle="median")
    close(chart.facts["mean_moving_range"], want["mean_moving_range"])
    close(chart.facts["median_moving_range"], want["median_moving_range"])
    close(chart.facts["upper_moving_range"], want["mr_upper_3.267"])
    close(chart.facts["sd"], want["sd"])
    for table, mean, lower, upper in (
        (xmr_chart(x, d2=3 / 2.66).tidy(), "mean", "lower_2.66", "upper_2.66"),
        (robust.tidy(), "median", "lower_median_3.145", "upper_median_3.145"),
        (xmr_chart(x, d2=2 / np.sqrt(np.pi)).tidy(), "mean", "lower_d2_exact", "upper_d2_exact"),
    ):
        close(table[["centre", "lower", "upper"]].iloc[0], want[[mean, lower, upper]])
    close(chart.tidy()["sigma"], want["sigma_MR/1.128"])
    close(xmr_chart(x, screened=True).tidy()["sigma"], want["sigma_screened_MR"])


def test_laney_factors_are_those_of_the_reference(monitor):
    """reference/monitor/laney_sigma_z.csv."""
    want = pd.read_csv(monitor / "laney_sigma_z.csv").set_index("chart")["sigma_z"]
    found = charts(monitor)
    close(found["laney_p_prime"].facts["sigma_z"], want["p_prime"])
    close(found["laney_u_prime"].facts["sigma_z"], want["u_prime"])


def test_orange_juice_cans_are_charted_as_by_qcc():
    """qcc 2.7, pchart of orangejuice: center .2313333, LCL .05242755, UCL .4102391, points 15 and 23 out (Montgomery, 1991, table 5.1)."""
    chart = p_chart(CANS, [50] * 30)
    table = chart.tidy()
    np.testing.assert_allclose(
        table[["centre", "lower", "upper"]].iloc[0], [0.2313333, 0.05242755, 0.4102391], atol=5e-8
    )
    assert (np.flatnonzero(table["signal"]) + 1).tolist() == [15, 23]


def test_one_wild_value_is_screened():
    x = np.array([10.0, 11, 10, 11, 10, 11, 40, 10, 11, 10, 11, 10, 11, 10, 11, 10])
    assert xmr_chart(x).tidy()["sigma"].iloc[0] > 3
    np.testing.assert_allclose(xmr_chart(x, screened=True).tidy()["sigma"], 1 / D2)
