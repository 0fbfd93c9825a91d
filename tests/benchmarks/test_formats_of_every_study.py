"""Every study's demo in both languages and all formats: opened, read back (to the 16 digits that workbooks hold), the same bytes elsewhere,
and what the formats cost."""

import io
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pandas as pd
import pypdf
import pytest
from pypdf.generic import ContentStream

from xmresearch.params.registry import find_study, study_names
from xmresearch.report.assemble import assemble
from xmresearch.report.formats import FORMATS, rendered
from xmresearch.report.workbook import HEAD_ROW, sheet_names

MOST_CPU = 10.0
"""Seconds of CPU that PDF, Word, workbook and slides may take together."""
ELSEWHERE = {"a": {"TZ": "Asia/Shanghai", "LC_ALL": "C"}, "b": {"TZ": "America/New_York", "LC_ALL": "C.UTF-8"}}
pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed"),
]


@pytest.fixture(
    scope="module", params=[(study, lang) for study in study_names() for lang in ("en", "zh")], ids="-".join
)
def runs(request, root, tmp_path_factory):
    """Two whole runs of a demo, in other folders, time zones, locales and processes."""
    study, lang = request.param
    params = root / "params" / study / f"{find_study(study).demo}.yml"
    found = []
    for name, env in ELSEWHERE.items():
        out = tmp_path_factory.mktemp(name)
        formats = [part for kind in FORMATS for part in ("--format", kind)]
        command = [Path(sys.executable).with_name("xmresearch"), "run", params, "--lang", lang, "--out", out, *formats]
        done = subprocess.run(
            list(map(str, command)), cwd=out, env=os.environ | env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        found.append(next(out.rglob("report.html")).parent)
    return study, lang, found


def cpu():
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def of_pdf(content):
    """Text of a PDF, its fonts that are not embedded, and how many glyphs are drawn for what no font has."""
    reader = pypdf.PdfReader(io.BytesIO(content))
    text, loose, missing = "", [], 0
    for page in reader.pages:
        text += page.extract_text()
        for name, font in page["/Resources"].get("/Font", {}).items():
            below = (
                font["/DescendantFonts"][0]["/FontDescriptor"]
                if "/DescendantFonts" in font
                else font["/FontDescriptor"]
            )
            loose += [] if {"/FontFile", "/FontFile2", "/FontFile3"} & set(below) else [name]
        for operands, operator in ContentStream(page.get_contents(), reader).operations:
            if operator in (b"Tj", b"TJ"):
                pieces = operands[0] if isinstance(operands[0], list) else [operands[0]]
                codes = b"".join(p.original_bytes for p in pieces if hasattr(p, "original_bytes"))
                missing += sum(codes[k : k + 2] == b"\0\0" for k in range(0, len(codes), 2))
    return "".join(text.split()), loose, missing


def test_every_format_opens_and_holds_the_report(runs, tmp_path):
    study, _, (folder, _) = runs
    title = "".join(document_of(folder).title.split())
    text, loose, missing = of_pdf((folder / "report.pdf").read_bytes())
    assert title in text
    assert not loose
    assert not missing, f"{missing} glyphs are missing"
    assert "\ufffd" not in text
    for kind in ("docx", "pptx", "xlsx"):
        shutil.copy(folder / f"report.{kind}", tmp_path / f"{kind}.{kind}")
        command = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", "pdf", "--outdir",
                   str(tmp_path), str(tmp_path / f"{kind}.{kind}")]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        assert title in of_pdf((tmp_path / f"{kind}.pdf").read_bytes())[0], kind
    tables = {path.stem: path for path in (folder / "tables").glob("*.csv")}
    names = sheet_names(list(tables))
    assert len(names) > 10
    book = pd.read_excel(
        folder / "report.xlsx", sheet_name=None, header=HEAD_ROW, keep_default_na=False, na_values=[""]
    )
    for key, path in tables.items():
        expected = pd.read_csv(path, keep_default_na=False, na_values=[""])
        pd.testing.assert_frame_equal(
            book[names[key]], expected, check_dtype=False, rtol=1e-14, atol=1e-15, obj=f"{study} {key}"
        )


def document_of(folder):
    return assemble(nbformat.read(folder / "executed.ipynb", 4), {"Run": "a/b"})


def test_all_formats_are_the_same_elsewhere(runs):
    _, _, folders = runs
    for kind in FORMATS:
        first, second = ((folder / f"report.{kind}").read_bytes() for folder in folders)
        assert first == second, kind


def test_formats_cost_little(runs):
    study, lang, (folder, _) = runs
    document = document_of(folder)
    rendered(document, "html")
    spent = {}
    for kind in FORMATS[1:]:
        before = cpu()
        rendered(document, kind)
        spent[kind] = cpu() - before
    total = sum(spent.values())
    print(
        f"\n{time.strftime('%H:%M')} {study} {lang}: {total:.1f} s of CPU beyond HTML",
        {k: round(v, 1) for k, v in spent.items()},
    )
    assert total <= MOST_CPU
