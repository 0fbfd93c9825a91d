"""Tables in HTML that systems hand out under the name of a workbook."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from xmresearch.data.encodings import decode
from xmresearch.data.sheets import Sheet
from xmresearch.errors import DataError

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_MOST_SPAN = 1000


class _Tables(HTMLParser):
    """Collects the cells of each table, and which of them span several."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str | None]]] = []
        self.spans: list[list[tuple[int, int, int, int]]] = []
        self.depth = 0
        self.cell: list[str] | None = None
        self.at = (0, 0, 1, 1)
        self.taken: set[tuple[int, int]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.depth += 1
            if self.depth == 1:
                self.tables.append([])
                self.spans.append([])
                self.taken = set()
        if self.depth != 1:
            return
        if tag == "tr":
            self._close()
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._close()
            if not self.tables[-1]:
                self.tables[-1].append([])
            given = dict(attrs)
            row = len(self.tables[-1]) - 1
            column = len(self.tables[-1][-1])
            while (row, column) in self.taken:
                self.tables[-1][-1].append(None)
                column += 1
            self.at = (row, column, _span(given.get("rowspan")), _span(given.get("colspan")))
            self.cell = []
        elif tag == "br" and self.cell is not None:
            self.cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr") and self.depth == 1:
            self._close()
        elif tag == "table" and self.depth:
            if self.depth == 1:
                self._close()
            self.depth -= 1

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.append(data)

    def _close(self) -> None:
        if self.cell is None:
            return
        row, column, down, across = self.at
        text = "".join(self.cell).replace("\xa0", " ").strip()
        self.tables[-1][-1] += [text or None, *[None] * (across - 1)]
        if down > 1 or across > 1:
            self.spans[-1].append((row, column, row + down - 1, column + across - 1))
            self.taken |= {(row + r, column + c) for r in range(1, down) for c in range(across)}
        self.cell = None


def _span(given: str | None) -> int:
    return min(max(int(given), 1), _MOST_SPAN) if given and given.strip().isdecimal() else 1


def open_table(path: Path, encoding: str | None = None) -> Sheet:
    """Open the longest table of an HTML file.

    Parameters
    ----------
    path : Path
        The file.
    encoding : str, optional
        As it says itself if absent; see `xmresearch.data.encodings.decode`.

    Returns
    -------
    Sheet
        All cells are text.

    Raises
    ------
    DataError
        It cannot be decoded, or holds no table.
    """
    raw = path.read_bytes()
    said = _CHARSET.search(raw[:4096])
    if encoding is None and said is not None:
        encoding = {"gb2312": "gb18030", "gbk": "gb18030"}.get(said[1].decode("ascii").lower(), said[1].decode("ascii"))
    text, _ = decode(raw, path.name, encoding)
    parser = _Tables()
    parser.feed(text)
    parser.close()
    found = [k for k, table in enumerate(parser.tables) if len(table) > 1]
    if not found:
        raise DataError(
            f"'{path.name}' is a web page without a table of data.",
            "A page of the site (a login, an error) may have been saved in its place: get the file again.",
        )
    chosen = max(found, key=lambda k: len(parser.tables[k]))
    notes = ["It is a table in HTML, not a workbook of Excel."]
    if len(found) > 1:
        notes.append(f"The longest of its {len(found)} tables was read.")
    cells = [list(row) for row in parser.tables[chosen]]
    return Sheet(cells, (), tuple(parser.spans[chosen]), tuple(notes), typed=False)
