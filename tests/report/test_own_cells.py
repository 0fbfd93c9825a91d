"""A researcher's own cells, from the notebook to the report: one notebook executed once, in each of two ways."""

import html
import json
import re

import nbformat
import pytest

from xmresearch.report.blocks import MIME
from xmresearch.run.manifest import NAME
from xmresearch.run.plan import plan_run

PARAMS = "study: servqual\nname: own\ndata: {n: 60}\nbootstrap: 200\n"
REPORT = """# Gaps
from xmresearch.psychometrics.gap_scores import gaps
from xmresearch.report.compose import Report
gap = gaps(frame, book, bootstrap=0)
report = Report(params.lang, STUDY, survey.names[params.lang])
report.title(None, None, **survey.summary())
report.section("answer")
report.figure("gaps", "forest", gap.tidy("dimension"))
report.table("gap_dimensions", gap, ["construct", "n", "gap"])"""
OWN = [
    ("md", "# What I found\n\nSee @fig:own_1, 见@tbl:my_means的数, @fig:my_bars, @sec:answer and @sec:what_i_found"
           " [@parasuraman1988; @me2024]; not [@nobody1999], @tbl:lost."),
    ("code", "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.hist(frame['p1'].dropna())\n"
             "ax.set(title='A histogram 直方图', xlabel='Answer')\nplt.show()"),
    ("code", "# Quality by branch\nimport seaborn as sns\nsns.set_theme()\nsns.boxplot(data=frame, x='branch', y='quality')"),
    ("code", "sns.displot(data=frame, x='quality', height=3)"),
    ("code", "fig, ax = plt.subplots()\nax.plot([1, 2])\nfig"),
    ("code", "import pandas as pd\nmeans = pd.DataFrame({'construct': ['reliability', '<b>&*x*'], 'n': [60, 1200],"
             " 'mean': [4.256, None], 'p': [0.0004, 1e-9], 'year': [2024.0, 2025.0], 'ok': [True, False]})\n"
             "report.own_table(means, caption={'en': 'My means', 'zh': '我的均值'}, note='Note <i>')"),
    ("code", "report.own_figure(sns.barplot(data=frame, x='branch', y='quality'), caption='My bars', alt='Bars of quality')"),
    ("code", "print('hello from print')"),
    ("show", "print('shown <text>', object())\n6 * 7"),
    ("code", "frame.head()"),
    ("code", "frame['quality']"),
    ("workbench", "frame.tail()"),
    ("code", "import warnings\nwarnings.warn('take care', stacklevel=1)"),
]  # fmt: skip


def own_notebook(root):
    notebook = nbformat.read(root / "notebooks/servqual.ipynb", 4)
    head = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", []) or c.source.startswith("# Read")]
    cells = [*head, nbformat.v4.new_code_cell(REPORT)]
    for kind, source in OWN:
        if kind == "md":
            cells.append(nbformat.v4.new_markdown_cell(source))
        else:
            tags = [] if kind == "code" else [kind]
            cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": tags}))
    cells.append(nbformat.v4.new_code_cell('report.section("statements")\nreport.figure("statements", "forest", gap.tidy("statement"))'))  # fmt: skip
    notebook.cells = cells
    return notebook


