"""Benchmarks of a scorecard: given, or read from a table of aggregates; lights follow from claims."""

import pandas as pd
import pytest
import yaml
from page import answer, in_both, prose
from patient_answers import patient_answers
from pydantic import ValidationError
from scipy import stats
from scorecard_worlds import BOOK_TEXT, METRICS, answers

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DatasetUnavailable, XMError
from xmresearch.studies.scorecard.checking import check_study
from xmresearch.studies.scorecard.opening import open_scorecard
from xmresearch.studies.scorecard.params import ScorecardParams

BARE = {
    "codebook": "book.yml", "id_column": None, "duration_column": None, "weight_column": None, "segments": [], "wave_column": None,
    "wave_period": None, "draws": 500, "data": {"path": "own.csv"},
}  # fmt: skip
TABLE = pd.DataFrame({
    "year": [2023, 2024, 2024], "item": ["csat", "csat", "ces"], "share": [40.0, 30.0, "n/a"], "answers": [900, 200, 200], "error": [1.5, 3, 3],
})  # fmt: skip
ROWS = {"year": 2024, "item": "csat"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("marks")
    (where / "book.yml").write_text(BOOK_TEXT, "utf-8")
    answers(400, [93, 1], waves=("2025",)).to_csv(where / "own.csv", index=False)
    TABLE.to_csv(where / "theirs.csv", index=False)
    return where


def given(source, metric=1, **more):
    mark = {"name": "Others", "from": {"file": "theirs.csv", "rows": ROWS, "value": "share"} | source}
    return {**BARE, "metrics": [{**METRICS[metric], "benchmarks": [mark]}], **more}


def table(report):
    return next(b.content["rows"] for b in report.blocks if b.kind == "table" and b.content["key"] == "benchmarks")


def interval(row):
    low, high = row[6].strip("[]").replace("−", "-").split(", ")
    return float(low), float(high)


def test_a_figure_of_a_table_is_taken_as_exact_or_with_its_uncertainty(folder):
    rows = {}
    for name, source in (("exact", {}), ("n", {"n": "answers"}), ("se", {"se": "error"})):
        both = in_both("scorecard", folder, langs=("en",), **given(source))
        (rows[name],) = table(both["en"])
        assert rows[name][2] == "30.0"
    assert [rows[k][3] for k in rows] == ["taken as exact", "own interval", "own interval"]
    exact, n, se = (interval(rows[k]) for k in rows)
    assert exact[1] - exact[0] < n[1] - n[0]
    # square-and-add with the Wilson interval of 60 of 200
    own = (float(rows["exact"][4]), exact)
    low, high = (100 * v for v in stats.binomtest(60, 200).proportion_ci(method="wilson"))
    gap = own[0] - 30
    assert n[0] == pytest.approx(gap - ((gap - exact[0]) ** 2 + (high - 30) ** 2) ** 0.5, abs=0.11)
    assert n[1] == pytest.approx(gap + ((exact[1] - gap) ** 2 + (30 - low) ** 2) ** 0.5, abs=0.11)
    assert se[0] == pytest.approx(gap - ((gap - exact[0]) ** 2 + (1.96 * 3) ** 2) ** 0.5, abs=0.11)
    assert "taken as exact, so that differences from it look surer" in prose(both["en"])


@pytest.mark.parametrize(
    ("source", "metric", "said"),
    [
        ({"value": "shares"}, 1, "no column 'shares'"),
        ({"rows": {"years": 2024}}, 1, "no column 'years'"),
        ({"rows": {"year": 2024}}, 1, "2 rows of its table"),
        ({"rows": {"year": 2030}}, 1, "0 rows of its table"),
        ({"rows": {"year": 2024, "item": "ces"}}, 1, "'n/a' is no number"),
        ({"n": "answers"}, 0, "no uncertainty of a net score"),
        ({"value": "answers"}, 1, "runs from 0 to 100"),
        ({"file": "nowhere.csv"}, 1, "nowhere.csv"),
    ],
)
def test_a_table_that_gives_no_figure_is_refused(folder, source, metric, said):
    params = ScorecardParams.model_validate(given(source, metric))
    with pytest.raises(XMError) as refused:
        check_study(params, open_scorecard(params, folder))
    assert said in f"{refused.value.problem} {refused.value.hint}"


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ({"name": "x"}, "either a value or a table"),
        (
            {"name": "x", "value": 1.0, "from": {"file": "a", "rows": {"a": 1}, "value": "b"}},
            "either a value or a table",
        ),
        ({"name": "x", "se": 1.0, "from": {"file": "a", "rows": {"a": 1}, "value": "b"}}, "stands in the table"),
        ({"name": "x", "from": {"rows": {"a": 1}, "value": "b"}}, "either a file or a dataset"),
        ({"name": "x", "from": {"file": "a", "rows": {"a": 1}, "value": "b", "n": "c", "se": "d"}}, "not both"),
    ],
)
def test_a_benchmark_is_stated_once(mark, said):
    with pytest.raises(ValidationError, match=said):
        ScorecardParams.model_validate({**BARE, "metrics": [{**METRICS[1], "benchmarks": [mark]}]})


def test_the_table_is_among_the_files_that_a_run_depends_on(folder):
    params = ScorecardParams.model_validate(given({}))
    assert params.input_files(folder)["benchmark1"] == folder / "theirs.csv"
    with pytest.raises(XMError, match="does not exist"):
        ScorecardParams.model_validate(given({"file": "nowhere.csv"})).input_files(folder)


def test_lights_of_several_benchmarks_are_those_of_the_claims(folder):
    marks = [[{"name": "a", "value": 5.0}, {"name": "b", "value": -90.0}], [{"name": "c", "value": 99.0}], []]
    both = in_both(
        "scorecard", folder, **BARE, metrics=[{**m, "benchmarks": b} for m, b in zip(METRICS, marks, strict=True)]
    )
    claims = both["en"].claims
    assert (claims["marks"].case, claims["marks"].facts["above"], claims["marks"].facts["below"]) == ("all", 1, 1)
    first = {"above": "● above", "below": "● below", "unsettled": "○ not settled"}[claims["benchmark"].case]
    assert [r[-1] for r in table(both["en"])] == [first, "● above", "● below"]
    assert "1 above, 1 below" in prose(both["en"])
    assert "高于 1 项，低于 1 项" in prose(both["zh"])


def test_simulated_patients_against_published_percentages(root):
    """HCAHPS, July 2023, top box: rating 70, recommend 69 (exports/README.md); no respondent of theirs is read."""
    try:
        national = load_dataset("hcahps_national")
    except DatasetUnavailable as error:
        pytest.skip(str(error))
    assert national.shape == (90, 5)
    where = root / "params/scorecard"
    shipped = pd.read_csv(where / "patients_simulated.csv")
    pd.testing.assert_frame_equal(shipped, patient_answers(), check_dtype=False)
    given = ScorecardParams.model_validate(yaml.safe_load((where / "patients.yml").read_text("utf-8")))
    both = in_both("scorecard", where, **given.model_dump(exclude={"study", *given.shown_only, *given.front_only}))
    rows = table(both["en"])
    assert [r[2] for r in rows if r[1] == "HCAHPS 2023"] == ["70.0", "69.0", "72.0", "62.0"]
    assert float(rows[0][4]) == pytest.approx(100 * (shipped["rating"] >= 9).mean(), abs=0.05)
    assert both["en"].claims["benchmark"].case == "below"
    for lang, words in (("en", "It lies below HCAHPS 2023"), ("zh", "于HCAHPS 2023")):
        assert words in "".join(b.content.get("text", "") for b in answer(both[lang]))
