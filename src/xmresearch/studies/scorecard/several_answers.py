"""Questions with several answers, as a banner table shows them: a column per option, or all of them in one cell."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from xmresearch.data.answers import fitting_scales, plain_word
from xmresearch.data.survey import Survey
from xmresearch.errors import DataError, brief, nearest
from xmresearch.metrics.banner_questions import Question
from xmresearch.studies.scorecard.more_params import BannerQuestion
from xmresearch.studies.scorecard.params import ScorecardParams

MARKS = ("┋", ";", "；", "|", ", ", "，", "、")
"""What stands between several answers in one cell; the first that occurs is taken."""


def several_answers(one: BannerQuestion, carried: pd.DataFrame, survey: Survey) -> tuple[pd.DataFrame, Question]:
    """Return a question with several answers as columns of 1, 0 and blank, and the question.

    Parameters
    ----------
    one : BannerQuestion
        As the params ask for it.
    carried : DataFrame
        Columns as they were read.
    survey : Survey
        What its file says of questions with several answers.

    Returns
    -------
    table : DataFrame
        A column per option, under `question=option`.
    question : Question

    Raises
    ------
    DataError
        There is no such column or question; a net has no such option; a column holds more than one text.
    """
    told = survey.table.several.get(one.item, ()) if survey.table is not None else ()
    options = list(one.options or told or ([one.item] if one.item in carried else []))
    absent = [c for c in options if c not in carried]
    if not options or absent:
        what = f"no column '{brief(absent[0])}'" if absent else f"no question '{brief(one.item)}' with several answers"
        raise DataError(
            f"banner.questions: the data have {what}.",
            "Name the column of each option under 'options'." if not absent else "",
        )
    names = {str(c): f"{one.item}={c}" for c in options}
    if len(options) == 1 and not one.options:
        table = _split(carried[options[0]], one.item)
    else:
        table = pd.DataFrame({names[c]: _chosen(carried[c], c) for c in options})
    labels: dict[object, str] = {c: str(c) for c in table}
    nets = {}
    for k, net in enumerate(one.nets):
        codes = [f"{one.item}={a}" for a in net.answers]
        if unknown := [c for c in codes if c not in labels]:
            raise DataError(
                f"banner.questions: '{brief(one.item)}' has no option '{brief(unknown[0].partition('=')[2])}'.",
                nearest(unknown[0], map(str, labels)),
            )
        nets[f"net_{one.item}={k}"] = codes
    return table, Question(one.item, labels, nets, several=True)


def _chosen(given: pd.Series, name: str) -> pd.Series:
    """Return 1 where an option was chosen, 0 where not and NaN where blank; one text besides blanks is that of the option."""
    words = given.astype("string").str.strip().replace("", pd.NA)
    plain = words.map(plain_word, na_action="ignore")
    met = list(plain.dropna().unique())
    said: Mapping[str, float] = {"1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
    unknown = [w for w in met if w not in said]
    if unknown:
        forms = fitting_scales(unknown, 2).get("yes_no", [])
        if len(forms) == 1:
            said = {**said, **{w: float(v) for w, v in forms[0].items()}}
        elif len(met) == 1:
            said = {met[0]: 1.0}
        else:
            raise DataError(
                f"banner.questions: option '{brief(name)}' holds {len(met)} different answers; it takes 1 and 0, yes and no, or its own text.",
                "Name the column of each option under 'options'; a question with one answer is an item of the codebook.",
            )
    return plain.map(said).astype("float64")


def _split(given: pd.Series, name: str) -> pd.DataFrame:
    """Return a column per answer of cells that hold several."""
    words = given.astype("string").str.strip().replace("", pd.NA)
    mark = next((m for m in MARKS if words.str.contains(m, regex=False).any()), None)
    parts = words.str.split(mark, regex=False) if mark is not None else words.map(lambda w: [w], na_action="ignore")
    lists = parts.map(lambda p: [w.strip() for w in p if w.strip()], na_action="ignore")
    met = sorted({w for p in lists.dropna() for w in p})
    there = lists.notna()
    return pd.DataFrame({
        f"{name}={w}": lists.map(lambda p, w=w: float(w in p), na_action="ignore").where(there).astype("float64") for w in met
    })  # fmt: skip


def option_names(params: ScorecardParams, survey: Survey) -> dict[str, str]:
    """Return names of options that the file's form tells, from its wordings without what all of a question's have in common.

    Parameters
    ----------
    params : ScorecardParams
        Of the study.
    survey : Survey
        What its file says of its columns.

    Returns
    -------
    dict of str to str
        By `question=column`.
    """
    made: dict[str, str] = {}
    for one in params.banner.questions if params.banner and survey.table is not None else ():
        columns = survey.table.several.get(one.item, ()) if one.options == {} and survey.table is not None else ()
        texts = {c: survey.table.questions.get(c, "") for c in columns} if survey.table is not None else {}
        if len(texts) > 1 and all(texts.values()):
            unlike = [len(set(letters)) > 1 for letters in zip(*texts.values(), strict=False)]
            stem = unlike.index(True) if True in unlike else 0
            made |= {f"{one.item}={c}": text[stem:].strip(" -:") or text for c, text in texts.items()}
    return made
