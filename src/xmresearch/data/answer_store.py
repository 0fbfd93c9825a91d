"""Screened answers of more respondents than fit into memory: gone through a block at a time, as often as it takes."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown

BLANK_CODE, MOST_CODE = -128, 127


class StreamedAnswers(Shown):
    """The rows of a survey that is not held in memory.

    Parameters
    ----------
    items, segments : sequence of str
        Columns of numbers, and of groups.

    Notes
    -----
    Blocks are written to a file without a name, which is gone with the process whatever ends it: whole numbers take a byte each.
    """

    def __init__(self, items: Sequence[str], segments: Sequence[str] = ()) -> None:
        self.items, self.segments = list(items), list(segments)
        self._file: Any = tempfile.TemporaryFile(prefix="answers-")  # noqa: SIM115 - lives as long as the answers
        weakref.finalize(self, self._file.close)
        self._blocks: list[tuple[int, str, int]] = []
        self._levels: dict[str, dict[str, int]] = {name: {} for name in self.segments}
        self._rows = 0
        self.reduced: dict[Any, Any] = {}

    @property
    def columns(self) -> list[str]:
        """Names of all columns."""
        return [*self.items, *self.segments]

    def __len__(self) -> int:
        return self._rows

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def _head(self) -> dict[str, Any]:
        return {"rows": len(self), "items": len(self.items), "segments": len(self.segments)}

    def _tables(self) -> dict[str, pd.DataFrame]:
        return {}

    def append(self, frame: pd.DataFrame) -> None:
        """Add a block of rows."""
        if not len(frame):
            return
        values = frame[self.items].to_numpy(dtype=np.float64)
        blank = np.isnan(values)
        whole = np.where(blank, BLANK_CODE, values)
        narrow = bool((whole == np.rint(whole)).all() and whole.min() >= BLANK_CODE and whole.max() <= MOST_CODE)
        narrow &= int((whole == BLANK_CODE).sum()) == int(blank.sum())
        stored = whole.astype(np.int8) if narrow else values
        codes = (
            np.column_stack([self._coded(frame[s], self._levels[s]) for s in self.segments]) if self.segments else None
        )
        self._blocks.append((self._file.tell(), stored.dtype.str, len(frame)))
        self._file.write(np.ascontiguousarray(stored).data)
        if codes is not None:
            self._file.write(np.ascontiguousarray(codes).data)
        self._rows += len(frame)

    @staticmethod
    def _coded(column: pd.Series, levels: dict[str, int]) -> NDArray[np.int16]:
        at, texts = pd.factorize(column, use_na_sentinel=True)
        place = np.array([*(levels.setdefault(str(t), len(levels)) for t in texts), -1], dtype=np.int16)
        found: NDArray[np.int16] = place[at]
        return found

    def derived(self, make: Callable[[pd.DataFrame], pd.DataFrame]) -> Derived:
        """Return what would be made of the rows, made when it is gone through."""
        return Derived(self, make)

    def empty(self) -> pd.DataFrame:
        """Return a table of the same columns without rows."""
        return pd.DataFrame(
            {name: np.empty(0) for name in self.items} | {s: np.empty(0, dtype=object) for s in self.segments}
        )

    def isna(self) -> pd.DataFrame:
        """Return the share of blanks of each column, as the one row of a table: its mean is that of marks row by row."""

        def make() -> pd.DataFrame:
            blank = sum((block.isna().sum() for block in self.blocks()), pd.Series(0, index=self.columns))
            return (blank / max(len(self), 1)).to_frame().T

        found: pd.DataFrame = self.kept("blank", make)
        return found

    def levels(self, segment: str) -> list[str]:
        """Return the values of a segment in the order of their first appearance."""
        return list(self._levels[segment])

    def blocks(self) -> Iterator[pd.DataFrame]:
        """Give the rows in their order, a block at a time."""
        for start, kind, rows in self._blocks:
            self._file.seek(start)
            values = self._read(kind, rows, len(self.items))
            if values.dtype == np.int8:
                numbers = values.astype(np.float64)
                numbers[values == BLANK_CODE] = np.nan
                values = numbers
            frame = pd.DataFrame(values, columns=self.items)
            if self.segments:
                codes = self._read("<i2", rows, len(self.segments))
                for k, name in enumerate(self.segments):
                    texts = np.array([*self._levels[name], None], dtype=object)
                    frame[name] = pd.Series(texts[codes[:, k]], dtype=object)
            yield frame

    def _read(self, kind: str, rows: int, columns: int) -> NDArray[Any]:
        dtype = np.dtype(kind)
        content = self._file.read(rows * columns * dtype.itemsize)
        return np.frombuffer(content, dtype=dtype).reshape(rows, columns)

    def kept(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what was made under a key, made now if it was not yet."""
        if key not in self.reduced:
            self.reduced[key] = make()
        return self.reduced[key]


class Derived:
    """Numbers that are made of streamed answers, a block at a time.

    Parameters
    ----------
    answers : StreamedAnswers
        The rows.
    make : callable
        From a block to a table of as many rows, all numbers.
    """

    def __init__(self, answers: StreamedAnswers, make: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        self.answers, self.make = answers, make
        self.columns = list(make(answers.empty()).columns)

    def __repr__(self) -> str:
        return f"Derived({len(self)} rows, {len(self.columns)} columns)"

    def __len__(self) -> int:
        return len(self.answers)
