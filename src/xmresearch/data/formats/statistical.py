"""Data files of SPSS and Stata, with what they say of their variables."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.data.delimited import check_header
from xmresearch.data.encodings import is_chinese
from xmresearch.data.formats.cells import told_apart
from xmresearch.data.formats.declared_missing import blank_declared
from xmresearch.data.formats.opening import Opening
from xmresearch.data.formats.registry import Format
from xmresearch.data.formats.signature import ENDINGS
from xmresearch.data.formats.spss_header import weight_position
from xmresearch.data.formats.statistical_dates import as_dates
from xmresearch.data.formats.table import Role, Table
from xmresearch.errors import DataError, brief, reason

EXACT = 2.0**53
"""From here on a number of these files no longer tells every whole number from the next."""
_KINDS = {"spss": ("sav", "por"), "stata": ("dta",)}


def _recognised(form: str) -> Any:
    def recognise(opening: Opening) -> str:
        kinds = _KINDS[form]
        if opening.kind in kinds:
            return "its content" if opening.misnamed() else f"the ending {opening.ending}"
        named = not opening.kind and any(opening.ending in ENDINGS[kind][1] for kind in kinds)
        return f"the ending {opening.ending}" if named else ""

    return recognise


def _reader(form: str) -> Any:
    def read(opening: Opening, why: str) -> Table:
        return read_labelled(opening, form, why)

    return read


def read_labelled(opening: Opening, form: str, why: str) -> Table:
    """Read a file of a statistics package.

    Parameters
    ----------
    opening : Opening
        Of the file.
    form : str
        spss or stata.
    why : str
        What tells the form.

    Returns
    -------
    Table
        Codes as they are, whole ones as whole numbers; value labels, questions, sets of several answers, the weight that the file is
        set to; what the file declares as missing is blank and counted.

    Raises
    ------
    DataError
        The file is damaged, or its texts are not in the encoding that it states or that is given.
    """
    name = opening.path.name
    raw, meta = _parsed(opening)
    notes: list[str] = []
    encoding = (opening.settings.encoding or str(meta.file_encoding or "")).lower()
    if _looks_chinese(meta) and opening.settings.encoding is None:
        raise DataError(
            f"'{name}' says that its texts are {encoding or 'Western'}, but they read as Chinese if taken for GB 18030.",
            "Set data.encoding to gb18030, or to the encoding that it was saved with.",
        )
    check_header(list(raw.columns), name)
    labels = {column: dict(found) for column, found in meta.variable_value_labels.items() if column in raw}
    ranges, tags = meta.missing_ranges or {}, meta.missing_user_values or {}
    formats = meta.original_variable_types or {}
    columns: dict[str, pd.Series] = {}
    declared: dict[str, int] = {}
    apart: dict[str, pd.Series] = {}
    inexact = []
    for column in list(raw.columns):
        # taken out one by one, so that a large file is not in memory twice
        given = raw.pop(column)
        before = given
        given, count, said = blank_declared(
            given, ranges.get(column, ()), bool(tags.get(column)), labels.get(column, {})
        )
        if count:
            declared[column] = count
            apart[column] = told_apart(before, given, labels.get(column))
        notes += said
        dated = as_dates(given, str(formats.get(column) or ""), form)
        if dated is not None:
            columns[column] = dated
            continue
        columns[column] = _tidied(given)
        if pd.api.types.is_float_dtype(given) and (given.abs() >= EXACT).any():
            inexact.append(column)
    if inexact:
        shown = ", ".join(f"'{brief(c)}'" for c in inexact[:5]) + (", ..." if len(inexact) > 5 else "")
        notes.append(
            f"Numbers of 16 digits or more in {shown} are not exact in this kind of file: identifiers that long are told apart only as text."
        )
    roles, several, questions = _described(meta, opening.path, columns)
    return Table(
        pd.DataFrame(columns, index=pd.RangeIndex(len(raw.index))),
        form,
        why,
        encoding,
        questions=questions,
        values=_values(labels, columns, ranges),
        roles=roles,
        several=several,
        declared_missing=declared,
        apart=apart,
        notes=tuple(notes),
    )


def _parsed(opening: Opening) -> tuple[pd.DataFrame, Any]:
    import pyreadstat

    kind = opening.kind or opening.ending.removeprefix(".")
    if opening.settings.format == "stata":
        kind = "dta"
    read: Any = {"dta": pyreadstat.read_dta, "por": pyreadstat.read_por}.get(kind, pyreadstat.read_sav)
    options: dict[str, Any] = {"disable_datetime_conversion": True}
    if kind != "por":
        options |= {"user_missing": True, "encoding": opening.settings.encoding}
    elif opening.settings.encoding is not None:
        raise DataError(
            f"'{opening.path.name}' is a portable file, whose encoding cannot be set.", "Leave data.encoding out."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame, meta = read(opening.path, **options)
    except MemoryError:
        raise
    except Exception as error:  # of the library, which has no common class for them
        said = reason(error) or type(error).__name__
        if (
            "encod" in said
            or "character set" in said
            or "charset" in said
            or "codec" in said
            or "byte sequence" in said
        ):
            remedy = "Set data.encoding to the one it was saved with, such as gb18030 or cp1252."
        else:
            remedy = "It may be cut off or damaged: get it again."
        raise DataError(f"'{opening.path.name}' cannot be read: {said}.", remedy) from None
    return frame, meta


def _looks_chinese(meta: Any) -> bool:
    """Whether texts that were taken for Western would be Chinese in GB 18030: old files do not say what they are in."""
    stated = str(meta.file_encoding or "").upper()
    if stated not in ("", "WINDOWS-1252", "CP1252", "ISO-8859-1", "ISO-8859-15"):
        return False
    texts = [t for t in meta.column_names_to_labels.values() if t]
    texts += [str(t) for found in meta.variable_value_labels.values() for t in found.values()]
    western = "\n".join(t for t in texts if not t.isascii())
    try:
        raw = western.encode("cp1252")
        chinese = raw.decode("gb18030")
    except UnicodeError:
        return False
    return bool(western) and is_chinese(chinese)


def _tidied(given: pd.Series) -> pd.Series:
    """Return texts without padding, and whole numbers as such where none is blank."""
    if pd.api.types.is_float_dtype(given):
        numbers = given.to_numpy()
        whole = bool(np.isfinite(numbers).all()) and bool((numbers == np.floor(numbers)).all())
        if whole and len(numbers) and float(np.abs(numbers).max()) < EXACT:
            return given.astype("int64")
        return given.astype("float64")
    if pd.api.types.is_numeric_dtype(given):
        return given
    text = given.map(lambda v: v.strip() or None if isinstance(v, str) else v).astype(object)
    return text.where(text.notna(), np.nan).infer_objects()


def _values(
    labels: dict[str, dict[Any, str]], columns: dict[str, pd.Series], ranges: dict[str, Any]
) -> dict[str, dict[Any, str]]:
    """Return the labels of codes that are answers; those of codes declared missing are not."""
    found: dict[str, dict[Any, str]] = {}
    for column, given in labels.items():
        text = not pd.api.types.is_numeric_dtype(columns[column])
        kept: dict[Any, str] = {}
        for code, label in given.items():
            if isinstance(code, str):
                # a letter is a reason for a blank in Stata, a code where the column is text
                if text:
                    kept[code.strip()] = str(label).strip()
            elif not any(r["lo"] <= code <= r["hi"] for r in ranges.get(column, ()) if not isinstance(r["lo"], str)):
                kept[int(code) if float(code).is_integer() else code] = str(label).strip()
        if kept:
            found[column] = kept
    return found


def _described(
    meta: Any, path: Path, columns: dict[str, pd.Series]
) -> tuple[dict[str, Role], dict[str, tuple[str, ...]], dict[str, str]]:
    """Return the roles, the sets of several answers and the questions that the file names."""
    questions = {c: str(t).strip() for c, t in meta.column_names_to_labels.items() if t and str(t).strip()}
    numeric = [c for c, kind in meta.readstat_variable_types.items() if kind != "string"]
    at = weight_position(path)
    roles: dict[str, Role] = {numeric[at]: "weight"} if at is not None and at < len(numeric) else {}
    several = {}
    for name, found in (meta.mr_sets or {}).items():
        members = tuple(c for c in found["variable_list"] if c in columns)
        if members:
            several[str(found.get("label") or name).strip()] = members
    return roles, several, questions


FORMATS = (
    Format("spss", "SPSS: .sav, .zsav or .por", _recognised("spss"), _reader("spss")),
    Format("stata", "Stata: .dta", _recognised("stata"), _reader("stata")),
)
