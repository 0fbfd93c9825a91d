"""Channels: what raw labels of touchpoints are called, and the codes that they get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import DataError, ParamsError, brief, nearest
from xmresearch.sufficient.label_forms import own_label

UNKNOWN_RULES = ("raise", "keep", "drop")


class Labels:
    """Channels in order of appearance, from raw labels by a mapping.

    Parameters
    ----------
    mapping : mapping of str to str, optional
        From raw labels to channels.
    unknown : str
        What happens to labels that the mapping lacks: 'raise', 'keep' (a channel of their own) or 'drop' (counted).

    Notes
    -----
    A label without a mapping that this package uses itself, such as '(other)', becomes '(other) (logged)'; see `own_label`.

    Raises
    ------
    ParamsError
        There is no such rule, or a raw label is mapped to nothing.
    """

    def __init__(self, mapping: Mapping[str, str] | None = None, unknown: str = "raise") -> None:
        if unknown not in UNKNOWN_RULES:
            raise ParamsError(f"There is no rule '{unknown}' for unknown channels.", nearest(unknown, UNKNOWN_RULES))
        nothing = [
            raw for raw, channel in (mapping or {}).items() if not isinstance(channel, str) or not channel.strip()
        ]
        if nothing:
            raise ParamsError(
                f"The channel mapping gives '{nothing[0]}' no channel.",
                "Leave it out, and drop unknown ones (unknown='drop').",
            )
        self.mapping, self.unknown = mapping, unknown
        self._code: dict[str, int] = {}

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels so far."""
        return tuple(self._code)

    def codes(self, raw: Iterable[str | None]) -> NDArray[np.int32]:
        """Return the code of each label: -1 for a blank one, -2 for one that is dropped.

        Raises
        ------
        DataError
            A label is not in the mapping and the rule is 'raise'.
        """
        return np.array([self._one(label) for label in raw], dtype=np.int32)

    def _one(self, raw: str | None) -> int:
        label = "" if raw is None else str(raw).strip()
        if not label:
            return -1
        if self.mapping is None or (label not in self.mapping and self.unknown == "keep"):
            label = own_label(label)
        else:
            if label in self.mapping:
                label = self.mapping[label].strip()
            elif self.unknown == "drop":
                return -2
            elif self.unknown == "raise":
                raise DataError(
                    f"The channel mapping has no '{brief(label)}'.",
                    f"{nearest(label, self.mapping)} Add it, or say what to do with unknown ones (unknown='keep', 'drop').".strip(),
                )
        return self._code.setdefault(label, len(self._code))
