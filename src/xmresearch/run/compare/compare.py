"""Compare two finished runs, and write the comparison into a folder of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from xmresearch.display import Shown
from xmresearch.errors import OutputError
from xmresearch.report.wording import labels
from xmresearch.run.cache import KEY_LENGTH
from xmresearch.run.compare.difference import Difference, difference
from xmresearch.run.compare.recorded import RecordedRun, read_run
from xmresearch.run.compare.telling import after_lang
from xmresearch.run.determinism import deterministic_environment
from xmresearch.run.folders import COMPARISONS, publish, workplace
from xmresearch.run.manifest import NAME, output_hashes
from xmresearch.run.outputs import write_document
from xmresearch.run.project import project_root


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """A comparison that is written.

    Attributes
    ----------
    found : Difference
        What differs.
    folder, report : Path
        Where it is.
    notes : tuple of str
        What became of a user's files in an earlier one.
    """

    found: Difference
    folder: Path
    report: Path
    notes: tuple[str, ...] = ()


def compare_runs(
    before: str | Path,
    after: str | Path,
    *,
    out: str | Path | None = None,
    formats: Sequence[str] = ("html",),
    lang: str | None = None,
    on: date | None = None,
) -> Comparison:
    """Compare two runs of one study.

    Parameters
    ----------
    before, after : str or Path
        Folders of runs, or params files that have been run as they are; the earlier first.
    out : str or Path, optional
        Folder of all outputs; `outputs/` of the project if absent.
    formats : sequence of str
        Of the report, beside HTML.
    lang : str, optional
        Language of the runs, which the comparison quotes: which ones of params files are meant, and what that of folders must be.
    on : date, optional
        Day of the later data, which due dates of the earlier run's action register are held against; its `data_date` if absent.

    Returns
    -------
    Comparison

    Raises
    ------
    ParamsError, OutputError
        See `read_run` and `difference`; or the folder cannot be written.
    """
    found = difference(read_run(before, lang), read_run(after, lang))
    first, second = found.before, found.after
    day = on or data_day(second)
    key = hashlib.sha256(f"{first.key} {second.key} {day or ''}".encode()).hexdigest()[:KEY_LENGTH]
    home = (
        (Path(out) if out is not None else project_root() / "outputs")
        / COMPARISONS
        / second.study.name
        / f"{first.name}-{second.name}"
    )
    folder = home / key
    try:
        with workplace(home, key) as work, deterministic_environment(second.study.folder.parent):
            _write(found, work, formats, day)
            notes = publish(work, folder)
    except OSError as error:
        raise OutputError(
            f"The comparison cannot be written to '{home}': {error.strerror or error}.",
            "Choose another folder with --out.",
        ) from None
    return Comparison(found, folder, folder / "report.html", tuple(notes))


def data_day(run: RecordedRun) -> date | None:
    """Return the day of a run's data, where its `data_date` is one; None where that is absent or says a period in words."""
    try:
        return date.fromisoformat(str(run.params.get("data_date")).strip())
    except ValueError:
        return None


def _write(found: Difference, work: Path, formats: Sequence[str], on: date | None) -> None:
    from xmresearch.report.assemble import assemble
    from xmresearch.report.citing import Front
    from xmresearch.run.compare.report import as_notebook, comparison_report

    words = labels(after_lang(found))["stamp"]
    stamp = {
        words["run"]: " → ".join(map(_named, (found.before, found.after))),
        words["code"]: str(found.after.manifest["code"]),
    }
    author, organisation, data_date = (
        str(found.after.params.get(k) or "") for k in ("author", "organisation", "data_date")
    )
    run, version = (
        " → ".join(map(_named, (found.before, found.after))),
        str(found.after.manifest["versions"].get("xmresearch", "")),
    )
    front = Front(author, organisation, data_date, run, version)
    document = assemble(as_notebook(comparison_report(found, on)), stamp, front=front)
    document.parts = [part for part in document.parts if part.kind != "code"]
    write_document(document, work, formats)
    content = {"compared": [_named(run) for run in (found.before, found.after)], "outputs": output_hashes(work)}
    (work / NAME).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _named(run: RecordedRun) -> str:
    return f"{run.study.name}/{run.name}/{run.key}"
