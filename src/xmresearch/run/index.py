"""The index of an output folder: every run that is whole, with its question, its answer and how far to trust it."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from xmresearch.claims.claim import STATES
from xmresearch.data.names import LANGUAGES
from xmresearch.display import Shown
from xmresearch.errors import OutputError, brief
from xmresearch.params.base import StudyParams
from xmresearch.report.answer import LIGHTS
from xmresearch.report.formats import FORMATS
from xmresearch.report.index_page import index_html
from xmresearch.run.failed import FAILED
from xmresearch.run.folders import BATCHES, COMPARISONS
from xmresearch.run.manifest import NAME, flaws
from xmresearch.run.public_params import dotted

INDEX = "index.html"
_NOT_DETERMINING = {"study", "name", "lang", "title", "client", "fieldwork"} | StudyParams.front_only


@dataclass(frozen=True, repr=False)
class Run(Shown):
    """A run as its folder records it.

    Attributes
    ----------
    folder : str
        From the output folder: study/name/key.
    study, name, lang : str
        From its params.
    date : str
        When it began: ISO 8601.
    answer : mapping
        As `xmresearch.report.answer.answer_of`.
    formats : tuple of str
        In which the report is there, HTML first.
    params : mapping
        By dotted key, as the outputs show them.
    flaws : tuple of str
        Outputs that are missing, or not as the run left them.
    """

    folder: str
    study: str
    name: str
    lang: str
    date: str
    answer: Mapping[str, Any]
    formats: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    flaws: tuple[str, ...] = ()


def find_runs(home: Path) -> tuple[list[Run], list[tuple[str, str]]]:
    """Read every run in an output folder.

    Parameters
    ----------
    home : Path
        Holds study/name/key/ folders; what begins with a point, comparisons, summaries of batches, and `latest-en` and `latest-zh`, are passed over.

    Returns
    -------
    runs : list of Run
        Newest first.
    left : list of tuple of str
        Folder and reason, for what is no run, or none that can be read.

    Raises
    ------
    OutputError
        The folder cannot be read.
    """
    runs: list[Run] = []
    left: list[tuple[str, str]] = []
    try:
        studies = [place for place in _folders(home) if place.name not in (COMPARISONS, BATCHES)]
    except OSError as error:
        raise OutputError(
            f"'{brief(home)}' cannot be read: {error.strerror}.", "Name an output folder by --out."
        ) from None
    for study in studies:
        found = 0
        for name in _folders(study):
            for place in _folders(name):
                if place.name.startswith(("latest-", FAILED)):
                    continue
                found += 1
                try:
                    runs.append(_read(home, place))
                except (OSError, ValueError, KeyError, TypeError, AttributeError):
                    left.append(
                        (place.relative_to(home).as_posix(), "unread" if (place / NAME).exists() else "unrecorded")
                    )
        if not found:
            left.append((study.name, "foreign"))
    return sorted(runs, key=lambda r: (r.date, r.folder), reverse=True), left


def _folders(place: Path) -> Iterator[Path]:
    return (p for p in sorted(place.iterdir()) if p.is_dir() and not p.is_symlink() and not p.name.startswith("."))


def _read(home: Path, place: Path) -> Run:
    """Read a run; raises ValueError, KeyError or TypeError where its manifest is not what a run writes."""
    content = json.loads((place / NAME).read_text("utf-8"))
    params, outputs, answer = content["params"], content["outputs"], content["answer"]
    texts = [params["study"], params["name"], params["lang"], answer["title"], answer["question"], *answer["said"]]
    counts = [*answer["claims"].values(), answer["failed"], answer["warnings"], answer["simulated"]]
    known = params["lang"] in LANGUAGES and answer["light"] in LIGHTS and set(answer["claims"]) <= set(STATES)
    if not (known and all(isinstance(text, str) for text in texts) and all(isinstance(n, int) for n in counts)):
        raise ValueError("no manifest of a run")
    date = datetime.fromisoformat(content["started"]).isoformat()
    formats = tuple(kind for kind in FORMATS if f"report.{kind}" in outputs)
    return Run(
        place.relative_to(home).as_posix(), params["study"], params["name"], params["lang"], date, answer, formats,
        dotted(params), tuple(flaws(place)),
    )  # fmt: skip


def differing(runs: Sequence[Run]) -> dict[str, dict[str, str]]:
    """Say by which params runs of the same study and name differ.

    Parameters
    ----------
    runs : sequence of Run
        From `find_runs`.

    Returns
    -------
    dict of str to dict
        By folder, then dotted key: the value as JSON, '' where a run has no such key. Language and texts on the report do not count.
    """
    kin: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        kin.setdefault((run.study, run.name), []).append(run)
    found: dict[str, dict[str, str]] = {}
    for group in kin.values():
        keys = dict.fromkeys(k for run in group for k in run.params if k.partition(".")[0] not in _NOT_DETERMINING)
        values = {k: [_value(run, k) for run in group] for k in keys}
        for j, run in enumerate(group):
            found[run.folder] = {k: v[j] for k, v in values.items() if len(set(v)) > 1}
    return found


def _value(run: Run, key: str) -> str:
    return json.dumps(run.params[key], ensure_ascii=False, sort_keys=True) if key in run.params else ""


def write_index(home: Path, lang: str = "en") -> tuple[Path, int, list[tuple[str, str]]]:
    """Write the index of an output folder.

    Parameters
    ----------
    home : Path
        The output folder.
    lang : {'en', 'zh'}
        Language of the page; questions and answers stand as their runs have them.

    Returns
    -------
    page : Path
        index.html in it.
    count : int
        Number of runs.
    left : list of tuple of str
        As `find_runs`.

    Raises
    ------
    OutputError
        The folder cannot be read or written.
    """
    runs, left = find_runs(home)
    other = differing(runs)
    rows = [
        {
            "folder": run.folder, "study": run.study, "name": run.name, "lang": run.lang, "date": run.date, **run.answer,
            "formats": run.formats, "differs": other[run.folder], "flaws": run.flaws,
        }
        for run in runs
    ]  # fmt: skip
    page = home / INDEX
    new = home / f".{INDEX}-{secrets.token_hex(4)}"
    try:
        new.write_text(index_html(rows, left, lang), "utf-8")
        os.replace(new, page)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise OutputError(f"'{brief(page)}' cannot be written: {error.strerror}.") from None
    return page, len(runs), left
