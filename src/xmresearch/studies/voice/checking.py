"""Hold a study's params against its texts before anything is read out of them."""

from __future__ import annotations

import pandas as pd

from xmresearch.errors import DataError, ParamsError, Problems
from xmresearch.studies.survey import reading_lines
from xmresearch.studies.voice.opening import CodedData
from xmresearch.studies.voice.params import VoiceParams
from xmresearch.studies.voice.reading import codes_of, read_verbatims
from xmresearch.verbatims.codeframes import load_codeframe

_SENTIMENTS = frozenset({"negative", "neutral", "positive", "-1", "0", "1"})


def check_study(params: VoiceParams, data: CodedData) -> list[str]:
    """Check codeframe, columns, labels and codes, without reading any text; what `xmresearch check` calls.

    Parameters
    ----------
    params : VoiceParams
        Of the study.
    data : CodedData
        Its rows and codeframe.

    Returns
    -------
    list of str
        Lines that say what would be read.

    Raises
    ------
    XMError
        What the run would raise. Of several errors, all.
    """
    problems = Problems()
    said = read_verbatims(params, data)
    frame = load_codeframe(params.codeframe_path()) if data.codeframe is None else data.codeframe
    labels, coded = said.column("sentiment"), 0
    with problems.step():
        wrong = [] if labels is None else [v for v in labels.dropna().str.lower().unique() if v not in _SENTIMENTS]
        if wrong:
            raise DataError(
                f"sentiment: column '{params.sentiment}' holds {len(wrong)} other value(s) than negative, neutral and positive.",
                "Write them so, or as -1, 0 and 1, and leave blank what nobody told.",
            )
    for key in ("themes", "themes_again"):
        with problems.step():
            found = codes_of(said.column(key), frame.names)
            coded += 0 if found is None or key != "themes" else len(found[0])
    date = said.column("date")
    if params.change is not None and date is not None:
        late = date >= pd.Timestamp(params.change)
        if late.all() or not late.any():
            problems.errors.append(
                ParamsError(
                    f"change: all texts are from {'after' if late.all() else 'before'} {params.change}.",
                    "Choose a day within the data.",
                )
            )
    problems.settle()
    facts = said.summary()
    told = 0 if labels is None else int(labels.notna().sum())
    return [
        *reading_lines(data.table),
        f"Data: {facts['n']:,d} of {facts['received']:,d} texts say something, of {facts['people']:,d} people; "
        f"{facts['chinese']:,d} Chinese, {facts['english']:,d} English, {facts['mixed']:,d} mixed.",
        f"Read: {len(frame.themes)} themes of codeframe '{params.codeframe}'; people told the sentiment of {told:,d} texts and the themes of {coded:,d}.",
        f"Would run: {params.bootstrap} draws over people.",
    ]
