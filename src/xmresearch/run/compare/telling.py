"""What the report of a comparison writes of figures, files and rows, and the texts that it takes over as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from xmresearch.claims.claim import UNSETTLED
from xmresearch.report.wording import Wording
from xmresearch.run.compare.difference import Difference
from xmresearch.run.compare.recorded import remarked

WORDS = Path(__file__).parent / "words"
_ROWS = {"screening": ("rule", "removed"), "reading": ("step", "cases")}


def with_words(figures: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Return figures with what is written of each."""
    return figures.join(pd.DataFrame([told_of(row, lang) for _, row in figures.iterrows()], index=figures.index))


def told_of(row: pd.Series, lang: str) -> dict[str, str]:
    """Write a figure, its intervals and its change, and what it is counted in; of shares the change is in points of a per cent."""
    wording, spec = Wording(lang, {}, words=WORDS / f"{lang}.yml"), str(row["format"])
    points = str(wording.get("style", "points")) if spec == "pct1" else "{}"

    def interval(name: str, how: Callable[[float], str]) -> str:
        return str(wording.get("style", "range")).format(how(row[f"{name}_lower"]), how(row[f"{name}_upper"]))

    def level(value: float) -> str:
        return wording.number(value, spec)

    def change(value: float) -> str:
        return wording.number(100 * value, "+.1f") if spec == "pct1" else wording.number(value, f"+{spec}")

    return {
        "was": level(row["before"]), "was_ci_told": interval("before", level), "is": level(row["after"]),
        "now_ci_told": interval("after", level), "change_told": points.format(change(row["change"])),
        "change_interval": interval("change", change), "change_alone": change(row["change"]),
        "unit_told": row["unit"] or wording.name("unit_points" if spec == "pct1" else "unit_own"),
    }  # fmt: skip


def inputs_of(found: Difference) -> pd.DataFrame:
    """List what was read: files by their hashes, and the counts of the first cards."""
    then, now = found.before, found.after
    rows = [
        (label, *(remarked(*run.counts.get(label, ("", "")), run.lang) for run in (then, now))) for label in now.counts
    ]
    keys = dict.fromkeys([*then.inputs, *now.inputs])
    rows += [(key, then.inputs.get(key, "")[:16], now.inputs.get(key, "")[:16]) for key in keys]
    return pd.DataFrame([(*row, row[1] == row[2]) for row in rows], columns=["what", "was", "is", "same"])


def rows_of(found: Difference) -> pd.DataFrame:
    """Set side by side how many rows each rule of reading and screening left out."""
    parts = []
    for table, (name, count) in _ROWS.items():
        then, now = (run.frame(table) for run in (found.before, found.after))
        if then is None or now is None:
            continue
        sides = [frame.drop_duplicates(name).set_index(name)[count] for frame in (then, now)]
        both = pd.concat(sides, axis=1, keys=["was", "is"]).rename_axis("what").reset_index()
        shown = found.after.tables[table]["rows"]
        words = dict(zip(now[name], (row[0] for row in shown), strict=False))
        told = both.assign(what=[str(words.get(w, w)) for w in both["what"]])
        parts.append(told.astype({"was": "Int64", "is": "Int64"}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["what", "was", "is"])


def free_texts(found: Difference) -> dict[str, str]:
    """Return the texts that stand in tables as they are, so that none is taken for the key of another."""
    texts = [
        *found.settings["setting"],
        *found.settings["was"],
        *found.settings["is"],
        *found.meaning,
        *(found.items or ()),
    ]
    texts += [text for c in ("said_before", "said_after", "claim_title") for text in found.claims[c]]
    texts += [v for c in ("what", "was", "is") for v in inputs_of(found)[c]] + list(rows_of(found)["what"])
    texts += [f for part in found.alone.values() for f in part]
    texts += [text for _, row in found.figures.iterrows() for text in told_of(row, after_lang(found)).values()]
    own = {"unset", "absent", UNSETTLED}
    return {str(t): str(t) for t in texts if t not in own}


def after_lang(found: Difference) -> str:
    """Return the language of the report: that of the later run."""
    return str(found.after.params["lang"])
