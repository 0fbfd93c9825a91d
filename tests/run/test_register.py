"""The action register: where it is read from, what is refused, what the report shows, and how the next wave is held against it."""

from datetime import date

import pandas as pd
import pytest
from recorded_runs import record

from xmresearch.claims.change import targets_reached
from xmresearch.errors import ParamsError
from xmresearch.params.actions import Action
from xmresearch.params.load import load_params
from xmresearch.params.registry import find_study
from xmresearch.report.assemble import assemble
from xmresearch.report.compose import Report
from xmresearch.run.compare.compare import data_day
from xmresearch.run.compare.recorded import read_run, title_of
from xmresearch.run.compare.report import as_notebook
from xmresearch.run.compare.targets import held_against, targets_claim
from xmresearch.run.register import as_input, read_actions, require_subjects
from xmresearch.run.register_table import with_register
from xmresearch.studies.scorecard.study import STUDY

OWNER = "Wang Fang, wang.fang@example.com, 13800138000"
PARAMS = {"study": "scorecard", "name": "wave", "lang": "en"}


@pytest.fixture
def given(tmp_path):
    def read(actions="[]", more=""):
        path = tmp_path / "p.yml"
        path.write_text(f"study: scorecard\nname: x\ncodebook: service_hall\nactions: {actions}\n{more}\n", "utf-8")
        return read_actions(load_params(path), tmp_path, STUDY)

    return read


def page(lang="en", quality=5.0, half=0.1, worst=True):
    """A page with the figures of two metrics and, if wanted, a settled claim that asks for action."""
    from xmresearch.claims.claim import Claim

    report = Report(lang, STUDY, {"quality": "Quality", "branch=b1": "Old town"}, decimals=2)
    report._show("title", title="Scorecard", client="", lang=lang, glance="")
    report.section("answer")
    claim = Claim("worst", "first", "first" if worst else "unsettled", "differences_exclude_zero", 0.05, 0.95)
    facts = {"leader": "branch=b1", "segment": "branch", "by": "by_raw", "margin": -1.0, "margin_lower": -2.0, "margin_upper": -0.5,
             "runner_up": "branch=b1", "possible": ["branch=b1"], "others": [], "several": 1, "candidates": 3}  # fmt: skip
    report.claim(claim.about(**facts))
    report.section("waves")
    table = pd.DataFrame({
        "metric": ["quality"], "wave": ["all"], "n": [100], "n_eff": [100.0], "estimate": [quality], "ci_lower": [quality - half],
        "ci_upper": [quality + half], "decimals": [2], "reported": [True],
    })  # fmt: skip
    report.table("waves", table, ["metric", "wave", "n", "estimate", "ci"])
    return report.blocks


def test_params_and_files_of_each_kind_say_the_same(given, tmp_path):
    line = {
        "action": "More desks",
        "claim": "worst",
        "about": "quality",
        "owner": OWNER,
        "due": "2026-06-30",
        "target": 5.2,
    }
    expected = [Action.model_validate(line)]
    assert (
        given(f"[{{action: More desks, claim: worst, about: quality, owner: '{OWNER}', due: 2026-06-30, target: 5.2}}]")
        == expected
    )
    table = pd.DataFrame([line])
    table.to_csv(tmp_path / "a.csv", index=False)
    table.assign(due=pd.to_datetime(table["due"])).to_excel(tmp_path / "a.xlsx", index=False)
    (tmp_path / "a.yml").write_text(
        f"- {{action: More desks, claim: worst, about: quality, owner: '{OWNER}', due: 2026-06-30, target: 5.2}}\n",
        "utf-8",
    )
    for name in ("a.csv", "a.xlsx", "a.yml"):
        assert given(more=f"actions_file: {name}") == expected, name
    assert as_input(expected) != as_input([]) == {}


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ("[{action: a, claim: wurst}]", "'wurst'.*Did you mean 'worst'"),
        ("[{action: a, claim: worst, due: '2026-02-30'}]", "'2026-02-30' is no date; write YYYY-MM-DD"),
        ("[{action: a, claim: worst, target: 5}]", "a target needs 'about'"),
        ("[{action: a}]", "names the claim that asks for it"),
        ("[{action: a, claim: worst, ownr: b}]", "unknown key 'actions.0.ownr'.*'owner'"),
    ],
)
def test_mistakes_are_refused_with_the_nearest_name(given, actions, said):
    with pytest.raises(ParamsError, match=said):
        given(actions)


def test_files_are_refused_by_line(given, tmp_path):
    (tmp_path / "a.csv").write_text("action,claim,due\nx,worst,2026-01-01\ny,worst,soon\n", "utf-8")
    with pytest.raises(ParamsError, match=r"a.csv, line 2 of the register: due: 'soon' is no date"):
        given(more="actions_file: a.csv")
    (tmp_path / "a.csv").write_text("action,clam\nx,worst\n", "utf-8")
    with pytest.raises(ParamsError, match="'clam'.*Did you mean 'claim'"):
        given(more="actions_file: a.csv")
    with pytest.raises(ParamsError, match="does not exist"):
        given(more="actions_file: b.csv")


