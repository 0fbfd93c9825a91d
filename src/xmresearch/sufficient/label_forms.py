"""Labels as they are written: names that this package uses itself, and labels that differ in letter case or Unicode form only."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

START, CONVERTED, LEFT, OTHER = "(start)", "(converted)", "(left)", "(other)"
RESERVED = frozenset({START, CONVERTED, LEFT, OTHER})
_LOGGED = " (logged)"


def own_label(label: str) -> str:
    """Return a label of the data under a name that this package does not use itself: '(other)' becomes '(other) (logged)'."""
    return label + _LOGGED if label in RESERVED else label


def as_written(channel: str) -> str:
    """Return what `own_label` was made of."""
    bare = channel.removesuffix(_LOGGED)
    return bare if bare in RESERVED else channel


def form_key(label: str) -> str:
    """Return what labels have in common that differ in letter case, blanks or Unicode form (NFKC) only."""
    plain = unicodedata.normalize("NFKC", label).casefold()
    return " ".join(unicodedata.normalize("NFKC", plain).split())


def same_but_for_form(labels: Iterable[str]) -> list[tuple[str, ...]]:
    """Return groups of labels that differ in letter case, blanks or Unicode form only, each sorted."""
    groups: dict[str, list[str]] = {}
    for label in labels:
        groups.setdefault(form_key(label), []).append(label)
    return [tuple(sorted(group)) for _, group in sorted(groups.items()) if len(group) > 1]


def merged_forms(touches: Mapping[str, float], mapping: Mapping[str, str] | None = None) -> dict[str, str]:
    """Map labels that differ in form only to one.

    Parameters
    ----------
    touches : mapping of str to float
        How often each label as written occurs.
    mapping : mapping of str to str, optional
        From labels to channels; holds for every form of a label.

    Returns
    -------
    dict
        From each label to its channel by the mapping, without one to the form that occurs most; labels whose every form the
        mapping lacks are left out.
    """
    often: dict[str, str] = {}
    for label in sorted(touches, key=lambda name: (-touches[name], name)):
        often.setdefault(form_key(label), own_label(label))
    if mapping is None:
        return {label: often[form_key(label)] for label in touches}
    asked = {form_key(raw): channel for raw, channel in mapping.items()}
    return {label: asked[form_key(label)] for label in touches if form_key(label) in asked} | dict(mapping)
