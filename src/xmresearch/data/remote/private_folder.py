"""Folders that nobody else can read, and that no process leaves behind."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_PREFIX = "xm-rows-"


def private_folder() -> Path:
    """Make a folder for this process among temporary files, and remove those of processes of this machine that were killed."""
    here = f"{_PREFIX}{hashlib.sha256(platform.node().encode()).hexdigest()[:8]}-"
    for left in Path(tempfile.gettempdir()).glob(f"{here}*"):
        found = re.match(r"(\d+)-", left.name.removeprefix(here))
        if found is not None and not _alive(int(found[1])):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{here}{os.getpid()}-"))


def remove(folder: Path, owner: int) -> None:
    """Remove a folder, unless another process than its owner asks for it, as one does that was forked."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    if os.name == "nt":
        return True  # asking would end it
    with suppress(PermissionError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True
