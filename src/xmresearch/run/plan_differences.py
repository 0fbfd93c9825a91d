"""Say what of a run that is planned differs from the record of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from xmresearch.display import Shown
from xmresearch.errors import RepeatError
from xmresearch.run.plan import Plan
from xmresearch.run.public_params import public_params
from xmresearch.run.record import Record

Kind = Literal["manifest", "params", "inputs", "code", "lock", "packages", "python"]
ENVIRONMENT = frozenset({"code", "lock", "packages", "python"})
"""What may differ where figures are compared within Monte Carlo error."""


@dataclass(frozen=True, repr=False)
class Reason(Shown):
    """Why a run cannot be repeated as it was.

    Attributes
    ----------
    kind : str
        manifest, params, inputs, code, lock, packages or python.
    text : str
        What differs, in words.
    """

    kind: Kind
    text: str


def differences(record: Record, plan: Plan) -> list[Reason]:
    """Say what of a run that is planned differs from the record of an earlier one.

    Parameters
    ----------
    record : Record
        Of the earlier run.
    plan : Plan
        Of the new one.

    Returns
    -------
    list of Reason
        Empty where both have the same key.
    """
    old, new, found = record.identity, plan.identity, []
    if record.whole_params and old.key != record.content["key"]:
        text = f"the manifest does not belong to its key {record.content['key']}: params, hashes or versions in it were altered"
        found.append(Reason("manifest", text))
    given = public_params(new.params)
    # a param that only other code knows is at its default
    known = {*old.params, *(given if old.code == new.code else ())}
    changed = sorted(k for k in known if old.params.get(k) != given.get(k))
    if changed:
        found.append(Reason("params", f"params differ: {', '.join(changed)}"))
    for key in sorted({*old.inputs, *new.inputs}):
        if old.inputs.get(key) != new.inputs.get(key):
            how = "is missing" if key not in new.inputs else "is new" if key not in old.inputs else "differs"
            found.append(
                Reason(
                    "inputs", f"input {key} {how} (SHA-256 {_short(old.inputs, key)}, now {_short(new.inputs, key)})"
                )
            )
    if old.code != new.code:
        found.append(
            Reason("code", f"the code differs ({_commit(record)}SHA-256 {old.code[:12]}, now {new.code[:12]})")
        )
    if old.lock != new.lock:
        found.append(Reason("lock", f"uv.lock differs (SHA-256 {old.lock[:12]}, now {new.lock[:12]})"))
    versions = [
        f"{name} {old.packages.get(name, 'absent')}, now {new.packages.get(name, 'absent')}"
        for name in sorted({*old.packages, *new.packages})
        if old.packages.get(name) != new.packages.get(name)
    ]
    if versions:
        found.append(Reason("packages", f"versions differ: {'; '.join(versions)}"))
    if old.python != new.python:
        found.append(Reason("python", f"Python differs: {old.python}, now {new.python}"))
    if not found and new.key != record.content["key"]:
        found.append(Reason("params", "params that tell who somebody is, and that the manifest does not show, differ"))
    return found


def _short(hashes: Mapping[str, str], key: str) -> str:
    return hashes.get(key, "none")[:12]


def _commit(record: Record) -> str:
    git = record.content.get("git") or {}
    return f"commit {git['commit'][:12]}{' with changes' if git.get('dirty') else ''}, " if "commit" in git else ""


def refusal(record: Record, reasons: list[Reason], hint: str) -> RepeatError:
    """Return the error that refuses to repeat a run, with its reasons."""
    return RepeatError(f"{record.name} cannot be repeated as it was: {'; '.join(r.text for r in reasons)}.", hint)
