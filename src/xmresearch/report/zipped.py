"""Office files are zip archives: written so that the same parts make the same bytes."""

from __future__ import annotations

import io
import re
import zipfile

LONGEST_PROPERTY = 255
"""Characters of a property of an Office file, such as its title."""


def same_bytes(content: bytes) -> bytes:
    """Return an archive without dates and traces of the machine that wrote it.

    Parameters
    ----------
    content : bytes
        A zip archive, such as a Word document.

    Returns
    -------
    bytes
        The same parts in the same order.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            # dated 1980, the first year that archives know
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            new.writestr(entry, old.read(name))
    return out.getvalue()


def property_text(text: str) -> str:
    """Return a text as the properties of Office files hold it: not too long, and without what is no character."""
    clean = re.sub(r"[\x00-\x1f\x7f]", " ", text)
    return clean if len(clean) <= LONGEST_PROPERTY else f"{clean[: LONGEST_PROPERTY - 1]}…"
