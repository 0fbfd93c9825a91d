"""Rows of real databases: what they become, in which order, and what a database may refuse or do."""

import hashlib
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from postgres_cluster import PASSWORD, USER

from xmresearch.data.config import SqlSource
from xmresearch.data.remote import postgres_rows
from xmresearch.data.remote.fetched import VARIABLE, Rows, fetch, located
from xmresearch.data.remote.private_folder import private_folder
from xmresearch.errors import DataError, InsufficientData

POSTGRES = "postgresql:///postgres"
ROWS = pd.DataFrame(
    {
        "名字": ["乙", "甲", None, 'a "b",\nc'],
        "n": [3, 1, 2, 2],
        "x": [0.1, float("nan"), -1e300, 5.0],
        "b": [True, False, True, True],
    }
)


def source(sql, url=POSTGRES, **more):
    return SqlSource(source="sql", sql=sql, url=url, **more)


def got(sql, url=POSTGRES, base=Path(), **more):
    return pq.read_table(located(source(sql, url, **more), base).path)


def hashed(sql, url=POSTGRES, base=Path()):
    return fetch({"data": source(sql, url)}, base).hashes["data"]


def refused(sql, url=POSTGRES, base=Path(), error=DataError, **more):
    with pytest.raises(error) as found:
        located(source(sql, url, **more), base)
    return str(found.value)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files, empty."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


@pytest.fixture
def folder(tmp_path):
    """A folder with a database of DuckDB."""
    frame = ROWS  # noqa: F841 -- the query names it
    with duckdb.connect(str(tmp_path / "rows.duckdb")) as made:
        made.execute("CREATE TABLE rows AS SELECT * FROM frame")
    return tmp_path


@pytest.fixture
def kinds(postgres):
    postgres.execute("""
        DROP TABLE IF EXISTS kinds; DROP TYPE IF EXISTS mood; CREATE TYPE mood AS ENUM ('好', '坏');
        CREATE TABLE kinds (i int, 名字 text, m numeric(10,2), n numeric, big numeric(30,0), d date, t timestamp, z timestamptz,
                            b bool, e mood, c char(5), u uuid, x text, ti time, r real);
        INSERT INTO kinds VALUES
          (1, E'张,"三\nx', 1.10, 5, 123456789012345678, '2024-02-29', '2024-01-01 10:00:00.123456', '2024-01-01 08:00+08',
           true, '好', 'ab', '00000000-0000-0000-0000-000000000001', '', '10:00', 0.1),
          (2, NULL, NULL, 7.0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""")
    return postgres


def test_every_kind_of_value_arrives_as_it_is(kinds):
    table = got("SELECT * FROM kinds")
    types = [str(t) for t in table.schema.types]
    assert types == ["int64", "string", "double", "int64", "int64", "date32[day]", "timestamp[us]", "timestamp[us, tz=UTC]", "bool",
                     *["string"] * 5, "double"]  # fmt: skip
    first, second = table.to_pylist()
    assert first["名字"] == '张,"三\nx'
    assert (first["m"], first["n"], first["big"]) == (1.1, 5, 123456789012345678)
    assert (str(first["d"]), str(first["t"]), first["z"].isoformat()) == (
        "2024-02-29", "2024-01-01 10:00:00.123456", "2024-01-01T00:00:00+00:00",
    )  # fmt: skip
    assert (first["b"], first["e"], first["c"], first["x"], first["ti"], first["r"]) == (
        True,
        "好",
        "ab",
        "",
        "10:00:00",
        0.1,
    )
    assert [k for k, v in second.items() if v is not None] == ["i", "n"]


def test_the_same_rows_have_the_same_hash_from_either_database_and_at_any_clock(postgres, folder, monkeypatch):
    postgres.load("rows", ROWS)
    here = hashed("SELECT * FROM rows")
    assert hashed("SELECT * FROM rows", "duckdb:///rows.duckdb", folder) == here
    monkeypatch.setenv("PGTZ", "Asia/Shanghai")
    monkeypatch.setenv("PGDATESTYLE", "German")
    assert hashed("SELECT * FROM rows") == here
    assert hashed("SELECT now()::date > 'today'::date AS t, '2024-01-01 00:00+08'::timestamptz AS z") == hashed(
        "SELECT false AS t, '2023-12-31 16:00+00'::timestamptz AS z"
    )


