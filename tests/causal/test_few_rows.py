"""No mean, effect or figure of a difference-in-differences study rests on fewer rows than may be shown."""

import numpy as np
import pandas as pd
import pytest
from study_words import wording

from xmresearch.causal.designs import did
from xmresearch.studies.did import figures as did_figures
from xmresearch.studies.did.evidence import by_period, raw_means
from xmresearch.studies.did.publishing import published

KEYS = {"outcome": "y", "unit": "branch", "time": "month", "draws": 400}
ONE = KEYS | {"treated": "treated", "treated_from": 3}


def thinned(branches, arm, month):
    """Six months, ten branches in each arm; in one month nine rows of an arm, whose mean is 7.777."""
    frame = branches(periods=6, rows=5)
    there = (frame["treated"] == arm) & (frame["month"] == month)
    left = there & (frame["branch"] % 10 > 0) & (frame.groupby(["branch", "month"]).cumcount() == 0)
    assert left.sum() == 9
    return frame.assign(y=frame["y"].mask(left, 7.777))[~there | left]


@pytest.mark.parametrize("month", [1, 4])
@pytest.mark.parametrize(("arm", "series"), [(1, "treated"), (0, "control")])
def test_means_of_nine_rows_are_blank_and_those_of_ten_are_not(branches, arm, series, month):
    found = did(thinned(branches, arm, month), **ONE)
    wide = by_period(raw_means(published(found, min_cell=10)))
    hidden = wide.loc[month]
    assert np.isnan(hidden[series])
    assert np.isnan(hidden[f"{series}_n"])
    assert np.isnan(hidden["counterfactual"])
    assert wide[series].notna().sum() == 5
    assert by_period(raw_means(published(found, min_cell=9))).loc[month, series] == pytest.approx(7.777)


@pytest.mark.parametrize("arm", [1, 0])
def test_effects_that_would_give_a_hidden_mean_away_are_left_out(branches, arm):
    """An effect is one arm's mean less the other's: with a mean of nine rows it is hidden as that mean is."""
    found = did(thinned(branches, arm, 4), **ONE)
    assert 1 not in published(found, min_cell=10).effects("dynamic")["event_time"].tolist()
    assert published(found, min_cell=9).effects("dynamic")["event_time"].tolist() == [-3, -2, -1, 0, 1, 2]


def test_figures_draw_no_hidden_mean(branches, monkeypatch):
    drawn = []
    monkeypatch.setattr(did_figures, "to_svg", lambda figure: drawn.append(figure) or "")
    found = did(thinned(branches, 0, 4), **ONE)
    did_figures.trends(raw_means(published(found, min_cell=10)), wording("did", "en"), "raw_means")
    heights = np.concatenate([line.get_ydata() for line in drawn[0].axes[0].lines])
    assert 7.777 not in heights.round(9).tolist()


def staggered_rows(seed=0):
    rng = np.random.default_rng(seed)
    unit, month, _ = (a.ravel() for a in np.indices((18, 8, 4)))
    rollout = np.select([unit < 6, unit < 12], [4, 6], 0)
    return pd.DataFrame({"branch": unit, "month": month, "rollout": np.where(rollout, rollout, np.nan),
                         "y": rng.normal(3 + unit % 3, 1)})  # fmt: skip


def test_units_treated_later_are_compared_with_where_none_is_never_treated():
    found = did(staggered_rows()[lambda f: f["rollout"].notna()], **KEYS, cohort="rollout")
    without = by_period(raw_means(published(found, min_cell=10)))["counterfactual"]
    assert without.iloc[4:6].notna().all()
    assert without.iloc[6:].isna().all()


def test_effects_against_nine_rows_are_left_out():
    """In month 7 only those never treated are left to compare with, and of these nine rows."""
    frame = staggered_rows()
    few = (frame["month"] == 7) & frame["rollout"].isna()
    frame = frame.drop(frame.index[few][9:])
    found = did(frame, **KEYS, cohort="rollout", compare="cross_sections")
    times = {c: published(found, min_cell=c).effects("att_gt")["time"].tolist() for c in (9, 10)}
    assert "7" in times[9]
    assert "7" not in times[10]


@pytest.mark.parametrize("rows", [9, 10])
def test_cohorts_and_units_of_nine_rows_are_hidden(rows):
    """A cohort is hidden with another one, which would give it away; a unit alone."""
    frame = pd.concat([staggered_rows(k) for k in range(3)])
    few = frame["month"].eq(2) & frame["rollout"].eq(6)
    frame = frame.reset_index(drop=True)
    few = few.reset_index(drop=True)
    frame = frame.drop(frame.index[few][rows:])
    found = did(frame, **KEYS, cohort="rollout", compare="cross_sections")
    shown = published(found, min_cell=10)
    assert len(shown.hidden_cohorts) == (2 if rows == 9 else 0)
    for table in (shown.effects("group"), shown.adoption()):
        assert ("6" in table["cohort"].tolist()) == (rows == 10)
        assert ("4" in table["cohort"].tolist()) == (rows == 10)
    assert shown.summary()["hidden_units"] >= 1
