"""Names of files that tell who somebody is."""

from __future__ import annotations

from pathlib import Path

from xmresearch.identifiers.patterns import find


def neutral_name(name: str) -> str:
    """Return a file's name for outputs: without identifiers of persons.

    Parameters
    ----------
    name : str
        Of the file.

    Returns
    -------
    str
        The name as it is, or `data` with its ending where it tells who somebody is.
    """
    return f"data{Path(name).suffix}" if find(name.replace("_", " ").replace("-", " ")) or find(name) else name
