"""Which files a run reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from xmresearch.data.config import DatasetSource, FileSource, JoinedFile, OwnRows, SqlSource
from xmresearch.data.remote.fetched import Elsewhere
from xmresearch.data.remote.object_path import store_of
from xmresearch.errors import DataError
from xmresearch.identifiers.file_names import neutral_name


def key_fingerprints(params: BaseModel, base: Path) -> dict[str, str]:
    """Return fingerprints of the keys of pseudonyms that the params name, by the setting that names them.

    Parameters
    ----------
    params : BaseModel
        Of a study.
    base : Path
        Folder of the params file.

    Returns
    -------
    dict of str to str
        Never a key, nor its hash.

    Raises
    ------
    DataError
        A key cannot be read.
    """
    from xmresearch.data.protection import read_key
    from xmresearch.data.replacing import fingerprint

    found = {}
    for name in type(params).model_fields:
        source = getattr(params, name)
        if isinstance(source, OwnRows) and source.protect.key is not None:
            found[f"{name}.protect.key"] = fingerprint(read_key(source.protect.key, base))
    return found


def source_files(data: BaseModel, base: Path, *, folders: bool = False) -> dict[str, Path]:
    """Return the files that hold the rows.

    Parameters
    ----------
    data : ScenarioSource, RolloutSource, DatasetSource, FileSource or SqlSource
        Where the rows come from.
    base : Path
        Folder of the params file.
    folders : bool
        Whether a folder of Parquet files will do.

    Returns
    -------
    dict of str to Path
        By key: data (none of what is elsewhere, see `elsewhere`), or data/NAME for the files of a folder (data/NUMBER of a name that tells who somebody is); join1, join2, ... for those that are joined.

    Raises
    ------
    DataError
        There is no such file.
    """
    if isinstance(data, FileSource) and not store_of(data.path):
        path = base / data.path
        if folders and path.is_dir():
            parts = enumerate(sorted(path.glob("*.parquet")), 1)
            return {f"data/{p.name if neutral_name(p.name) == p.name else k}": p for k, p in parts}
        if not path.is_file():
            raise DataError(
                f"data.path: the file '{data.path}' does not exist in '{path.parent}'.",
                "Relative paths start from the folder of the params file.",
            )
        return {"data": path, **_joined(data.join, base)}
    if isinstance(data, OwnRows):
        return _joined(data.join, base)
    if isinstance(data, DatasetSource):
        from xmresearch.data.datasets import local_path

        found = local_path(data.name)
        return {} if found is None else {"data": found}
    return {}


def _joined(files: Sequence[JoinedFile], base: Path) -> dict[str, Path]:
    """Return the files that are joined, by key."""
    others = {f"join{k + 1}": base / other.path for k, other in enumerate(files) if not store_of(other.path)}
    for key, other in others.items():
        if not other.is_file():
            raise DataError(
                f"data.join: the file '{other.name}' does not exist in '{other.parent}'.",
                f"Correct the path of {key}; relative paths start from the folder of the params file.",
            )
    return others


def elsewhere(params: BaseModel, prefix: str = "data") -> dict[str, Elsewhere]:
    """Return the queries, and the files and folders of object stores, whose rows a run reads.

    Parameters
    ----------
    params : BaseModel
        Of a study, or a section of them.
    prefix : str
        Key of what stands under `data`: that of a section is the section's name.

    Returns
    -------
    dict of str to SqlSource or FileSettings
        By the key that names the input, as of files: data, join1, survey, ...
    """
    found: dict[str, Elsewhere] = {}
    for name in type(params).model_fields:
        section, key = getattr(params, name), prefix if name == "data" else name
        if isinstance(section, OwnRows):
            own = {f"{key if key != 'data' else ''}join{k + 1}": other for k, other in enumerate(section.join)}
            files: dict[str, Any] = {key: section, **own}
            found |= {k: one for k, one in files.items() if isinstance(one, SqlSource) or store_of(one.path)}
        elif isinstance(section, BaseModel):
            found |= elsewhere(section, name)
    return found
