"""Addresses of databases and texts of queries are judged before anything is opened."""

import pytest

from xmresearch.data.remote.database_url import DatabaseUrl, parse_url
from xmresearch.data.remote.statement import read_statement
from xmresearch.errors import ParamsError
from xmresearch.params.load import load_params


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("duckdb:///a/b.duckdb", DatabaseUrl("duckdb", "a/b.duckdb")),
        ("duckdb:////a/%E4%B8%AD.duckdb", DatabaseUrl("duckdb", "/a/中.duckdb")),
        ("postgresql://h/db", DatabaseUrl("postgresql", "db", "h")),
        ("postgres://h:5433/db?sslmode=require", DatabaseUrl("postgresql", "db", "h", 5433, "require")),
        ("postgresql:///db", DatabaseUrl("postgresql", "db")),
        ("postgresql://[::1]:55/db", DatabaseUrl("postgresql", "db", "::1", 55)),
    ],
)
def test_an_address_is_read(url, expected):
    assert parse_url(url) == expected


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://h/db", "must begin with duckdb:/// or postgresql://"),
        ("duckdb:///:memory:", "names one file"),
        ("duckdb://host/file", "names one file"),
        ("postgresql://h", "postgresql://HOST:PORT/DATABASE"),
        ("postgresql://h/db#x", "%23"),
        ("postgresql://h/db?options=-c", "only sslmode is taken"),
        ("postgresql://h/db?sslmode=requires", "Did you mean 'require'"),
        ("postgresql://%2Ftmp/db", "set PGHOST"),
        ("postgresql://anna@h/db", "set PGUSER and PGPASSWORD"),
        ("postgresql://anna:tulip-42@h/db", "set PGUSER and PGPASSWORD"),
        ("postgresql://h/db?password=tulip-42", "set PGUSER and PGPASSWORD"),
        ("postgresql://h/db?user=anna", "set PGUSER and PGPASSWORD"),
    ],
)
def test_an_address_of_another_form_or_with_credentials_is_refused_without_repeating_them(url, told):
    with pytest.raises(ValueError, match="url|params") as refused:
        parse_url(url)
    assert told in str(refused.value)
    assert not {"anna", "tulip-42"} & set(str(refused.value).replace(":", " ").replace("@", " ").split())


@pytest.mark.parametrize(
    ("sql", "ordered", "table"),
    [
        ('SELECT a FROM public."My T" ORDER BY a;;', True, "My T"),
        ("with x as (select 1 from Answers order by 1) select * from x -- c; d\n ;", False, "Answers"),
        ("values (1), (2)", False, "query"),
        ("TABLE 调查.答卷", False, "答卷"),
        ("select ';' , $$;$$, e'\\';' from f(1), b", False, "query"),
        ("select * from (select * from z order by 1) q /* ; /* ; */ */", False, "z"),
        ("select rank() over (order by a) from t", False, "t"),
        ("(select 1 from t)", False, "t"),
    ],
)
def test_of_a_query_its_order_and_first_table_are_told(sql, ordered, table):
    found = read_statement(sql)
    assert (found.ordered, found.table) == (ordered, table)
    assert not found.text.endswith(";")


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("", "must be a query"),
        (";", "must be a query"),
        ("DELETE FROM t", "must be a query"),
        ("/* SELECT */ DROP TABLE t", "must be a query"),
        ("EXPLAIN ANALYZE SELECT 1", "must be a query"),
        ("SELECT 1; DROP TABLE t", "more than one statement"),
        ("SELECT '$$'; DROP TABLE t --$$", "more than one statement"),
    ],
)
def test_what_is_no_single_query_is_refused(sql, told):
    with pytest.raises(ValueError, match=told):
        read_statement(sql)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("{sql: SELECT 1, url: 'postgresql://anna:tulip-42@h/db'}", "line 3: data: url names a user or a password"),
        ("{sql: SELECT 1, url: 'postgresql://h/db', password: tulip-42}", "data: 'password' does not belong in params"),
        ("{sql: SELECT 1, url: 'postgresql://h/db', username: anna}", "data: 'username' does not belong in params"),
        ("{sql: SELECT 1, url: 'postgresql://h/db', sheet: A}", "unknown key 'data.sheet'"),
        ("{sql: SELECT 1}", "data.url: field required"),
        ("{url: 'postgresql://h/db'}", "data.sql: field required"),
        ("{sql: DROP TABLE t, url: 'postgresql://h/db'}", "data: sql must be a query that only reads"),
    ],
)
def test_params_name_what_is_wrong_and_repeat_no_credential(tmp_path, data, told):
    (tmp_path / "p.yml").write_text(f"study: servqual\nname: own\ndata: {data}\n", "utf-8")
    with pytest.raises(ParamsError) as refused:
        load_params(tmp_path / "p.yml")
    assert told in str(refused.value)
    assert "anna" not in str(refused.value)
    assert "tulip" not in str(refused.value)
