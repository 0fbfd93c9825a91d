"""Safe YAML of bounded size, in which a key may be given only once and nothing is written by reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from xmresearch.display import Shown
from xmresearch.errors import XMError, brief

MOST_BYTES, MOST_VALUES, DEEPEST = 5_000_000, 50_000, 50
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Refused(Exception):
    """What the text is not allowed to hold, and where."""


class Invalid(Refused):
    """Where the text is no YAML."""


@dataclass(frozen=True, repr=False)
class Content(Shown):
    """What a YAML text says, and where.

    Attributes
    ----------
    value : object
        Plain Python.
    node : yaml.Node or None
        What it was made from; None for an empty text.
    """

    value: Any
    node: yaml.Node | None

    def line_of(self, location: Sequence[Any]) -> int | None:
        """Find the line of the innermost key or position that is written there; None if none is."""
        node, line = self.node, None
        for part in location:
            if isinstance(node, yaml.MappingNode):
                for key, value in node.value:
                    if key.value == str(part):
                        line, node = key.start_mark.line + 1, value
                        break
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
        return line


def read_yaml(path: Path, where: str, error: type[XMError], *, aliases: bool = False) -> Content:
    """Read a YAML file.

    Parameters
    ----------
    path : Path
        An existing file.
    where : str
        Its name, for messages.
    error : type
        What to raise.
    aliases : bool
        Whether a part may stand for another (`*name`): in files of our own only, since few lines may then hold millions.

    Returns
    -------
    Content

    Raises
    ------
    XMError
        Of the given class: the file is no UTF-8, no YAML, too large, gives a key twice or refers to a part of itself.
    """
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise Refused(f"the file has {size:,d} bytes; at most {MOST_BYTES:,d} are read.")
        return parse_yaml(path.read_text("utf-8-sig"), aliases=aliases)
    except UnicodeDecodeError:
        raise error(f"{where} is not UTF-8 text.", "Save it as UTF-8.") from None
    except OSError as problem:
        raise error(f"{where} cannot be read: {problem.strerror or problem}.") from None
    except Invalid as wrong:
        raise error(f"{where} is not valid YAML: {wrong}.") from None
    except Refused as refused:
        raise error(f"{where}: {refused}") from None


def parse_yaml(text: str, *, aliases: bool = False) -> Content:
    """Parse a YAML text, once, by libyaml where it is there; `Invalid` or `Refused` says what is wrong with it."""
    try:
        loader = _Loader(text)
        node = _composed(loader, aliases)
        return Content(None if node is None else loader.construct_document(node), node)
    except yaml.MarkedYAMLError as wrong:
        at = wrong.problem_mark or wrong.context_mark
        place = f"line {at.line + 1}: " if at is not None else ""
        raise Invalid(f"{place}{brief(wrong.problem or wrong.context)}") from None
    except (yaml.YAMLError, ValueError) as wrong:
        raise Invalid(brief(wrong)) from None


def _composed(loader: Any, aliases: bool) -> yaml.Node | None:
    """Build the one document's nodes from the parser's events, without recursion."""
    top: yaml.Node | None = None
    documents = values = 0
    opened: list[Any] = []
    anchors: dict[str, yaml.Node] = {}
    keys: list[tuple[yaml.Node | None, set[str]]] = []
    while (event := loader.get_event()) is not None:
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise Refused(f"line {line}: a second document begins; only one is read.")
        elif isinstance(event, yaml.AliasEvent):
            if not aliases or event.anchor not in anchors:
                raise Refused(f"line {line}: '*{brief(event.anchor)}' refers to another part; write it out.")
            _put(opened[-1], keys, anchors[event.anchor], line)
        elif isinstance(event, yaml.CollectionEndEvent):
            opened.pop().end_mark = event.end_mark
            keys.pop()
        elif isinstance(event, yaml.NodeEvent):
            values += 1
            if values > MOST_VALUES:
                raise Refused(f"line {line}: more than {MOST_VALUES:,d} keys and values; no more are read.")
            node = _node(loader, event)
            if event.anchor is not None:
                anchors[event.anchor] = node
            if opened:
                _put(opened[-1], keys, node, line)
            else:
                top = node
            if not isinstance(node, yaml.ScalarNode):
                opened.append(node)
                keys.append((None, set()))
                if len(opened) > DEEPEST:
                    raise Refused(f"line {line}: more than {DEEPEST} levels deep.")
    return top


def _node(loader: Any, event: Any) -> yaml.Node:
    kind: type[yaml.Node] = {
        yaml.ScalarEvent: yaml.ScalarNode, yaml.SequenceStartEvent: yaml.SequenceNode, yaml.MappingStartEvent: yaml.MappingNode,
    }[type(event)]  # fmt: skip
    value = event.value if kind is yaml.ScalarNode else []
    tag = event.tag
    if tag is None or tag == "!":
        tag = loader.resolve(kind, value if kind is yaml.ScalarNode else None, event.implicit)
    return kind(tag, value, event.start_mark, event.end_mark)


def _put(parent: Any, keys: list[tuple[yaml.Node | None, set[str]]], node: yaml.Node, line: int) -> None:
    """Append a node to the collection that is open; in a mapping every second one is the value of the key before it."""
    if isinstance(parent, yaml.SequenceNode):
        parent.value.append(node)
        return
    key, seen = keys[-1]
    if key is not None:
        parent.value.append((key, node))
        keys[-1] = (None, seen)
        return
    if not isinstance(node, yaml.ScalarNode):
        raise Refused(f"line {line}: a key must be plain text.")
    if node.value in seen:
        raise Refused(f"line {line}: the key '{brief(node.value)}' is given twice.")
    seen.add(node.value)
    keys[-1] = (node, seen)
