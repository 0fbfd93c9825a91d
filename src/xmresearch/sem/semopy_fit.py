"""Fit one model by semopy, as a process of its own, since the import alone takes seconds.

It is given a model whose variables are v0, v1 and so on and whose free parameters are p0, p1 and so on, and the covariances:
no answers, and no names.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pandas as pd

# semopy's own tolerance leaves estimates good to three digits
SOLVER = {"ftol": 1e-14, "maxiter": 5000}


def semopy_fit(job: Mapping[str, Any]) -> dict[str, Any]:
    """Fit a model by maximum likelihood.

    Parameters
    ----------
    job : mapping
        model (semopy's syntax), cov (rows of the covariance matrix, shape (p, p), of v0 to v(p - 1)), n (rows behind it), start
        (where the search starts, by parameter; semopy's own starts need rows, and are not found without a fixed loading).

    Returns
    -------
    dict
        converged, discrepancy (the likelihood's fit function), estimates (by parameter).
    """
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    from semopy.model import Model

    names = [f"v{k}" for k in range(len(job["cov"]))]
    cov = pd.DataFrame(job["cov"], names, names, dtype=float)
    model = Model(job["model"])
    for name, value in job["start"].items():
        model.parameters[name].start = value
    done = model.fit(cov=cov, n_samples=job["n"], options=dict(SOLVER))
    active = [name for name, parameter in model.parameters.items() if parameter.active]
    estimates = dict(zip(active, map(float, done.x), strict=True))
    return {"converged": bool(done.success), "discrepancy": float(done.fun), "estimates": estimates}


def _model_alone() -> None:
    """Let `semopy.model` be imported without the package's other models, which take as long again."""
    found = find_spec("semopy")
    if found is not None:
        package = ModuleType("semopy")
        package.__path__ = list(found.submodule_search_locations or ())
        sys.modules["semopy"] = package


if __name__ == "__main__":
    given = json.load(sys.stdin)
    _model_alone()
    json.dump(semopy_fit(given), sys.stdout)
