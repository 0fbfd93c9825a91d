"""Files and folders of an object store: read as those of this machine are, and named where they are not there."""

import resource
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from fsspec.registry import _registry
from polars.testing import assert_frame_equal

from xmresearch.data.config import FileSource
from xmresearch.data.dated_rows import open_dated
from xmresearch.data.one_file import read_file
from xmresearch.data.readers import scan_survey
from xmresearch.data.remote.fetched import fetch, located
from xmresearch.data.remote.object_path import checked_path, split_path, store_of
from xmresearch.data.scenarios.touchpoints import TouchpointLog
from xmresearch.errors import DataError
from xmresearch.run.cache import file_hash
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.moments import Moments
from xmresearch.sufficient.sources import as_lazy
from xmresearch.sufficient.transition_table import Transitions

ROWS = pd.DataFrame({"p1": [1, 2, 3, 4, 5, 6] * 10, "p2": [2, 1, 4, 3, 6, 5] * 10, "名": [*"甲乙丙丁戊己"] * 10})


def source(path, **more):
    return FileSource(source="file", path=path, **more)


@pytest.fixture
def filled(bucket, tmp_path):
    """The bucket, with the rows as files of three forms and as a folder of Parquet."""
    ROWS.to_csv(tmp_path / "rows.csv", index=False, encoding="gb18030")
    ROWS.to_excel(tmp_path / "rows.xlsx", index=False)
    ROWS.to_parquet(tmp_path / "rows.parquet")
    for k in range(3):
        ROWS.iloc[20 * k : 20 * k + 20].to_parquet(tmp_path / f"part-{k}.parquet")
    for file in tmp_path.iterdir():
        bucket.upload_file(str(file), f"{'parts' if file.name.startswith('part') else 'files'}/{file.name}")
    bucket.put_object(Key="parts/_SUCCESS", Body=b"")
    return bucket


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.csv", "a/b.csv"),
        ("C:\\a\\b.csv", "C:\\a\\b.csv"),
        ("file:///a/%E4%B8%AD.csv", "/a/中.csv"),
        ("s3://b/c d.csv", "s3://b/c d.csv"),
    ],
)
def test_a_path_is_taken_as_it_is_and_that_of_a_file_url_for_this_machine(path, expected):
    assert checked_path(path) == expected


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("https://h/a.csv", "s3://, gs://, az://"),
        ("file://host/a.csv", "three strokes"),
        ("s3://bucket", "s3://BUCKET/FOLDER/FILE"),
        ("s3://key:tulip-42@bucket/a.csv", "AWS_ACCESS_KEY_ID"),
        ("gs://bucket/a.csv?X-Goog-Signature=tulip-42", "GOOGLE_APPLICATION_CREDENTIALS"),
    ],
)
def test_other_paths_and_credentials_in_one_are_refused_without_repeating_them(path, told):
    with pytest.raises(ValueError, match=told) as refused:
        source(path)
    assert "tulip" not in str(refused.value).split("[type")[0]


def test_stores_are_told_by_their_scheme():
    assert [
        store_of(path) and store_of(path).driver for path in ("s3://b/a", "gs://b/a", "az://b/a", "/a", "C:/a")
    ] == ["s3fs", "gcsfs", "adlfs", None, None]
    assert split_path("s3://b/folder/a.csv") == ("s3://b/folder", "a.csv")


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_a_file_is_read_as_if_it_were_here_and_has_its_hash(filled, tmp_path, form):
    remote = source(f"s3://answers/files/rows.{form}")
    pd.testing.assert_frame_equal(read_file(remote).frame, read_file(source(f"rows.{form}"), tmp_path).frame)
    assert fetch({"data": remote}, tmp_path).hashes == {"data": file_hash(tmp_path / f"rows.{form}")}
    _, called, table = open_dated(remote, tmp_path)
    assert (called, table.format) == (f"rows.{form}", "excel" if form == "xlsx" else form)


def test_a_file_of_another_is_joined(filled, tmp_path):
    joined = {"path": "s3://answers/files/rows.csv", "by": "名", "take": ["p2"], "duplicates": "first"}
    ROWS[["p1", "名"]].to_csv(tmp_path / "own.csv", index=False)
    table = read_file(FileSource.model_validate({"source": "file", "path": "own.csv", "join": [joined]}), tmp_path)
    assert table.frame["p2"].tolist() == ROWS["p2"].tolist()


def test_a_folder_of_parquet_is_scanned_where_it_is(filled, monkeypatch):
    monkeypatch.setattr("xmresearch.data.remote.objects.download", None)
    rows, called, _ = open_dated(source("s3://answers/parts/"))
    assert called == "parts"
    assert_frame_equal(rows.collect(), pl.from_pandas(ROWS))
    assert as_lazy("s3://answers/files/rows.parquet").select(pl.len()).collect().item() == 60


def test_statistics_of_a_folder_have_the_bits_of_the_same_folder_here(filled, tmp_path):
    (tmp_path / "parts").mkdir()
    for file in tmp_path.glob("part-*"):
        file.rename(tmp_path / "parts" / file.name)
    there, here = (Moments.scan(path, ["p1", "p2"]) for path in ("s3://answers/parts", tmp_path / "parts"))
    assert there.n == len(ROWS)
    np.testing.assert_array_equal(there.mean, here.mean)
    np.testing.assert_array_equal(there.scatter, here.scatter)
    with pytest.raises(DataError, match="'rows.csv' is not a readable Parquet file"):
        Moments.scan("s3://answers/files/rows.csv", ["p1"])


