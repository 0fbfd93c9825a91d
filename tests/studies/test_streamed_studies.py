"""The notebooks of survey studies on a survey that is larger than is read at once, and what check says of it."""

import json
from pathlib import Path

import polars as pl
import pytest

from xmresearch.data import streamed_survey
from xmresearch.data.scenarios.service_hall import ServiceHall
from xmresearch.errors import ParamsError
from xmresearch.params.registry import find_study

GIVEN = {
    "servqual": {"segments": ["branch", "channel"], "outcome": "quality", "weight_column": None},
    "sem": {"group": "channel", "levels": ["metric"], "validity_bootstrap": 200},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("hall")
    for k in range(2):
        pl.from_pandas(ServiceHall(900, 30 + k, missing=0.01, careless=0.02).survey()).write_parquet(
            made / f"{k}.parquet"
        )
    return made


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(streamed_survey, "LARGE_ROWS", 100)
    monkeypatch.setattr(streamed_survey, "BLOCK_ROWS", 700)


def params_of(study, folder, **more):
    given = {
        "study": study,
        "data": {"source": "file", "path": str(folder)},
        "id_column": "respondent",
        "duration_column": "duration",
    }
    return given | GIVEN[study] | more


def report_of(root, study, given):
    """Run the cells of a study's notebook here, where the limit is set low, and return its report."""
    space = {"__name__": "__main__"}
    for cell in json.loads((root / "notebooks" / f"{study}.ipynb").read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), space)
        if "parameters" in cell["metadata"].get("tags", ()):
            space |= given
    return space["report"]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("study", list(GIVEN))
def test_the_same_notebook_runs_on_statistics_and_says_so_once(root, folder, study, lang):
    report = report_of(root, study, params_of(study, folder, lang=lang))
    texts = [block.content.get("text", "") for block in report.blocks]
    said = {"en": "**Made of statistics.**", "zh": "**由统计量得出。**"}[lang]
    assert sum(text.startswith(said) for text in texts) == 1
    names = {block.content.get("key") for block in report.blocks}
    assert {"servqual": {"gap_dimensions", "gap_statements", "segments", "reliability", "loadings", "segment_invariance"},
            "sem": {"loadings", "effects", "gains", "indices", "composite", "invariance", "apa_items"}}[study] <= names  # fmt: skip
    assert not names & {"drivers", "drivers_missing", "importance"} if study == "servqual" else True
    assert not any("bootstrap" in text.lower() for text in texts if not text.startswith("**"))
    assert {"servqual": {"first", "score", "segments", "reliable"}, "sem": {"fit", "drives_first", "instrument"}}[
        study
    ] <= report.claims.keys()


@pytest.mark.parametrize("study", list(GIVEN))
def test_check_says_what_a_run_would_leave_out(folder, study):
    declared = find_study(study)
    params = declared.params.model_validate(params_of(study, folder))
    lines = declared.check(params, declared.open(params, Path()))
    assert sum(line.startswith("Streamed: more rows than are read at once") for line in lines) == 1


@pytest.mark.parametrize(
    ("study", "more", "said"),
    [
        ("servqual", {"wave_column": "visit_month"}, "wave_column: two waves"),
        ("sem", {"estimator": "WLSMV", "missing": "listwise"}, "estimator: WLSMV needs the respondents"),
        ("sem", {"inference": "bayes"}, "inference: bayes needs the respondents"),
    ],
)
def test_what_has_no_version_on_statistics_is_refused_by_check(folder, study, more, said):
    declared = find_study(study)
    params = declared.params.model_validate(params_of(study, folder, **more))
    survey = declared.open(params, Path())
    with pytest.raises(ParamsError, match=said):
        declared.check(params, survey)


def test_groups_too_small_for_the_model_are_said(folder):
    declared = find_study("sem")
    params = declared.params.model_validate(params_of("sem", folder, group="branch"))
    from xmresearch.errors import InsufficientData

    rows = pl.read_parquet(folder / "*.parquet")
    few = rows.filter((pl.col("branch") != "north") | (pl.int_range(pl.len()) % 40 == 0))
    few.write_parquet(folder.parent / "few.parquet")
    params = params.model_copy(
        update={"data": params.data.model_copy(update={"path": str(folder.parent / "few.parquet")})}
    )
    with pytest.raises(InsufficientData, match="Groups of 'branch' with fewer than the"):
        declared.check(params, declared.open(params, Path()))
