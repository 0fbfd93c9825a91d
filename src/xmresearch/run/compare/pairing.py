"""Whether two runs have the same respondents, and how far their estimates therefore go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from xmresearch.data.codebook import Codebook
from xmresearch.data.codebook_file import is_shipped, load_codebook
from xmresearch.data.config import SqlSource
from xmresearch.data.drawn import category_labels
from xmresearch.data.remote.database_url import parse_url
from xmresearch.data.remote.fetched import Rows, fetch
from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.errors import DataError, XMError
from xmresearch.params.base import StudyParams
from xmresearch.params.files import elsewhere
from xmresearch.run.cache import file_hash
from xmresearch.run.compare.recorded import RecordedRun
from xmresearch.run.project import project_root, shipped

Case = Literal["paired", "nobody", "no_ids", "replaced", "not_found", "not_by_rows"]


@dataclass(frozen=True, repr=False)
class Pairing(Shown):
    """How the respondents of two runs belong together.

    Attributes
    ----------
    case : str
        paired; or, with independent samples taken, nobody (is in both), no_ids (nothing tells respondents apart), replaced (identifiers
        were replaced by running numbers), not_found (the inputs), not_by_rows (the study's figures do not come from rows one by one).
    both : int
        Respondents in both.
    told : bool
        Whether the number of those in both may be shown: no small group is only in one.
    correlation : dict of str to float
        Of the two estimates, by figure.
    """

    case: Case
    both: int = 0
    told: bool = False
    correlation: Mapping[str, float] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Return what the report says of it."""
        case = "paired_some" if self.case == "paired" and not self.told else self.case
        return {"case": case, "both": self.both}


def params_of(run: RecordedRun) -> tuple[StudyParams, Path] | None:
    """Return a run's params and the folder that their paths start from, where its inputs are found unchanged.

    Parameters
    ----------
    run : RecordedRun
        A finished run.

    Returns
    -------
    tuple or None
        The folder is that of the params file where it is known; otherwise the first of the shipped params', the project's and the
        working directory whose files have the recorded hashes.
    """
    try:
        params = run.study.params.model_validate(dict(run.params))
    except ValueError:
        return None
    name = run.study.name
    places = [shipped() / "params" / name, project_root() / "params" / name, project_root(), Path.cwd()]
    for place in [run.base] if run.base is not None else places:
        if _found(params, run.inputs, place):
            return params, place
    return None


def _found(params: StudyParams, recorded: Mapping[str, str], base: Path) -> bool:
    """Whether all files that the params name lie there, as they were."""
    try:
        files = params.input_files(base)
        urls = [parse_url(one.url) for one in elsewhere(params).values() if isinstance(one, SqlSource)]
        there = all(url.file(base).is_file() for url in urls if url.engine == "duckdb")
        return there and all(recorded.get(key) == file_hash(path) for key, path in files.items())
    except (XMError, OSError):
        return False


def fetched_again(run: RecordedRun, params: StudyParams, base: Path) -> Rows:
    """Fetch a run's rows that are elsewhere once more.

    Parameters
    ----------
    run : RecordedRun
        A finished run.
    params, base
        As from `params_of`.

    Returns
    -------
    Rows

    Raises
    ------
    DataError
        They cannot be fetched, or are no longer those of the run.
    """
    rows = fetch(elsewhere(params), base)
    if any(run.inputs.get(key) != found for key, found in rows.hashes.items()):
        raise DataError("The rows are no longer those of the run.")
    return rows


def pairing(before: RecordedRun, after: RecordedRun) -> Pairing:
    """Find out which respondents are in both runs, and correlate what they contribute.

    Parameters
    ----------
    before, after : RecordedRun
        The two.

    Returns
    -------
    Pairing

    Notes
    -----
    The covariance of two estimates is the sum over respondents in both of the product of their influences.

    References
    ----------
    Tam, S. M. (1984). On covariances from overlapping samples. The American Statistician, 38, 288-289.
    """
    influence = after.study.influence
    if influence is None:
        return Pairing("not_by_rows")
    found = [params_of(run) for run in (before, after)]
    opened = []
    for run, place in zip((before, after), found, strict=True):
        if place is None:
            return Pairing("not_found")
        try:
            with fetched_again(run, *place).used():
                data = after.study.open(*place)
            opened.append((data.respondents, influence(place[0], data), data.table))
        except (XMError, OSError):
            return Pairing("not_found")
    who = _respondents(before, after, opened)
    if isinstance(who, str):
        return Pairing(who)
    parts = [influences.groupby(ids.to_numpy()).sum() for ids, (_, influences, _) in zip(who, opened, strict=True)]
    common = parts[0].index.intersection(parts[1].index)
    if not len(common):
        return Pairing("nobody")
    alone = [len(part) - len(common) for part in parts]
    least = max([MIN_CELL, *(int(run.params.get("min_cell", 0)) for run in (before, after))])
    told = len(common) >= least and all(n == 0 or n >= least for n in alone)
    shared = [c for c in parts[1].columns if c in parts[0].columns]
    return Pairing("paired", len(common), told, {c: correlated(parts[0][c], parts[1][c]) for c in shared})


def correlated(first: pd.Series, second: pd.Series) -> float:
    """Return the correlation of two estimates from the influences of their respondents.

    Parameters
    ----------
    first, second : Series
        Influences, under what tells respondents apart.

    Returns
    -------
    float
        0 where nobody is in both.
    """
    both = pd.concat([first, second], axis=1, join="inner", keys=["first", "second"])
    spread = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((both["first"] * both["second"]).sum()) / spread if spread > 0 else 0.0


def _respondents(before: RecordedRun, after: RecordedRun, opened: list[Any]) -> list[pd.Series] | Case:
    """Return what tells respondents apart in both runs, or why nothing does."""
    data = [run.params.get("data") for run in (before, after)]
    inputs = [{k: v for k, v in run.inputs.items() if k == "data" or k.startswith("join")} for run in (before, after)]
    if data[0] == data[1] and inputs[0] == inputs[1]:
        return [rows["row"] for rows, _, _ in opened]
    if not all("id" in rows for rows, _, _ in opened):
        return "no_ids"
    if not all(table is not None for _, _, table in opened):
        return "nobody"
    names = [run.params.get("id_column") for run in (before, after)]
    for name, (_, _, table) in zip(names, opened, strict=True):
        if any(p.column == name and p.done == "replaced" for p in table.protected):
            return "replaced"
    return [_identified(rows, wave) for wave, (rows, _, _) in enumerate(opened)]


def _identified(rows: pd.DataFrame, wave: int) -> pd.Series:
    """Return identifiers as text, however the waves' columns were read; a respondent without one is nobody else."""
    nobody = pd.Series([f"\0{wave} {row}" for row in rows["row"]], index=rows.index, dtype="string")
    return category_labels(rows["id"]).fillna(nobody)


def codebooks_differ(before: RecordedRun, after: RecordedRun) -> list[str] | None:
    """Return the items that both runs have and that differ in scale, kind, dimension or direction; None where that cannot be examined.

    Parameters
    ----------
    before, after : RecordedRun
        The two.

    Returns
    -------
    list of str or None
        Empty where they agree, or where the study has no codebook.
    """
    names = [run.params.get("codebook") for run in (before, after)]
    hashes = [run.inputs.get("codebook") for run in (before, after)]
    if names[0] == names[1] and hashes[0] == hashes[1]:
        return []
    books: list[Codebook] = []
    for run, name in zip((before, after), names, strict=True):
        place = (None, Path()) if name is None or is_shipped(str(name)) else params_of(run)
        if name is None or place is None:
            return None
        books.append(load_codebook(str(name), place[1]))
    then, now = ({c.name: (c.scale, c.kind, c.construct, c.reverse) for c in book.columns} for book in books)
    return [name for name, what in now.items() if name in then and then[name] != what]
