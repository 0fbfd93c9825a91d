"""Whether the ways of ranking drivers name the same one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from xmresearch.display import Shown
from xmresearch.studies.drivers.claims import DriverClaims
from xmresearch.studies.drivers.evidence import Evidence


@dataclass(frozen=True, repr=False)
class Ways(Shown):
    """The driver that each way of ranking puts first, by its estimate.

    Attributes
    ----------
    table : DataFrame
        One row per way: way, leader, state (settled or unsettled, by its claim; by_estimate where no claim is made of it).
    settled : bool
        Whether it is settled which driver to fix first.
    """

    table: pd.DataFrame
    settled: bool

    def tidy(self) -> pd.DataFrame:
        """Return one row per way."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return whether all name one driver, which one most do, and whom the others name."""
        counts = self.table["leader"].value_counts()
        leader = str(counts.index[0])
        others = [str(n) for n in dict.fromkeys(self.table["leader"]) if n != leader]
        agree = "agree" if self.settled else "agree_open"
        return {
            "case": "differ" if others else agree, "leader": leader, "count": int(counts.iloc[0]), "ways": len(self.table),
            "others": others,
        }  # fmt: skip


def ways_compared(found: Evidence, claims: DriverClaims) -> Ways | None:
    """Set the ways of ranking beside one another.

    Parameters
    ----------
    found : Evidence
        What was estimated.
    claims : DriverClaims
        What may be said.

    Returns
    -------
    Ways or None
        None where drivers cannot be estimated, or none may be named as the first: an order of estimates would name one all the same.
    """
    if found.driven is None or claims.fix is None or claims.fix.withheld:
        return None
    said = {"way_gain": claims.fix, "way_shapley": claims.strongest}
    rows: list[tuple[str, str]] = []
    if found.gain is not None:
        rows.append(("way_gain", str(found.gain.of("one_point")["construct"].iloc[0])))
        best = found.moved("best_group")
        rows += [("way_best_group", str(best["construct"].iloc[0]))] if best is not None else []
        priced = found.gain.of("one_point").dropna(subset=["per_cost"])
        rows += [("way_value", str(priced.loc[priced["per_cost"].idxmax(), "construct"]))] if len(priced) else []
    rows += [(f"way_{method}", leader) for method, leader in found.driven.leaders().items()]
    if found.contrasts is not None and found.contrasts.table["penalty"].notna().any():
        table = found.contrasts.table
        rows.append(("way_penalty", str(table.loc[table["penalty"].idxmin(), "construct"])))
    if found.stated is not None and set(found.stated.table["id"]) == set(found.driven.table["construct"]):
        table = found.stated.table
        rows.append(("way_stated", str(table.loc[table["importance"].idxmax(), "id"])))
    if found.chances is not None:
        rows.append(("way_opportunity", str(found.chances["id"].iloc[0])))
    states = []
    for way, leader in rows:
        claim = said.get(way)
        mine = claim is not None and claim.facts["leader"] == leader
        states.append(f"state_{claim.state}" if claim is not None and mine else "by_estimate")
    return Ways(pd.DataFrame(rows, columns=["way", "leader"]).assign(state=states), claims.fix.settled)
