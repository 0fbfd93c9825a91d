"""Read the file that a source names, with the files that are joined to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xmresearch.data.config import FileSettings, FileSource, JoinedFile, OwnRows, SqlSource
from xmresearch.data.file_rules import by_settings
from xmresearch.data.formats.registry import read_table
from xmresearch.data.formats.table import Table
from xmresearch.data.joins import join_by_key
from xmresearch.data.remote.fetched import Located, called, located
from xmresearch.data.streamed_survey import read_folder
from xmresearch.errors import DataError, Problems


def read_file(
    data: FileSource | SqlSource,
    base: Path | None = None,
    exempt: Sequence[str] = (),
    only: Sequence[str] | None = None,
    place: Located | None = None,
) -> Table:
    """Read the file, or the rows of a query, that a params file names.

    Parameters
    ----------
    data : FileSource or SqlSource
        Where it is, and how to read it.
    base : Path, optional
        Folder that a relative path starts from; the working directory if absent.
    exempt : sequence of str
        Columns in which codes for no answer are not looked for, unless they are named.
    only : sequence of str, optional
        The columns in which they are looked for, unless they are named; all others if absent.
    place : Located, optional
        Where the rows are, if that is known already.

    Returns
    -------
    Table
        Rows, and what the file says of them.

    Raises
    ------
    DataError
        See `xmresearch.data.formats.registry.read_table`, `located` and `by_settings`.
    """
    folder = base or Path()
    problems, others = Problems(), []
    with problems.step():
        place = place or located(data, folder)
        if place.parts:
            raise DataError(f"data.path: '{place.name}' is a folder; this study reads one file.", "Name a file.")
        read = read_folder(place.path) if place.is_folder else place.described(read_table(place.path, place.settings))
        table = by_settings(read, data, place.name, [*exempt, *_left_keys(data)], only)
    for joined in data.join:
        with problems.step():
            others.append(_read_other(joined, folder))
    problems.settle()
    for settings, other in zip(data.join, others, strict=True):
        table = join_by_key(table, other, settings, called(settings))[0]
    return table


def _left_keys(data: OwnRows) -> list[str]:
    return [name for other in data.join for name in ([other.by] if isinstance(other.by, str) else other.by)]


def _read_other(settings: JoinedFile, folder: Path) -> Table:
    """Read a file that is joined, by its own settings."""
    own = {name: getattr(settings, name) for name in FileSettings.model_fields}
    keys = [settings.by] if isinstance(settings.by, str) else [*settings.by.values()]
    place = located(FileSource(source="file", **own), folder)
    return by_settings(read_table(place.path, place.settings), settings, place.name, keys)