def test_rows_without_an_order_are_put_in_one_and_a_changed_row_changes_the_hash(postgres):
    postgres.load("rows", ROWS)
    before, ordered = hashed("SELECT * FROM rows"), hashed("SELECT * FROM rows ORDER BY n DESC, x")
    assert before != ordered
    # a row that is written again lies behind the others
    postgres.execute("UPDATE rows SET n = n WHERE n = 3")
    assert postgres.execute("SELECT n FROM rows") != [(n,) for n in ROWS["n"]]
    assert hashed("SELECT * FROM rows") == before
    assert hashed("SELECT * FROM rows ORDER BY n DESC, x") == ordered
    assert got("SELECT n FROM rows").column("n").to_pylist() == [1, 2, 2, 3]
    assert got("SELECT n FROM rows ORDER BY n DESC").column("n").to_pylist() == [3, 2, 2, 1]
    postgres.execute("UPDATE rows SET x = x * (1 + 1e-15) WHERE n = 3")
    assert hashed("SELECT * FROM rows") != before
    assert hashed("SELECT '' AS a") != hashed("SELECT NULL::text AS a")
    assert hashed("SELECT 1 AS a") != hashed("SELECT 1 AS b")


def test_whole_decimals_become_whole_numbers_and_none_loses_digits(postgres):
    assert [str(t) for t in got("SELECT 5.0::numeric AS a, 5.5::numeric AS b, 'NaN'::numeric AS c").schema.types] == [
        "int64",
        "double",
        "double",
    ]
    assert got("SELECT -999999999999999999::numeric AS a").column("a").to_pylist() == [-999999999999999999]
    assert "'a' of 'query' holds whole numbers of more than 18 digits" in refused(
        "SELECT 1234567890123456789::numeric AS a"
    )


