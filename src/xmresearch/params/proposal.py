"""What a study would make of a file: whether it suits, and the params and the codebook to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from xmresearch.data.profile.guess import Guess
from xmresearch.display import Shown

WIDEST = 118


class Written:
    """YAML in the making, in which every guess is followed by its ground.

    Attributes
    ----------
    lines : list of str
        As far as it is written.
    doubts : list of str
        What is doubtful, in the order in which it was written.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.doubts: list[str] = []

    def note(self, text: str, depth: int = 0) -> None:
        """Write a comment on lines of its own.

        Parameters
        ----------
        text : str
            What to say; line breaks in it are taken for spaces.
        depth : int
            How far in it stands.
        """
        pad = "  " * depth + "# "
        line = pad
        for word in text.split():
            if len(line) + len(word) > WIDEST and line != pad:
                self.lines.append(line.rstrip())
                line = pad
            line += f"{word} "
        self.lines.append(line.rstrip())

    def put(self, key: str, value: Any = None, ground: Guess | None = None, depth: int = 0) -> None:
        """Write a key, with its value where it has one, and the ground of the guess.

        Parameters
        ----------
        key : str
            Of the mapping.
        value : object, optional
            Plain Python; a section begins where it is absent.
        ground : Guess, optional
            Why; a doubt is marked and remembered.
        depth : int
            How far in it stands.
        """
        shown = "" if value is None else f" {flow(value)}"
        line = f"{'  ' * depth}{flow(key)}:{shown}"
        if ground is None:
            self.lines.append(line)
            return
        if ground.doubt:
            self.doubts.append(f"{key}: {ground.doubt}")
        comment = " ".join(ground.comment().split())
        if len(line) + len(comment) + 4 <= WIDEST:
            self.lines.append(f"{line}  # {comment}")
        else:
            self.note(comment, depth)
            self.lines.append(line)

    def block(self, key: str, text: str, ground: Guess | None = None) -> None:
        """Write a text of several lines."""
        if ground is not None:
            self.note(ground.comment())
            if ground.doubt:
                self.doubts.append(f"{key}: {ground.doubt}")
        self.lines.append(f"{key}: |")
        self.lines += [f"  {line}".rstrip() for line in text.strip().splitlines()]

    def text(self) -> str:
        """Return what is written."""
        return "\n".join(self.lines) + "\n"


def flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    return yaml.safe_dump(
        [value], allow_unicode=True, default_flow_style=True, width=1_000_000, sort_keys=False
    ).strip()[1:-1]


@dataclass(frozen=True, repr=False)
class Proposal(Shown):
    """What a study would make of a file.

    Attributes
    ----------
    fit : int
        How well it suits: 0 not at all; the study with the most is taken.
    pro, contra : tuple of str
        Reasons for and against it, in words.
    params : Written or None
        All of the params but study, name and data; None where it does not suit.
    codebook : Written or None
        Of a survey.
    data : mapping
        Settings of the data beyond path and form, each with the ground of it.
    found : tuple of (str, Guess)
        What was guessed, for the summary: topic and guess.
    """

    fit: int
    pro: tuple[str, ...] = ()
    contra: tuple[str, ...] = ()
    params: Written | None = None
    codebook: Written | None = None
    data: Mapping[str, tuple[Any, Guess]] = field(default_factory=dict)
    found: tuple[tuple[str, Guess], ...] = ()

    @property
    def suits(self) -> bool:
        """Whether the study can be run on the file."""
        return self.fit > 0 and self.params is not None

    def _head(self) -> Mapping[str, Any]:
        return {"fit": self.fit, "pro": "; ".join(self.pro), "contra": "; ".join(self.contra)}

    def _tables(self) -> Mapping[str, Any]:
        return {}


def unsuited(*reasons: str) -> Proposal:
    """Return the proposal of a study that a file does not suit."""
    return Proposal(0, contra=reasons)
