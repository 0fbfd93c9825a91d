"""What every study's notebook and report must hold."""

import ast
import shutil

import nbformat
import pytest
from nbclient import NotebookClient


def assert_argument(notebook):
    """At most 25 cells, each with a heading, none with functions, classes, loops or outputs."""
    assert len(notebook.cells) <= 25
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.source.startswith("# ")
            assert not any(
                isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.For, ast.While))
                for node in ast.walk(ast.parse(cell.source))
            )
            assert not cell.outputs
            assert cell.execution_count is None


@pytest.fixture(scope="session")
def reads_like_an_argument():
    return assert_argument


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


def assert_sound_page(path, width):
    """Nothing is requested, nothing overflows, every anchor resolves, and the answer is near the top."""
    if not shutil.which("chromium"):
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium).")
    from playwright.sync_api import sync_playwright

    requests, messages = [], []
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("request", lambda r: requests.append(r.url))
        page.on("console", lambda m: messages.append(m.text))
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("#sec-answer").bounding_box()["y"] < 450
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        targets = page.evaluate(
            "[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href').slice(1))"
        )
        toc = page.locator("nav ul a").first
        assert toc.is_visible() == (width > 860)
        browser.close()
    assert [u for u in requests if not u.startswith(("file:", "data:"))] == []
    assert messages == []
    assert len(ids) == len(set(ids))
    assert set(targets) <= set(ids)


@pytest.fixture(scope="session")
def page_is_sound():
    return assert_sound_page
