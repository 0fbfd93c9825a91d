"""What a careful reviewer would ask about."""

import numpy as np
import pandas as pd

from xmresearch.sem.fitting import fit
from xmresearch.sem.invariance_ladder import invariance


def _few(fitted):
    return next(c.facts["parameters"] for c in fitted.concerns if c.kind == "few_rows")


def test_few_rows_counts_every_free_parameter_once(schools, hs):
    """lavaan 0.6-14, npar of measurementInvariance: 60, 54, 48 and 39 at the levels; the schools cut to 120 pupils."""
    some = schools.groupby("school").head(60)
    fits = invariance(hs, some, "school").fits
    assert [_few(f) for f in fits.values()] == [60, 54, 48, 39]
    for fitted in fits.values():
        free = fitted.estimates.loc[fitted.estimates["se"] > 0]
        assert len(free.round(9).drop_duplicates(["op", "est", "se"])) == _few(fitted)


def test_few_rows_counts_no_fixed_moment(schools, hs):
    """The moments of observed covariates are the sample's: 30 with means, 6 paths more, and not the covariates' 2 means."""
    some = schools.head(100)
    text = hs + "\n" + "\n".join(f"{f} ~ sex + ageyr" for f in ("visual", "textual", "speed"))
    assert _few(fit(text, some, missing="fiml")) == 36 == fit(text, some, missing="fiml").measures["npar"]


def test_few_rows_counts_thresholds():
    rng = np.random.default_rng(2)
    rows = pd.DataFrame(rng.normal(size=(150, 1)) + 0.7 * rng.normal(size=(150, 4)), columns=list("abcd"))
    ordered = rows.apply(lambda x: pd.cut(x, [-9, -1, 0, 1, 9], labels=False)).astype(float)
    fitted = fit("f =~ a + b + c + d", ordered, ordered=True)
    assert _few(fitted) == 4 * 3 + 3 + 1 == fitted.measures["npar"]
