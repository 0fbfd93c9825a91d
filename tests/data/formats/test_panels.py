"""Panels and surveys of touches from every form of file."""

import pandas as pd
import pyreadstat
import pytest

from xmresearch.data.panel import load_panel
from xmresearch.data.reading_record import how_read
from xmresearch.data.touches import load_touches

PANEL = pd.DataFrame({"unit": ["A", "A", "B"], "month": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-01-01"]), "score": [1.5, 2.0, 3.0], "n": [1, 2, 3]})  # fmt: skip


def write(folder, name):
    path = folder / name
    writers = {
        "sav": lambda: pyreadstat.write_sav(PANEL, path), "dta": lambda: pyreadstat.write_dta(PANEL, path), "parquet": lambda: PANEL.to_parquet(path),
        "feather": lambda: PANEL.to_feather(path), "xlsx": lambda: PANEL.to_excel(path, index=False), "csv": lambda: PANEL.to_csv(path, index=False),
    }  # fmt: skip
    writers[path.suffix[1:]]()
    return path


@pytest.mark.parametrize("ending", ["sav", "dta", "parquet", "feather", "xlsx", "csv"])
def test_a_panel_is_the_same_from_every_form(tmp_path, ending):
    rows = load_panel(write(tmp_path, f"p.{ending}")).rows
    frame = rows if isinstance(rows, pd.DataFrame) else rows.collect().to_pandas()
    frame["month"] = pd.to_datetime(frame["month"])
    pd.testing.assert_frame_equal(frame, PANEL, check_dtype=False)


def test_scores_of_touches_from_a_file_of_spss(tmp_path):
    found = load_touches(write(tmp_path, "log.xlsx"), write(tmp_path, "scores.sav"))
    assert found.survey["score"].tolist() == [1.5, 2.0, 3.0]
    assert list(found.rows.columns) == list(PANEL)
    said = how_read(found)
    assert said["detail"].tolist() == ["format_excel", "format_spss", "utf-8"]
    assert said["cases"].dropna().tolist() == [len(PANEL), 3]


def test_what_a_panel_was_read_from_is_said(tmp_path):
    read = how_read(load_panel(write(tmp_path, "p.csv")))
    assert read["step"].tolist() == ["read_format", "read_encoding"]
    assert read["cases"].tolist()[0] == len(PANEL)
    streamed = how_read(load_panel(write(tmp_path, "p.parquet")))
    assert streamed["detail"].tolist() == ["format_parquet"]
    assert streamed["cases"].isna().all()
