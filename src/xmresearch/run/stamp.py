"""The lines of a report that say what made it, and how to repeat it."""

from __future__ import annotations

import json

from xmresearch.report.citing import Front
from xmresearch.report.wording import labels, unturned
from xmresearch.run.plan import Plan
from xmresearch.run.public_params import public_params

REPEAT, CHECK = "xmresearch run manifest.json", "xmresearch verify manifest.json"


def stamp(plan: Plan) -> dict[str, str]:
    """Return what a reviewer needs in order to repeat a run.

    Parameters
    ----------
    plan : Plan
        Of the run.

    Returns
    -------
    dict of str to str
        Value by name. Nothing in it depends on when or where the run took place: the same key makes the same bytes. The commit
        is no part of the key, since other commits hold the same code; it stands in the manifest, as does the date.
    """
    identity, words = plan.identity, labels(plan.params.lang)["stamp"]
    inputs = {f"{words['input']} ({name})": digest for name, digest in identity.inputs.items()}
    return {
        words["run"]: f"{plan.params.study}/{plan.params.name}/{identity.key}",
        words["repeat"]: REPEAT, words["check"]: CHECK, words["commit"]: words["in_manifest"],
        **inputs, words["code"]: identity.code, words["lock"]: identity.lock, words["python"]: identity.python,
        words["packages"]: ", ".join(f"{name} {version}" for name, version in identity.packages.items()),
        words["params"]: unturned(json.dumps(public_params(identity.params), ensure_ascii=False, sort_keys=True)),
    }  # fmt: skip


def front(plan: Plan) -> Front:
    """Return what a report says of its makers, and its look; of the run only what does not depend on when and where it took place."""
    params, identity = plan.params, plan.identity
    names = {key: getattr(params, key) or "" for key in ("author", "organisation", "data_date")}
    run = f"{params.study}/{params.name}/{identity.key}"
    return Front(**names, run=run, version=identity.packages["xmresearch"], style=plan.style)
