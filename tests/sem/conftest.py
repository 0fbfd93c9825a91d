"""Models and data that several tests of structural equation models share."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DatasetUnavailable

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"


@pytest.fixture(scope="session")
def hs():
    return HS


@pytest.fixture(scope="session")
def schools():
    """Holzinger and Swineford's pupils of two schools."""
    try:
        return load_dataset("holzinger_swineford")
    except DatasetUnavailable as error:
        pytest.skip(str(error))


def assert_like_lavaan(found, reference, name, *, se=1e-4, measures=(), skip=()):
    """Compare a fit with reference/NAME_par.csv and NAME_fit.csv, written by lavaan 0.6-14."""
    expected = pd.read_csv(reference / f"{name}_par.csv", keep_default_na=False).set_index(["lhs", "op", "rhs"])
    for row in found.estimates.itertuples():
        key = (row.lhs, row.op, row.rhs)
        theirs = expected.loc[key if key in expected.index else (row.rhs, row.op, row.lhs)]
        for ours, column, near in (("est", "est", 1e-4), ("se", "se", se), ("std_lv", "std.lv", 1e-4),
                                   ("std_all", "std.all", 1e-4)):  # fmt: skip
            assert getattr(row, ours) == pytest.approx(float(theirs[column]), rel=near, abs=1e-6), (key, ours)
    known = pd.read_csv(reference / f"{name}_fit.csv").set_index("measure")["value"]
    shared = [m for m in found.measures.index if m in known.index and m not in skip]
    assert len(shared) >= 50
    for measure in shared:
        robust = measure.endswith((".scaled", ".robust", ".factor"))
        near = 1e-3 if robust or measure in ("chisq", "baseline.chisq") else 1e-5
        assert found.measures[measure] == pytest.approx(known[measure], abs=near, rel=1e-5 if robust else 1e-7), measure
    for measure in measures:
        assert measure in shared


@pytest.fixture(scope="session")
def like_lavaan(reference):
    return lambda found, name, **settings: assert_like_lavaan(found, reference, name, **settings)


@pytest.fixture(scope="session")
def five_point_kiosk(kiosk_frame):
    """The kiosk perceptions on five points, as in shared/reference/lavaan_reference.R."""
    items = (4, 5, 6, 22, 19, 20, 21, 10, 11, 18, 13, 14, 15, 16, 17, 1, 2, 3, 7, 8)
    return pd.DataFrame({f"x{k}": np.maximum(kiosk_frame[f"p{k}"], 3) - 2 for k in items})


@pytest.fixture(scope="session")
def one_factor_rows():
    """Draw rows of a one-factor model: loadings .9, .8, .7, .6, unit variances, correlated .5 with an outcome z."""

    def draw(n, seed, noise=None):
        rng = np.random.default_rng(seed)
        loadings = np.array([0.9, 0.8, 0.7, 0.6])
        f = rng.normal(size=(n, 1))
        e = rng.normal(size=(n, 4)) if noise is None else noise(rng, (n, 4))
        x = f * loadings + e * np.sqrt(1 - loadings**2)
        z = 0.5 * f[:, 0] + rng.normal(size=n) * np.sqrt(0.75)
        return pd.DataFrame(np.column_stack([x, z]), columns=["a", "b", "c", "d", "z"])

    return draw
