"""BLAS threads: one for the many small solves of a fit, all of them for products that are large enough to gain."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import RLock, local
from typing import Any

from threadpoolctl import ThreadpoolController

WORTH_THREADS = 2e8


class _Pools:
    """The thread counts of the BLAS libraries of this process, and how many threads hold them at one.

    Most libraries have one count for the process: the first thread that holds sets it, and the last one restores it. Where a
    library works through OpenMP, every thread has its own count.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._holders = 0
        self._mine = local()
        self._modules = -1
        self._libraries: list[Any] = []
        self._shared: list[tuple[Any, int]] = []

    def hold(self) -> None:
        """Set every library to one thread, unless this thread has done so; for shared counts, unless any has."""
        depth = getattr(self._mine, "depth", 0)
        self._mine.depth = depth + 1
        if depth:
            return
        with self._lock:
            found = [(x, x.get_num_threads()) for x in self._found()]
            self._mine.own = [(x, n) for x, n in found if _per_thread(x)]
            self._holders += 1
            if self._holders == 1:
                self._shared = [(x, n) for x, n in found if not _per_thread(x)]
                _set(self._shared, one=True)
            _set(self._mine.own, one=True)

    def release(self) -> None:
        """Restore the counts, unless this thread, or for shared counts another one, still needs one thread."""
        self._mine.depth -= 1
        if self._mine.depth:
            return
        with self._lock:
            self._holders -= 1
            if not self._holders:
                _set(self._shared, one=False)
            _set(self._mine.own, one=False)

    def lift(self) -> bool:
        """Restore the counts for a while, where this thread alone holds them; say whether that was done."""
        with self._lock:
            alone = self._holders == 1 and getattr(self._mine, "depth", 0) > 0
            if alone:
                _set(self._shared + self._mine.own, one=False)
            return alone

    def lower(self) -> None:
        """End a lift."""
        with self._lock:
            _set(self._shared + self._mine.own, one=True)

    def _found(self) -> list[Any]:
        """Return the BLAS libraries; looked for again only when modules were imported since, as that takes milliseconds."""
        if self._modules != len(sys.modules):
            self._modules = len(sys.modules)
            self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        return self._libraries


def _per_thread(library: Any) -> bool:
    return getattr(library, "threading_layer", "") == "openmp"


def _set(counts: list[tuple[Any, int]], one: bool) -> None:
    """Set counts to one, or back; by the library's own call, as threadpoolctl's lets one thread of the process do so."""
    for library, count in counts:
        if count != 1:
            setter = getattr(library, "_real_set_num_threads", library.set_num_threads)
            setter(1 if one else count)


_POOLS = _Pools()


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS at one thread.

    Solves of small matrices gain nothing from several threads, and wait for them whenever another process has the cores. The
    counts are restored afterwards, also after an error; the context may be nested, and entered by several threads.

    References
    ----------
    threadpoolctl, https://github.com/joblib/threadpoolctl.
    """
    _POOLS.hold()
    try:
        yield
    finally:
        _POOLS.release()


def on_one_thread[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Run a function under `one_thread`.

    Parameters
    ----------
    function : callable
        An entry point, so that the cost (some 10 microseconds) arises once per fit.

    Returns
    -------
    callable
        With the same signature and keyword defaults.
    """

    @wraps(function)
    def held(*args: P.args, **kwargs: P.kwargs) -> R:
        with one_thread():
            return function(*args, **kwargs)

    # entry points read the defaults of one another, which `wraps` leaves behind
    wrapper: Any = held
    wrapper.__kwdefaults__ = getattr(function, "__kwdefaults__", None)
    return held


@contextmanager
def all_threads(multiplications: float) -> Iterator[None]:
    """Within `one_thread`, give BLAS its threads back for one large product.

    Parameters
    ----------
    multiplications : float
        In the product; below `WORTH_THREADS`, or where other threads hold BLAS at one thread too, nothing changes.
    """
    lifted = multiplications >= WORTH_THREADS and _POOLS.lift()
    try:
        yield
    finally:
        if lifted:
            _POOLS.lower()
