"""Paths of files in object stores, which hold no credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://")


@dataclass(frozen=True)
class Store:
    """A kind of object store.

    Attributes
    ----------
    name : str
        What it is called.
    driver : str
        Package through which fsspec reaches it.
    environment : str
        Where its credentials come from.
    """

    name: str
    driver: str
    environment: str


STORES: Mapping[str, Store] = {
    "s3": Store("S3", "s3fs", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, and AWS_ENDPOINT_URL for a store that is not Amazon's"),
    "gs": Store("Google Cloud Storage", "gcsfs", "GOOGLE_APPLICATION_CREDENTIALS to the file of a service account"),
    "az": Store("Azure Blob Storage", "adlfs", "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"),
}  # fmt: skip
"""By the scheme of paths."""


def store_of(path: object) -> Store | None:
    """Return the object store that a path begins with; None for a path of this machine."""
    found = _SCHEME.match(path) if isinstance(path, str) else None
    return None if found is None else STORES.get(found["scheme"])


def split_path(path: str) -> tuple[str, str]:
    """Return the folder of a path in an object store, with its scheme, and the name of the file or folder that it ends in."""
    folder, _, name = path.rstrip("/").rpartition("/")
    return folder, name


def checked_path(path: str) -> str:
    """Judge a path, and take file:// for a path of this machine.

    Parameters
    ----------
    path : str
        A path of this machine; or s3://BUCKET/..., gs://BUCKET/..., az://CONTAINER/... or file:///....

    Returns
    -------
    str
        As given; of file:// the path.

    Raises
    ------
    ValueError
        It begins with another scheme, names no object, or names credentials; the message does not repeat it.
    """
    found = _SCHEME.match(path)
    if found is None:
        return path
    scheme, parts = found["scheme"], urlsplit(path)
    if scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise ValueError("a path with file:// is file:///FOLDER/FILE, with three strokes")
        return url2pathname(parts.path)
    if scheme not in STORES:
        raise ValueError(f"files are read from this machine, or from paths with {', '.join(f'{s}://' for s in STORES)}")
    if "@" in parts.netloc or parts.query:
        raise ValueError(
            f"the path names credentials or settings, and params are kept and shown: leave them out and set {STORES[scheme].environment}"
        )
    if not parts.netloc or not unquote(parts.path).strip("/"):
        raise ValueError(f"a path with {scheme}:// is {scheme}://BUCKET/FOLDER/FILE")
    return path
