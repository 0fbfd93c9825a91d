"""What readers call themes, topics and touchpoints."""

from __future__ import annotations

from xmresearch.data.panel import PanelData
from xmresearch.studies.voice.params import VoiceParams
from xmresearch.verbatims.codeframes import Codeframe
from xmresearch.verbatims.topics import TopicResult
from xmresearch.verbatims.touchpoint_cells import ThemeTouchpoints

NAMED_BY = 3
"""Words that name a topic."""


def cell_name(theme: str, touchpoint: str) -> str:
    """Return the identifier of a theme at a touchpoint."""
    return f"{theme}@{touchpoint}"


def named(
    params: VoiceParams,
    data: PanelData,
    frame: Codeframe,
    topics: TopicResult | None,
    places: ThemeTouchpoints | None = None,
) -> dict[str, dict[str, str]]:
    """Return labels by language: of touchpoints, of themes, and of topics by their first words.

    Parameters
    ----------
    params : VoiceParams
        Of the study.
    data : PanelData
        As opened.
    frame : Codeframe
        Of the themes.
    topics, places : TopicResult and ThemeTouchpoints, or None
        As found.

    Returns
    -------
    dict of str to dict of str to str
    """
    found = [] if topics is None else topics.table[["topic", "terms"]].to_numpy().tolist()
    words = {name: " / ".join(terms[:NAMED_BY]) for name, terms in found}
    cells = [] if places is None else [(t, p) for t in places.themes for p in places.touchpoints]
    out = {}
    for lang, given in data.names(params.names()).items():
        themes = frame.labels(lang)
        form = "{}（{}）" if lang == "zh" else "{} ({})"
        of_cells = {cell_name(t, p): form.format(themes.get(t, t), given.get(p, p)) for t, p in cells}
        out[lang] = given | themes | words | of_cells
    return out
