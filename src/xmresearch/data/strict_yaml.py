"""Safe YAML in which a key may be given only once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from xmresearch.errors import XMError


class _Repeated(Exception):
    """A key that was given twice, or is no plain text."""


class _UniqueKeyLoader(yaml.SafeLoader):
    """Safe loading that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _Repeated(f"line {key.start_mark.line + 1}: a key must be plain text.")
            if key.value in seen:
                raise _Repeated(f"line {key.start_mark.line + 1}: the key '{key.value}' is given twice.")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, where: str, error: type[XMError]) -> tuple[str, Any]:
    """Read a YAML file.

    Parameters
    ----------
    path : Path
        An existing file.
    where : str
        Its name, for messages.
    error : type
        What to raise.

    Returns
    -------
    text : str
        The file's text.
    content : object
        What it says.

    Raises
    ------
    XMError
        Of the given class: the file is no UTF-8, no YAML, or gives a key twice.
    """
    try:
        text = path.read_text("utf-8-sig")
        return text, yaml.load(text, _UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except UnicodeDecodeError:
        raise error(f"{where} is not UTF-8 text.", "Save it as UTF-8.") from None
    except _Repeated as repeated:
        raise error(f"{where}: {repeated}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as wrong:
        raise error(f"{where} is not valid YAML: {' '.join(str(wrong).split())}") from None