@pytest.fixture(scope="module")
def home(root, tmp_path_factory):
    """A project of one's own: the notebook, params and references."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "notebooks").mkdir()
    nbformat.write(own_notebook(root), folder / "notebooks/servqual.ipynb")
    (folder / "own.yml").write_text(PARAMS, "utf-8")
    (folder / "references.bib").write_text("@misc{me2024, author = {Me, Myself}, title = {Mine}, year = {2024}}\n")
    return folder


@pytest.fixture(scope="module")
def done(home, cli):
    made = cli("run", home / "own.yml", "--out", home / "out", XMRESEARCH_HOME=str(home))
    assert made.returncode == 0, made.stderr
    return made


@pytest.fixture(scope="module")
def folder(home, done):
    return next(p.parent for p in (home / "out/servqual/own").glob(f"*/{NAME}"))


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "report.html").read_text("utf-8")


def captions(page):
    found = re.findall(r"<figcaption[^>]*><b>([^<]*)</b> ([^<]*)</figcaption>", page)
    return {number: html.unescape(caption) for number, caption in found}


def test_own_figures_and_tables_have_numbers_and_captions_in_their_place(page):
    assert captions(page) == {
        "Figure 1.": captions(page)["Figure 1."], "Table 1.": captions(page)["Table 1."],
        "Figure 2.": "A histogram 直方图", "Figure 3.": "Quality by branch", "Figure 4.": "Figure drawn in the notebook",
        "Figure 5.": "Figure drawn in the notebook", "Table 2.": "My means", "Figure 6.": "My bars",
        "Figure 7.": captions(page)["Figure 7."],
    }  # fmt: skip
    own, after = page.index('id="fig-own_1"'), page.index('id="sec-statements"')
    assert page.index('id="sec-what_i_found"') < own < page.index('id="fig-own_2"') < after
    assert page.count('alt="A histogram 直方图; Answer"') == 1
    assert 'alt="branch × quality"' in page
    assert 'alt="Bars of quality"' in page
    assert not re.search(r'<img alt=""', page)


def test_own_figures_have_files_and_look_as_drawn(folder, page):
    names = {p.name for p in (folder / "figures").iterdir()}
    assert names == {"gaps.svg", "statements.svg", "my_bars.svg", *(f"own_{k}.png" for k in range(1, 5))}
    assert (folder / "figures/own_1.png").read_bytes().startswith(b"\x89PNG")
    assert page.count("data:image/png;base64,") == 4


def test_a_style_of_ones_own_does_not_change_the_studys_figures():

    import seaborn as sns

    from xmresearch.data.config import ScenarioSource
    from xmresearch.data.load import load_survey
    from xmresearch.psychometrics.gap_scores import gaps
    from xmresearch.report.compose import Report
    from xmresearch.studies.servqual.study import STUDY

    survey = load_survey(ScenarioSource(n=60), codebook="service_hall", id_column="respondent")
    report = Report("en", STUDY, survey.names["en"])
    table = gaps(survey.frame, survey.codebook, bootstrap=0).tidy("statement")
    drawn = []
    for theme in (None, "darkgrid"):
        with sns.axes_style(theme), sns.plotting_context("poster" if theme else None):
            report.figure("statements", "forest", table)
        drawn.append(report.blocks[-1].content["svg"])
    assert drawn[0] == drawn[1]


def test_references_of_ones_own_resolve_or_are_marked_and_named(page, done):
    text = page[page.index('id="sec-what_i_found"') :]
    for link in (
        '<a href="#fig-own_1">Figure 2</a>', '见<a href="#tbl-my_means">Table 2</a>的数', '<a href="#fig-my_bars">Figure 6</a>',
        '<a href="#sec-what_i_found">What I found</a>',
    ):  # fmt: skip
        assert link in text
    assert re.search(r'<a href="#sec-answer">[^<]+</a>', text)
    assert re.search(r'id="ref-me2024"[^>]*>\s*Me, Myself. 2024.', text)
    assert "Me 2024" in re.sub(r"<[^>]+>", "", text)
    assert 'id="ref-parasuraman1988"' in text
    assert re.findall(r'<span class="unresolved">([^<]*)</span>', text) == ["@nobody1999", "@tbl:lost"]
    assert "?</strong>" not in text
    assert "refers to @nobody1999, which is in no references.bib" in done.stderr
    assert "refers to @tbl:lost, which is not in the report" in done.stderr
    assert "@me2024" not in done.stderr


def test_own_tables_are_written_sensibly_and_in_full(page, folder):
    table = page[page.index('id="tbl-my_means"') :]
    table = table[: table.index("</figure>")]
    cells = [html.unescape(c) for c in re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", table)]
    assert cells == [
        "construct", "n", "mean", "p", "year", "ok", "Reliability", "60", "4.26", "0.0004", "2024", "yes", "<b>&*x*", "1200", "–",
        "<\u00a00.0001", "2025", "no",
    ]  # fmt: skip
    assert "Note &lt;i&gt;" in table
    csv = (folder / "tables/my_means.csv").read_text("utf-8").splitlines()
    assert csv[1] == "reliability,60,4.256,0.0004,2024.0,True"


def test_printed_text_is_shown_where_the_cell_says_so_and_named_otherwise(page, done):
    assert re.findall(r'<pre class="printed"[^>]*>([^<]*)</pre>', page) == [
        "shown &lt;text&gt; &lt;object object at 0x…&gt;", "42",
    ]  # fmt: skip
    assert done.stderr.count("printed text that the report leaves out; tag the cell 'show'") == 1
    assert "Note: Cell 11 (print('hello from print')) printed text" in done.stderr
    assert "Cell 16 (import warnings) printed warnings or a log" in done.stderr
    assert "take care" not in done.stderr


def test_rows_of_respondents_are_in_no_output(done, folder, page):
    assert "Cell 13 (frame.head()) shows a DataFrame, which may hold rows of respondents" in done.stderr
    assert "Cell 14 (frame['quality']) shows a Series" in done.stderr
    assert "report.own_table(frame, caption=...)" in done.stderr
    assert "frame.tail()" not in done.stderr
    assert 'class="dataframe"' not in page
    cells = json.loads((folder / "executed.ipynb").read_text("utf-8"))["cells"]
    frames = [c for c in cells if "".join(c["source"]) in ("frame.head()", "frame['quality']", "frame.tail()")]
    assert len(frames) == 3
    for cell in frames:
        (output,) = cell["outputs"]
        assert set(output["data"]) == {MIME, "text/plain"}
        assert "".join(output["data"]["text/plain"]).startswith("[Left out: this shows a ")
    printed = next(c for c in cells if "hello from print" in "".join(c["source"]))
    assert "hello" not in json.dumps(printed["outputs"])


def test_a_second_run_says_the_same_and_gives_the_same_bytes(home, done, folder, cli):
    before = {p.name: p.read_bytes() for p in [folder / "report.html", *folder.glob("figures/*")]}
    notes = [line for line in done.stderr.splitlines() if line.startswith("Note: ")]
    assert len(notes) == 6
    assert json.loads((folder / NAME).read_text("utf-8"))["notes"] == [n.removeprefix("Note: ") for n in notes]
    again = cli("run", home / "own.yml", "--out", home / "out", XMRESEARCH_HOME=str(home))
    assert "nothing was computed" in again.stdout
    assert [line for line in again.stderr.splitlines() if line.startswith("Note: ")] == notes
    cli("run", home / "own.yml", "--out", home / "out", "--force", XMRESEARCH_HOME=str(home))
    assert {p.name: p.read_bytes() for p in [folder / "report.html", *folder.glob("figures/*")]} == before


def test_own_references_are_part_of_the_key_and_checked_before_the_run(home, cli, monkeypatch):
    monkeypatch.setenv("XMRESEARCH_HOME", str(home))
    before = plan_run(home / "own.yml").identity.key
    bib = home / "references.bib"
    text = bib.read_text()
    try:
        bib.write_text(text.replace("2024}", "2023}"))
        assert plan_run(home / "own.yml").identity.key != before
        bib.write_text(text + "@misc{broken, title = {")
        done = cli("check", home / "own.yml")
        assert done.returncode == 3
        assert "'references.bib' in" in done.stderr
        assert "is no BibTeX (line" in done.stderr
    finally:
        bib.write_text(text)
