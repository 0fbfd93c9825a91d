"""Pack a run into one archive to send: what it left and what repeats it, without rows."""

from __future__ import annotations

import io
import zipfile
from importlib.resources import files
from pathlib import Path

from xmresearch.errors import OutputError
from xmresearch.run.cache import file_hash
from xmresearch.run.manifest import NAME, flaws, recorded
from xmresearch.run.project import shipped
from xmresearch.run.record import Record, read_record

LOCK, README = "uv.lock", "README.md"


def bundle_run(run: str | Path, out: str | Path | None = None) -> Path:
    """Write a run's notebook, reports, tables, figures, params, codebook, lock, manifest and description into one zip.

    Parameters
    ----------
    run : str or Path
        A run's folder or manifest.
    out : str or Path, optional
        The file; STUDY-NAME-KEY.zip in the working directory if absent.

    Returns
    -------
    Path
        Of the file. The same run makes the same bytes; it holds what the run left there and nothing that a user has added.

    Raises
    ------
    OutputError
        There is no such run, it is not whole, or the file exists with another content or cannot be written.
    """
    record = read_record(run)
    wrong = flaws(record.folder)
    if wrong:
        raise OutputError(f"The run is not whole: {'; '.join(wrong[:3])}.", "Run it again, then bundle it.")
    name = record.name.replace("/", "-")
    path = Path(out) if out is not None else Path(f"{name}.zip")
    content = _packed(record, name)
    try:
        if path.exists() and path.read_bytes() != content:
            raise OutputError(f"'{path}' exists already.", "Name another file with --out.")
        path.write_bytes(content)
    except OSError as error:
        raise OutputError(f"'{path}' cannot be written: {error.strerror or error}.") from None
    return path


def _packed(record: Record, name: str) -> bytes:
    parts = {each: (record.folder / each).read_bytes() for each in (NAME, *(recorded(record.folder) or {}))}
    lock = shipped() / LOCK
    has_lock = lock.is_file() and file_hash(lock) == record.content["lock"]
    if has_lock:
        parts[LOCK] = lock.read_bytes()
    parts[README] = _readme(record, has_lock).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for each in sorted(parts):
            # dated 1980, the first year that archives know
            entry = zipfile.ZipInfo(f"{name}/{each}")
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            packed.writestr(entry, parts[each])
    return out.getvalue()


def _readme(record: Record, has_lock: bool) -> str:
    """Fill in the text that says how to repeat the run, in the report's language."""
    import yaml

    content = record.content
    lang = content["params"].get("lang", "en")
    words = yaml.safe_load((files("xmresearch.run") / "bundle_words" / f"{lang}.yml").read_text("utf-8"))
    git = content.get("git") or {}
    commit = words["commit" if git.get("commit") else "no_commit"].format(commit=git.get("commit"))
    changed = words["changed"] if git.get("dirty") else ""
    inputs = (
        "".join(f"- {key}: SHA-256 {digest}\n" for key, digest in content["inputs"].items())
        or f"{words['no_inputs']}\n"
    )
    text: str = words["readme"].format(
        name=record.name, commit=commit, changed=changed, code=content["code"], python=content["python"], inputs=inputs,
        lock=words["lock" if has_lock else "no_lock"], whole="" if record.whole_params else f"{words['not_whole']}\n\n",
    )  # fmt: skip
    return text
