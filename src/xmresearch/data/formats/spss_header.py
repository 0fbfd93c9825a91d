"""The one fact of a .sav file that its reader does not hand on: by which variable its cases are weighted."""

from __future__ import annotations

import struct
from pathlib import Path

_HEADER = 176
_LAYOUTS = (2, 3)
_STRING_PART = -1


def weight_position(path: Path) -> int | None:
    """Return where the weight stands among the numeric variables.

    Parameters
    ----------
    path : Path
        .sav or .zsav.

    Returns
    -------
    int or None
        From 0; None where the file is not weighted, or is of another kind.

    References
    ----------
    GNU PSPP Developers' Guide, System File Format: file header record and variable records.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER)
        if not head.startswith((b"$FL2", b"$FL3")) or len(head) < _HEADER:
            return None
        order = "<" if struct.unpack("<i", head[64:68])[0] in _LAYOUTS else ">"
        weight = struct.unpack(f"{order}i", head[76:80])[0]
        if weight <= 0:
            return None
        numeric = 0
        # a long text takes several records; the weight is counted in records
        for at in range(1, weight + 1):
            record = file.read(32)
            if len(record) < 32:
                return None
            kind, width, labelled, missing = struct.unpack(f"{order}4i", record[:16])
            if kind != 2:
                return None
            if labelled == 1:
                size = file.read(4)
                if len(size) < 4:
                    return None
                length = struct.unpack(f"{order}i", size)[0]
                file.seek((max(length, 0) + 3) // 4 * 4, 1)
            file.seek(8 * abs(missing), 1)
            if at == weight:
                return numeric if width == 0 else None
            numeric += width == 0
    return None
