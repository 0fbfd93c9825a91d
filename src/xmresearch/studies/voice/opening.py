"""Open texts together with the codeframe that they are read by."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from xmresearch.data.panel import PanelData
from xmresearch.data.verbatim_rows import load_verbatims
from xmresearch.errors import Problems
from xmresearch.studies.voice.params import VoiceParams
from xmresearch.verbatims.codeframes import Codeframe, load_codeframe


@dataclass(frozen=True, repr=False)
class CodedData(PanelData):
    """Rows with their codeframe; all else is as in `PanelData`.

    Attributes
    ----------
    codeframe : Codeframe or None
        Of the themes.
    """

    codeframe: Codeframe | None = None


def open_verbatims(params: VoiceParams, base: Path | None = None) -> CodedData:
    """Open the texts and the codeframe that the params name.

    Parameters
    ----------
    params : VoiceParams
        Of the study.
    base : Path, optional
        Folder that relative paths start from; the working directory if absent.

    Returns
    -------
    CodedData

    Raises
    ------
    DataError
        The file or the codeframe cannot be read. Of several errors, all.
    """
    problems, frames, opened = Problems(), [], []
    with problems.step():
        frames.append(load_codeframe(params.codeframe_path(base)))
    with problems.step():
        opened.append(load_verbatims(**params.row_settings(), base=base))
    problems.settle()
    own = {f.name: getattr(opened[0], f.name) for f in fields(PanelData)}
    return CodedData(**own, codeframe=frames[0])
