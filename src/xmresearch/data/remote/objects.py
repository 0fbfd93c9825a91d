"""Files and folders in object stores, reached through fsspec with the credentials of the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.data.remote.object_path import checked_path, split_path, store_of
from xmresearch.errors import DataError, XMError, nearest
from xmresearch.identifiers.file_names import neutral_name

if TYPE_CHECKING:
    import polars as pl

_PATIENCE = {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 1}}  # s3fs itself tries again
_PARQUET = ".parquet"


def listing(path: str) -> dict[str, str] | None:
    """List the Parquet files of a folder in an object store.

    Parameters
    ----------
    path : str
        Such as s3://BUCKET/FOLDER.

    Returns
    -------
    dict of str to str
        Path of each file to what changes with its content: its size, and its ETag (of Google its generation). None where the path is that
        of a file.

    Raises
    ------
    DataError
        There is neither a file nor a folder with Parquet files; or see `download`.
    """
    with _told(path), _opened(path) as files:
        if files.isfile(path):
            return None
        scheme = path.partition("://")[0]
        found = files.ls(path, detail=True) if files.isdir(path) else []
        parts = {
            f"{scheme}://{one['name']}": _mark(one)
            for one in found
            if one["type"] == "file" and one["name"].endswith(_PARQUET)
        }
        if parts:
            return dict(sorted(parts.items()))
        folder, name = split_path(path)
        beside = [split_path(one)[1] for one in files.ls(folder, detail=False)] if files.isdir(folder) else []
    if found:
        raise DataError(
            f"The folder '{neutral_name(name)}' holds no .parquet file.", "Name the folder that does, or a file."
        )
    raise DataError(f"data.path: the file '{name}' does not exist in '{folder}'.", nearest(name, beside))


def download(path: str, target: Path) -> None:
    """Copy a file of an object store.

    Parameters
    ----------
    path : str
        Such as s3://BUCKET/FILE.csv.
    target : Path
        Where it goes.

    Raises
    ------
    DataError
        Its driver is not installed; it is not there; or the store lets nobody in or is not reached.
    OSError
        The target cannot be written.
    """
    with target.open("wb") as copy, _told(path), _opened(path) as files, files.open(path, "rb") as stream:
        while block := stream.read(1 << 22):
            _write(copy, block)


def parquet_files(source: str | Path) -> list[str]:
    """Return the Parquet files of a path of this machine or of an object store.

    Parameters
    ----------
    source : str or Path
        A file, or a folder that holds `*.parquet`.

    Returns
    -------
    list of str
        By name; a file alone as it is.

    Raises
    ------
    DataError
        A folder holds none; or see `listing`.
    """
    if isinstance(source, str) and store_of(source) is not None:
        found = listing(checked_path(source))
        return [source] if found is None else [*found]
    here = Path(checked_path(source) if isinstance(source, str) else source).absolute()
    files = sorted(here.glob(f"*{_PARQUET}")) if here.is_dir() else [here]
    if not files:
        raise DataError(f"The folder '{here.name}' holds no .parquet file.", "Name the folder that does.")
    return [str(path) for path in files]


def parquet_metadata(path: str) -> Any:
    """Return what a Parquet file says of its row groups, as pyarrow has it; raises as pyarrow and `download` do."""
    import pyarrow.parquet as pq

    if store_of(path) is None:
        return pq.read_metadata(path)
    import pyarrow as pa

    with _told(path, pa.ArrowException), _opened(path) as files, files.open(path, "rb") as stream:
        return pq.read_metadata(stream)


def scan_parquet(paths: list[str]) -> pl.LazyFrame:
    """Scan Parquet files, those of an object store in place.

    Parameters
    ----------
    paths : list of str
        All of this machine, or all of one store.

    Returns
    -------
    polars.LazyFrame
        Rows in the order of the files.
    """
    import polars as pl

    if store_of(paths[0]) is None:
        return pl.scan_parquet(paths, glob=False)
    provider: Any = _botocore if paths[0].startswith("s3://") else "auto"
    return pl.scan_parquet(paths, glob=False, storage_options=_options(paths[0]), credential_provider=provider)


def _mark(found: Mapping[str, Any]) -> str:
    tag = next(
        (
            str(found[key]).strip('"')
            for key in ("ETag", "etag", "generation", "md5Hash", "LastModified")
            if found.get(key)
        ),
        "",
    )
    return f"{found['size']} {tag}"


def _options(path: str) -> dict[str, str]:
    """Return what polars does not take from the environment of S3's other clients."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if not path.startswith("s3://") or not endpoint:
        return {}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return {
        "aws_endpoint_url": endpoint,
        "aws_allow_http": str(endpoint.startswith("http://")).lower(),
        "aws_region": region,
    }


def _botocore() -> tuple[dict[str, str], int | None]:
    """Find the credentials of S3 where its other clients do."""
    from botocore.session import get_session

    found = get_session().get_credentials()
    if found is None:
        raise PermissionError("no credentials")
    frozen = found.get_frozen_credentials()
    token = {"aws_session_token": frozen.token} if frozen.token else {}
    return {"aws_access_key_id": frozen.access_key, "aws_secret_access_key": frozen.secret_key} | token, None


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    """Open an object store anew, so that nothing that it said before is taken for what it says now."""
    store = store_of(path)
    try:
        import fsspec

        scheme = path.partition("://")[0]
        settings: dict[str, Any] = {"config_kwargs": _PATIENCE} if scheme == "s3" else {}
        files = fsspec.filesystem(scheme, skip_instance_cache=True, use_listings_cache=False, **settings)
    except ImportError:
        name, driver = (store.name, store.driver) if store else ("", "")
        raise DataError(
            f"Paths of {name} need the package {driver}, which is not installed.",
            "Install it with the extra: pip install 'xmresearch[cloud]'.",
        ) from None
    yield files


class _Unwritten(Exception):
    """The copy cannot be written; its cause says why."""


def _write(copy: Any, block: bytes) -> None:
    try:
        copy.write(block)
    except OSError as error:
        raise _Unwritten from error


@contextmanager
def _told(path: str, *passed: type[Exception]) -> Iterator[None]:
    """Say as a DataError what an object store or its driver finds wrong, without what may hold credentials; let some errors pass."""
    folder, name = split_path(path)
    store = store_of(path)
    try:
        yield
    except XMError:
        raise
    except _Unwritten as error:
        raise error.__cause__ or error from None
    except FileNotFoundError:
        raise DataError(f"data.path: there is no '{name}' in '{folder}'.", "Correct data.path.") from None
    except Exception as error:  # drivers have their own errors, which share no class
        if isinstance(error, passed):
            raise
        what = f"{store.name if store else 'The store'} at '{folder}'"
        said = f"{type(error).__name__} {error}".lower()
        if isinstance(error, PermissionError) or any(
            sign in said
            for sign in ("credential", "forbidden", "denied", "unauthorized", "authentication", "invalidaccesskey")
        ):
            raise DataError(
                f"{what} lets nobody in with the credentials at hand.", f"Set {store.environment if store else 'them'}."
            ) from None
        raise DataError(
            f"{what} cannot be reached ({type(error).__name__}).",
            "See whether it can be reached from here, and whether its address in the environment is right.",
        ) from None
