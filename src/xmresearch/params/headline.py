"""Which figures of a study's tables count as headlines: what two runs are compared by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from xmresearch.display import Shown

Unit = Literal["points", "share", "scale"]


@dataclass(frozen=True, repr=False)
class Headline(Shown):
    """A column of figures with intervals in a table of the report.

    Attributes
    ----------
    table : str
        Key of the table.
    names : tuple of str
        Columns that together name a figure.
    estimate, lower, upper : str
        Columns.
    unit : {'points', 'share', 'scale'}
        How figures are written: with two decimals, in per cent, or with the decimals that the table's own column `decimals` has.
    prefer : tuple of str
        Of figures with these names only the first that there is counts; empty where all count.
    only : str
        Column that says of each row whether it counts; '' where all do.
    signed : bool or tuple of str
        Whether zero parts figures of opposite meaning, as it does of gaps and effects; of figures with some names only, these.
    leads : bool
        Whether its first figure is the headline of the report; otherwise all are alike.
    counted_in : str
        Key of the study's words (values) for what figures are counted in, or the column of the table that holds such keys; '' where that
        goes without saying.
    """

    table: str
    names: tuple[str, ...]
    estimate: str
    lower: str
    upper: str
    unit: Unit = "points"
    prefer: tuple[str, ...] = ()
    only: str = ""
    leads: bool = False
    signed: bool | tuple[str, ...] = False
    counted_in: str = ""

    def key(self, names: Sequence[object]) -> str:
        """Return the key of a figure of that name: table, column and name."""
        return "/".join((self.table, self.estimate, *map(str, names)))

    def parts_at_zero(self, key: str) -> bool:
        """Return whether zero parts what the figure of that key means."""
        if isinstance(self.signed, bool):
            return self.signed
        return any(key.startswith(self.key((name,))) for name in self.signed)
