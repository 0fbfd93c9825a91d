"""A researcher's own tables and figures as blocks: numbered, captioned and handed out like those of the study."""

from __future__ import annotations

import base64
import io
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.errors import StudyError
from xmresearch.identifiers.patterns import scrub
from xmresearch.report.blocks import csv_text
from xmresearch.report.kernel import add_glyphs, described
from xmresearch.report.references import slug
from xmresearch.report.rows import read_rows, refuse_rows
from xmresearch.report.wording import DEFAULT_FORMAT, NONE_SHOWN, Wording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Words = str | Mapping[str, str]
LARGEST_SVG = 1_000_000
PICTURE_DPI = 200
SMALL, SMALLEST = 0.005, 0.00005
_KEY = re.compile(r"[a-z][a-z0-9_]*\Z")


def worded(words: Words, lang: str, what: str) -> str:
    """Return words in the report's language: the same in both, or by language."""
    if isinstance(words, str):
        return words
    if lang not in words:
        raise StudyError(
            f"The {what} is not given in '{lang}'.", f"Give it as one text, or as {{'{lang}': '...'}} too."
        )
    return words[lang]


def key_of(given: str | None, caption: Words, otherwise: str) -> str:
    """Return the key that references name: the one given, or the Latin letters of the caption, of the English one first.

    Raises
    ------
    StudyError
        The one given is no key.
    """
    if given is not None:
        if not _KEY.match(given):
            raise StudyError(f"'{given}' is no key.", "Keys have small letters, digits and _, and begin with a letter.")
        return given
    words = caption if isinstance(caption, str) else caption.get("en", next(iter(caption.values()), ""))
    return slug(words) or otherwise


def as_frame(data: Any) -> pd.DataFrame:
    """Return what can be shown as a table as a frame of plain columns; an index that names its rows comes first.

    Parameters
    ----------
    data : DataFrame, Series, mapping or sequence of rows, or a result with `tidy()`
        Of pandas or polars.

    Raises
    ------
    StudyError
        It is no table.
    """
    if hasattr(data, "tidy"):
        data = data.tidy()
    if hasattr(data, "to_pandas"):
        data = data.to_pandas()
    try:
        frame = data.to_frame() if isinstance(data, pd.Series) else pd.DataFrame(data)
    except ValueError:
        raise StudyError(f"A {type(data).__name__} is no table.", "Give a frame, or a list of rows.") from None
    names = [str(n) for n in frame.index.names if n is not None]
    if names or not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index(names=[str(n) if n is not None else "" for n in frame.index.names])
    plain = frame.set_axis(
        [" / ".join(str(p) for p in c if str(p)) if isinstance(c, tuple) else str(c) for c in frame.columns], axis=1
    )
    if not len(plain.columns) or not plain.columns.is_unique:
        raise StudyError("A table needs columns, each with a name of its own.", "Rename the columns.")
    return plain


def table_content(data: Any, wording: Wording, formats: Mapping[str, str] | None) -> dict[str, Any]:
    """Write a table's cells in the report's language; its CSV has them in full.

    Parameters
    ----------
    data : object
        As for `as_frame`.
    wording : Wording
        Whose names of the study's identifiers are used.
    formats : mapping, optional
        Formats of columns, as of `xmresearch.report.wording.number`, where they differ from the usual: whole numbers as
        they are, others with two decimals, or four where two would show nothing.

    Returns
    -------
    dict
        head, align, rows, csv, statements of a table block.
    """
    frame = as_frame(data)
    unknown = sorted(set(formats or {}) - set(frame.columns))
    if unknown:
        raise StudyError(f"formats names '{unknown[0]}', which is no column of the table.")
    columns, align = [], []
    for name in frame.columns:
        values = [_plain(v) for v in frame[name].tolist()]
        numeric = pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])
        spec = (formats or {}).get(name) or usual_format([v for v in values if numeric and v is not None])
        columns.append([_cell(v, spec, wording) for v in values])
        align.append("right" if numeric else "left")
    return {
        "head": [scrub(wording.names.get(c, c)) for c in frame.columns], "align": align, "rows": [list(r) for r in zip(*columns, strict=True)],
        "csv": csv_text(frame), "statements": False,
    }  # fmt: skip


def usual_format(values: Sequence[float]) -> str:
    """Return the format of a column of numbers."""
    finite = [abs(v) for v in values if math.isfinite(v)]
    if all(v == int(v) for v in finite):
        return "d"
    if any(0 < v < SMALL for v in finite):
        return ".4f"
    return ",.1f" if max(finite) >= 1000 else DEFAULT_FORMAT


def _plain(value: Any) -> Any:
    """Return a value of pandas or numpy as Python's own, and None where it is missing."""
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        return list(value)
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _cell(value: Any, spec: str, wording: Wording) -> str:
    if value is None:
        return NONE_SHOWN
    if isinstance(value, bool):
        return wording.name("yes" if value else "no")
    if isinstance(value, (int, float)):
        if spec == ".4f" and 0 < abs(value) < SMALLEST:
            return (
                f"< {wording.number(2 * SMALLEST, '.4f')}" if value > 0 else f"> {wording.number(-2 * SMALLEST, '.4f')}"
            )
        return wording.number(value, spec or DEFAULT_FORMAT)
    if isinstance(value, list):
        return str(wording.get("style", "list")).join(_cell(v, spec, wording) for v in value)
    if isinstance(value, datetime):
        midnight = value.time() == time() and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return scrub(wording.names.get(text, text))


