"""Sum up a batch in a report of its own."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xmresearch.display import Shown
from xmresearch.errors import OutputError
from xmresearch.report.wording import labels
from xmresearch.run.batch.finished import Ended, read_ended
from xmresearch.run.batch.job import Job, Outcome
from xmresearch.run.batch.naming import command_of
from xmresearch.run.batch.sweep import Sweep
from xmresearch.run.cache import KEY_LENGTH, versions
from xmresearch.run.determinism import deterministic_environment
from xmresearch.run.folders import BATCHES, LOCK, publish, workplace
from xmresearch.run.latest import point
from xmresearch.run.lock import held
from xmresearch.run.manifest import NAME, output_hashes
from xmresearch.run.outputs import write_document

FEWEST_RUNS = 2
"""Runs from which a batch is summed up."""
LEVEL = 0.95
"""Of the intervals of a batch of which no run is whole."""


@dataclass(frozen=True, repr=False)
class Summary(Shown):
    """A summary that is written.

    Attributes
    ----------
    ended : Ended
        What it is of.
    folder : Path
        Where it is.
    report : Path
        The HTML report, by way of `latest-en` or `latest-zh`.
    notes : tuple of str
        What became of a user's files in an earlier one.
    """

    ended: Ended
    folder: Path
    report: Path
    notes: tuple[str, ...] = ()

    def _head(self) -> dict[str, Any]:
        return {"runs": self.ended.total, "whole": len(self.ended.whole), "folder": self.folder.name}


def write_summary(
    sweep: Sweep, outcomes: Sequence[Outcome], not_begun: Sequence[Job], home: Path, lang: str | None = None
) -> Summary | None:
    """Sum up a batch.

    Parameters
    ----------
    sweep : Sweep
        What was run: names the folder, and says title, client, formats and whether the runs are exchangeable.
    outcomes : sequence of Outcome
        Of the runs that were begun, in the order of the sweep.
    not_begun : sequence of Job
        The others.
    home : Path
        Folder of all outputs.
    lang : {'en', 'zh'}, optional
        Language; that of the sweep, or else of most of its runs, if absent.

    Returns
    -------
    Summary or None
        None of fewer than `FEWEST_RUNS` runs. Its bytes depend on the runs, on what failed and on the sweep alone.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    if len(outcomes) + len(not_begun) < FEWEST_RUNS:
        return None
    lang = lang or sweep.lang or _language(outcomes)
    ended = read_ended(outcomes, not_begun, home, lang)
    key = _key(sweep, ended, lang)
    place = home / BATCHES / sweep.name
    try:
        place.mkdir(parents=True, exist_ok=True)
        with held(place / f"{LOCK}{key}", lambda: None), workplace(place, key) as work, deterministic_environment():
            _write(sweep, ended, key, lang, work)
            notes = publish(work, place / key)
    except OSError as error:
        raise OutputError(
            f"The summary of the batch cannot be written to '{place}': {error.strerror or error}.",
            "The runs themselves are kept; the same command writes the summary alone.",
        ) from None
    shown, more = point(place, place / key, lang)
    return Summary(ended, place / key, shown / "report.html", (*notes, *more))


def _language(outcomes: Sequence[Outcome]) -> str:
    """Return the language of most runs: that of their params."""
    found = Counter(_recorded_language(Path(o.folder)) for o in outcomes if o.state != "failed")
    return found.most_common(1)[0][0] if found else "en"


def _recorded_language(folder: Path) -> str:
    try:
        lang = json.loads((folder / NAME).read_text("utf-8"))["params"]["lang"]
    except (OSError, ValueError, KeyError, TypeError):
        return "en"
    return "zh" if lang == "zh" else "en"


def _key(sweep: Sweep, ended: Ended, lang: str) -> str:
    """Return what names a summary: a hash of all that its bytes depend on."""
    content = {
        "sweep": sweep.model_dump(mode="json", exclude={"formats", "params", "cross", "each"}),
        "runs": [(run.name, run.place) for run in ended.whole],
        "unfinished": [(run.name, run.error, run.notebook, command_of(run.job)) for run in (*ended.failed, *ended.not_begun)],
        "lang": lang, "program": versions()["xmresearch"],
    }  # fmt: skip
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def _write(sweep: Sweep, ended: Ended, key: str, lang: str, work: Path) -> None:
    from xmresearch.report.assemble import assemble
    from xmresearch.report.citing import Front
    from xmresearch.run.batch.report import summary_report
    from xmresearch.run.compare.report import as_notebook

    level = ended.whole[0].level if ended.whole else LEVEL
    run = f"{BATCHES}/{sweep.name}/{key}"
    words = labels(lang)["stamp"]
    codes = dict.fromkeys(each.code for each in ended.whole)
    stamp = {words["run"]: run, words["code"]: ", ".join(codes)} if codes else {words["run"]: run}
    document = assemble(
        as_notebook(summary_report(sweep, ended, lang, level)),
        stamp,
        front=Front(run=run, version=versions()["xmresearch"]),
    )
    document.parts = [part for part in document.parts if part.kind != "code"]
    write_document(document, work, sweep.formats)
    content = {
        "batch": sweep.name, "key": key, "lang": lang, "exchangeable": sweep.exchangeable, "runs": [r.place for r in ended.whole],
        "failed": [{"study": r.job.study, "name": r.job.name, "error": r.error} for r in ended.failed], "not_begun": [f"{r.job.study}/{r.job.name}" for r in ended.not_begun],
        "outputs": output_hashes(work),
    }  # fmt: skip
    (work / NAME).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
