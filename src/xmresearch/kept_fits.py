"""Fits that are kept on disk, by the content of what determines them: a fit that was made before is read."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

VARIABLE, OFF = "XMRESEARCH_CACHE", "off"
MOST_BYTES = 1 << 30
"""What all fits together may take; those that were not used for longest go first."""
_SUFFIX, _BESIDE, _DIGEST = ".fit", ".part", 32
_LIBRARIES = ("numpy", "scipy", "pymc", "pytensor")
_STALE = 3600.0
_NAMES, _ENDS = "names of parts", "ends of parts"
_loaded = time.time()

Arrays = Mapping[str, NDArray[Any]]


class Kept(NamedTuple):
    """What is kept.

    Attributes
    ----------
    folder : Path or None
        None where fits are not kept.
    fits : int
        How many.
    size : int
        Bytes that they take.
    """

    folder: Path | None
    fits: int
    size: int


def folder() -> Path | None:
    """Return where fits are kept: the folder that XMRESEARCH_CACHE names, else the user's; None where it says 'off'."""
    named = os.environ.get(VARIABLE, "").strip()
    if named.lower() == OFF:
        return None
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("xmresearch")


def kept_or_made(kind: str, given: Iterable[object], code: Iterable[Path], make: Callable[[], Arrays]) -> Arrays:
    """Return a fit that was made before from the same, or make it and keep it.

    Parameters
    ----------
    kind : str
        Names a folder of the cache.
    given : iterable of object
        What determines the fit: arrays and whatever else can be pickled.
    code : iterable of Path
        Folders whose Python files determine it.
    make : callable
        Makes it; its arrays hold no objects.

    Returns
    -------
    mapping of str to ndarray
        The same bits either way. What was kept is passed over where it is damaged, and nothing is kept where a file of
        `code` was written after this process had loaded it, or where the cache cannot be written.
    """
    home, source = folder(), _source(code)
    if home is None or source is None:
        return make()
    path = home / kind / f"{_key(given, source)}{_SUFFIX}"
    found = _read(path)
    if found is None:
        found = make()
        _keep(path, found)
        _forget_oldest(home, MOST_BYTES)
    return found


def kept_parts(
    kind: str, given: Iterable[object], code: Iterable[Path], parts: Sequence[bytes], make: Callable[[int], Arrays]
) -> Arrays:
    """Return what parts of something that grows come to, one after the other: those that were met before are read.

    Parameters
    ----------
    kind, given, code
        As for `kept_or_made`; `given` also names what grows, of which the last state is kept.
    parts : sequence of bytes
        What tells the content of each part, such as its hash; at least one.
    make : callable
        Makes what a part comes to, by its place in `parts`: arrays of the same names for every part, and of one length within a part.

    Returns
    -------
    mapping of str to ndarray
        Arrays of all parts, in their order; the same bits whether parts were kept or not.
    """
    home, source = folder(), _source(code)
    path = None if home is None or source is None else home / kind / f"{_key(given, source)}{_SUFFIX}"
    found = {} if path is None else dict(_read(path) or {})
    names, ends = (found.pop(k, np.zeros(0, int)).tolist() for k in (_NAMES, _ENDS))
    places = {n: slice(a, b) for n, a, b in zip(names, [0, *ends], ends, strict=False)}
    now = [hashlib.sha256(part).hexdigest() for part in parts]
    made = [{k: v[places[n]] for k, v in found.items()} if n in places else make(j) for j, n in enumerate(now)]
    total = {k: np.concatenate([one[k] for one in made]) for k in made[0]}
    if path is not None and home is not None and names != now:
        sizes = [len(next(iter(one.values()))) for one in made]
        _keep(path, {**total, _NAMES: np.array(now), _ENDS: np.cumsum(sizes)})
        _forget_oldest(home, MOST_BYTES)
    return total


def kept() -> Kept:
    """Return what is kept, and where."""
    home = folder()
    sizes = [size for _, size, _ in _files(home)]
    return Kept(home, len(sizes), sum(sizes))


def clear() -> Kept:
    """Forget every fit, and return what was kept."""
    found = kept()
    _forget_oldest(found.folder, 0)
    return found


def _source(code: Iterable[Path]) -> bytes | None:
    """Return a hash of Python files; None where one was written after this process began to load them."""
    digest = hashlib.sha256()
    try:
        for place in sorted(set(code)):
            for path in sorted(place.rglob("*.py")):
                if path.stat().st_mtime > _loaded:
                    return None
                digest.update(path.relative_to(place).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    except OSError:
        return None
    return digest.digest()


def _key(given: Iterable[object], source: bytes) -> str:
    """Return the hash of what determines a fit: bits are promised for one machine and one set of versions."""
    features = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    digest = hashlib.sha256(source)
    digest.update(repr([sys.version, platform.machine(), features, *map(metadata.version, _LIBRARIES)]).encode())
    for each in given:
        if isinstance(each, np.ndarray):
            digest.update(f"{each.dtype.str}{each.shape}".encode() + np.ascontiguousarray(each).tobytes())
        else:
            digest.update(pickle.dumps(each, protocol=5))
        digest.update(b"\0")
    return digest.hexdigest()


def _read(path: Path) -> Arrays | None:
    try:
        content = path.read_bytes()
        if hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
            path.unlink()
            return None
        with np.load(io.BytesIO(content[_DIGEST:]), allow_pickle=False) as arrays:
            found = dict(arrays)
        os.utime(path)
    except OSError:
        return None
    return found


def _keep(path: Path, arrays: Arrays) -> None:
    """Write a fit beside its place and move it there, whole, whoever else writes the same."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    content = buffer.getvalue()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        number, beside = tempfile.mkstemp(suffix=_BESIDE, dir=path.parent)
        try:
            with os.fdopen(number, "wb") as stream:
                stream.write(hashlib.sha256(content).digest() + content)
            os.replace(beside, path)
        except OSError:
            os.unlink(beside)
            raise


def _files(home: Path | None) -> Iterator[tuple[float, int, Path]]:
    """Yield when each kept file was last used, its size and its path; what a writer left that was ended is removed."""
    if home is None:
        return
    for path in (*home.glob(f"*/*{_SUFFIX}"), *home.glob("*/*.json"), *home.glob(f"*/*{_BESIDE}")):
        with suppress(OSError):
            state = path.stat()
            if path.suffix != _BESIDE:
                yield state.st_mtime, state.st_size, path
            elif time.time() - state.st_mtime > _STALE:
                path.unlink()


def _forget_oldest(home: Path | None, most: int) -> None:
    """Remove what was not used for longest, until the rest takes at most so many bytes."""
    files = sorted(_files(home))
    size = sum(each for _, each, _ in files)
    for _, each, path in files:
        if size <= most:
            return
        with suppress(OSError):
            path.unlink(missing_ok=True)
            size -= each
