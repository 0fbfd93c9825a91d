"""Studies of rows in databases: the same report as of a file, one state of the rows in a run, and nothing of credentials."""

import duckdb
import pytest
from canaries import ratings
from postgres_cluster import PASSWORD, USER

from xmresearch.data.scenarios.service_hall_rollout import ServiceHallRollout
from xmresearch.data.scenarios.touchpoints import TouchpointLog
from xmresearch.errors import XMError
from xmresearch.run.archive import input_places
from xmresearch.run.bundle import bundle_run
from xmresearch.run.check import check_study
from xmresearch.run.compare.pairing import fetched_again
from xmresearch.run.compare.recorded import read_run
from xmresearch.run.plan import plan_run
from xmresearch.run.public_params import public_params
from xmresearch.run.record import read_record
from xmresearch.run.replan import repeated
from xmresearch.run.study import Clock, run_plan, run_study

MODEL = "model: |\n  tan =~ p1 + p2 + p3\n  rel =~ p5 + p6 + p7\n  rel ~ tan\noutcomes: [rel]\nvalidity_bootstrap: 0\n"
SURVEY = "codebook: servqual\nscreening: {missing: {action: flag}}\n"
STUDIES = {
    "servqual": f"{SURVEY}id_column: respondent\nsegments: [branch]\n",
    "drivers": f"{SURVEY}outcome: quality\n",
    "scorecard": f"{SURVEY}metrics: [{{item: quality, measure: mean}}]\nsegments: [branch]\n",
    "sem": f"{SURVEY}{MODEL}",
    "did": "outcome: satisfaction\nunit: branch\ntime: month\ncohort: rollout\nbranches: false\nfurther: {}\n",
    "attribution": "events: {conversion: settled, value: null, cost: null}\nbootstrap: 20\nsurvey: {data: SCORES, channel: medium}\n",
}  # fmt: skip
TABLES = {"did": "answers", "attribution": "events"}
URLS = {"postgresql": "postgresql:///postgres", "duckdb": "duckdb:///../rows.duckdb"}


@pytest.fixture(scope="module")
def frames():
    survey = ratings(120)
    survey.insert(0, "respondent", range(1, 121))
    city, log = ServiceHallRollout(4000, 3, effect=0.3, spread=0.1), TouchpointLog(400, 5)
    survey = survey.assign(branch=["north", "south", "east"] * 40, telephone=[f"138000{k:05d}" for k in range(120)])
    return {"survey": survey, "answers": city.rows(), "events": log.events(), "scores": log.survey()}


@pytest.fixture
def project(postgres, frames, tmp_path, monkeypatch):
    """The same rows in files, in DuckDB and in PostgreSQL."""
    (tmp_path / "params").mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    with duckdb.connect(str(tmp_path / "rows.duckdb")) as made:
        for name, frame in frames.items():
            frame.to_parquet(tmp_path / f"{name}.parquet")
            made.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
            postgres.load(name, frame)
    return tmp_path


def params(project, study, kind, name="own", where=""):
    def data(table):
        if kind == "file":
            return f"{{path: ../{table}.parquet}}"
        return f"{{sql: 'SELECT * FROM {table}{where}', url: '{URLS[kind]}'}}"

    path = project / f"params/{study}.yml"
    rows = data(TABLES.get(study, "survey"))
    path.write_text(
        f"study: {study}\nname: {name}\ndata: {rows}\n{STUDIES[study].replace('SCORES', data('scores'))}", "utf-8"
    )
    return path


@pytest.mark.parametrize("study", STUDIES)
def test_check_says_of_a_database_what_it_says_of_a_file(project, study):
    said = {kind: check_study(params(project, study, kind)).replace("\n", " |") for kind in ("file", *URLS)}
    called = {"duckdb": "DuckDB", "postgresql": "PostgreSQL"}
    for kind, text in said.items():
        lines = [line for line in text.split(" |") if not line.startswith(("Read as", "Result"))]
        for table in TABLES.get(study, "survey"), "scores":
            lines = [line.replace(f"{table} ({called.get(kind)})", f"{table}.parquet") for line in lines]
        said[kind] = lines
    assert said["duckdb"] == said["file"]
    assert said["postgresql"] == said["file"]
    assert not [*(project / "tmp").iterdir()]


