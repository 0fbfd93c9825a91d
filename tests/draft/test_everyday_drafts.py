"""Drafts of the scorecard and of drivers: what is planted in a file is found, what it leaves open is marked, and the check passes."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from xmresearch.data import FOLDER_VARIABLE
from xmresearch.errors import DataError
from xmresearch.run.draft import draft_study


def visits(n=400, seed=3):
    """Answers after visits, some of people who came again."""
    rng = np.random.default_rng(seed)
    mood = rng.standard_normal(n)
    aspects = {
        f"staff_{k}": np.clip(np.round(4 + 0.9 * mood + rng.standard_normal(n)), 1, 7).astype(int) for k in range(1, 6)
    }
    return pd.DataFrame({
        "customer_id": rng.integers(100_000, 100_000 + n // 2, n), "date": pd.date_range("2025-01-01", periods=n, freq="12h").strftime("%Y-%m-%d"),
        "recommend": np.clip(np.round(7 + 2 * mood), 0, 10).astype(int),
        "satisfaction": np.where(mood > 0.8, "Very satisfied", np.where(mood > 0, "Satisfied", np.where(mood > -0.7, "Neutral", np.where(mood > -1.5, "Dissatisfied", "Very dissatisfied")))),
        "effort_rating": rng.integers(1, 8, n), **aspects, "channel": rng.choice(["web", "shop"], n), "weight": rng.uniform(0.5, 2, n).round(3),
    })  # fmt: skip


def drafted(frame, folder, study):
    frame.to_csv(folder / "a.csv", index=False)
    done = draft_study(folder / "a.csv", study=study, out=folder / "p.yml", name="draft")
    return done, yaml.safe_load(done.params.read_text("utf-8")), yaml.safe_load(done.codebook.read_text("utf-8"))


def test_a_scorecard_is_drafted_with_its_metrics_waves_and_people(tmp_path):
    done, params, book = drafted(visits(), tmp_path, "scorecard")
    assert "Params are valid" in done.checked
    assert [(m["item"], m["measure"]) for m in params["metrics"]] == [
        ("recommend", "nps"), ("satisfaction", "top_boxes"), ("effort_rating", "mean"),
    ]  # fmt: skip
    asked = {k: params[k] for k in ("wave_column", "wave_period", "person_column", "weight_column", "segments")}
    assert asked == {
        "wave_column": "date", "wave_period": "month", "person_column": "customer_id", "weight_column": "weight", "segments": ["channel"],
    }  # fmt: skip
    assert book["items"]["satisfaction"]["scale"]["values"]["Very satisfied"] == 5


def test_drivers_are_drafted_beside_their_outcome(tmp_path):
    done, params, book = drafted(visits(), tmp_path, "drivers")
    assert "Params are valid" in done.checked
    assert (params["drivers"], params["segments"], params["weight_column"]) == ("statement", ["channel"], "weight")
    assert params["outcome"] in {"recommend", "satisfaction"}
    assert "DOUBTFUL" in next(
        line for line in done.params.read_text("utf-8").splitlines() if line.startswith("outcome:")
    )
    assert [k for k, v in book["items"].items() if v["kind"] == "perception"] == [f"staff_{k}" for k in range(1, 6)]


def test_few_answers_make_no_waves_and_a_column_that_says_the_same_makes_no_groups(tmp_path):
    frame = visits(50).assign(liked=lambda f: np.where(f["satisfaction"].str.contains("issat"), "no", "yes"))
    frame["grade"] = frame["satisfaction"].map(str.upper)
    _, params, _ = drafted(frame, tmp_path, "scorecard")
    assert (params["wave_column"], params["wave_period"]) == (None, None)
    assert "grade" not in params["segments"]


def test_a_recommendation_on_another_scale_makes_no_net_score(tmp_path):
    frame = visits().assign(recommend=lambda f: np.clip(f["recommend"], 1, 5))
    done, params, _ = drafted(frame, tmp_path, "scorecard")
    assert params["metrics"][0]["measure"] == "mean"
    assert any("0 to 10" in g.doubt for topic, g in done.found if topic == "metric recommend")


@pytest.mark.parametrize(
    ("study", "columns", "reason"),
    [
        ("scorecard", [*(f"staff_{k}" for k in range(1, 6)), "channel"], "no single question asks"),
        ("drivers", ["recommend", "satisfaction", "channel"], "no question rates several aspects"),
        ("drivers", [*(f"staff_{k}" for k in range(1, 6)), "channel"], "no question beside the rated aspects"),
    ],
)
def test_what_does_not_suit_is_refused_with_the_reason(tmp_path, study, columns, reason):
    visits()[columns].to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match=reason):
        draft_study(tmp_path / "a.csv", study=study, out=tmp_path / "p.yml", name="draft")


def test_too_few_rows_for_so_many_drivers(tmp_path):
    visits(12).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match=r"too few for|fewer than"):
        draft_study(tmp_path / "a.csv", study="drivers", out=tmp_path / "p.yml", name="draft")
    assert not (tmp_path / "p.yml").exists()


@pytest.mark.parametrize(
    ("name", "study"),
    [
        ("cases/survey/base.csv", "scorecard"), ("cases/survey/wjx_text_gb18030.csv", "scorecard"), ("cases/survey/spss.sav", "drivers"),
        ("cases/survey/unreversed.csv", "drivers"), ("data/servqual/kiosk_servqual.csv", "drivers"),
    ],
)  # fmt: skip
def test_shared_files_are_drafted_where_the_study_is_asked_for(name, study, tmp_path):
    given = os.environ.get(FOLDER_VARIABLE)
    if not given or not (Path(given).parent / name).is_file():
        pytest.skip(f"The shared files are below {FOLDER_VARIABLE}, which is not set.")
    done = draft_study(Path(given).parent / name, study=study, out=tmp_path / "p.yml", name="draft")
    assert done.study == study
    assert "Params are valid" in done.checked


def of_months(*sizes):
    """Visits on two days of successive months, so many in each."""
    frame = visits(sum(sizes))
    days = [f"2025-{month:02d}-{1 + k % 2:02d}" for month, size in enumerate(sizes, start=1) for k in range(size)]
    return frame.assign(date=days)


@pytest.mark.parametrize(
    ("sizes", "period"), [((30, 30), "month"), ((29, 31), None), ((40, 40, 20), "month"), ((40, 39, 21), None)]
)
def test_waves_take_thirty_answers_and_four_fifths_of_all(tmp_path, sizes, period):
    """Months of 29 answers are no waves, and .79 of the answers in months of 30 are too few; the quarter is a single wave."""
    assert drafted(of_months(*sizes), tmp_path, "scorecard")[1]["wave_period"] == period


@pytest.mark.parametrize(("twice", "doubted"), [(20, False), (19, True)])
def test_few_names_that_occur_again_may_be_duplicates(tmp_path, twice, doubted):
    """Of 400 answers 380 names are no reason to doubt, 381 are."""
    frame = visits().assign(customer_id=[f"c{k:05d}" for k in (*range(400 - twice), *range(twice))])
    done, params, _ = drafted(frame, tmp_path, "scorecard")
    assert params["person_column"] == "customer_id"
    assert any(topic == "person" and bool(g.doubt) == doubted for topic, g in done.found)


@pytest.mark.parametrize(("whole", "suits"), [(18, True), (17, False)])
def test_three_rows_for_each_driver_and_one_more(tmp_path, whole, suits):
    """Five drivers take 18 rows with every rating."""
    frame = visits(30)
    frame.loc[frame.index[whole:], "staff_1"] = np.nan
    if suits:
        assert drafted(frame, tmp_path, "drivers")[1]["drivers"] == "statement"
    else:
        with pytest.raises(DataError, match="17 rows with every rating are too few for 5 drivers"):
            drafted(frame, tmp_path, "drivers")
