"""Verbatims: what people write in their own words, in Chinese and English."""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.verbatims.languages import language_of as language_of
    from xmresearch.verbatims.new_topics import topics_since as topics_since
    from xmresearch.verbatims.quotes import exemplars as exemplars
    from xmresearch.verbatims.quotes import plain_quote as plain_quote
    from xmresearch.verbatims.segmentation import words_of as words_of
    from xmresearch.verbatims.topics import TopicResult as TopicResult
    from xmresearch.verbatims.topics import find_topics as find_topics
else:
    __getattr__, __dir__ = front_door(__name__)
