"""What the first bytes of a file say that it is, whatever its name."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

_BEGINNING = 4096
_UNZIPPED = 1 << 12
_OLD_STATA = range(104, 116)
_BYTE_ORDERS = (1, 2)
_MAGIC = (
    (b"$FL2", "sav"), (b"$FL3", "sav"), (b"<stata_dta>", "dta"), (b"PAR1", "parquet"), (b"ARROW1", "feather"),
    (b"FEA1", "feather 1"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"), (b"\x09\x08\x10\x00", "xls"), (b"\x09\x08\x08\x00", "xls"),
    (b"\x09\x04\x06\x00", "xls"), (b"\x09\x02\x06\x00", "xls"), (b"\x09\x00\x04\x00", "xls"), (b"%PDF", "pdf"), (b"{\\rtf", "rtf"),
)  # fmt: skip
# of the parts of a zip archive
_PARTS = (
    ("xl/workbook.xml", "xlsx"), ("xl/workbook.bin", "xlsb"), ("content.xml", "ods"), ("word/document.xml", "docx"),
)  # fmt: skip
WORKBOOKS = frozenset({"xlsx", "xls", "html", "locked"})
"""What is read as a workbook, or refused as one."""
ENDINGS = {
    "sav": ("a data file of SPSS", (".sav", ".zsav")), "por": ("a portable file of SPSS", (".por",)),
    "dta": ("a data file of Stata", (".dta",)), "parquet": ("Parquet", (".parquet", ".pq")),
    "feather": ("an Arrow file", (".feather", ".arrow", ".ipc", ".ft")), "xlsx": ("an Excel workbook", (".xlsx", ".xlsm")),
    "xls": ("an Excel workbook of the old kind", (".xls",)), "xes": ("an event log in XES", (".xes", ".gz")),
    "html": ("a table in HTML", (".html", ".htm")),
}  # fmt: skip
"""What the kinds of file are called that are read, and the endings that say so."""
REFUSED = {
    "ods": ("a workbook of OpenDocument", "Open it in Excel or LibreOffice and save it as .xlsx."),
    "xlsb": ("a binary workbook of Excel (.xlsb)", "Open it in Excel and save it as .xlsx."),
    "xmlss": ("a workbook of Excel 2003 as XML", "Open it in Excel and save it as .xlsx."),
    "docx": ("a document of Word", "Copy its table into a workbook and save that."),
    "pdf": ("a PDF", "Ask for the data themselves, as .xlsx or CSV."),
    "rtf": ("a document with formatted text", "Ask for the data themselves, as .xlsx or CSV."),
    "gzip": ("packed (gzip)", "Unpack it first."),
    "zip": ("a zip archive", "Unpack it first, or get it again if it should be a workbook: it may be cut off."),
    "ole": ("a document of Office without cells", "Open it in its program and save the table as .xlsx."),
    "feather 1": ("Feather of version 1, which is no longer read", "Write it anew as Feather 2 or Parquet."),
    "xml": ("XML of no known kind", "Export the table as CSV or .xlsx; event logs are read from XES."),
}
"""What is not read, and what to do about it."""
_LOCKED = "EncryptedPackage".encode("utf-16-le")


def signature(path: Path) -> str:
    """Say what a file is by its first bytes.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        sav, por, dta, parquet, feather, 'feather 1', xlsx, xlsb, ods, docx, zip, xls, locked, ole, html, xes, xml, xmlss
        (a workbook as XML), pdf, rtf, gzip, or '' for what has no mark of its own, such as delimited text.
    """
    with path.open("rb") as file:
        start = file.read(_BEGINNING)
    if start.startswith(b"\x1f\x8b"):
        named = path.name.lower().endswith(".xes.gz")
        return "xes" if named or _markup(_unzipped(path)) == "xes" else "gzip"
    if start.startswith(b"PK\x03\x04"):
        return _archive(path)
    for mark, kind in _MAGIC:
        if start.startswith(mark):
            return _compound(path) if kind == "ole" else kind
    if b"SPSSPORT" in start.replace(b"\r", b"").replace(b"\n", b"")[:512]:
        return "por"
    if len(start) > 109 and start[0] in _OLD_STATA and start[1] in _BYTE_ORDERS and start[2] == 1:
        return "dta"
    kind = _markup(start)
    return "xes" if kind in ("", "xml") and path.suffix.lower() == ".xes" else kind


def _unzipped(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(_UNZIPPED)
    except (OSError, EOFError, zlib.error):
        return b""


def _archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as parts:
            names = {name.lower() for name in parts.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        # a workbook that is cut off has no list of its parts
        return "zip"
    return next((kind for part, kind in _PARTS if part in names), "zip")


def _compound(path: Path) -> str:
    """Tell a workbook of Excel 97 from one that is locked and from other documents: all are compound files."""
    raw = path.read_bytes()
    if _LOCKED in raw:
        return "locked"
    return "xls" if any(name.encode("utf-16-le") in raw for name in ("Workbook", "Book")) else "ole"


def _markup(start: bytes) -> str:
    """Tell kinds of markup by their first element."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = start.decode("utf-16", errors="ignore")
    else:
        text = start.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    text = text.lstrip().lower()
    if not text.startswith("<"):
        return ""
    if 'progid="excel.sheet"' in text or (
        "urn:schemas-microsoft-com:office:spreadsheet" in text and "<workbook" in text
    ):
        return "xmlss"
    if "<log" in text and ("xes" in text or "<trace" in text or "<extension" in text or "<global" in text):
        return "xes"
    if any(tag in text for tag in ("<html", "<table", "<!doctype html", "<body", "<meta")):
        return "html"
    return "xml" if text.startswith("<?xml") else ""
