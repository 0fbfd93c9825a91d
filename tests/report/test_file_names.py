"""Names of files that mean something to HTML, Markdown, typst, formulas and eyes: text in every format of a run, and run nowhere."""

import io
import re
import zipfile

import pandas as pd
import pypdf
import pytest
import yaml
from format_texts import Page, docx_text, html_text, pdf_text, pptx_text, xlsx_text

from xmresearch.data.scenarios.service_hall import ServiceHall
from xmresearch.report.formats import FORMATS
from xmresearch.run.study import run_study

FOLDER = "<script>alert(1)<"
LONGEST = 255
NAME = 'script>=1+1 #panic() "**b** [l](x) $x$ `c` \\input{x} {{7*7}} \u202egnp <img src=x onerror=alert(2)> 😀 甲'
JOINED = '=cmd|\'!A0 #eval("1+1") <b>&amp; \u2067مرحبا*?[a].csv'
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def longest(name, ending):
    """The name, made as long as a file system allows."""
    return name + "x" * (LONGEST - len((name + ending).encode())) + ending


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("names")
    frame = ServiceHall(60, 1).survey()
    (base / FOLDER).mkdir()
    data = f"{FOLDER}/{longest(NAME, '.csv')}"
    frame.to_csv(base / data, index=False)
    pd.DataFrame({"who": frame["respondent"], "desk": ["a", "b"] * 30}).to_csv(base / JOINED, index=False)
    params = {
        "study": "servqual", "name": "names", "codebook": "service_hall", "id_column": "respondent", "bootstrap": 200, "formats": [*FORMATS],
        "data": {"path": data, "join": [{"path": JOINED, "by": {"respondent": "who"}}]}, "segments": ["desk"],
    }  # fmt: skip
    path = base / longest(NAME, ".yml")
    path.write_text(yaml.safe_dump(params, allow_unicode=True), "utf-8")
    return run_study(path, out=base / "outputs").folder


def letters(text):
    """Those that extraction from PDF leaves in their order."""
    return re.sub("[^A-Za-z0-9]", "", text)


READ = {"html": html_text, "pdf": pdf_text, "docx": docx_text, "xlsx": xlsx_text, "pptx": pptx_text}


@pytest.mark.parametrize("kind", FORMATS)
def test_names_of_files_stand_as_text_and_run_nowhere(folder, kind):
    content = (folder / f"report.{kind}").read_bytes()
    text = READ[kind](content)
    assert text
    assert not TURNING.search(text)
    if kind != "pptx":  # slides name no file
        for name in (NAME, JOINED):
            assert letters(name) in letters(text), name
        assert "script>=1+1#panic()" in text


def test_nothing_of_a_name_is_markup(folder):
    page = Page((folder / "report.html").read_text("utf-8"))
    assert not [script for script in page.scripts if "alert" in script]
    assert not [name for name in page.attributes if name.startswith("on")]
    for kind in ("docx", "xlsx", "pptx"):
        with zipfile.ZipFile(io.BytesIO((folder / f"report.{kind}").read_bytes())) as archive:
            for name in archive.namelist():
                assert "<f>" not in archive.read(name).decode("utf-8", "ignore"), name
    links = [note.get_object().get("/A", {}) for sheet in pypdf.PdfReader(folder / "report.pdf").pages for note in sheet.get("/Annots", [])]  # fmt: skip
    assert {link.get("/S") for link in links} <= {None, "/GoTo", "/URI"}
    for table in folder.glob("tables/*.csv"):
        for cell in pd.read_csv(table, dtype=str, keep_default_na=False).to_numpy().ravel():
            assert not cell.startswith(("=", "+", "@")), (table.name, cell)
            assert not TURNING.search(cell), table.name