def test_transitions_of_a_folder_of_a_store_are_the_same_on_a_cluster(bucket, tmp_path):
    from distributed import LocalCluster

    events = TouchpointLog(300, 7).events().sample(frac=1, random_state=1)
    (tmp_path / "log").mkdir()
    for k in range(3):
        events.iloc[k::3].to_parquet(tmp_path / f"log/{k}.parquet")
        bucket.upload_file(str(tmp_path / f"log/{k}.parquet"), f"log/{k}.parquet")
    rules = {"conversion": "settled", "value": "value", "cost": "cost"}
    here = Transitions.scan(EventLog(tmp_path / "log", **rules), 2)
    there = Transitions.scan(EventLog("s3://answers/log", **rules), 2)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0") as cluster:
        shared = Transitions.scan(EventLog("s3://answers/log", **rules), 2, scheduler=cluster.scheduler_address)
        columns = ["value", "cost"]
        moved = Moments.scan("s3://answers/log", columns, scheduler=cluster.scheduler_address)
    for found in (there, shared):
        assert found.conversions == here.conversions > 0
        for part in ("count", "value", "cost"):
            np.testing.assert_array_equal(getattr(found, part), getattr(here, part))
    np.testing.assert_array_equal(moved.scatter, Moments.scan(tmp_path / "log", columns).scatter)


def test_another_file_is_copied_to_be_scanned(filled):
    assert_frame_equal(scan_survey("s3://answers/files/rows.csv").collect(), pl.from_pandas(ROWS))


def test_a_folder_is_known_by_what_the_store_lists_and_may_not_change_in_a_run(filled, tmp_path):
    folder = source("s3://answers/parts")
    rows = fetch({"data": folder}, tmp_path)
    assert [*rows.hashes] == [f"data/part-{k}.parquet" for k in range(3)]
    assert fetch({"data": folder}, tmp_path).hashes == rows.hashes
    rows.require_unchanged()
    with rows.used():
        assert len(located(folder, tmp_path).parts) == 3
    ROWS.iloc[20:40][::-1].to_parquet(tmp_path / "part-1.parquet")
    filled.upload_file(str(tmp_path / "part-1.parquet"), "parts/part-1.parquet")
    with pytest.raises(DataError, match="The files of 'parts' changed while the run read them"):
        rows.require_unchanged()
    changed = fetch({"data": folder}, tmp_path).hashes
    assert [key for key in changed if changed[key] != rows.hashes[key]] == ["data/part-1.parquet"]
    filled.upload_file(str(tmp_path / "part-0.parquet"), "parts/part-3.parquet")
    with rows.used():
        assert len(located(folder, tmp_path).parts) == 3


MISSING = {
    "s3://answers/files/row.csv": "the file 'row.csv' does not exist in 's3://answers/files'. Did you mean 'rows.csv'?",
    "s3://answers/none/rows.csv": "the file 'rows.csv' does not exist in 's3://answers/none'.",
    "s3://nobucket/rows.csv": "the file 'rows.csv' does not exist in 's3://nobucket'.",
    "s3://answers/empty": "The folder 'empty' holds no .parquet file.",
}


@pytest.mark.parametrize("path", MISSING)
def test_what_is_not_there_is_named(filled, path):
    filled.put_object(Key="empty/rows.csv", Body=b"a\n1\n")
    with pytest.raises(DataError) as refused:
        read_file(source(path))
    assert MISSING[path] in str(refused.value)


def test_a_folder_where_one_file_is_read_is_refused(filled):
    with pytest.raises(DataError, match="'parts' is a folder; this study reads one file"):
        read_file(source("s3://answers/parts"))
    with pytest.raises(DataError, match="'parts' is a folder of Parquet files, which is streamed"):
        open_dated(source("s3://answers/parts", where={"p1": [1]}))


def test_a_store_that_lets_nobody_in_or_is_not_reached_is_told_without_credentials(filled, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        with pytest.raises(DataError, match="S3 at 's3://answers/files' cannot be reached") as refused:
            read_file(source("s3://answers/files/rows.csv"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/none")
    with pytest.raises(DataError, match="lets nobody in with the credentials at hand. Set AWS_ACCESS_KEY_ID") as nobody:
        read_file(source("s3://answers/files/rows.csv"))
    assert "planted" not in f"{refused.value} {nobody.value}"


@pytest.mark.parametrize(
    ("path", "driver"), [("s3://b/a.csv", "s3fs"), ("gs://b/a.csv", "gcsfs"), ("az://b/a.csv", "adlfs")]
)
def test_a_driver_that_is_not_installed_is_named_with_the_extra(monkeypatch, path, driver):
    monkeypatch.setitem(sys.modules, driver, None)
    monkeypatch.delitem(_registry, path.partition(":")[0], raising=False)
    with pytest.raises(
        DataError, match=f"need the package {driver}, which is not installed. Install it with the extra"
    ) as refused:
        read_file(source(path))
    assert "xmresearch[cloud]" in str(refused.value)


def test_a_full_disk_is_told_and_leaves_nothing(filled, monkeypatch, tmp_path):
    filled.put_object(Key="files/large.csv", Body=b"a\n" + b"1\n" * 100_000)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(
            DataError, match="'large.csv' cannot be kept in the folder for temporary files: File too large"
        ):
            fetch({"data": source("s3://answers/files/large.csv")}, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not [*(tmp_path / "tmp").iterdir()]
