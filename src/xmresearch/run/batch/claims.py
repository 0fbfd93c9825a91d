"""What the runs of a batch claim, corrected for how often it is claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from xmresearch.claims.repeated import corrected, p_of
from xmresearch.report.wording import labels
from xmresearch.run.batch.finished import Finished
from xmresearch.run.compare.recorded import title_of
from xmresearch.run.compare.telling import WORDS as VERDICTS

STATES = ("settled", "lost", "unsettled", "conditional", "withheld")
"""What comes of a claim over the runs: as of `Claim`, but lost where it is settled by itself and not once corrected."""


def claims_over(runs: Sequence[Finished], level: float, lang: str) -> pd.DataFrame:
    """Collect the claims of the runs of one study, and settle those anew that an interval settles.

    Parameters
    ----------
    runs : sequence of Finished
        Of one study.
    level : float
        That any claim of one name is settled and false, over all runs, happens at most in 1 - level; of those that are settled anew.
    lang : {'en', 'zh'}
        Language of titles and verdicts.

    Returns
    -------
    DataFrame
        One row per run and claim: run, claim, claim_title, said (its verdict in words, '' where it is not settled by itself), state_over (one of
        `STATES`), anew (whether it could be settled anew), p_adjusted (Holm) and promised (NaN where the rule promises nothing).
    """
    verdicts: Mapping[str, str] = labels(lang, VERDICTS / f"{lang}.yml")["values"]
    rows = []
    for name in dict.fromkeys(claim for run in runs for claim in run.claims):
        having = [run for run in runs if name in run.claims]
        records = [run.claims[name].record for run in having]
        p, kept = corrected(records, confidence=level)
        for run, record, value, still in zip(having, records, p, kept, strict=True):
            state, anew = str(record["state"]), bool(np.isfinite(p_of(record)))
            title = (
                run.claims[name].title
                if run.lang == lang and run.claims[name].title
                else title_of(name, run.study, lang)
            )
            rows.append({
                "run": run.name, "claim": name, "claim_title": title,
                "said": verdicts[f"verdict_{record['verdict']}"] if state == "settled" else "",
                "state_over": "lost" if anew and state == "settled" and not still else state, "anew": anew, "p_adjusted": value,
                "promised": np.nan if record["promised"] is None or state == "withheld" else float(record["promised"]),
            })  # fmt: skip
    columns = ["run", "claim", "claim_title", "said", "state_over", "anew", "p_adjusted", "promised"]
    return pd.DataFrame(rows, columns=columns)


def by_claim(claims: pd.DataFrame, level: float) -> pd.DataFrame:
    """Count what came of each claim over the runs.

    Parameters
    ----------
    claims : DataFrame
        From `claims_over`.
    level : float
        As given there.

    Returns
    -------
    DataFrame
        One row per claim: claim_title, made (runs), settled_alone, settled, unsettled (lost ones included), conditional, withheld; any_false, the
        chance that any is settled and false where they are settled anew, and false_at_most, how many are on average where they are not.
    """
    rows = []
    for _, part in claims.groupby("claim", sort=False):
        count = part["state_over"].value_counts()
        anew = bool(part.loc[part["state_over"] != "withheld", "anew"].all()) and bool(part["anew"].any())
        rows.append({
            "claim_title": part["claim_title"].iloc[0], "made": len(part),
            "settled_alone": int(count.get("settled", 0) + count.get("lost", 0)), "settled": int(count.get("settled", 0)),
            "unsettled": int(count.get("unsettled", 0) + count.get("lost", 0)), "conditional": int(count.get("conditional", 0)),
            "withheld": int(count.get("withheld", 0)), "any_false": 1 - level if anew else np.nan,
            "false_at_most": np.nan if anew else part["promised"].sum(min_count=1),
        })  # fmt: skip
    return pd.DataFrame(rows)


def by_run(claims: pd.DataFrame, between: str, colon: str) -> pd.DataFrame:
    """List for each run what it claims, by what came of it.

    Parameters
    ----------
    claims : DataFrame
        From `claims_over`.
    between, colon : str
        What stands between two claims, and between one and its verdict.

    Returns
    -------
    DataFrame
        One row per run: run, and for each of `STATES` its claims, '' where there is none.
    """
    told = claims.assign(
        text=[f"{c}{colon}{v}" if v else c for c, v in zip(claims["claim_title"], claims["said"], strict=True)]
    )
    wide = told.groupby(["run", "state_over"], sort=False)["text"].agg(between.join).unstack(fill_value="")
    order = list(dict.fromkeys(claims["run"]))
    return wide.reindex(index=order, columns=list(STATES), fill_value="").rename_axis(columns=None).reset_index()


def counts(claims: pd.DataFrame) -> dict[str, float]:
    """Return what sentences say of the claims of all runs.

    Parameters
    ----------
    claims : DataFrame
        From `claims_over`.

    Returns
    -------
    dict
        made, anew, alone and kept (of those settled anew: settled by themselves, and still), others, and expected: how many of the
        others are settled and false at most, on average over samples, whether or not they came out settled in these.
    """
    anew, others = claims[claims["anew"]], claims[~claims["anew"]]
    return {
        "made": len(claims), "anew": len(anew), "alone": int(anew["state_over"].isin(["settled", "lost"]).sum()),
        "kept": int((anew["state_over"] == "settled").sum()), "others": len(others), "expected": float(others["promised"].sum()),
    }  # fmt: skip