def test_check_refuses_what_run_would(project):
    path = params(project, "servqual", "postgresql", where=" LIMIT 120; DROP TABLE survey")
    for command in (check_study, plan_run):
        with pytest.raises(XMError, match="more than one statement"):
            command(path)
    path.write_text(
        path.read_text("utf-8")
        .replace("codebook: servqual", "codebook: none.yml")
        .replace(" LIMIT 120; DROP TABLE", "s, "),
        "utf-8",
    )
    with pytest.raises(XMError) as refused:
        plan_run(path)
    assert "does not exist" in str(refused.value)
    assert "2 problems" in str(refused.value)
    assert not [*(project / "tmp").iterdir()]


def test_a_run_sees_one_state_of_the_rows_and_is_repeated_only_with_them(project, postgres, frames):
    path = params(project, "scorecard", "postgresql")
    plan = plan_run(path, out=project / "out")
    # the database changes, and goes, before the notebook reads
    postgres.execute("DELETE FROM survey WHERE respondent > 60")
    postgres.stop()
    try:
        done = run_plan(plan, Clock())
    finally:
        postgres.start()
    page = done.report.read_text("utf-8")
    assert "survey (PostgreSQL)" in page
    assert "120 answers were received" in page
    assert "Rows of a query of a database" in page
    record = read_record(done.folder)
    assert record.content["inputs"]["data"] == plan.rows.hashes["data"]
    assert record.content["files"] == {}
    plan.rows.close()
    assert not [*(project / "tmp").iterdir()]
    said = (
        b"".join(p.read_bytes() for p in done.folder.rglob("*") if p.is_file())
        + bundle_run(done.folder, project / "b.zip").read_bytes()
    )
    assert not [text for text in (PASSWORD, USER, str(postgres.folder), "xm-rows-", "138000") if text.encode() in said]

    with repeated(record, out=project / "again") as (_, reasons):
        assert [reason.kind for reason in reasons] == ["inputs"]
        assert "input data differs" in reasons[0].text
    run = read_run(done.folder)
    with pytest.raises(XMError, match="no longer those of the run"):
        fetched_again(run, run.study.params.model_validate(dict(run.params)), project / "params")
    postgres.load("survey", frames["survey"].iloc[::-1])
    with repeated(record, out=project / "again") as (_, reasons):
        assert not reasons
    assert run_study(path, out=project / "out").cached


def test_a_run_of_a_file_of_a_database_is_repeated_where_the_file_is_found(project):
    relative = plan_run(params(project, "did", "duckdb"), out=project / "out")
    path = params(project, "did", "duckdb", name="other")
    path.write_text(
        path.read_text("utf-8").replace("duckdb:///../rows.duckdb", f"duckdb:///{project}/rows.duckdb"), "utf-8"
    )
    absolute = plan_run(path, out=project / "out")
    assert relative.rows.hashes == absolute.rows.hashes
    assert absolute.identity.params["data"]["url"] == "duckdb:///rows.duckdb"
    assert [input_places(plan) for plan in (relative, absolute)] == [
        {"data": "../rows.duckdb"},
        {"data": "rows.duckdb"},
    ]


def test_a_query_shows_nobodys_name_and_says_that_it_does_not():
    asked = {
        "data": {
            "sql": "SELECT * FROM t WHERE clerk IN ('王小明', 'Anna Smith', '13800012345') AND branch = '北京' AND a / b > 1",
            "url": "postgresql:///db",
        }
    }
    assert public_params(asked)["data"]["sql"] == (
        "SELECT * FROM t WHERE clerk IN ('[name]', '[name]', '[phone]') AND branch = '北京' AND a / b > 1"
    )
    plain = {"data": {"sql": "SELECT a FROM t WHERE branch = 'north'", "url": "duckdb:///rows.duckdb"}}
    assert public_params(plain) == plain
