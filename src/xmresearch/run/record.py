"""A run as its manifest records it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from xmresearch.display import Shown
from xmresearch.errors import OutputError
from xmresearch.run.cache import Identity
from xmresearch.run.manifest import NAME
from xmresearch.run.project import project_root
from xmresearch.run.public_params import is_absolute

_TEXTS, _MAPPINGS = ("key", "code", "lock", "python"), ("params", "inputs", "versions", "outputs")


@dataclass(frozen=True, repr=False)
class Record(Shown):
    """A run as its manifest records it.

    Attributes
    ----------
    folder : Path
        The run's.
    content : mapping
        Of the manifest.
    """

    folder: Path
    content: Mapping[str, Any]

    @property
    def identity(self) -> Identity:
        """What determined the result, as recorded."""
        c = self.content
        return Identity(c["params"], c["inputs"], c["code"], c["lock"], c["versions"], c["python"])

    @property
    def name(self) -> str:
        """STUDY/NAME/KEY."""
        return f"{self.content['params'].get('study')}/{self.content['params'].get('name')}/{self.content['key']}"

    @property
    def formats(self) -> list[str]:
        """What the report was written as."""
        found = [PurePosixPath(name) for name in self.content["outputs"]]
        return [path.suffix[1:] for path in found if path.stem == "report" and len(path.parts) == 1]

    @property
    def whole_params(self) -> bool:
        """Whether the manifest has all params as they were, since none tells who somebody is."""
        return bool(self.content.get("whole_params"))


def names_a_run(given: str | Path) -> bool:
    """Whether a path is that of a manifest, or of a folder that holds one."""
    path = Path(given)
    return path.name == NAME or (path / NAME).is_file()


def read_record(given: str | Path) -> Record:
    """Read what a run was.

    Parameters
    ----------
    given : str or Path
        A run's folder, `latest-en` and the like among them, or its manifest; from the working directory or from `outputs/`.

    Returns
    -------
    Record

    Raises
    ------
    OutputError
        There is no such run, or its manifest cannot be read.
    """
    path = Path(given)
    places = [path, project_root() / "outputs" / path]
    folder = next((p.parent if p.name == NAME else p for p in places if p.exists()), None)
    if folder is None or not (folder / NAME).is_file():
        raise OutputError(
            f"'{given}' is no run: there is no {NAME}.",
            "Name a run's folder, such as outputs/servqual/service_hall/latest-en.",
        )
    try:
        content = json.loads((folder / NAME).read_text("utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or not _sound(content):
        raise OutputError(f"The manifest of '{given}' is damaged: it cannot be read.", "Run the params file again.")
    return Record(folder.resolve(), content)


def _sound(content: Mapping[str, Any]) -> bool:
    texts = all(isinstance(content.get(name), str) for name in _TEXTS)
    if not texts or not all(isinstance(content.get(name), Mapping) for name in _MAPPINGS):
        return False
    files = content.get("files", {})
    return isinstance(files, Mapping) and not any(is_absolute(str(place)) for place in files.values())
