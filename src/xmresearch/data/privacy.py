"""What became of personal data in a run, as a table for the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import pandas as pd

from xmresearch.data.anonymity import Anonymity
from xmresearch.data.config import OwnRows
from xmresearch.data.formats.table import Table
from xmresearch.disclosure import MIN_CELL

_STEPS = ("dropped", "replaced", "hashed", "scrubbed", "kept")
_NAN = float("nan")


class Opened(Protocol):
    """Data that a study has opened."""

    @property
    def read_from(self) -> tuple[tuple[Table, float], ...]:
        """What the files said of their rows, and how many were read."""

    @property
    def source(self) -> str:
        """What the rows are."""


def privacy_record(opened: Opened, data: Any, lang: str, min_cell: int = MIN_CELL) -> pd.DataFrame | None:
    """Say what was read, dropped, replaced, hashed, kept and suppressed, for what and for how long.

    Parameters
    ----------
    opened : Survey, PanelData or TouchData
        As loaded.
    data : FileSource, SqlSource or another source
        Of the params.
    lang : {'en', 'zh'}
        Language of what the params say.
    min_cell : int
        Smallest group that is shown.

    Returns
    -------
    DataFrame or None
        step, detail and cases, as of `xmresearch.data.reading_record.how_read`; None where the rows came from no file.

    References
    ----------
    GDPR, Articles 5, 30 and 35. Personal Information Protection Law of the People's Republic of China, Articles 6, 28, 51, 55 and 56.
    """
    if not opened.read_from or not isinstance(data, OwnRows):
        return None
    protected = [p for table, _ in opened.read_from for p in table.protected]
    rows: list[tuple[str, str, float]] = [("privacy_read", opened.source, opened.read_from[0][1])]
    for done in _STEPS:
        of_step = [p for p in protected if p.done == done]
        if not of_step:
            continue
        kinds = sorted({p.kind for p in of_step})
        cases = sum(p.cells for p in of_step) if done == "scrubbed" else len(of_step)
        rows += [(f"privacy_{done}", f"identifier_{kind}", _NAN) for kind in kinds[:-1]]
        rows.append((f"privacy_{done}", f"identifier_{kinds[-1]}", cases))
        keys = {p.key for p in of_step if p.key}
        rows += [("privacy_key", key, _NAN) for key in sorted(keys)]
    rows += [("privacy_alike", p.column, p.alike) for p in protected if p.alike]
    if not protected:
        rows.append(("privacy_none", "", _NAN))
    rows.append(("privacy_suppressed", "", min_cell))
    rows += _anonymity(getattr(opened, "anonymity", None))
    for step, said in (("privacy_purpose", data.protect.purpose), ("privacy_retention", data.protect.retention)):
        rows.append((step, _in(said, lang) or "privacy_unstated", _NAN))
    return pd.DataFrame(rows, columns=["step", "detail", "cases"])


def _anonymity(found: Anonymity | None) -> Sequence[tuple[str, str, float]]:
    if found is None:
        return []
    columns = ", ".join(found.columns)
    rows: list[tuple[str, str, float]] = [("privacy_k", columns, found.k), ("privacy_below", columns, found.below)]
    if found.l is not None:
        rows.append(("privacy_l", str(found.sensitive), found.l))
    return rows


def _in(said: Any, lang: str) -> str:
    if isinstance(said, str) or said is None:
        return said or ""
    return str(getattr(said, lang, "") or "")
