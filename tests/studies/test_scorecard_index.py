"""The index of a scorecard under every set of weights, on the page."""

import numpy as np
import pytest
from page import in_both, prose
from pydantic import ValidationError
from scorecard_worlds import BOOK_TEXT, METRICS, answers

from xmresearch.errors import XMError
from xmresearch.studies.scorecard.checking import check_study
from xmresearch.studies.scorecard.index_sets import FEWEST_ROWS, ROWS_PER_METRIC
from xmresearch.studies.scorecard.opening import open_scorecard
from xmresearch.studies.scorecard.params import ScorecardParams

BARE = {
    "codebook": "book.yml", "id_column": None, "duration_column": None, "weight_column": None, "segments": ["branch"], "metrics": METRICS,
    "wave_column": None, "wave_period": None, "draws": 500, "data": {"path": "index.csv"},
}  # fmt: skip
JUDGED = {"table": [[1.0, 2.0, 4.0], [0.5, 1.0, 2.0], [0.25, 0.5, 1.0]]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("index")
    (where / "book.yml").write_text(BOOK_TEXT, "utf-8")
    answers(900, [91, 1], branches=(70, -20, -20, -20, -20), waves=("2025",)).to_csv(where / "index.csv", index=False)
    return where


def table(report, key):
    return next(b.content for b in report.blocks if b.kind == "table" and b.content["key"] == key)


def test_every_way_of_weighing_has_its_leader_and_interval(folder):
    both = in_both("scorecard", folder, **BARE, judgements=JUDGED, index_weights="derived", index_outcome="ces")
    rows = table(both["en"], "ways")["rows"]
    assert [r[0] for r in rows] == ["derived importance", "experts", "equal", "entropy of the data", "PLS"]
    assert {r[1] for r in rows} == {"b1"}
    claim = both["en"].claims["index"]
    assert (claim.case, claim.facts["weights"]) == ("first", "weights_derived")
    weights = [r for r in table(both["en"], "weights")["rows"] if r[1] == "PLS"]
    assert [r[2] for r in weights if r[0] == "Ease"] == ["0.0 %"]
    assert {r[3] for r in table(both["en"], "weights")["rows"] if r[1] == "equal"} == {"–"}
    assert "what goes with ease" in prose(both["en"])
    assert "看哪些指标与省力程度相关" in prose(both["zh"])


def test_two_metrics_leave_nothing_to_explain_the_headline(folder):
    both = in_both("scorecard", folder, **{**BARE, "metrics": METRICS[:2]})
    assert [r[0] for r in table(both["en"], "ways")["rows"]] == ["equal", "entropy of the data"]
    for lang, words in (("en", "the weights are unsteady"), ("zh", "各组回答较少时熵权不稳")):
        assert words in prose(both[lang])


def checked(folder, **more):
    given = ScorecardParams.model_validate({**BARE, **more})
    return check_study(given, open_scorecard(given, folder))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"index_outcome": "quality"}, "no item 'quality'"),
        ({"index_weights": "pls", "metrics": METRICS[:2]}, "no weights by 'pls'"),
    ],
)
def test_check_refuses_weights_that_cannot_be(folder, more, said):
    with pytest.raises(XMError) as refused:
        checked(folder, **more)
    assert said in f"{refused.value.problem} {refused.value.hint}"


def test_experts_without_judgements_are_refused():
    with pytest.raises(ValidationError, match="need judgements"):
        ScorecardParams.model_validate({**BARE, "index_weights": "experts"})


def test_few_groups_and_few_people_give_no_weights_from_data(folder):
    frame = answers(900, [91, 2], branches=(40, 0, -40), waves=("2025",))
    assert (FEWEST_ROWS, ROWS_PER_METRIC) == (3, 3)
    for keep, there in ((("b1", "b2", "b3"), True), (("b1", "b2"), False)):
        frame[frame["branch"].isin(keep)].to_csv(folder / "groups.csv", index=False)
        both = in_both("scorecard", folder, langs=("en",), **{**BARE, "data": {"path": "groups.csv"}})
        assert ("entropy of the data" in [r[0] for r in table(both["en"], "ways")["rows"]]) == there
    # two explain the headline, so that three times three people (but never fewer than a cell) have to have answered all
    for whole, there in ((10, True), (9, False)):
        sparse = frame.assign(ces=frame["ces"].where(np.arange(len(frame)) >= 300))
        sparse.loc[np.arange(len(frame)) >= 300 + whole, "csat"] = np.nan
        sparse.to_csv(folder / "sparse.csv", index=False)
        given = ScorecardParams.model_validate({**BARE, "data": {"path": "sparse.csv"}, "segments": []})
        from xmresearch.studies.scorecard.asked import asked_metrics
        from xmresearch.studies.scorecard.index_sets import _of_outcome

        survey = open_scorecard(given, folder)
        items = [m.item for m in asked_metrics(given, survey.codebook)]
        found = _of_outcome(survey.frame[items].astype(float), survey.frame["nps"].astype(float), [False, True, True])
        assert bool(found) == there
