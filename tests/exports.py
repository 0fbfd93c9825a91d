"""What tests of formats share: the folder of real exports, and reading a file as a params file would."""

import os
from pathlib import Path

import pytest

from xmresearch.data.config import FileSource
from xmresearch.data.formats.registry import read_table

DATA = Path(os.environ.get("XMRESEARCH_DATA", ""))
EXPORTS, CASES = DATA / "exports", DATA.parent / "cases" / "survey"
needs_exports = pytest.mark.skipif(not EXPORTS.is_dir() or not DATA.name, reason="needs the exports in XMRESEARCH_DATA")


def read(path, **settings):
    return read_table(Path(path), FileSource(source="file", path=str(path), **settings))
