"""Confirmatory factor analysis of a battery, and its invariance by segment."""

from dataclasses import replace

import numpy as np
import pytest

from xmresearch.data.config import DatasetSource
from xmresearch.data.load import load_survey
from xmresearch.psychometrics.instrument import battery_cfa, battery_model, segment_invariance
from xmresearch.sem.fitting import fit
from xmresearch.studies.servqual.claims import comparable


@pytest.fixture(scope="module")
def kiosk(kiosk_frame, root):
    return load_survey(
        DatasetSource(source="dataset", name="kiosk_servqual"), codebook="kiosk_codebook.yml",
        base=root / "params" / "servqual", segments=["sex", "frequency"],
    )  # fmt: skip


def test_the_model_is_what_the_codebook_claims(hall):
    lines = battery_model(hall.codebook).splitlines()
    assert len(lines) == 5
    assert lines[0] == "tangibles =~ p1 + p2 + p3 + p4"
    assert battery_model(hall.codebook, "importance") == ""


def test_published_figures_of_the_perceptions(kiosk):
    """Kim et al. (2019): chi-square 302.550 with 155 degrees of freedom, CFI .898, RMSEA .070."""
    fitted, obstacle = battery_cfa(kiosk.frame, kiosk.codebook, estimator="ML")
    assert obstacle is None
    m = fitted.measures
    assert (f"{m['chisq']:.3f}", m["df"], f"{m['cfi']:.3f}", f"{m['rmsea']:.3f}") == ("302.550", 155, "0.898", "0.070")


def test_too_little_data_is_an_obstacle_not_an_error(hall):
    assert "too few" in battery_cfa(hall.frame.head(15), hall.codebook)[1]
    twin = hall.frame.assign(p2=hall.frame["p1"])
    assert "singular" in battery_cfa(twin, hall.codebook, estimator="MLM")[1]
    assert battery_cfa(hall.frame, hall.codebook, kind="importance") == (
        None,
        "No dimension has two items of this kind.",
    )


def test_segments_that_use_the_scale_alike_are_comparable(hall):
    found = segment_invariance(hall.frame, hall.codebook, ["channel"])
    assert comparable(found, 0.95).case == "alike"
    assert found.table["level"].tolist() == ["configural", "metric", "scalar"]
    assert found.hidden == 4 - found.table["groups"].iloc[0]


def test_a_shifted_scale_is_found(hall):
    """One item's answers are two points higher for half of the respondents."""
    frame = hall.frame.assign(half=np.where(np.arange(len(hall.frame)) % 2, "a", "b"))
    alike = segment_invariance(frame, hall.codebook, ["half"])
    frame.loc[frame["half"] == "a", "p6"] += 2
    found = segment_invariance(frame, hall.codebook, ["half"])
    assert alike.ladders["half"].level == "scalar"
    assert found.ladders["half"].level == "metric"
    claim = comparable(found, 0.95)
    assert (claim.case, claim.facts["unlike"]) == ("differs", ["half"])
    assert found.ladders["half"].suggestions["lhs"].iloc[0] == "p6"


def test_small_groups_are_left_out_and_counted(hall):
    found = segment_invariance(hall.frame, hall.codebook, ["branch"])
    assert found.hidden == hall.frame["branch"].nunique() - found.table["groups"].max() >= 1
    few = segment_invariance(hall.frame.head(100), hall.codebook, ["branch"])
    assert comparable(few, 0.95).withheld == "groups_too_small"
    assert few.table.empty
    assert segment_invariance(hall.frame, hall.codebook, []) is None


@pytest.mark.parametrize(("n", "hidden"), [(9, True), (10, False)])
def test_smallest_group_that_is_compared(hall, n, hidden):
    """Three items need nine rows a group, but no group under ten is shown."""
    items = ["p1", "p2", "p3"]
    book = replace(hall.codebook, columns=tuple(c for c in hall.codebook.columns if c.name in items))
    sites = ["small"] * n + ["other"] * (100 - n) + ["third"] * 60
    frame = hall.frame.dropna(subset=items).head(160).assign(site=sites)
    found = segment_invariance(frame, book, ["site"])
    assert found.hidden == hidden
    assert found.table["groups"].eq(2 if hidden else 3).all()
    assert len(found.table) == 3
    assert segment_invariance(frame, book, ["site"], min_cell=60).hidden == 1


def test_groups_are_those_of_a_direct_fit(kiosk):
    found = segment_invariance(kiosk.frame, kiosk.codebook, ["frequency"])
    ladder = found.ladders["frequency"]
    part = kiosk.frame[kiosk.frame["frequency"].isin(ladder.groups)]
    direct = fit(battery_model(kiosk.codebook), part, group="frequency")
    assert found.table["chisq"].iloc[0] == pytest.approx(direct.measures["chisq"], abs=1e-6)
