"""What `check` refuses is what `run` would refuse, in every study; and it says all of it at once."""

import nbformat
import numpy as np
import pandas as pd
import pytest

from xmresearch.data.scenarios.service_hall import ServiceHall
from xmresearch.errors import XMError
from xmresearch.run.check import check_study
from xmresearch.run.plan import plan_run

HALL = "data: {path: s.csv}\n"
MODEL = "model: |\n  tan =~ p1 + p2 + p3\n  rel =~ p5 + p6 + p7\n  rel ~ tan\noutcomes: [rel]\nvalidity_bootstrap: 0\n"
PANEL = "data: {path: panel.csv}\noutcome: y\nfamily: gaussian\nunit: unit\ntime: time\ncohort: start\nbranches: false\nfurther: {}\n"
LOG = "data: {path: log.csv}\nbootstrap: 20\n"

REFUSED = {
    "servqual: item not asked": (f"study: servqual\n{HALL}codebook: service_hall\n", "no columns 'm1'"),
    "servqual: code 99": ("study: servqual\ndata: {path: coded.csv}\n", "'e2', data row 1: 99 is outside the scale"),
    "servqual: outcome": (f"study: servqual\n{HALL}outcome: joy\n", "no outcome item 'joy'"),
    "servqual: invited": (f"study: servqual\n{HALL}invited: 3\n", "invited is 3"),
    "sem: nothing measured": (f"study: sem\n{HALL}codebook: servqual\nmodel: satisfaction ~ p1 + p2\noutcomes: [satisfaction]\n",
                              "measures nothing"),
    "sem: outcome": (f"study: sem\n{HALL}codebook: servqual\n{MODEL.replace('[rel]', '[joy]')}", "'joy'"),
    "sem: nothing driven": (f"study: sem\n{HALL}codebook: servqual\n{MODEL.replace('[rel]', '[tan]')}",
                            "Nothing in the model drives tan"),
    "sem: chain": (f"study: sem\n{HALL}codebook: servqual\n{MODEL}mediation: [[tan, emp, rel]]\n", "no path from 'tan' to 'emp'"),
    "sem: marker": (f"study: sem\n{HALL}codebook: servqual\n{MODEL}marker: [p1]\n", "part of the model"),
    "sem: rival": (f"study: sem\n{HALL}codebook: servqual\n{MODEL}rivals: {{other: 'f =~ p1 + p99'}}\n", "no variable 'p99'"),
    "sem: twins": (f"study: sem\ndata: {{path: twins.csv}}\ncodebook: servqual\nmissing: listwise\n{MODEL}", "p1"),
    "sem: group": (f"study: sem\n{HALL}codebook: servqual\n{MODEL}group: site\n", "few"),
    "did: column": (f"study: did\n{PANEL}covariates: [age]\n", "no column 'age'"),
    "did: further": (f"study: did\n{PANEL.replace('{}', '{z: gaussian}')}", "'z'"),
    "did: nobody treated": (f"study: did\n{PANEL.replace('cohort: start', 'cohort: never')}", "treated"),
    "attribution: column": (f"study: attribution\n{LOG}events: {{touchpoint: tuch, conversion: settled, value: null, cost: null}}\n", "no column 'tuch'"),
    "attribution: direct": (f"study: attribution\n{LOG}events: {{conversion: settled, value: null, cost: null}}\ndirect: fax\n", "'fax'"),
    "scorecard: item": (f"study: scorecard\n{HALL}codebook: servqual\nmetrics: [{{item: joy, measure: mean}}]\n", "no item 'joy'"),
    "scorecard: scale": (f"study: scorecard\n{HALL}codebook: servqual\nmetrics: [{{item: satisfaction, measure: nps}}]\n",
                         "needs a scale from 0 to 10"),
    "scorecard: wave": (f"study: scorecard\n{HALL}codebook: servqual\nmetrics: [{{item: satisfaction, measure: mean}}]\n"
                        "wave_column: site\ncompare: [big, tiny]\n", "fewer than 10 answers"),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("check")
    hall = ServiceHall(120, 4, careless=0, missing=0).survey()
    asked = hall[[c for c in hall.columns if c[0] in "ep" and c[1:].isdigit()] + ["satisfaction"]]
    asked = asked.assign(site=["big"] * 116 + ["tiny"] * 4)
    asked.to_csv(where / "s.csv", index=False)
    coded = asked.astype({"e2": object})
    coded.loc[:2, "e2"], coded.loc[4, "p3"] = 99, 88
    coded.to_csv(where / "coded.csv", index=False)
    asked.assign(p2=asked["p1"]).to_csv(where / "twins.csv", index=False)
    rng = np.random.default_rng(1)
    unit, time = np.repeat(np.arange(40), 6), np.tile(np.arange(6), 40)
    panel = pd.DataFrame({"unit": unit, "time": time, "start": np.where(unit < 20, 3, np.nan), "never": np.nan})
    panel.assign(y=rng.standard_normal(240)).to_csv(where / "panel.csv", index=False)
    log = pd.DataFrame({
        "customer": np.repeat(np.arange(100), 3), "time": np.tile(["2025-03-01", "2025-03-02", "2025-03-03"], 100),
        "touchpoint": rng.choice(["web", "phone", "desk"], 300), "settled": np.tile([0, 0, 1], 100),
    })  # fmt: skip
    log.to_csv(where / "log.csv", index=False)
    return where


def run_cells(plan):
    """Execute a study's notebook as a kernel would, in this process."""
    names = plan.identity.params | {"display": None}
    for cell in nbformat.read(plan.notebook, 4).cells[2:]:
        if cell.cell_type == "code":
            exec(compile(cell.source, plan.notebook.name, "exec"), names)


@pytest.mark.parametrize("case", REFUSED)
def test_check_finds_what_run_refuses(folder, monkeypatch, case):
    text, words = REFUSED[case]
    (folder / "p.yml").write_text(f"name: p\n{text}", "utf-8")
    monkeypatch.chdir(folder)
    with pytest.raises(XMError) as told:
        check_study(folder / "p.yml")
    with pytest.raises(XMError) as ran:
        run_cells(plan_run(folder / "p.yml"))
    assert words in str(told.value)
    assert words in str(ran.value)
    assert told.value.exit_code == ran.value.exit_code


def refusal(folder, text):
    (folder / "p.yml").write_text(text, "utf-8")
    with pytest.raises(XMError) as told:
        check_study(folder / "p.yml")
    return told.value.exit_code, str(told.value)


def test_all_problems_are_told_at_once(folder):
    """Mistakes in params, then files, then columns and codes: each stage says all that it finds."""
    code, said = refusal(
        folder, "study: servqual\nconfidence: 2\nbootstrap: many\nsegmnts: [a]\nscreening: {irv: {minimum: x}}\n"
    )
    assert code == 2
    for words in (
        "4 problems:",
        "line 2: confidence",
        "line 3: bootstrap",
        "line 4: unknown key 'segmnts'",
        "screening.irv.minimum",
    ):
        assert words in said
    code, said = refusal(folder, "study: servqual\ndata: {path: x.csv}\ncodebook: y.yml\n")
    assert code == 3
    assert "'x.csv' does not exist" in said
    assert "'y.yml' does not exist" in said
    code, said = refusal(
        folder, "study: servqual\ndata: {path: coded.csv}\nid_column: id\nweight_column: site\nsegments: [place, p1]\n"
    )
    assert code == 3
    for words in ("'e2', data row 1: 99 is outside the scale 1-7 (3 such", "'p3', data row 5: 88", "id_column: the data have no column 'id'",
                  "'site', data row 1: 'big' is not a positive number", "segments: the data have no column 'place'",
                  "segment column 'p1' is given twice, or is itself an item"):  # fmt: skip
        assert words in said
    code, said = refusal(
        folder,
        f"study: sem\n{HALL}codebook: servqual\n{MODEL}mediation: [[tan, emp, rel]]\nmarker: [p99]\ninvited: 3\n"
        "rivals: {other: 'f =~ p1 + p98'}\n",
    )
    for words in ("no path from 'tan' to 'emp'", "'p99', which is no column", "invited is 3", "no variable 'p98'"):
        assert words in said
