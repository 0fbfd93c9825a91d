"""One run of a batch, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from xmresearch.errors import XMError, anonymous

if TYPE_CHECKING:
    from xmresearch.run.study import RunResult

State = Literal["done", "at_hand", "failed"]


@dataclass(frozen=True)
class Job:
    """One run of a batch; travels to a worker.

    Attributes
    ----------
    name : str
        Of the run, unlike that of any other of its study in the batch.
    study : str
        Its kind.
    params : str
        Path of the params file, absolute.
    overrides : tuple of str
        `key=value`, as `xmresearch run -p` takes them.
    varied : mapping of str to value
        What the sweep gives it, by dotted key.
    lang : str or None
        Of the report.
    out : str
        Folder of all outputs, absolute.
    force : bool
        Whether to compute again in any case.
    """

    name: str
    study: str
    params: str
    overrides: tuple[str, ...] = ()
    varied: Mapping[str, Any] = field(default_factory=dict)
    lang: str | None = None
    out: str = ""
    force: bool = False

    def done(self, result: RunResult) -> Outcome:
        """Return that it went well."""
        return Outcome(
            self, "at_hand" if result.cached else "done", str(result.folder), dict(result.seconds), result.notes
        )

    def failed(self, error: XMError) -> Outcome:
        """Return that it went wrong, and why."""
        return Outcome(self, "failed", error.kept, error=anonymous(str(error)), exit_code=error.exit_code)


@dataclass(frozen=True)
class Outcome:
    """What came of one run.

    Attributes
    ----------
    job : Job
    state : {'done', 'at_hand', 'failed'}
        at_hand: nothing had to be computed.
    folder : str
        Of the run; of one that failed the notebook as far as it came, '' where there is none.
    seconds : dict of str to float
        Duration of its stages, and CPU time.
    notes : tuple of str
        As of `RunResult`.
    error : str
        What was wrong, '' where nothing was.
    exit_code : int
        As of `xmresearch run`.
    """

    job: Job
    state: State
    folder: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    error: str = ""
    exit_code: int = 0
