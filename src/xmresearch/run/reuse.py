"""Results of an earlier run that differs in its action register alone: nothing of them is fitted again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from xmresearch.display import Shown
from xmresearch.run.cache import Identity
from xmresearch.run.manifest import NAME, is_whole
from xmresearch.run.plan import Plan
from xmresearch.run.register import INPUT

FIT = "fit"
"""Key of a manifest under which the key of its fit stands."""


@dataclass(frozen=True, repr=False)
class EarlierFit(Shown):
    """What is taken over from an earlier run.

    Attributes
    ----------
    executed : bytes
        Its executed notebook.
    manifest : mapping
        What it recorded of itself.
    """

    executed: bytes
    manifest: Mapping[str, Any]


def fit_key(identity: Identity) -> str:
    """Return what the key of a run would be without its action register, which no figure depends on."""
    return replace(identity, inputs={name: digest for name, digest in identity.inputs.items() if name != INPUT}).key


def earlier_fit(plan: Plan) -> EarlierFit | None:
    """Find a whole run beside the one that is planned from which only its action register differs.

    Parameters
    ----------
    plan : Plan
        Of the run.

    Returns
    -------
    EarlierFit or None
        None where there is none.
    """
    wanted = fit_key(plan.identity)
    for path in sorted(plan.folder.parent.glob(f"[!.]*/{NAME}")):
        folder = path.parent
        if folder.is_symlink() or folder == plan.folder:
            continue
        try:
            content = json.loads(path.read_text("utf-8"))
            if isinstance(content, dict) and content.get(FIT) == wanted and is_whole(folder):
                return EarlierFit((folder / "executed.ipynb").read_bytes(), content)
        except (OSError, ValueError):
            continue
    return None
