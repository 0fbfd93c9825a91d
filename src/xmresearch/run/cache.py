"""The key of a run: a hash of everything that determines its result."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from xmresearch.errors import StudyError
from xmresearch.run.project import shipped

KEY_LENGTH = 16
PACKAGES = (
    "xmresearch", "arviz", "click", "defusedxml", "distributed", "duckdb", "filelock", "holidays", "ipykernel",
    "jupyterlab", "llvmlite", "matplotlib", "nbclient", "numba", "numpy", "opencc", "openpyxl", "pandas", "papermill",
    "phonenumbers", "pingouin", "platformdirs", "polars", "pooch", "psycopg", "pyarrow", "pydantic",
    "pylopdf-fonts-zh-cn", "pymc", "pypandoc-binary", "pyreadstat", "pytensor", "python-docx", "python-pptx",
    "python-stdnum", "pyyaml", "rdata", "rjieba", "scikit-learn", "scipy", "seaborn", "semopy",
    "statsmodels", "threadpoolctl", "typst", "wordcloud", "xlrd", "xlsxwriter",
)  # fmt: skip
MANIFEST = "manifest.json"
PACKAGE = Path(__file__).resolve().parents[1]
_COMPILED = "__pycache__"
_remembered: list[Any] = []


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def code_hash(notebook: Path, study: Path | None = None) -> str:
    """Return one hash of every file of the package and of the study's folder, and of the notebook.

    Parameters
    ----------
    notebook : Path
        Enters by its cells, as does any notebook in those folders: their kinds, tags and sources, but not what they showed,
        when they ran or how an editor folds them.
    study : Path, optional
        The study's folder, where it is not in the package. What Python compiles, hidden files and results of runs are left out.

    Returns
    -------
    str
        SHA-256, hexadecimal.

    Raises
    ------
    StudyError
        A notebook cannot be read.
    """
    digest = _remembered[0].copy() if _remembered else _with_folder(hashlib.sha256(), PACKAGE)
    if study is not None and not study.is_relative_to(PACKAGE):
        digest = _with_folder(digest, study)
    digest.update(_cells(notebook))
    return digest.hexdigest()


def _with_folder(digest: hashlib._Hash, folder: Path) -> hashlib._Hash:
    for path in _sources(folder):
        content = _cells(path) if path.suffix == ".ipynb" else path.read_bytes()
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + content + b"\0")
    return digest


def program() -> dict[str, str]:
    """Return what of a process determines results beside params and data: the package's files, lock, Python and versions."""
    package = _remembered[0] if _remembered else _with_folder(hashlib.sha256(), PACKAGE)
    return {"xmresearch's code": package.hexdigest(), "the lock": lock_hash(), "Python": python_version(), **versions()}


def lock_hash() -> str:
    """Return the hash of uv.lock; '' where there is none."""
    lock = shipped() / "uv.lock"
    return file_hash(lock) if lock.is_file() else ""


def python_version() -> str:
    """Return the version of Python and the machine that it runs on."""
    return f"{platform.python_version()} {platform.system()} {platform.machine()}"


def remember_program() -> None:
    """Let the package's files and the installed versions be looked at once: in a process that has imported all of them already."""
    _remembered[:] = _with_folder(hashlib.sha256(), PACKAGE), versions()


@contextmanager
def remembered_program() -> Iterator[None]:
    """Let them be looked at once while many runs are planned."""
    before = list(_remembered)
    remember_program()
    try:
        yield
    finally:
        _remembered[:] = before


def _sources(folder: Path) -> list[Path]:
    """Return the files that determine what code does, in order."""
    found = []
    for at, folders, names in folder.walk():
        if at != folder and (MANIFEST in names or at.name == "outputs"):
            folders.clear()
            continue
        folders[:] = [name for name in folders if name != _COMPILED and not name.startswith(".")]
        found += [at / name for name in names if not name.startswith(".") and (at / name).is_file()]
    return sorted(found)


def _cells(notebook: Path) -> bytes:
    """Return what of a notebook a run depends on."""
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        parts = [
            (
                cell["cell_type"],
                "".join(cell["source"]),
                sorted(cell.get("metadata", {}).get("tags", [])),
                cell.get("attachments", {}),
            )
            for cell in cells
        ]
    except OSError as error:
        raise StudyError(f"The notebook '{notebook}' cannot be read: {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StudyError(f"'{notebook}' is no Jupyter notebook (version 4).", "Save it in JupyterLab.") from None
    return json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()


def versions() -> dict[str, str]:
    """Return the installed versions of the packages that a result may depend on."""
    if _remembered:
        return dict(_remembered[1])
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Identity:
    """What determines a run's result.

    Attributes
    ----------
    params : mapping
        Validated params, as JSON.
    inputs : mapping of str to str
        SHA-256 of every input file, by the key that names it.
    code, lock : str
        Hash of sources and notebook; hash of uv.lock ('' where there is none).
    packages : mapping of str to str
        Installed versions, which need not be those of the lock.
    python : str
        Version and machine.
    """

    params: Mapping[str, Any]
    inputs: Mapping[str, str]
    code: str
    lock: str
    packages: Mapping[str, str]
    python: str

    @property
    def key(self) -> str:
        """First digits of the hash of all of it; names the output folder."""
        content = {
            "params": self.params,
            "inputs": self.inputs,
            "code": self.code,
            "lock": self.lock,
            "packages": self.packages,
            "python": self.python,
        }
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def identify(
    params: Mapping[str, Any],
    inputs: Mapping[str, Path],
    notebook: Path,
    study: Path,
    keys: Mapping[str, str] | None = None,
) -> Identity:
    """Hash what determines a run.

    Parameters
    ----------
    params : mapping
        Validated params, as JSON.
    inputs : mapping of str to Path
        Files that the run reads.
    notebook : Path
        The study's notebook.
    study : Path
        The study's folder.
    keys : mapping of str to str, optional
        Fingerprints of the keys of pseudonyms, by setting; they stand among the inputs.

    Returns
    -------
    Identity
    """
    return Identity(
        params=params,
        inputs={name: file_hash(path) for name, path in sorted(inputs.items())} | dict(keys or {}),
        code=code_hash(notebook, study),
        lock=lock_hash(),
        packages=versions(),
        python=python_version(),
    )