REFUSED = {
    "SELECT ARRAY[1, 2] AS a": "'a' (integer[])",
    "SELECT '1 day'::interval AS i, '{}'::jsonb AS j, 5::money AS m": "'i' (interval), 'j' (jsonb), 'm' (money)",
    "SELECT ROW(1, 2) AS a": "'a' (record)",
    "SELECT 'infinity'::timestamptz AS a": "a date or time that cannot be kept",
    "SELECT 1 AS a, 2 AS a": "duplicate columns: 'a' (2 times)",
    "SELECT nope FROM kinds": 'column "nope" does not exist',
    "SELECT * FROM nope": 'relation "nope" does not exist',
    "SELECT 1/0 AS a": "division by zero",
    "WITH gone AS (DELETE FROM kinds RETURNING i) SELECT * FROM gone": "would write to the database",
    "SELECT i FROM kinds FOR UPDATE": "would write to the database",
    "SELECT set_config('transaction_read_only', 'off', true) AS a": "PostgreSQL refuses the query",
    "SELECT i INTO new FROM kinds": "gives no columns",
    "SELECT 1) TO PROGRAM 'touch hacked' --": "syntax error",
    "SELECT 1 AS a) TO '/tmp/hacked' --": "syntax error",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_postgres_reads_and_does_nothing_else(kinds, temporary, sql):
    assert REFUSED[sql] in refused(sql)
    assert kinds.execute("SELECT count(*) FROM kinds") == [(2,)]
    assert not [*temporary.rglob("*.*")]


def test_what_a_function_writes_all_the_same_is_undone(postgres):
    assert got("SELECT lo_create(4711)::int8 AS a").num_rows == 1
    assert postgres.execute("SELECT count(*) FROM pg_largeobject_metadata") == [(0,)]


def test_a_single_column_keeps_its_blanks(postgres):
    assert got("SELECT NULLIF(g, 2)::text AS a FROM generate_series(1, 3) g ORDER BY g").column("a").to_pylist() == [
        "1",
        None,
        "3",
    ]


def test_values_are_in_no_message(postgres):
    said = refused("SELECT '张三丰'::int AS a")
    assert "invalid input syntax for type integer" in said
    assert "张三丰" not in said


def test_a_query_without_rows_and_one_that_takes_too_long_are_refused(postgres, folder):
    assert "gives no rows" in refused("SELECT 1 AS a WHERE false", error=InsufficientData)
    assert "gives no rows" in refused(
        "SELECT * FROM rows WHERE n > 9", "duckdb:///rows.duckdb", folder, InsufficientData
    )
    assert "took longer than 1 s" in refused("SELECT pg_sleep(60)::text AS a", timeout=1)
    endless = "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE (a.range * b.range) % 7 = 3"
    assert "took longer than 1 s" in refused(endless, "duckdb:///rows.duckdb", folder, timeout=1)


def test_who_is_not_let_in_is_told_what_to_set_and_nothing_of_the_credentials(postgres, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "wrong-tulip-42")
    said = refused("SELECT 1 AS a")
    assert "lets nobody in" in said
    assert "PGPASSWORD" in said
    assert not [word for word in ("wrong-tulip-42", PASSWORD, USER) if word in said]
    monkeypatch.delenv("PGPASSWORD")
    assert "lets nobody in" in refused("SELECT 1 AS a")
    monkeypatch.setenv("PGPASSFILE", str(postgres.folder / "pgpass"))
    (postgres.folder / "pgpass").write_text(f"*:*:*:{USER}:{PASSWORD}\n")
    (postgres.folder / "pgpass").chmod(0o600)
    assert got("SELECT 1 AS a").num_rows == 1


def test_a_database_that_is_not_there_or_not_reached_is_named(postgres, monkeypatch):
    assert "The database 'nowhere' does not exist on its server" in refused("SELECT 1 AS a", "postgresql:///nowhere")
    assert "on 'nohost.invalid' cannot be reached: its host is not known" in refused(
        "SELECT 1 AS a", "postgresql://nohost.invalid/db"
    )
    monkeypatch.setenv("PGHOST", "/tmp")
    monkeypatch.setenv("PGPORT", "1")
    assert "cannot be reached: no server listens there" in refused("SELECT 1 AS a")


def test_a_server_that_does_not_answer_is_not_waited_for(monkeypatch):
    assert postgres_rows._CALL["connect_timeout"] == 10
    monkeypatch.setattr(postgres_rows, "_CALL", {**postgres_rows._CALL, "connect_timeout": 2})
    monkeypatch.setenv("PGGSSENCMODE", "disable")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url, started = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/db", time.monotonic()
        assert "does not answer" in refused("SELECT 1 AS a", url)
    assert time.monotonic() - started < 8


def test_a_server_that_goes_away_in_the_middle_leaves_nothing(postgres, temporary):
    slow = "SELECT g, pg_sleep(0.01)::text AS a, repeat('x', 9000) AS b FROM generate_series(1, 10000) g"

    def stop():
        while not postgres.execute("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'"):
            time.sleep(0.05)
        time.sleep(0.2)
        postgres.stop()

    stopping = threading.Thread(target=stop)
    stopping.start()
    try:
        said = refused(slow)
    finally:
        stopping.join()
        postgres.start()
    assert said.startswith("The database 'postgres' went away while the rows of 'query' were fetched; nothing is kept")
    assert not [*temporary.rglob("*.*")]


def test_duckdb_reads_its_tables_and_nothing_else(folder):
    file = folder / "rows.duckdb"
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    (folder / "other.csv").write_text("a\n1\n")
    for sql in (
        f"SELECT * FROM read_csv('{folder}/other.csv')",
        f"SELECT * FROM '{folder}/other.csv'",
        "SELECT getenv('HOME') AS a",
    ):
        assert "'other.csv'" not in refused(sql, "duckdb:///rows.duckdb", folder)
    assert "reaches outside its database" in refused(
        f"SELECT * FROM read_csv('{folder}/other.csv')", "duckdb:///rows.duckdb", folder
    )
    for sql, told in {
        "SELECT [1, 2] AS a": "'a' (list", "SELECT {'k': 1} AS a": "'a' (struct", "SELECT INTERVAL 1 DAY AS a": "'a' (", "SELECT 'x'::BLOB AS a": "'a' (binary",
        "SELECT nope FROM rows": 'column "nope" not found', "SELECT * FROM nope": "nope does not exist",
        "SELECT 18446744073709551615::UBIGINT AS a": "that 64 bits do not hold",
    }.items():  # fmt: skip
        assert told in refused(sql, "duckdb:///rows.duckdb", folder), sql
    assert sorted(p.name for p in folder.iterdir()) == ["other.csv", "rows.duckdb"]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before


def test_a_file_that_is_missing_damaged_or_being_written_is_named(folder):
    assert "the database 'row.duckdb' does not exist" in (
        said := refused("SELECT 1 AS a", "duckdb:///row.duckdb", folder)
    )
    assert "Did you mean 'rows.duckdb'" in said
    (folder / "bad.duckdb").write_text("no database" * 999)
    assert "'bad.duckdb' cannot be read as a DuckDB database" in refused(
        "SELECT 1 AS a", "duckdb:///bad.duckdb", folder
    )
    writing = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", writing, folder / "rows.duckdb"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        other.stdout.readline()
        assert "'rows.duckdb' is being written to by another program" in refused(
            "SELECT 1 AS a", "duckdb:///rows.duckdb", folder
        )
        other.stdin.close()
    assert got("SELECT 1 AS a", "duckdb:///rows.duckdb", folder).num_rows == 1


def test_several_queries_that_fail_are_told_of_at_once(folder):
    asked = {
        "data": source("SELECT * FROM nope", "duckdb:///rows.duckdb"),
        "survey": source("SELECT 1 AS a", "duckdb:///none.duckdb"),
    }
    with pytest.raises(DataError, match="2 problems") as found:
        fetch(asked, folder)
    assert "nope does not exist" in str(found.value)
    assert "'none.duckdb' does not exist" in str(found.value)


def test_a_run_reads_what_was_fetched_for_it_whatever_becomes_of_the_database(folder, monkeypatch):
    asked = source("SELECT n FROM rows", "duckdb:///rows.duckdb")
    rows = fetch({"data": asked}, folder)
    with duckdb.connect(str(folder / "rows.duckdb")) as made:
        made.execute("DELETE FROM rows WHERE n = 2")
    with rows.used():
        assert pq.read_table(located(asked, folder).path).num_rows == 4
    assert pq.read_table(located(asked, folder).path).num_rows == 2
    monkeypatch.setenv(VARIABLE, str(rows.folder))
    del rows
    assert not Path(os.environ[VARIABLE]).exists()
    assert "are gone" in refused("SELECT n FROM rows", "duckdb:///rows.duckdb", folder)


def test_fetched_rows_are_private_and_no_process_leaves_them_behind(temporary):
    rows = Rows(private_folder())
    folder = rows.folder
    assert folder.stat().st_mode & 0o077 == 0
    if not (child := os.fork()):
        del rows
        os._exit(0)
    os.waitpid(child, 0)
    assert folder.is_dir()
    killed = (
        "import os, signal, sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from xmresearch.data.remote.private_folder import private_folder\n"
        "private_folder().joinpath('rows').write_text('x'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", killed, temporary]).returncode == -9
    assert len([*temporary.iterdir()]) == 2
    other = Rows(private_folder())
    assert sorted(temporary.iterdir()) == sorted([folder, other.folder])
    del rows, other
    assert not [*temporary.iterdir()]


@pytest.mark.parametrize("url", [POSTGRES, "duckdb:///rows.duckdb"])
def test_a_full_disk_is_told_and_leaves_nothing(postgres, folder, temporary, url):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    many = "SELECT g, md5(g::text) AS a FROM generate_series(1, 50000) t(g)"
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        said = refused(many, url, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "cannot be kept in the folder for temporary files" in said
    assert "TMPDIR" in said
    assert not [*temporary.rglob("*.*")]
