"""What every study's notebook and report must hold."""

import shutil

import nbformat
import pytest
from nbclient import NotebookClient

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DatasetUnavailable


@pytest.fixture(scope="module")
def study(request):
    """The study that a test module is about: the default of its PARAMS."""
    return request.module.PARAMS().study


@pytest.fixture(scope="module")
def notebook(root, study):
    return nbformat.read(root / "notebooks" / f"{study}.ipynb", 4)


@pytest.fixture(scope="module")
def reports(cli, root, study, tmp_path_factory):
    """The demo's folder in each language."""
    out = tmp_path_factory.mktemp(study)
    made = {}
    for lang in ("en", "zh"):
        done = cli("run", root / f"params/{study}/service_hall.yml", "--lang", lang, "--out", out)
        assert done.returncode == 0, done.stderr
        assert "Report: " in done.stdout
        made[lang] = (out / study / "service_hall" / f"latest-{lang}").resolve()
    return made


@pytest.fixture(scope="module")
def real(cli, root, study, tmp_path_factory):
    """Run a study of real data; skips where they cannot be had."""

    def run(name, *more, dataset=None):
        try:
            load_dataset(dataset or name)
        except DatasetUnavailable as error:
            pytest.skip(str(error))
        out = tmp_path_factory.mktemp(name)
        done = cli("run", root / f"params/{study}/{name}.yml", "--out", out, *more)
        assert done.returncode == 0, done.stderr
        return out / study / name / "latest-en"

    return run


@pytest.fixture
def own(cli, study, tmp_path):
    """Run a params file of one's own, in the folder of its data."""

    def run(text, command="run"):
        (tmp_path / "p.yml").write_text(f"study: {study}\nname: own\n{text}", "utf-8")
        more = () if command == "check" else ("--out", tmp_path / "o")
        lang = "zh" if "lang: zh" in text else "en"
        return cli(command, tmp_path / "p.yml", *more), tmp_path / f"o/{study}/own/latest-{lang}"

    return run


@pytest.fixture(scope="session")
def run_all(root):
    """Run All, as JupyterLab does; returns what the cells show."""

    def execute(notebook):
        client = NotebookClient(
            nbformat.from_dict(dict(notebook)), timeout=300, resources={"metadata": {"path": root / "notebooks"}}
        )
        shown = [o for c in client.execute().cells if c.cell_type == "code" for o in c.outputs]
        assert all(o.output_type == "display_data" for o in shown), [
            o for o in shown if o.output_type != "display_data"
        ]
        return shown

    return execute


# tables and code never scroll sideways; what can be reached by keyboard without being a link or control scrolls
SIDEWAYS = """[...document.querySelectorAll('.scroll, pre')].filter(e => e.scrollWidth > e.clientWidth + 1)
    .map(e => (e.closest('[id]') || e).id || e.className)"""
STOPS = """[...document.querySelectorAll('[tabindex="0"]')]
    .filter(e => e.scrollWidth <= e.clientWidth + 1 && e.scrollHeight <= e.clientHeight + 1).map(e => e.outerHTML.slice(0, 90))"""


def assert_sound_page(path, width):
    """Nothing is requested, nothing overflows, every anchor resolves, and the answer is near the top."""
    if not shutil.which("chromium"):
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium).")
    from page_checks import chromium, violations

    requests, messages = [], []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("request", lambda r: requests.append(r.url))
        page.on("console", lambda m: messages.append(m.text))
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(SIDEWAYS) == []
        assert page.evaluate(STOPS) == []
        assert page.locator("h1").count() == 1
        assert page.locator("#sec-answer").bounding_box()["y"] < 450
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        targets = page.evaluate(
            "[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href').slice(1))"
        )
        toc = page.locator("nav ul a").first
        assert toc.is_visible() == (width > 860)
        # each language at one width in light and at the other in dark
        chinese = page.evaluate("document.documentElement.lang") == "zh-CN"
        scheme = "dark" if chinese == (width > 860) else "light"
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        page.goto(path.as_uri())
        assert violations(page) == [], scheme
    assert [u for u in requests if not u.startswith(("file:", "data:"))] == []
    assert messages == []
    assert len(ids) == len(set(ids))
    assert set(targets) <= set(ids)


@pytest.fixture(scope="session")
def page_is_sound():
    return assert_sound_page
