"""What a study is: its params, how its data are opened and checked, and what its report is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.params.base import StudyParams
from xmresearch.params.headline import Headline

if TYPE_CHECKING:
    import pandas as pd

    from xmresearch.data.profile.file_profile import FileProfile
    from xmresearch.params.proposal import Proposal


def _no_figures() -> Mapping[str, Callable[..., Any]]:
    return {}


def _no_claims() -> Mapping[str, tuple[str, ...]]:
    return {}


LED, COUNTED = ("first", "only"), ("all", "some")
"""Verdicts of a claim of a first, and of one of a count, in which it names something."""


@dataclass(frozen=True)
class Asks:
    """When a claim asks for action.

    Attributes
    ----------
    verdicts : tuple of str
        In which, settled, it does.
    advises : bool
        Whether it says what to do in whatever case it is.
    alarm : bool
        Whether what asks is an alarm: a command may then end with an exit code of its own (`alarm_exit`).
    """

    verdicts: tuple[str, ...]
    advises: bool = False
    alarm: bool = False


@dataclass(frozen=True)
class Study:
    """One kind of study; everything else that knows it found it through the registry.

    Attributes
    ----------
    name : str
        As params files and commands give it: small letters, digits and _.
    folder : Path
        Holds the study's modules, `words/en.yml` and `words/zh.yml`; a study of one's own also has its notebook here,
        NAME.ipynb, and `references.bib` where it cites anything of its own. Every file of it enters the key of a run.
    params : type of StudyParams
        The model of its params files.
    open : callable
        Takes the params and the folder that relative paths start from (or None), and returns the data.
    check : callable
        Takes the params and the data, fits nothing, and returns lines that say what would run; raises what the run would.
    figures : callable
        Returns the kinds of figure that only this study draws, by name; each takes a table, a wording and a key, as those of
        `xmresearch.report.figures` do.
    claims : callable
        Returns the cases of each claim that its report may make, by name.
    columns : mapping of str to str
        How figures of columns that only this study's tables have are written; see `xmresearch.report.wording.number`.
    draft : callable or None
        Takes what is known of a file and returns whether it suits the study, with the params and the codebook to begin
        with; None where the study leaves drafts to its reader.
    asking : mapping of str to Asks
        By the name of a claim when it asks for action: the action register has a line for each that does, and the one-page summary has
        those that advise under what to do.
    demo : str or None
        Name of the params file that shows the study off; its simulated data need no file.
    headline : tuple of Headline
        Which figures of its report's tables `compare` sets beside those of another run, the most important first.
    influence : callable or None
        Takes the params and the data, and returns what each row contributes to each of these figures, by `Headline.key`, one row for each
        row of the data; so that figures of two runs with the same respondents are compared in pairs. None where rows cannot be paired.
    """

    name: str
    folder: Path
    params: type[StudyParams]
    open: Callable[[Any, Path | None], Any]
    check: Callable[[Any, Any], list[str]]
    figures: Callable[[], Mapping[str, Callable[..., Any]]] = _no_figures
    claims: Callable[[], Mapping[str, tuple[str, ...]]] = _no_claims
    columns: Mapping[str, str] = field(default_factory=dict)
    draft: Callable[[FileProfile], Proposal] | None = None
    asking: Mapping[str, Asks] = field(default_factory=dict)
    demo: str | None = None
    headline: tuple[Headline, ...] = ()
    influence: Callable[[Any, Any], pd.DataFrame] | None = None

    def words(self, lang: str) -> Path:
        """Return the file of the study's own words in a language."""
        return self.folder / "words" / f"{lang}.yml"
