"""Studies of files and folders in an object store."""

import pytest
from canaries import ratings

from xmresearch.data.scenarios.service_hall_rollout import ServiceHallRollout
from xmresearch.errors import DataError
from xmresearch.run.archive import input_places
from xmresearch.run.cache import file_hash
from xmresearch.run.check import check_study
from xmresearch.run.plan import plan_run
from xmresearch.run.public_params import public_params
from xmresearch.run.study import Clock, run_plan

SURVEY = "study: servqual\nname: own\ndata: {{path: {}, join: [{{path: {}, by: respondent}}]}}\nsegments: [branch]\n"
PANEL = "study: did\nname: own\ndata: {{path: {}}}\noutcome: satisfaction\nunit: branch\ntime: month\ncohort: rollout\nbranches: false\nfurther: {{}}\n"


@pytest.fixture
def project(bucket, tmp_path, monkeypatch):
    """The same files here and in the bucket."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    survey = ratings(90)
    survey.insert(0, "respondent", range(1, 91))
    survey.to_csv(tmp_path / "survey.csv", index=False)
    survey[["respondent"]].assign(branch=["north", "south"] * 45).to_csv(tmp_path / "crm.csv", index=False)
    (tmp_path / "panel").mkdir()
    city = ServiceHallRollout(4000, 3, effect=0.3, spread=0.1).rows()
    for k in range(2):
        city.iloc[2000 * k : 2000 * k + 2000].to_parquet(tmp_path / f"panel/{k}.parquet")
    for name in ("survey.csv", "crm.csv", "panel/0.parquet", "panel/1.parquet"):
        bucket.upload_file(str(tmp_path / name), f"2025/{name}")
    return tmp_path


def write(project, text, *paths):
    (project / "own.yml").write_text(text.format(*paths), "utf-8")
    return project / "own.yml"


def told(project, text, *paths):
    return [line for line in check_study(write(project, text, *paths)).splitlines() if not line.startswith("Result")]


def test_check_says_of_a_store_what_it_says_of_this_machine(project):
    there, here = (
        told(project, SURVEY, "s3://answers/2025/survey.csv", "s3://answers/2025/crm.csv"),
        told(project, SURVEY, "survey.csv", "crm.csv"),
    )
    assert there == here
    assert told(project, PANEL, "s3://answers/2025/panel") == told(project, PANEL, "panel")
    assert told(project, PANEL, f"file://{project}/panel") == told(project, PANEL, "panel")
    assert not [*(project / "tmp").iterdir()]


def test_a_file_has_one_hash_wherever_it_lies_and_its_path_is_shown_as_it_is(project):
    plan = plan_run(write(project, SURVEY, "s3://answers/2025/survey.csv", "crm.csv"))
    assert {k: plan.identity.inputs[k] for k in ("data", "join1")} == {
        "data": file_hash(project / "survey.csv"), "join1": file_hash(project / "crm.csv"),
    }  # fmt: skip
    assert public_params(plan.identity.params) == plan.identity.params
    assert input_places(plan) == {"join1": "crm.csv"}
    named = {"data": {"path": "s3://answers/张伟/survey.csv"}}
    assert public_params(named) == {"data": {"path": "s3://answers/data/survey.csv"}}


def test_a_folder_that_changes_under_a_run_ends_it_and_nothing_is_kept(project, bucket, monkeypatch):
    plan = plan_run(write(project, PANEL, "s3://answers/2025/panel"), out=project / "out")
    assert [key for key in plan.identity.inputs if key.startswith("data/")] == ["data/0.parquet", "data/1.parquet"]

    def execute(*given, **more):
        bucket.upload_file(str(project / "panel/0.parquet"), "2025/panel/2.parquet")

    monkeypatch.setattr("xmresearch.run.engine.execute", execute)
    with pytest.raises(
        DataError, match="The files of 'panel' changed while the run read them, so nothing of it is kept. Run it again"
    ):
        run_plan(plan, Clock())
    assert not plan.folder.exists()
