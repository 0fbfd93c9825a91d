"""Go through an event log in XES trace by trace, whatever its size."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from xmresearch.errors import DataError, brief, reason

LARGEST_RATIO = 200
"""How many times its size a packed log may unpack to, beyond `SMALL_UNPACKED`; real ones unpack to 10 to 60 times."""
SMALL_UNPACKED = 100_000_000
LARGEST_UNPACKED = 50_000_000_000
DEEPEST = 32
"""Levels of elements within one another; a log has three, and attributes of attributes."""
TYPES = ("string", "date", "int", "float", "boolean", "id", "list", "container")
_SETS = ("list", "container")
Key = tuple[str, str]


@dataclass(repr=False)
class Columns:
    """Attributes of events, column by column.

    Attributes
    ----------
    cells : dict
        Values as written, by level (trace or event) and key; a column may be shorter than the log.
    kinds : dict
        Types that each of them has in the log.
    declared : set of str
        Keys that the log declares of every event.
    events, traces, empty, unnamed : int
        How many events and traces there are, traces without events, and traces without a name.
    """

    cells: dict[Key, list[str | None]] = field(default_factory=dict)
    kinds: dict[Key, set[str]] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    events: int = 0
    traces: int = 0
    empty: int = 0
    unnamed: int = 0
    _known: dict[str, str] = field(default_factory=dict)

    def add(self, attributes: dict[Key, tuple[str, str]]) -> None:
        """Add an event."""
        for key, (kind, value) in attributes.items():
            column = self.cells.setdefault(key, [])
            column.extend([None] * (self.events - len(column)))
            # one copy of each text, and none of the times, which are all different
            column.append(value if kind == "date" else self._known.setdefault(value, value))
            self.kinds.setdefault(key, set()).add(kind)
        self.events += 1

    def column(self, key: Key) -> list[str | None]:
        """Return the values of one attribute, one for each event."""
        found = self.cells.get(key, [])
        return found + [None] * (self.events - len(found))


class _Limited:
    """A packed file that stops where it unpacks to too much."""

    def __init__(self, file: gzip.GzipFile, path: Path) -> None:
        self.file, self.path, self.size, self.given = file, path, path.stat().st_size, 0

    def read(self, n: int = -1) -> bytes:
        """Return the next bytes."""
        piece = self.file.read(n)
        self.given += len(piece)
        blown = self.given > SMALL_UNPACKED and self.given > LARGEST_RATIO * self.size
        if blown or self.given > LARGEST_UNPACKED:
            raise DataError(
                f"'{self.path.name}' unpacks to more than {self.given / 1e6:,.0f} MB from {self.size / 1e6:,.2f} MB; reading stopped there.",
                "A log does not: get it again from its source, or unpack it and look.",
            )
        return piece


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not packed:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield _Limited(unpacked, path)


def read_columns(path: Path) -> Columns:
    """Read the attributes of all events, with those of their trace.

    Parameters
    ----------
    path : Path
        .xes, or .xes.gz.

    Returns
    -------
    Columns
        In the order of the file. An attribute of an attribute is named with a dot between their keys; the values of a list are
        joined by semicolons.

    Raises
    ------
    DataError
        It is no XES, not well-formed, unpacks to far more than a log would, or declares entities.

    References
    ----------
    IEEE Standard for eXtensible Event Stream (XES), IEEE 1849-2016.
    """
    from defusedxml import DefusedXmlException  # type: ignore[import-untyped]

    try:
        with _opened(path) as file:
            return _gone_through(file, path.name)
    except DefusedXmlException:
        raise DataError(
            f"'{path.name}' declares entities or a document type, which no event log needs; it was not read.",
            "Get it again from its source.",
        ) from None
    except (ParseError, OSError, EOFError, zlib.error, ValueError, LookupError) as error:
        raise DataError(
            f"'{path.name}' is not a readable event log in XES: {reason(error)}.", "It may be cut off: get it again."
        ) from None


def _gone_through(file: Any, name: str) -> Columns:
    from defusedxml.ElementTree import iterparse  # type: ignore[import-untyped]

    found = Columns()
    path: list[Element] = []
    trace: dict[Key, tuple[str, str]] = {}
    events: list[dict[Key, tuple[str, str]]] = []
    for moment, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
        if moment == "start":
            path.append(element)
            if len(path) > DEEPEST:
                raise DataError(f"'{name}' has elements more than {DEEPEST} deep.", "It is no event log.")
            if len(path) == 1 and _tag(element) != "log":
                raise DataError(
                    f"'{name}' is XML, but no event log: it begins with <{brief(_tag(element))}>.", "Export it as XES."
                )
            continue
        path.pop()
        tag, within = _tag(element), [_tag(e) for e in path]
        if within == ["log"]:
            if tag == "trace":
                _close_trace(found, trace, events)
                trace, events = {}, []
            elif tag == "event":
                found.add(_attributes(element, "event"))
            elif tag == "global" and element.get("scope", "event") == "event":
                found.declared |= {key for _, key in _attributes(element, "event")}
        elif within == ["log", "trace"]:
            if tag == "event":
                events.append(_attributes(element, "event"))
            else:
                _take(element, "trace", "", trace)
        else:
            continue
        path[-1].clear()
    return found


def _close_trace(found: Columns, trace: dict[Key, tuple[str, str]], events: list[dict[Key, tuple[str, str]]]) -> None:
    found.traces += 1
    found.empty += not events
    if not trace.get(("trace", "concept:name"), ("", ""))[1].strip():
        found.unnamed += 1
        trace[("trace", "concept:name")] = ("string", f"(trace {found.traces})")
    for event in events:
        found.add(trace | event)


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _attributes(element: Element, level: str) -> dict[Key, tuple[str, str]]:
    found: dict[Key, tuple[str, str]] = {}
    for child in element:
        _take(child, level, "", found)
    return found


def _take(element: Element, level: str, before: str, found: dict[Key, tuple[str, str]]) -> None:
    """Take an attribute and those that it has itself."""
    tag, key = _tag(element), element.get("key", "").strip()
    if tag not in TYPES or not key:
        return
    key = before + key
    if tag in _SETS:
        inner = [e for e in element.iter() if e is not element and _tag(e) in TYPES and _tag(e) not in _SETS]
        found[level, key] = ("string", "; ".join(e.get("value", "").strip() for e in inner))
        return
    value = element.get("value")
    if value is not None:
        found[level, key] = (tag, value.strip())
    for child in element:
        _take(child, level, f"{key}.", found)
