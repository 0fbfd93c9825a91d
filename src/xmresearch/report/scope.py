"""The report's look for what stands outside a report: its style sheet, held to the blocks that JupyterLab shows."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

SCOPE = "xm-block"
_MEDIA = re.compile(r"@(?:media|container)[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_PARTS = re.compile(
    r"\.(?:client|glance|cards?|scroll|left|statements|short|right)\b|(?:figure|figcaption|table|thead|tbody|th|td)\b"
)
_WHOLE = (":root", "body")
# against JupyterLab's own rules for tables
_RESET = (
    "table{table-layout:auto;margin:0;border:0}", "tr,tbody tr:nth-child(n){background:none}",
    "thead,tr{border:0}", "td,th{max-width:none;white-space:normal}", "h1,h2{margin:.4rem 0}",
)  # fmt: skip


@cache
def style() -> str:
    """Return the rules of report.css that blocks need, held to them and stronger than those of the page around."""
    sheet = (files("xmresearch.report") / "templates" / "report.css").read_text("utf-8")
    rules = [f".{SCOPE}.{SCOPE} {part}" for rule in _RESET for part in [_within(rule)]]
    for match in _RULE.finditer(_MEDIA.sub("", sheet)):
        selectors = [s.strip() for s in match[1].split(",")]
        kept = [f".{SCOPE}.{SCOPE}" for s in selectors if s in _WHOLE]
        kept += [f".{SCOPE}.{SCOPE} {s}" for s in selectors if _PARTS.match(s)]
        if kept:
            rules.append(f"{','.join(kept)}{{{match[2].strip()}}}")
    return "\n".join(rules)


def scoped(markup: str) -> str:
    """Return HTML that looks as in the report wherever it is shown."""
    return f'<style>{style()}</style><div class="{SCOPE}">{markup}</div>'


def _within(rule: str) -> str:
    """Hold every further selector of a rule to the scope; the first one is."""
    selectors, _, body = rule.partition("{")
    return f",.{SCOPE}.{SCOPE} ".join(selectors.split(",")) + "{" + body
