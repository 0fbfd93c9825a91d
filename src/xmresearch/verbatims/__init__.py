"""Verbatims: what people write in their own words, in Chinese and English."""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.verbatims.languages import language_of as language_of
else:
    __getattr__, __dir__ = front_door(__name__)
