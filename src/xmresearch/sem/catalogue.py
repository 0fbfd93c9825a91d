"""Models that the package ships."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from xmresearch.errors import ModelError, nearest


@cache
def shipped_models() -> tuple[str, ...]:
    """Return the names of the shipped models.

    Returns
    -------
    tuple of str
        As `model_text` takes them, in alphabetical order.
    """
    folder = files("xmresearch.sem") / "models"
    return tuple(sorted(entry.name[:-4] for entry in folder.iterdir() if entry.name.endswith(".lav")))


def model_text(given: str) -> str:
    """Return a model's text.

    Parameters
    ----------
    given : str
        The name of a shipped model (servqual, servqual_satisfaction, ecsi, acsi), or the text itself.

    Returns
    -------
    str
        In lavaan's syntax.

    Raises
    ------
    ModelError
        A single word that names no shipped model.
    """
    name = given.strip()
    if name in shipped_models():
        return (files("xmresearch.sem") / "models" / f"{name}.lav").read_text("utf-8")
    if name.replace("_", "").isalnum():
        raise ModelError(f"There is no shipped model '{name}'.", nearest(name, shipped_models()))
    return given
