"""The reference pages: built offline from the docstrings, every public name on them, and a broken reference stops them."""

import os
import re
import subprocess
import sys

import pytest

import xmresearch as xm


def sphinx(root, *command):
    """Run something with the folder of the settings on its path, and return its code and output."""
    path = os.pathsep.join([str(root / "src/docs"), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def pages(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    report = folder / "sem/kiosk/latest-en"
    (report / "figures").mkdir(parents=True)
    (report / "report.html").write_text("<html><head><title>Kiosks &amp; people</title></head></html>", "utf-8")
    (report / "figures/diagram.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "utf-8"
    )
    code, said = sphinx(root, root / "src/docs/build.py", folder / "docs", folder)
    assert code == 0, said
    return folder / "docs"


def test_a_function_is_described_with_its_parameters_errors_and_sources(pages):
    text = (pages / "sem.html").read_text("utf-8")
    entry = text[text.index('id="xmresearch.sem.fit"') :]
    entry = re.sub(r"<[^>]+>", "", entry[: entry.index("</dl>\n</dd></dl>")])
    for part in ("Parameters", "estimator", "Returns", "SemFit", "Raises", "InsufficientData", "Rosseel, Y. (2012)"):
        assert part in entry, part


def test_every_public_name_is_described_once(pages):
    described = [name for page in pages.glob("*.html") if page.stem != "genindex"
                 for name in re.findall(r'<dt class="[^"]*" id="(xmresearch[^"]+)"', page.read_text("utf-8"))]  # fmt: skip
    assert len(described) == len(set(described))
    for package in (
        "sem",
        "causal",
        "attribution",
        "drivers",
        "psychometrics",
        "metrics",
        "linkage",
        "monitoring",
        "journeys",
        "verbatims",
        "sampling",
        "claims",
        "data",
    ):
        page = (pages / f"{package}.html").read_text("utf-8")
        for name in getattr(xm, package).__all__:
            if callable(getattr(getattr(xm, package), name)):
                assert re.search(rf'<a class="reference internal" href="[^"]+" title="[^"]+\.{name}">', page), name


def test_pages_load_nothing_from_outside(pages):
    for path in pages.rglob("*.html"):
        loaded = re.findall(r'(?:src="|<link[^>]*href=")(?:https?:)?//[^"]*', path.read_text("utf-8"))
        assert not loaded, path.name
    for path in (*pages.rglob("*.css"), *pages.rglob("*.js")):
        assert not re.search(r"url\(['\"]?https?:|import\(['\"]https?:", path.read_text("utf-8")), path.name


def test_the_gallery_links_reports_and_says_how_to_make_the_others(pages):
    page = (pages / "gallery.html").read_text("utf-8")
    assert 'href="../sem/kiosk/latest-en/report.html">Kiosks &amp; people</a>' in page
    image = re.search(r'<img alt="Kiosks &amp; people"[^>]*src="([^"]+)"', page)
    assert image is not None
    assert (pages / image[1]).is_file()
    assert "xmresearch run params/did/kielmc.yml" in re.sub(r"<[^>]+>", "", page)
    assert "xmresearch run params/sem/kiosk.yml" not in re.sub(r"<[^>]+>", "", page)


@pytest.mark.parametrize(
    ("text", "code"),
    [("`xm.sem.fit`, `xmresearch.sem.result.SemFit.n` and `c(a, b)`", 0), ("`xmresearch.sem.fitt`", 1)],
)
def test_a_reference_to_nothing_is_an_error(root, tmp_path, text, code):
    source = tmp_path / "source"
    source.mkdir()
    (source / "index.rst").write_text(f"Page\n====\n\n{text}\n", "utf-8")
    found, said = sphinx(root, "-m", "sphinx", "-W", "-q", "-c", root / "src/docs", source, tmp_path / "html")
    assert found == code, said
    assert ("names nothing in the package" in said) == bool(code)
