"""What became of a column with identifiers of persons."""

from __future__ import annotations

from dataclasses import dataclass

from xmresearch.data.replacing import Done
from xmresearch.display import Shown


@dataclass(frozen=True, repr=False)
class Protected(Shown):
    """What became of one column with identifiers.

    Attributes
    ----------
    column : str
        Its name.
    kind : str
        email, phone, name, ip, location, id_number, card, plate or account; text for running text, open_text for answers in
        respondents' own words.
    ground : str
        tool, name, values or params.
    done : str
        dropped; replaced (by running numbers, in order of first appearance); hashed (keyed HMAC-SHA256); kept (as the params say);
        scrubbed (of identifiers within texts).
    cells : int
        How many cells it concerns.
    key : str
        Fingerprint of the key of hashed ones; '' otherwise.
    alike : int
        How many different values had become alike without identifiers, so that numbers tell them apart.
    """

    column: str
    kind: str
    ground: str
    done: Done
    cells: int
    key: str = ""
    alike: int = 0
