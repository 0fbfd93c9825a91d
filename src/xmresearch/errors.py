"""The errors a user can meet, each with the exit code the command line gives it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from xmresearch.identifiers.file_names import neutral_files
from xmresearch.identifiers.patterns import scrub

# what engines put between brackets and quotation marks when they name values: `abc`, "abc", ["abc", ...]
_BETWEEN_QUOTES = re.compile(r"([\"'`]).*\1")
_WORDS = re.compile(r"\w+")
_OPENERS = frozenset(
    [
        "A",
        "All",
        "An",
        "Argument",
        "Array",
        "At",
        "Boolean",
        "Bins",
        "Can",
        "Cannot",
        "Columns",
        "Could",
        "Data",
        "Division",
        "Duplicate",
        "Either",
        "Error",
        "Expected",
        "Failed",
        "Found",
        "Given",
        "I",
        "If",
        "In",
        "Index",
        "Input",
        "Invalid",
        "It",
        "Length",
        "Lengths",
        "Matrix",
        "Missing",
        "Mixed",
        "Must",
        "No",
        "None",
        "Not",
        "Number",
        "Object",
        "Only",
        "Operands",
        "Out",
        "Passed",
        "Per",
        "Shape",
        "Singular",
        "The",
        "There",
        "This",
        "Too",
        "Unable",
        "Unknown",
        "Unsupported",
        "Usecols",
        "Value",
        "Values",
        "When",
        "Wrong",
        "You",
    ]
)
_LONG_NUMBER = 7
_QUOTED = re.compile(r"\[.*\]?|`[^`]*`|\"[^\"]*\"")


def anonymous(text: str) -> str:
    """Take structured identifiers of persons, and names of files that tell them, out of a message."""
    return scrub(neutral_files(text))


class XMError(Exception):
    """Base of every error that xmresearch raises on purpose.

    Parameters
    ----------
    problem : str
        What was wrong, and where (file, column, row, value).
    hint : str, optional
        What the user can do about it.

    Notes
    -----
    Structured identifiers of persons in either are replaced by a word for their kind, and names of files that tell persons by neutral ones.
    """

    exit_code = 1
    kept = ""
    """Path of the notebook of a run that stopped with this error, as far as it came; '' where there is none."""

    def __init__(self, problem: str, hint: str = "") -> None:
        self.problem = anonymous(problem)
        self.hint = anonymous(hint)
        self.parts: tuple[XMError, ...] = (self,)
        super().__init__(f"{self.problem} {self.hint}".strip())


class ParamsError(XMError):
    """The params file, or a value given on the command line, is wrong."""

    exit_code = 2


class DataError(XMError):
    """The data cannot be read, or do not fit their codebook."""

    exit_code = 3


class CodebookError(DataError):
    """The codebook is wrong in itself."""


class DatasetUnavailable(DataError):
    """A known data set is neither in the local folder nor reachable upstream."""


class InsufficientData(DataError):
    """There are too few usable answers for what was asked."""


class ModelError(XMError):
    """The model cannot be read, is not identified, or cannot be estimated from these data."""

    exit_code = 3


class RepeatError(XMError):
    """A run cannot be repeated as it was: what determined it differs, or is not there."""

    exit_code = 3


class OutputError(XMError):
    """The results cannot be written."""

    exit_code = 4


class StudyError(XMError):
    """The notebook stopped for a reason that is not the user's data."""

    exit_code = 5


def combined(errors: Sequence[XMError]) -> XMError:
    """Put errors into one: of the first one's class, with a line for each, in order and without repeats.

    Parameters
    ----------
    errors : sequence of XMError
        At least one.

    Returns
    -------
    XMError
        Its `parts` are the single errors.
    """
    parts = tuple({str(part): part for error in errors for part in error.parts}.values())
    if len(parts) == 1:
        return parts[0]
    whole = type(parts[0])(f"{len(parts)} problems:\n" + "\n".join(f"- {part}" for part in parts))
    whole.parts = parts
    return whole


class Problems:
    """Collects the errors of steps that do not depend on one another, to tell them all at once."""

    def __init__(self) -> None:
        self.errors: list[XMError] = []

    @contextmanager
    def step(self) -> Iterator[None]:
        """Keep an error that is raised inside, and go on after it."""
        try:
            yield
        except XMError as error:
            self.errors.extend(error.parts)

    def settle(self) -> None:
        """Raise what was collected; nothing where there is nothing."""
        if self.errors:
            raise combined(self.errors) from None


LONGEST = 80


def brief(value: object) -> str:
    """Write a value of the data or the params for a message: on one line, and no longer than a reader needs.

    Parameters
    ----------
    value : object
        What was found or given.

    Returns
    -------
    str
        At most `LONGEST` characters; an ellipsis stands for the rest, and a word for its kind for each identifier of a person.
    """
    text = scrub(" ".join(str(value).split()))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def reason(error: BaseException) -> str:
    """Say in an engine's words why it failed, without the values that it quotes."""
    line = str(error).strip().partition("\n")[0]
    return brief(_QUOTED.sub("...", line)).rstrip(".: ")


def foreign(error: str, source: str) -> str:
    """Say what an error of somebody else's code says, without what may come from the data.

    Parameters
    ----------
    error : str
        Its message.
    source : str
        The code that raised it.

    Returns
    -------
    str
        On one line: quoted texts, words with a capital, words that are not English and long numbers stay only where they stand in the
        code; three points stand for others.
    """
    known = {*_WORDS.findall(source)}

    def word(found: re.Match[str]) -> str:
        plain = found[0]
        told = (
            plain in known
            or plain in _OPENERS
            or (plain.isascii() and (plain.islower() or plain[1:] != plain[1:].lower()))
        )
        return plain if told or (plain.isdigit() and len(plain) < _LONG_NUMBER) else "..."

    line = " ".join(error.split())
    line = _BETWEEN_QUOTES.sub(lambda m: m[0] if m[0].strip("'\"`") in source else "...", line)
    return brief(re.sub(r"\.\.\.(?:\W*\.\.\.)+", "...", _WORDS.sub(word, scrub(line))))


def nearest(name: object, valid: Iterable[str]) -> str:
    """Say which valid names come nearest to a wrong one.

    Parameters
    ----------
    name : object
        What was given.
    valid : iterable of str
        The names that exist.

    Returns
    -------
    str
        A hint sentence; empty where there is no valid name at all.
    """
    names = [str(v) for v in valid]
    if not names:
        return ""
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    if close:
        return f"Did you mean '{brief(close[0])}'?"
    shown = ", ".join(f"'{brief(n)}'" for n in names[:12])
    return f"Valid names: {shown}{', ...' if len(names) > 12 else ''}."