def test_check_knows_what_the_survey_asked(hall):
    require_subjects([Action(action="a", about="quality")], hall)
    with pytest.raises(ParamsError, match="Did you mean 'quality'"):
        require_subjects([Action(action="a", about="qualty")], hall)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_register_stands_after_the_answer_with_owners_as_given(lang):
    actions = [Action(action="=More desks", about="quality", owner=OWNER, due=date(2026, 6, 30), target=5.2)]
    document = assemble(with_register(as_notebook(page(lang)), actions, STUDY), {})
    keys = [part.content["key"] for part in document.of_kind("section")]
    assert keys[:3] == ["answer", "register", "waves"]
    table = next(part.content for part in document.of_kind("table") if part.content["key"] == "register")
    first, second = table["rows"]
    assert OWNER in first
    assert OWNER in document.tables["register"]
    assert "'=More desks" in document.tables["register"]
    assert "2026-06-30" in first
    assert ("no owner yet" if lang == "en" else "尚无负责人") in second
    assert second[0].startswith("Old town")


def test_without_actions_and_claims_that_ask_nothing_is_added():
    notebook = as_notebook(page(worst=False))
    assert with_register(notebook, [], STUDY) is notebook


def test_next_wave_is_held_against_the_register(tmp_path):
    actions = [
        Action(action="a", about="quality", due=date(2026, 1, 1), target=5.5),
        Action(action="b", about="quality", due=date(2026, 1, 1), target=7.0),
        Action(action="c", about="quality", target=6.05),
        Action(action="d", about="quality", target=4.0),
        Action(action="e", claim="worst", due=date(2026, 3, 1)),
    ]
    before, after = (
        read_run(record(tmp_path / name, page(quality=level, worst=worst), PARAMS)) for name, level, worst in (("w1", 5.0, True), ("w2", 6.0, False))
    )  # fmt: skip
    claim = targets_claim(before, after, actions, [])
    assert (claim.case, claim.facts["reached"], claim.facts["missed"]) == ("some", ["1"], ["2", "4"])
    found = held_against(before, after, actions, claim, date(2026, 2, 1))
    assert list(found["outcome"]) == [
        "outcome_reached",
        "outcome_missed",
        "outcome_open",
        "outcome_missed",
        "outcome_quiet",
    ]
    assert list(found["late"]) == ["late_no", "late_yes", "late_unknown", "late_unknown", "late_no"]
    assert set(held_against(before, after, actions, claim, None)["late"]) == {"late_unknown"}


def test_targets_are_corrected_for_their_number():
    figures = [[5.0, 5.0], [4.9, 4.9], [5.1, 5.1]]
    one = targets_reached("targets", [v[:1] for v in figures], [4.89], [True], ["1"], confidence=0.95)
    two = targets_reached("targets", figures, [4.89, 5.0], [True, True], ["1", "2"], confidence=0.95)
    assert (one.facts["reached"], two.facts["reached"]) == (["1"], [])


def test_day_of_the_data_is_that_of_the_params(tmp_path):
    blocks = page()
    days = {"2026-07-01": date(2026, 7, 1), "spring 2026": None, None: None}
    for number, (given, day) in enumerate(days.items()):
        run = read_run(record(tmp_path / f"r{number}", blocks, PARAMS | {"data_date": given}))
        assert data_day(run) == day


@pytest.mark.parametrize(
    ("lang", "unnamed", "named"),
    [
        ("en", "Which driver of the outcome to fix first", "Which driver of loyalty to fix first"),
        ("zh", "要提升结果，应首先改进哪个因素", "要提升Loyalty，应首先改进哪个因素"),
    ],
)
def test_a_claim_is_titled_as_the_run_titles_it_or_without_its_outcome(tmp_path, lang, unnamed, named):
    """A run in another language, and one that did not make the claim, tell nothing of its title."""
    blocks = page(lang)
    folder = record(tmp_path / lang, blocks, {**PARAMS, "lang": lang})
    run = read_run(folder)
    study = find_study("drivers")
    assert title_of("fix", study, lang, run) == unnamed
    records = [r for b in blocks for r in b.content.get("claims", [])]
    records[0].update(name="fix", title=named)
    made = read_run(record(tmp_path / f"{lang}-made", blocks, {**PARAMS, "lang": lang}))
    assert title_of("fix", study, lang, run, made) == named
    assert title_of("fix", study, "zh" if lang == "en" else "en", made) != named
    assert title_of("nothing", study, lang, run) == "nothing"
