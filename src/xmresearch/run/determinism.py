"""The environment in which the same params give the same bits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xmresearch.data import FOLDER_VARIABLE
from xmresearch.params.registry import FOLDERS_VARIABLE

SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PYTENSOR_FLAGS": "numba__fastmath=False",
    "SOURCE_DATE_EPOCH": "0",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "TZ": "UTC",
}
_REMOVED = ("PYTHONDONTWRITEBYTECODE", "PYTHONWARNINGS")


@contextmanager
def deterministic_environment(studies: Path | None = None) -> Iterator[None]:
    """Set what a kernel inherits, before it imports anything, and restore it afterwards.

    Parameters
    ----------
    studies : Path, optional
        Folder in which the kernel shall look for studies of one's own before it looks elsewhere.

    Notes
    -----
    One BLAS thread, since singular values differ in the last bit between one and two; a fixed hash seed; no fast-math,
    since draws otherwise depend on whether the compile cache was warm. Byte code may be written, which makes imports
    three times faster. A relative data folder is made absolute, since the kernel works elsewhere.
    """
    before = {name: os.environ.get(name) for name in (*SETTINGS, *_REMOVED, FOLDER_VARIABLE, FOLDERS_VARIABLE)}
    flags = os.environ.get("PYTENSOR_FLAGS")
    os.environ.update(SETTINGS)
    if flags and "fastmath" not in flags:
        os.environ["PYTENSOR_FLAGS"] = f"{flags},{SETTINGS['PYTENSOR_FLAGS']}"
    for name in _REMOVED:
        os.environ.pop(name, None)
    if studies is not None:
        os.environ[FOLDERS_VARIABLE] = os.pathsep.join(filter(None, (str(studies.resolve()), before[FOLDERS_VARIABLE])))
    folder = before[FOLDER_VARIABLE]
    if folder:
        os.environ[FOLDER_VARIABLE] = str(Path(folder).expanduser().resolve())
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
