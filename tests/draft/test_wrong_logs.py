"""Odd and wrong logs: what the journeys study drafts of them, notes, settles or refuses."""

from pathlib import Path

import pytest
from exports import DATA, EXPORTS

from xmresearch.errors import DataError
from xmresearch.run.draft import draft_study

LOGS = DATA.parent / "cases" / "attribution"
pytestmark = pytest.mark.skipif(not LOGS.is_dir() or not DATA.name, reason="needs the cases beside XMRESEARCH_DATA")
NOTED = {
    "aftercare": "400 cases", "bot_journey": "max_steps", "case": "'EMAIL', 'Email', 'email'", "equal": "180 cases", "ga4_us_epoch": "150 cases",
    "lifecycle": "starts and completions", "lifecycle_complete_only": "completions alone", "odd_labels": "120 cases",
}  # fmt: skip
REFUSED = {"ga4_other": "two steps at least", "tiny": "one activity only", "paths_arrow": "no events of a case"}


@pytest.mark.parametrize("name", NOTED)
def test_a_log_is_drafted_and_what_is_odd_is_noted(name, tmp_path):
    done = draft_study(LOGS / f"{name}.csv", study="journeys", out=tmp_path / "p.yml")
    assert NOTED[name] in done.checked
    # microseconds are told by their size
    assert ("time_format: us" in Path(done.params).read_text("utf-8")) == (name == "ga4_us_epoch")


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_log_of_cases_is_refused_with_the_reason(name, tmp_path):
    with pytest.raises(DataError, match=REFUSED[name]):
        draft_study(LOGS / f"{name}.csv", study="journeys", out=tmp_path / "p.yml")
    assert not list(tmp_path.iterdir())


def test_pairs_and_completions_alone_have_the_same_events(tmp_path):
    said = [
        draft_study(LOGS / f"{n}.csv", study="journeys", out=tmp_path / f"{n}.yml").checked
        for n in ("lifecycle", "lifecycle_complete_only")
    ]
    assert all("150 cases with 369 events of 3 activities" in text for text in said)


@pytest.mark.parametrize("name", ["repair_1970_clock.xes.gz", "road_fines_variants.xes.gz"])
def test_an_event_log_takes_one_command_to_params_that_run(name, tmp_path):
    done = draft_study(EXPORTS / "xes" / name, study="journeys", out=tmp_path / "p.yml")
    assert "Would run: times, paths" in done.checked
