"""A part of a summary: what is written once for every figure, with keys of its own so that a page may have several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from xmresearch.claims.claim import Claim
from xmresearch.report.blocks import Block
from xmresearch.report.compose import Asking, Report
from xmresearch.report.references import REFERENCE
from xmresearch.report.wording import labels
from xmresearch.run.batch.drawn import kinds
from xmresearch.run.batch.naming import WORDS
from xmresearch.run.compare.recorded import remarked


@dataclass(frozen=True)
class _Told:
    """What `Report` asks of a study: here the summary's own words and figures."""

    columns: Mapping[str, str] = field(
        default_factory=lambda: {
            **dict.fromkeys(("p_zero", "p_mean"), "p"), **dict.fromkeys(("p_highest", "p_lowest"), "prob"),
            **dict.fromkeys(("made", "settled_alone", "settled", "unsettled", "conditional", "withheld"), ",d"),
            "any_false": "pct1", "false_at_most": ".1f",
        }
    )  # fmt: skip
    asking: Mapping[str, Asking] = field(default_factory=dict)

    @property
    def figures(self) -> Callable[[], Mapping[str, Callable[..., Any]]]:
        """Return the kinds of figure that only it draws."""
        return kinds

    def words(self, lang: str) -> Path:
        """Return the file of its own words."""
        return WORDS / f"{lang}.yml"


def titled(claim: Claim, lang: str) -> str:
    """Return what a claim is about, with the figure that it is about."""
    words = labels(lang, WORDS / f"{lang}.yml")["claims"]
    return remarked(str(words[claim.name]["title"]), str(claim.facts["figure"]), lang)


class Part(Report):
    """Writes blocks of a summary.

    Parameters
    ----------
    lang : {'en', 'zh'}
        Language.
    names : mapping of str to str
        Texts that stand as they are, by themselves.
    level : float
        Of the intervals.
    suffix : str
        After the keys of what it shows, and the names of what it claims.
    blocks : list of Block, optional
        That its own are added to; a list of its own if absent.
    facts : mapping, optional
        What every sentence may mention.
    """

    def __init__(
        self,
        lang: str,
        names: Mapping[str, str],
        level: float,
        *,
        suffix: str = "",
        blocks: list[Block] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(lang, _Told(), names, level=level, facts=facts)
        self._suffix = suffix
        if blocks is not None:
            self.blocks = blocks

    def _show(self, kind: str, **content: Any) -> None:
        super()._show(kind, **self._apart(content))

    def _apart(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Add the suffix to the block's key, to the keys that its text refers to and to the names of its claims."""
        own = dict(content)
        if "key" in own:
            own["key"] += self._suffix
        if "text" in own:
            own["text"] = REFERENCE.sub(lambda m: f"{m[0]}{self._suffix}", own["text"])
        if "claims" in own:
            own["claims"] = [{**record, "name": f"{record['name']}{self._suffix}"} for record in own["claims"]]
        if "items" in own:
            own["items"] = [self._apart(item) for item in own["items"]]
        return own

    def headed(self, title: str, key: str = "figure") -> None:
        """Begin a section of a title that is no word of the summary's."""
        self._silent = False
        self._show("section", key=key, title=title)

    def made(self) -> pd.DataFrame:
        """Return the claims made so far, as the ledger shows them."""
        return pd.DataFrame([
            {
                "claim_title": titled(claim, self.wording.lang), "state": f"state_{claim.state}", "settled_by": f"rule_{claim.rule}",
                "promised": claim.promised, "needs": [c.check for c in claim.conditions],
            }
            for claim in self.claims.values()
        ])  # fmt: skip
