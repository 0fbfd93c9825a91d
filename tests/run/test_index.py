"""The index of runs: what it says, what it leaves out, and how it stands in a browser."""

import json
import shutil

import pytest
from click.testing import CliRunner

from xmresearch.cli import cli as command
from xmresearch.errors import OutputError
from xmresearch.report.index_page import index_html
from xmresearch.run.cache import file_hash
from xmresearch.run.index import differing, find_runs, write_index

HOSTILE = '<img src=x onerror="document.title=1">&amp; =1+1 ]]> \u202eabc \U0001f600'


def leave(home, key, *, study="servqual", name="hall", started="2026-11-20T10:00:00+00:00", params=None, **answer):
    """Leave what a run leaves."""
    folder = home / study / name / key
    folder.mkdir(parents=True)
    for file in ("report.html", "executed.ipynb", "report.pdf"):
        (folder / file).write_text("x")
    content = {
        "params": {"study": study, "name": name, "lang": "en", **(params or {})},
        "started": started,
        "answer": {
            "title": "A title", "question": "Is it so?", "said": ["Yes, it is."], "claims": {"settled": 1}, "failed": 0,
            "warnings": 0, "simulated": False, "light": "green", **answer,
        },
        "outputs": {p.name: file_hash(p) for p in folder.iterdir()},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(content), "utf-8")
    return folder


@pytest.fixture
def home(tmp_path):
    leave(tmp_path, "aa", params={"seed": 1, "data": {"path": "a.csv"}})
    leave(tmp_path, "bb", started="2026-11-21T10:00:00+00:00", params={"seed": 2, "data": {"path": "a.csv"}}, light="red",
          claims={"conditional": 2}, title=HOSTILE, said=["No " * 4000])  # fmt: skip
    leave(tmp_path, "cc", study="did", started="2026-11-19T10:00:00+00:00", light="amber", claims={"unsettled": 1})
    (tmp_path / "servqual/hall/latest-en").symlink_to("aa")
    (tmp_path / "compare/servqual/hall-hall/ab").mkdir(parents=True)
    return tmp_path


def test_runs_newest_first_with_what_makes_them_differ(home):
    runs, left = find_runs(home)
    assert [(r.study, r.folder[-2:]) for r in runs] == [("servqual", "bb"), ("servqual", "aa"), ("did", "cc")]
    assert left == []
    assert runs[0].formats == ("html", "pdf")
    assert differing(runs) == {
        "servqual/hall/aa": {"seed": "1"}, "servqual/hall/bb": {"seed": "2"}, "did/hall/cc": {},
    }  # fmt: skip


def test_what_is_damaged_or_foreign_is_told_and_ends_nothing(home):
    (home / "servqual/hall/bb/report.pdf").write_text("edited")
    (home / "servqual/hall/dd").mkdir()
    (home / "did/hall/cc/manifest.json").write_text('{"params": [1')
    odd = leave(home, "ee")
    content = json.loads((odd / "manifest.json").read_text())
    content["answer"]["light"] = "blue"
    (odd / "manifest.json").write_text(json.dumps(content))
    (home / "photos").mkdir()
    (home / "notes.txt").write_text("mine")
    runs, left = find_runs(home)
    assert [r.folder[-2:] for r in runs] == ["bb", "aa"]
    assert runs[0].flaws == ("report.pdf is not as the run left it",)
    assert left == [
        ("did/hall/cc", "unread"), ("photos", "foreign"), ("servqual/hall/dd", "unrecorded"), ("servqual/hall/ee", "unread"),
    ]  # fmt: skip
    done = CliRunner().invoke(command, ["index", "--out", str(home)])
    assert done.exit_code == 0
    assert "2 runs:" in done.output
    assert "'photos' (holds no run)" in done.output
    page = (home / "index.html").read_text("utf-8")
    assert "report.pdf is not as the run left it" in page
    assert [p.name for p in home.glob(".index*")] == []


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [("params", "lang", "fr"), ("answer", "claims", {"sure": 1}), ("answer", "light", "blue"), ("answer", "failed", "1"),
     ("answer", "title", None), ("answer", "simulated", None)],
)  # fmt: skip
def test_a_manifest_of_another_kind_ends_nothing(tmp_path, part, key, value):
    file = leave(tmp_path, "aa") / "manifest.json"
    content = json.loads(file.read_text())
    content[part][key] = value
    file.write_text(json.dumps(content))
    assert write_index(tmp_path)[1:] == (0, [("servqual/hall/aa", "unread")])


def test_who_wrote_a_report_and_how_it_looks_makes_no_difference(tmp_path):
    for key, front in (("aa", {"author": "Li", "style": {"accent": "#123456"}}), ("bb", {"author": "Wu", "style": {}})):
        leave(tmp_path, key, params={**front, "metrics": [{"item": "q", "boxes": len(front["style"])}]})
    assert differing(find_runs(tmp_path)[0])["servqual/hall/aa"] == {"metrics.1.boxes": "1"}


def test_long_texts_are_cut_where_the_index_says(tmp_path):
    leave(tmp_path, "aa", said=["x" * 400, "y" * 401])
    page = write_index(tmp_path)[0].read_text("utf-8")
    assert f"<li>{'x' * 400}</li><li>{'y' * 399}…</li>" in page


def test_what_is_left_out_stands_before_its_language_s_colon():
    assert "<b>photos</b>: holds no run" in index_html([], [("photos", "foreign")], "en")
    assert "<b>photos</b>：其中没有运行结果" in index_html([], [("photos", "foreign")], "zh")


def test_an_output_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(OutputError, match="cannot be read"):
        write_index(tmp_path / "none")


def test_page_speaks_chinese(home):
    page = write_index(home, "zh")[0].read_text("utf-8")
    assert '<html lang="zh-CN">' in page
    assert "所依赖的检查未通过：2" in page
    assert "Trust" not in page


def test_page_in_chromium(home):
    if not shutil.which("chromium"):
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium).")
    from page_checks import chromium, violations

    page, count, _ = write_index(home)
    assert count == 3
    assert len(page.read_text("utf-8")) < 40_000, "long answers are cut"
    with chromium() as browser:
        plain = browser.new_context(java_script_enabled=False).new_page()
        plain.goto(page.as_uri())
        assert plain.locator("tbody tr").count() == 3
        assert not plain.locator("#find").is_visible()
        shown, asked = browser.new_page(viewport={"width": 1280, "height": 800}), []
        shown.on("request", lambda r: asked.append(r.url))
        shown.goto(page.as_uri())
        assert asked == [page.as_uri()]
        assert shown.title() != "1"
        assert shown.locator("img").count() == 0
        assert '<img src=x onerror="document.title=1">&amp; =1+1' in shown.locator("tbody tr").first.inner_text()

        def order():
            return [a.split("/")[-2] for a in shown.eval_on_selector_all("td.answer div > a", "e => e.filter(a => a.offsetParent).map(a => a.href)")]  # fmt: skip

        assert order() == ["bb", "aa", "cc"]
        shown.locator("th[data-sortable=trust] button").click()
        assert order() == ["bb", "cc", "aa"]
        shown.locator("th[data-sortable=date] button").click()
        assert order() == ["cc", "aa", "bb"]
        assert shown.locator("th[aria-sort]").count() == 1
        shown.fill("#find", "did")
        assert order() == ["cc"]
        for width in (1280, 390):
            for scheme in ("light", "dark"):
                shown = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
                shown.goto(page.as_uri())
                assert shown.evaluate("document.documentElement.scrollWidth") <= width
                assert violations(shown) == []
