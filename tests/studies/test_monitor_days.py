"""A folder that grows: a rerun reduces the files that are new, to what one pass over all rows gives."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from xmresearch.data.config import FileSource
from xmresearch.data.panel import PanelData, load_panel
from xmresearch.errors import DataError
from xmresearch.kept_fits import VARIABLE
from xmresearch.studies.monitor import reduced_rows as reducing
from xmresearch.studies.monitor.params import MonitorParams
from xmresearch.studies.monitor.series import feedback_series

EACH = 200


def day(k, start="2025-03-03", **columns):
    rng = np.random.default_rng(k)
    date = str(np.datetime64(start) + np.timedelta64(k, "D"))
    good = pl.Series(rng.integers(0, 2, EACH)).cast(pl.Float64).scatter([0], None)
    branch = pl.Series(["north", "south", None]).gather(rng.integers(0, 3, EACH))
    return pl.DataFrame(
        {"day": [date] * EACH, "good": good, "visits": rng.integers(1, 9, EACH), "branch": branch, **columns}
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "kept"))
    made = tmp_path / "days"
    made.mkdir()
    for k in range(20):
        day(k).write_parquet(made / f"{k:03d}.parquet")
    return made


@pytest.fixture
def reduced(monkeypatch):
    """How many reductions there were."""
    calls, plain = [], reducing._reduced
    monkeypatch.setattr(reducing, "_reduced", lambda *given: calls.append(1) or plain(*given))
    return calls


def params_of(folder, **more):
    given = {"time": "day", "outcome": "good", "top": None, "branch": "branch", "baseline_until": None, **more}
    return MonitorParams(data=FileSource(source="file", path=str(folder)), **given)


def opened(params):
    return load_panel(**params.panel_settings())


def test_a_rerun_reduces_only_new_and_changed_files(folder, reduced):
    params = params_of(folder, kpi="rate", exposure="visits")
    first = reducing.reduced_rows(params, opened(params))
    assert len(reduced) == 20
    pd.testing.assert_frame_equal(reducing.reduced_rows(params, opened(params)), first, check_exact=True)
    assert len(reduced) == 20
    for k in (20, 21):
        day(k).write_parquet(folder / f"{k:03d}.parquet")
    day(50).write_parquet(folder / "003.parquet")
    (folder / "005.parquet").unlink()
    grown = reducing.reduced_rows(params, opened(params))
    assert len(reduced) == 23
    rows = pl.read_parquet(folder / "*.parquet").to_pandas()
    whole = reducing.reduced_rows(params, PanelData(rows, "all"))
    pd.testing.assert_frame_equal(grown, whole, check_exact=True)
    assert grown["rows"].sum() == 21 * EACH
    assert grown["branch"].isna().any()
    assert grown["answer"].isna().sum() >= 21


def test_other_settings_reduce_anew_and_what_only_shows_does_not(folder, reduced):
    params = params_of(folder)
    feedback_series(params, opened(params))
    series = feedback_series(params_of(folder, kpi="mean", run_length=100.0), opened(params))
    assert len(reduced) == 20
    assert series.facts["rows"] == 20 * EACH
    feedback_series(params_of(folder, missing_codes=[0.0], kpi="count"), opened(params))
    assert len(reduced) == 40


def test_kept_or_not_the_series_has_the_same_bytes(folder, monkeypatch):
    params = params_of(folder)
    feedback_series(params, opened(params))
    kept = feedback_series(params, opened(params))
    monkeypatch.setenv(VARIABLE, "off")
    anew = feedback_series(params, opened(params))
    for one, other in ((kept.rows, anew.rows), (kept.total, anew.total), (kept.branch_total, anew.branch_total)):
        assert one.tobytes() == other.tobytes()
    assert kept.facts == anew.facts


def test_dates_that_need_reading_and_identifiers_are_reduced_as_a_whole(folder, reduced):
    phones = [f"138{k:08d}" for k in range(EACH)]
    for k in range(20):
        day(k, branch=phones).write_parquet(folder / f"{k:03d}.parquet")
    found = reducing.reduced_rows(params_of(folder), opened(params_of(folder)))
    assert len(reduced) == 1
    assert not found["branch"].isin(phones).any()
    for k in range(20):
        day(k).with_columns(pl.col("day").str.replace(r"(\d+)-(\d+)-(\d+)", "$3.$2.$1")).write_parquet(
            folder / f"{k:03d}.parquet"
        )
    series = feedback_series(params_of(folder), opened(params_of(folder)))
    assert len(reduced) == 2
    assert series.names[-1] == "2025-03-22"


@pytest.mark.parametrize("each", [1, 200])  # within the rows that are looked at beforehand, and beyond them
def test_a_file_of_another_form_is_named(folder, each):
    params = params_of(folder)
    pl.concat([day(19)] * each).write_parquet(folder / "019.parquet")
    day(20).with_columns(pl.col("good").cast(pl.String)).write_parquet(folder / "020.parquet")
    with pytest.raises(DataError, match=r"Column 'good' is String in '020\.parquet' and Float64 in '000\.parquet'"):
        feedback_series(params, opened(params))


def test_a_file_that_changes_while_it_is_read_is_not_kept(folder, monkeypatch):
    params, plain = params_of(folder), reducing._reduced

    def growing(*given):
        found = plain(*given)
        day(60).write_parquet(folder / "000.parquet")
        return found

    monkeypatch.setattr(reducing, "_reduced", growing)
    with pytest.raises(DataError, match=r"'000\.parquet' changed while it was read"):
        reducing.reduced_rows(params, opened(params))
    monkeypatch.setattr(reducing, "_reduced", plain)
    assert "2025-05-02" in set(reducing.reduced_rows(params, opened(params))["day"])
