"""Locks that the system releases with the process that holds them, whatever machine or container it runs in."""

from __future__ import annotations

import errno
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
_PATIENCE, _POLL = 1.0, 0.5


@contextmanager
def held(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock, once whoever holds it has released it.

    Parameters
    ----------
    path : Path
        The lock's file, in a folder that exists; it is there only while somebody holds the lock or waits for it.
    waiting : callable
        Called once if somebody else holds it for longer than a second.

    Raises
    ------
    OSError
        The file cannot be written. A file system without locks is no error: the lock then holds nobody back.
    """
    from filelock import Timeout

    lock = _lock(path)
    try:
        try:
            _acquire(lock, _PATIENCE)
        except Timeout:
            waiting()
            _acquire(lock, -1)
    except OSError as error:
        if isinstance(error, Timeout) or error.errno not in _NO_LOCKS:
            raise
        yield
        return
    try:
        yield
    finally:
        _release(lock, path)


@contextmanager
def held_if_free(path: Path) -> Iterator[bool]:
    """Hold a lock if nobody does, and say whether that is so; it is not where there are no locks or no access."""
    lock = _lock(path)
    try:
        _acquire(lock, 0)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        _release(lock, path)


def _lock(path: Path) -> BaseFileLock:
    """Make the lock; whoever shares the folder may take it."""
    from filelock import FileLock

    return FileLock(path, mode=0o666)


def _acquire(lock: BaseFileLock, timeout: float) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="flock not supported")
        lock.acquire(timeout=timeout, poll_interval=_POLL)


def _release(lock: BaseFileLock, path: Path) -> None:
    """Delete the file while it is still locked: one who has opened it sees that it is gone, and starts over."""
    from filelock import SoftFileLock

    if not isinstance(lock, SoftFileLock):
        with suppress(OSError):
            path.unlink(missing_ok=True)
    lock.release()
