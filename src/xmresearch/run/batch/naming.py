"""What the runs of a batch are called in its summary: by what was varied, without identifiers of persons."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xmresearch.errors import anonymous
from xmresearch.report.wording import labels, one_line
from xmresearch.run.batch.job import Job
from xmresearch.run.batch.sweep import told
from xmresearch.run.project import project_root
from xmresearch.run.public_params import dotted, public_params

WORDS = Path(__file__).parent / "words"
LONGEST = 120
"""Characters of a run's name."""
_BETWEEN = " · "


def names_of(jobs: Sequence[Job], lang: str) -> list[str]:
    """Name the runs of a batch.

    Parameters
    ----------
    jobs : sequence of Job
        All of the batch, in order.
    lang : {'en', 'zh'}
        Language of the summary.

    Returns
    -------
    list of str
        What differs among what was varied, with the name of the params where these are several; the names of the runs where nothing does. No
        two of one study are alike, and none is the key of a word of the reports.
    """
    several = len({job.params for job in jobs}) > 1
    shown = [shown_values(job) for job in jobs]
    values: dict[str, set[str]] = {}
    for key in {key for each in shown for key in each}:
        values[key] = {json.dumps(each.get(key), sort_keys=True, default=str) for each in shown}
    pairs = [
        (job.study, _name(job, {k: v for k, v in each.items() if len(values[k]) > 1 and k != "name"}, several))
        for job, each in zip(jobs, shown, strict=True)
    ]
    count, seen, taken = Counter(pairs), Counter[tuple[str, str]](), labels(lang, WORDS / f"{lang}.yml")["values"]
    found = []
    for pair in pairs:
        seen[pair] += 1
        name = f"{pair[1]} ({seen[pair]})" if count[pair] > 1 else pair[1]
        # a name that ends in a space is shown like any other, and is no key
        found.append(f"{name} " if name in taken else name)
    return found


def _name(job: Job, varied: dict[str, Any], several: bool) -> str:
    """Name a run by texts as they are, and by other values with the last part of their key."""
    if not varied:
        return job.name
    parts = [Path(job.params).stem] if several else []
    for key, value in varied.items():
        given = value if isinstance(value, list) else [value]
        plain = all(isinstance(each, str) for each in given)
        parts.append(told(value) if plain else f"{key.rpartition('.')[2]} {told(value)}")
    text = one_line(_BETWEEN.join(parts)) or job.name
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def shown_values(job: Job) -> dict[str, Any]:
    """Return what was varied as outputs show it: no values of columns of persons by which rows are chosen.

    Parameters
    ----------
    job : Job

    Returns
    -------
    dict of str to value
        By dotted key.
    """
    nested: dict[str, Any] = {}
    for key, value in job.varied.items():
        *path, last = key.split(".")
        place = nested
        for part in path:
            place = place.setdefault(part, {})
        place[last] = [value] if path[-1:] == ["where"] and not isinstance(value, list) else value
    shown = dotted(public_params(nested))
    return {key: shown.get(key, value) for key, value in job.varied.items()}


def command_of(job: Job) -> str:
    """Return the command that repeats a run, as outputs show it.

    Parameters
    ----------
    job : Job

    Returns
    -------
    str
        From the working directory, without folders of this machine beyond that.
    """
    shown = shown_values(job)
    parts = ["xmresearch", "run", shortened(Path(job.params))]
    for given in job.overrides:
        key, _, value = given.partition("=")
        if key in shown and shown[key] != job.varied[key]:
            value = json.dumps(shown[key], ensure_ascii=False, default=str)
        parts += ["-p", anonymous(f"{key}={value}")]
    parts += ["--lang", job.lang] if job.lang else []
    if job.out and Path(job.out) != project_root() / "outputs":
        parts += ["--out", shortened(Path(job.out))]
    return " ".join(map(shlex.quote, parts))


def shortened(path: Path) -> str:
    """Return a path from the working directory or from the project's folder; of one outside of both its name."""
    for base in (Path.cwd(), project_root()):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return path.name


def below(home: Path, place: str) -> str:
    """Return a path from the output folder; of one outside of it its name, '' where there is none."""
    path = Path(place)
    return path.relative_to(home).as_posix() if place and path.is_relative_to(home) else path.name
