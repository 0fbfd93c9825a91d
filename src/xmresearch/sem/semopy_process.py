"""semopy in a process of its own, with a cache of what it found."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import weakref
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from xmresearch.display import Shown
from xmresearch.kept_fits import folder
from xmresearch.sem import semopy_fit

# some models make semopy search without end
_PATIENCE = 60.0
_VERSIONS = ("semopy", "numpy", "scipy", "pandas")
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(repr=False)
class SemopyProcess(Shown):
    """One fit in a process of its own, which begins at once, or what a former one found.

    Attributes
    ----------
    job : str
        What `xmresearch.sem.semopy_fit` is given, in JSON.
    """

    job: str
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)
    _output: IO[bytes] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        installed = _versions()
        self._kept = _cache_file(self.job, installed)
        self._known = _read(self._kept)
        if self._known is not None or installed is None:
            return
        with tempfile.TemporaryFile() as given:
            given.write(self.job.encode())
            given.seek(0)
            self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `_end`
            command = [sys.executable, "-P", semopy_fit.__file__]
            try:
                self._process = subprocess.Popen(
                    command, stdin=given, stdout=self._output, stderr=subprocess.DEVNULL, env=os.environ | _ENVIRONMENT
                )
            except OSError:
                self._output.close()
                return
        weakref.finalize(self, _end, self._process, self._output)

    def result(self) -> dict[str, Any] | None:
        """Wait for what was found, as `xmresearch.sem.semopy_fit.semopy_fit` returns it; None where nothing was."""
        if self._process is None or self._output is None:
            return self._known
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._output.seek(0)
        try:
            self._known = json.loads(self._output.read())
        except ValueError:
            return None
        finally:
            _end(self._process, self._output)
            self._process = None
        _keep(self._kept, self._known)
        return self._known


def _end(process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
    """Leave no process and no file behind."""
    process.kill()
    process.wait()
    output.close()


def _versions() -> list[str] | None:
    """Return the versions that determine a result; None where semopy is not installed."""
    try:
        return [metadata.version(name) for name in _VERSIONS]
    except metadata.PackageNotFoundError:
        return None


def _cache_file(job: str, installed: list[str] | None) -> Path | None:
    """Return where the result of a job is kept; None where none is."""
    home = folder()
    if home is None or installed is None:
        return None
    content = json.dumps([job, installed, sys.version]).encode() + Path(semopy_fit.__file__).read_bytes()
    return home / "semopy" / f"{hashlib.sha256(content).hexdigest()[:32]}.json"


def _read(path: Path | None) -> dict[str, Any] | None:
    try:
        known: dict[str, Any] | None = json.loads(path.read_text("utf-8")) if path else None
    except (OSError, ValueError):
        return None
    return known if isinstance(known, dict) and known.keys() >= {"converged", "discrepancy", "estimates"} else None


def _keep(path: Path | None, found: dict[str, Any] | None) -> None:
    """Write a result beside its place and move it there, whole; a folder that cannot be written keeps nothing."""
    if path is None or found is None:
        return
    beside = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(found), "utf-8")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
