"""Names from data that mean something to Markdown, pandoc, fonts or spreadsheets: shown as they are, and no run is lost."""

import csv
import html
import io
import json

import nbformat
import numpy as np
import page
import pandas as pd
import pytest
import yaml

from xmresearch.report.assemble import assemble
from xmresearch.report.blocks import csv_text
from xmresearch.report.render import to_html

ODD = (
    "@fig:gaps",
    "@tbl:credits and [@vuong1989]",
    '📱 "App"',
    "two\nlines\x0b\u202e",
    '=HYPERLINK("http://a")',
    "<b>&amp;</b> 낯선 |",
)
SHOWN = (
    "@fig:gaps",
    "@tbl:credits and [@vuong1989]",
    '📱 "App"',
    "two lines",
    '=HYPERLINK("http://a")',
    "<b>&amp;</b> 낯선 |",
)


def rendered(report):
    """What a run makes of the page: the HTML, and the document with its tables."""
    cells = []
    for block in report.blocks:
        data = json.loads(json.dumps(block._repr_mimebundle_()))
        cells.append(nbformat.v4.new_code_cell("# shown", outputs=[nbformat.v4.new_output("display_data", data)]))
    document = assemble(nbformat.v4.new_notebook(cells=cells), {"Run": "x"})
    return to_html(document), document


def journeys(folder):
    rng = np.random.default_rng(4)
    who = np.repeat(np.arange(400), 3)
    pd.DataFrame({
        "customer": [f"c{k}" for k in who], "time": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(1200), unit="h"),
        "touchpoint": rng.choice(ODD, 1200), "conversion": (np.arange(1200) % 3 == 2) * rng.integers(0, 2, 1200),
    }).to_csv(folder / "a.csv", index=False)  # fmt: skip
    return {"data": {"source": "file", "path": "a.csv"}, "form": "events", "events": {"conversion": "conversion"}, "bootstrap": 50, "draws": 200,
            "title": ODD[3], "client": ODD[0], "fieldwork": ODD[1]}  # fmt: skip


def roll_out(folder):
    rng = np.random.default_rng(4)
    unit, time = np.repeat(np.arange(6), 240), np.tile(np.repeat(np.arange(1, 5), 60), 6)
    pd.DataFrame({
        "hall": np.array(ODD)[unit], "t": time, "y": rng.normal(5 + 0.5 * ((unit < 3) & (time > 2)), 1),
        "start": np.where(unit < 3, 3, 0),
    }).to_csv(folder / "a.csv", index=False)  # fmt: skip
    return {"data": {"source": "file", "path": "a.csv"}, "outcome": "y", "family": "gaussian", "unit": "hall", "time": "t",
            "cohort": "start", "draws": 500, "sensitivity": {"placebo_units": 20}, "labels": {"y": "[@holm1979] 📱\nscore"},
            "title": ODD[3], "client": ODD[0]}  # fmt: skip


def answers(folder):
    from xmresearch.data.scenarios.service_hall import ServiceHall

    frame = ServiceHall(360, 1).survey()
    frame["branch"] = np.array(ODD)[np.arange(360) % 6]
    frame.to_csv(folder / "a.csv", index=False)
    return {"data": {"source": "file", "path": "a.csv"}, "codebook": "servqual", "segments": ["branch"], "bootstrap": 200,
            "id_column": None, "duration_column": None, "weight_column": None, "title": ODD[3], "client": ODD[0]}  # fmt: skip


def verbatims(folder):
    """Odd touchpoints, themes of odd names, and texts that are odd themselves."""
    rng = np.random.default_rng(4)
    texts = [f"the queue was terrible {rng.integers(1e6)}x {odd}" for odd in np.array(ODD)[np.arange(600) % 6]]
    pd.DataFrame({"text": texts, "where": np.array(ODD)[rng.integers(0, 6, 600)]}).to_csv(folder / "a.csv", index=False)
    themes = {odd: {"terms": ["queue*"], "label": {"en": odd, "zh": odd}} for odd in ODD}
    (folder / "frame.yml").write_text(yaml.safe_dump({"themes": themes}), "utf-8")
    absent = dict.fromkeys(("date", "rating", "customer", "sentiment", "themes", "themes_again", "change"))
    return {**absent, "data": {"source": "file", "path": "a.csv"}, "codeframe": "frame.yml", "touchpoint": "where", "bootstrap": 200, "topics": 2, "quotes": 6,
            "title": ODD[3], "client": ODD[0]}  # fmt: skip


@pytest.mark.parametrize(
    ("study", "world"),
    [("attribution", journeys), ("did", roll_out), ("servqual", answers), ("voice", verbatims)],
)
def test_odd_names_are_shown_as_they_are(study, world, tmp_path):
    for report in page.in_both(study, tmp_path, **world(tmp_path)).values():
        text, document = rendered(report)
        words = html.unescape(text)
        for name in SHOWN:
            assert name in words, name
        assert "<b>&amp" not in text
        assert 'href="#ref-vuong1989"' not in text
        assert document.title == "two lines"
        for table in document.tables.values():
            for row in csv.reader(io.StringIO(table)):
                assert not any(cell.startswith("=") for cell in row)


def test_cells_that_begin_a_formula_are_made_safe_and_numbers_stay_numbers():
    begins = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\rx", "＝1"]
    frame = pd.DataFrame({
        "text": [*begins, "a=b", "-1.5", "+3"], "kind": pd.Categorical([*begins, "a", "b", "c"]), "figure": -np.arange(10.0),
        "mixed": [-1, "=x", None, True, -0.5, "-0.5", np.nan, 3, "@", ""], "=head": range(10),
    })  # fmt: skip
    head, *rows = csv.reader(io.StringIO(csv_text(frame), newline=""))
    assert head == ["text", "kind", "figure", "mixed", "'=head"]
    assert [r[0] for r in rows] == [*(f"'{b}" for b in begins), "a=b", "-1.5", "+3"]
    assert [r[1] for r in rows[:7]] == [f"'{b}" for b in begins]
    assert [float(r[2]) for r in rows] == frame["figure"].tolist()
    assert [r[3] for r in rows] == ["-1", "'=x", "", "True", "-0.5", "-0.5", "", "3", "'@", ""]
    plain = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [0.1, np.nan], "d": [True, False]})
    assert csv_text(plain) == plain.to_csv(index=False, lineterminator="\n")
