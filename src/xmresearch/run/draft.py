"""Draft params and a codebook from a file: look at it, choose the study that suits, write what runs, and check it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from xmresearch.data.config import FileSource
from xmresearch.data.formats.registry import read_table
from xmresearch.data.formats.table import Table
from xmresearch.data.profile.file_profile import FileProfile, profile_file
from xmresearch.data.profile.guess import Guess
from xmresearch.errors import DataError, OutputError, ParamsError, XMError, brief, nearest
from xmresearch.identifiers.file_names import neutral_name
from xmresearch.params.proposal import Proposal, Written
from xmresearch.params.registry import find_study, study_names
from xmresearch.run.check import check_study
from xmresearch.run.project import project_root

NAMED = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Draft:
    """What was drafted.

    Attributes
    ----------
    study : str
        The study that it is for.
    params, codebook : Path
        The files written; no codebook where the study needs none.
    nature : Guess
        What the file is.
    found : tuple of (str, Guess)
        What was guessed.
    reasons : mapping of str to str
        Of each study, why it suits or does not.
    checked : str
        What `check` says.
    """

    study: str
    params: Path
    codebook: Path | None
    nature: Guess
    found: tuple[tuple[str, Guess], ...]
    reasons: Mapping[str, str]
    checked: str


def draft_study(
    file: str | Path, *, study: str | None = None, out: str | Path | None = None, name: str | None = None,
    settings: Sequence[str] = (),
) -> Draft:  # fmt: skip
    """Look at a file and write params, and a codebook where the study reads one, that pass `check`.

    Parameters
    ----------
    file : str or Path
        What a survey tool, a log or a colleague gave.
    study : str, optional
        The study to draft for; the one that suits best if absent.
    out : str or Path, optional
        Params file to write; params/STUDY/NAME.yml in the project if absent. The codebook lies beside it.
    name : str, optional
        Of the run; made of the file's name if absent.
    settings : sequence of str
        How the file is read, as `key=value` of the section data, where it cannot be recognised: `encoding=cp1252`.

    Returns
    -------
    Draft

    Raises
    ------
    DataError
        The file cannot be read, no study suits it, or what would be drafted does not pass the check.
    ParamsError
        There is no such study, or a setting is wrong.
    OutputError
        A file is there already, or cannot be written.
    """
    path = Path(file)
    given = _settings(settings)
    table, given, notes = _read(path, given)
    profile = profile_file(table)
    names = study_names(path.parent)
    if study is not None and study not in names:
        raise ParamsError(f"There is no study {brief(repr(study))}.", nearest(study, names))
    proposals = {n: _propose(n, profile, path.parent) for n in ([study] if study else names)}
    ranked = sorted((n for n, p in proposals.items() if p.suits), key=lambda n: -proposals[n].fit)
    reasons = {n: "; ".join(p.pro if p.suits else p.contra) for n, p in proposals.items()}
    if not ranked:
        raise DataError(_none_suits(path, profile, reasons))
    failed: dict[str, XMError] = {}
    for chosen in ranked:
        target, run = _target(path, chosen, out, name)
        proposal = proposals[chosen]
        texts = _texts(path, table, given, notes, profile, chosen, run, proposal, target, reasons)
        _write(texts)
        try:
            checked = check_study(target)
        except XMError as error:
            for written in texts:
                written.unlink()
            failed[chosen] = error
            continue
        book = next((p for p in texts if p != target), None)
        return Draft(chosen, target, book, profile.nature, proposal.found, reasons, checked)
    told = {n: f"{reasons[n]}, but check says: {failed[n]}" if n in failed else r for n, r in reasons.items()}
    raise DataError(_none_suits(path, profile, told))


def _propose(name: str, profile: FileProfile, near: Path) -> Proposal:
    study = find_study(name, near)
    if study.draft is None:
        return Proposal(0, contra=("it drafts nothing",))
    return study.draft(profile)


def _settings(given: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        key = key.removeprefix("data.")
        if not equals or key not in FileSource.model_fields or key in ("path", "source"):
            raise ParamsError(
                f"-p {brief(text)}: no setting of how a file is read.",
                nearest(key, set(FileSource.model_fields) - {"path", "source"}),
            )
        found[key] = yaml.safe_load(value)
    return found


def _read(path: Path, given: dict[str, Any]) -> tuple[Table, dict[str, Any], dict[str, Guess]]:
    """Read a file; where the sheet that is read has no rows, another one."""
    source = FileSource.model_validate({"source": "file", "path": str(path), **given})
    table = read_table(path, source)
    if len(table.frame) or source.sheet is not None or table.format != "excel":
        return table, given, {}
    from xmresearch.data.workbook import sheet_names

    for sheet in sheet_names(path)[1:]:
        other = read_table(
            path, FileSource.model_validate({**given, "source": "file", "path": str(path), "sheet": sheet})
        )
        if len(other.frame):
            why = Guess(sheet, "the first sheet has no rows; this one has")
            return other, {**given, "sheet": sheet}, {"sheet": why}
    return table, given, {}


def _target(path: Path, study: str, out: str | Path | None, name: str | None) -> tuple[Path, str]:
    slug = NAMED.sub("_", neutral_name(path.name).split(".")[0].lower()).strip("_")[:48]
    run = name or (slug if slug and slug[0].isalnum() else "draft")
    return (Path(out) if out else project_root() / "params" / study / f"{run}.yml"), run


def _none_suits(path: Path, profile: FileProfile, reasons: Mapping[str, str]) -> str:
    lines = [f"'{neutral_name(path.name)}' holds {profile.nature.what} ({profile.nature.why}), which no study suits:"]
    return "\n".join(lines + [f"- {name}: {why}." for name, why in reasons.items()])


def _texts(
    path: Path, table: Table, given: Mapping[str, Any], notes: Mapping[str, Guess], profile: FileProfile, study: str, run: str,
    proposal: Proposal, target: Path, reasons: Mapping[str, str],
) -> dict[Path, str]:  # fmt: skip
    """Return the files to write."""
    params = Written()
    params.note(f"yaml-language-server: $schema=../{study}.schema.json")
    params.note(
        f"Drafted from '{neutral_name(path.name)}' by xmresearch draft: {profile.rows:,d} rows, {len(profile.columns)} columns. Every line that was guessed "
        "says why; check those marked DOUBTFUL."
    )
    params.note(f"The file holds {profile.nature.what}: {profile.nature.why}.")
    for name, why in reasons.items():
        params.note(f"Study {name} {'suits' if name == study else 'was weighed'}: {why}.")
    params.put("study", study)
    params.put("name", run)
    params.put("data")
    params.put("source", "file", depth=1)
    params.put("path", os.path.relpath(path.resolve(), target.resolve().parent).replace(os.sep, "/"), depth=1)
    params.put("format", table.format, Guess(table.format, table.why), 1)
    encoding = table.encoding.removesuffix("-sig")
    if encoding and "encoding" not in given:
        params.put("encoding", table.encoding, Guess(encoding, "how its text is decoded"), 1)
    for key, value in given.items():
        params.put(key, value, notes.get(key, Guess(key, "given to draft")), 1)
    for key, (value, ground) in proposal.data.items():
        if isinstance(value, dict):
            params.note(ground.comment(), 1)
            params.put(key, depth=1)
            for k, v in value.items():
                params.put(k, v, depth=2)
        else:
            params.put(key, value, ground, 1)
    texts: dict[Path, str] = {}
    if proposal.codebook is not None:
        book = target.with_name(f"{target.stem}_codebook.yml")
        params.put("codebook", book.name, Guess(book.name, "drafted beside this file"))
        head = Written()
        head.note(
            f"Drafted from '{neutral_name(path.name)}' by xmresearch draft. Every line that was guessed says why; check those marked DOUBTFUL."
        )
        texts[book] = head.text() + proposal.codebook.text()
    body = params.text()
    texts[target] = body + (proposal.params.text() if proposal.params is not None else "")
    return texts


def _write(texts: Mapping[Path, str]) -> None:
    """Write files that are not there yet, all or none."""
    written: list[Path] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                written.append(path)
                stream.write(text)
    except FileExistsError:
        for path in written:
            path.unlink()
        there = next(p for p in texts if p not in written)
        raise OutputError(
            f"'{there.name}' exists already in '{there.parent}'.", "Give --out or --name, or delete it."
        ) from None
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise OutputError(f"'{path}' cannot be written: {error.strerror}.") from None


def describe(done: Draft) -> list[str]:
    """Say what was drafted, in lines: what the file is, why this study, what was guessed and what is doubtful.

    Parameters
    ----------
    done : Draft
        From `draft_study`.

    Returns
    -------
    list of str
    """
    lines = [
        f"The file holds {done.nature.what}: {done.nature.why}.",
        f"Study {done.study}: {done.reasons[done.study]}.",
    ]
    lines += [f"Not {name}: {why}." for name, why in done.reasons.items() if name != done.study]
    width = max((len(brief(topic)) for topic, _ in done.found), default=0)
    lines += [f"  {brief(topic):{width}}  {brief(g.what)}  ({brief(g.why)})" for topic, g in done.found if g.sure]
    doubtful = [(topic, g) for topic, g in done.found if not g.sure]
    lines += [f"Doubtful, marked in the files ({len(doubtful)}):"] if doubtful else ["Nothing is marked doubtful."]
    lines += [f"  {brief(topic):{width}}  {brief(g.what)}: {g.doubt}" for topic, g in doubtful]
    return [*lines, *(f"check: {line}" for line in done.checked.splitlines())]