def figure_of(drawing: Any) -> Figure:
    """Return the figure of what drawing functions give: a figure, axes (one or many), or a grid of seaborn's.

    Raises
    ------
    StudyError
        It is none of these.
    """
    from matplotlib.figure import Figure

    first = next(iter(np.asarray(drawing, dtype=object).ravel()), None)
    for thing in (drawing, first):
        found = thing if isinstance(thing, Figure) else getattr(thing, "figure", None)
        if isinstance(found, Figure):
            return found.get_figure(root=True) or found
    raise StudyError(
        f"A {type(drawing).__name__} is no figure.", "Give a figure or axes of matplotlib, or what seaborn returns."
    )


def figure_content(drawing: Any, caption: str, alt: str | None) -> dict[str, Any]:
    """Write a figure as SVG, or as PNG where the SVG would be large, and close it.

    Parameters
    ----------
    drawing : object
        As for `figure_of`.
    caption : str
        In the report's language.
    alt : str, optional
        What a reader who does not see it is told; the figure's titles and the names of its axes if absent.

    Returns
    -------
    dict
        caption, alt, and svg or base64 of a figure block.
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    figure = figure_of(drawing)
    add_glyphs(figure)
    told = alt or described(figure)[1] or caption
    content: dict[str, Any] = {"caption": caption, "alt": told}
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "xmresearch"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        text = io.StringIO()
        figure.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
        content["svg"] = text.getvalue()
        if len(content["svg"]) > LARGEST_SVG:
            del content["svg"]
            picture = io.BytesIO()
            figure.savefig(picture, format="png", dpi=PICTURE_DPI, bbox_inches="tight", metadata={"Software": None})
            content |= {"media": "image/png", "ending": "png", "base64": base64.b64encode(picture.getvalue()).decode()}
    plt.close(figure)
    return content


class OwnBlocks:
    """The part of a report that a researcher's own cells call; what they show is never left out with a section."""

    wording: Wording
    _own = 0

    def _show(self, kind: str, **content: Any) -> None:
        raise NotImplementedError

    def own_table(
        self, frame: Any, *, caption: Words, note: Words = "", key: str | None = None, formats: Mapping[str, str] | None = None
    ) -> None:  # fmt: skip
        """Show a table of your own, with number, caption and a CSV file of its figures in full.

        It goes into the report: give aggregates, never rows of respondents.

        Parameters
        ----------
        frame : DataFrame, Series, mapping or sequence of rows, or a result with `tidy()`
            Of pandas or polars. Identifiers of the study are shown by their names; an index that names the rows is the
            first column.
        caption, note : str, or mapping of str to str
            Above and below the table; by language ({'en': ..., 'zh': ...}) if reports are made in both.
        key : str, optional
            By which `@tbl:key` refers to it, and its CSV is named; made from the (English) caption if absent.
        formats : mapping, optional
            Formats of columns where they differ from the usual: one of Python's, or 'p', 'pct', 'pct1'.

        Raises
        ------
        StudyError
            It is no table, it holds rows of the notebook's survey or panel, or a caption, key or format is wrong.

        Examples
        --------
        >>> report.own_table(frame.groupby("branch")["quality"].agg(["size", "mean"]), caption="Quality by branch")
        """
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
        refuse_rows(frame, read_rows(shell.user_ns) if shell else [])
        self._own += 1
        self._show(
            "table", key=key_of(key, caption, f"own_table_{self._own}"), caption=worded(caption, self.wording.lang, "caption"),
            note=worded(note, self.wording.lang, "note"), **table_content(frame, self.wording, formats),
        )  # fmt: skip

    def own_figure(self, figure: Any, *, caption: Words, alt: Words | None = None, key: str | None = None) -> None:
        """Show a figure of your own, with number, caption and a file of its own; the figure is closed.

        Parameters
        ----------
        figure : Figure, Axes or array of them, or what seaborn returns
            The whole figure is shown.
        caption : str, or mapping of str to str
            Below it; by language if reports are made in both.
        alt : str, or mapping of str to str, optional
            What readers who do not see it are told; its titles and the names of its axes if absent.
        key : str, optional
            By which `@fig:key` refers to it, and its file is named; made from the (English) caption if absent.

        Raises
        ------
        StudyError
            It is no figure, or a caption or key is wrong.
        """
        self._own += 1
        lang = self.wording.lang
        told = worded(alt, lang, "alternative text") if alt is not None else None
        self._show(
            "figure", key=key_of(key, caption, f"own_figure_{self._own}"),
            **figure_content(figure, worded(caption, lang, "caption"), told),
        )  # fmt: skip
