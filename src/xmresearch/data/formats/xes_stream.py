"""Go through an event log in XES trace by trace, whatever its size."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xmresearch.errors import DataError, brief, reason

LARGEST_RATIO = 200
"""How many times its size a packed log may unpack to, beyond `SMALL_UNPACKED`; real ones unpack to 10 to 60 times."""
SMALL_UNPACKED = 100_000_000
LARGEST_UNPACKED = 50_000_000_000
DEEPEST = 32
"""Levels of elements within one another; a log has three, and attributes of attributes."""
_SETS = frozenset({"list", "container"})
_TYPES = frozenset({"string", "date", "int", "float", "boolean", "id"}) | _SETS
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
    from xml.parsers.expat import ExpatError

    try:
        with _opened(path) as file:
            return _Log(path.name).parse(file)
    except (ExpatError, OSError, EOFError, zlib.error, ValueError, LookupError) as error:
        raise DataError(
            f"'{path.name}' is not a readable event log in XES: {reason(error)}.", "It may be cut off: get it again."
        ) from None


class _Attribute:
    """An attribute that is open: its key with those around it, and the values found in it if it is a set."""

    __slots__ = ("inner", "key", "within")

    def __init__(self, key: str, within: _Attribute | None, *, several: bool) -> None:
        self.key, self.within = key, within
        self.inner: list[str] | None = [] if several else None


class _Log:
    """What a parser tells of a log, element by element; no tree is built.

    A document type is refused as soon as it begins, so that no entity is ever declared.
    """

    def __init__(self, name: str) -> None:
        self.name, self.found = name, Columns()
        self.trace: dict[Key, tuple[str, str]] = {}
        self.event: dict[Key, tuple[str, str]] | None = None
        self.events: list[dict[Key, tuple[str, str]]] = []
        self.stack: list[str] = []
        # what attributes belong to: trace, event, declared; nothing where they are of the log itself
        self.level = ""
        self.open: _Attribute | None = None

    def parse(self, file: Any) -> Columns:
        from xml.parsers import expat

        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.end
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self.refuse
        parser.ParseFile(file)
        return self.found

    def refuse(self, *_: object) -> None:
        raise DataError(
            f"'{self.name}' declares entities or a document type, which no event log needs; it was not read.",
            "Get it again from its source.",
        )

    def start(self, tag: str, given: dict[str, str]) -> None:
        tag = tag.rpartition("}")[2]
        stack = self.stack
        if len(stack) >= DEEPEST:
            raise DataError(f"'{self.name}' has elements more than {DEEPEST} deep.", "It is no event log.")
        if not stack and tag != "log":
            raise DataError(
                f"'{self.name}' is XML, but no event log: it begins with <{brief(tag)}>.", "Export it as XES."
            )
        stack.append(tag)
        if tag in _TYPES:
            if self.level:
                self._attribute(tag, given)
        elif tag == "trace" and len(stack) == 2:
            self.trace, self.events, self.level = {}, [], "trace"
        elif self._holds_events(tag, given):
            self.event, self.level = {}, "event"

    def _holds_events(self, tag: str, given: dict[str, str]) -> bool:
        """Whether what begins is an event, or declares what all events have."""
        if tag == "global":
            return len(self.stack) == 2 and given.get("scope", "event") == "event"
        return tag == "event" and self.stack[1:-1] in ([], ["trace"])

    def _attribute(self, tag: str, given: dict[str, str]) -> None:
        within = self.open
        key = given.get("key", "").strip()
        held = _Attribute(
            f"{within.key}.{key}" if within and within.inner is None else key, within, several=tag in _SETS
        )
        self.open = held
        around = within
        while around is not None and around.inner is None:
            around = around.within
        if around is not None:
            # inside a set only values count
            if held.inner is None:
                around.inner.append(given.get("value", "").strip())  # type: ignore[union-attr]
            else:
                held.inner = around.inner
        elif key and held.inner is None and "value" in given:
            self._level()[self.level, held.key] = (tag, given["value"].strip())

    def _level(self) -> dict[Key, tuple[str, str]]:
        return self.trace if self.event is None else self.event

    def end(self, tag: str) -> None:
        tag = tag.rpartition("}")[2]
        self.stack.pop()
        if tag in _TYPES:
            held = self.open
            if held is None:
                return
            self.open = held.within
            if held.inner is not None and held.key and (held.within is None or held.within.inner is not held.inner):
                self._level()[self.level, held.key] = ("string", "; ".join(held.inner))
        elif tag == "event" and self.event is not None and self.stack[1:] in ([], ["trace"]):
            if len(self.stack) == 2:
                self.events.append(self.event)
                self.level = "trace"
            else:
                self.found.add(self.event)
                self.level = ""
            self.event = None
        elif tag == "global" and len(self.stack) == 1 and self.event is not None:
            self.found.declared |= {key for _, key in self.event}
            self.event, self.level = None, ""
        elif tag == "trace" and len(self.stack) == 1:
            _close_trace(self.found, self.trace, self.events)
            self.trace, self.events, self.level = {}, [], ""


def _close_trace(found: Columns, trace: dict[Key, tuple[str, str]], events: list[dict[Key, tuple[str, str]]]) -> None:
    found.traces += 1
    found.empty += not events
    if not trace.get(("trace", "concept:name"), ("", ""))[1].strip():
        found.unnamed += 1
        trace[("trace", "concept:name")] = ("string", f"(trace {found.traces})")
    for event in events:
        found.add(trace | event)
