"""Collect the checks of several results."""

from __future__ import annotations

from typing import Any, Protocol

import pandas as pd


class Diagnosed(Protocol):
    """A result that checks itself."""

    def diagnostics(self) -> pd.DataFrame:
        """Return columns check, value, threshold and status (pass, warn, fail)."""


def run_checks(*results: Diagnosed | None) -> pd.DataFrame:
    """Put the checks of all results in one table; results that are None have none."""
    tables = [r.diagnostics() for r in results if r is not None]
    found = [t for t in tables if len(t)]
    return (
        pd.concat(found, ignore_index=True)
        if found
        else pd.DataFrame(columns=["check", "value", "threshold", "status"])
    )


def failed_checks(checks: pd.DataFrame) -> dict[str, Any] | None:
    """Return the names of the checks that failed, for the top of the report; None if all stand."""
    failed = list(checks.loc[checks["status"] == "fail", "check"])
    return {"failed": failed} if failed else None
