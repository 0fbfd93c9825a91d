"""CPU time of structural equation models, as ratios of semopy's and lavaan's to ours. Run with 'make bench'.

All work on one thread; each ratio is of the best of three rounds in which the three take turns.
"""

import json
import os
import shutil
import subprocess
import time
import warnings

import numpy as np
import pandas as pd
import pytest
import semopy
from threadpoolctl import threadpool_limits

from xmresearch.sem.fitting import fit
from xmresearch.sem.polychorics import polychoric

ROUNDS = 3
REFITS, SEMOPY_REFITS = 1000, 20  # the latter's time is scaled
FRESH, WARM = f"fit ({SEMOPY_REFITS} timed)", f"fit from the last ({SEMOPY_REFITS} timed)"
# task, peer, what the peer does, least ratio (None: shown only)
TARGETS = [
    ("p = 9, n = 301", "semopy", "fit + inspect", 1),
    ("p = 9, n = 301", "lavaan", "cfa + fitMeasures", 1),
    ("p = 22, n = 500", "semopy", "fit + inspect", 5),
    ("p = 22, n = 500", "lavaan", "cfa + fitMeasures", 5),
    ("p = 22, n = 500", "lavaan", "cfa", None),
    ("p = 60, n = 5000", "semopy", "fit + inspect", 4),
    ("p = 60, n = 5000", "lavaan", "cfa + fitMeasures", 4),
    ("p = 60, n = 5000", "lavaan", "cfa", None),
    ("FIML, p = 22, n = 500, 10 % blank", "lavaan", "cfa + fitMeasures", 10),
    ("FIML, p = 22, n = 500, 10 % blank", "lavaan", "cfa", None),
    ("231 polychorics, n = 500", "lavaan", "lavCor", 3),
    (f"{REFITS} refits, p = 22, n = 500", "semopy", FRESH, 20),
    (f"{REFITS} refits, p = 22, n = 500", "semopy", WARM, None),
]
LAVAAN = r"""
suppressPackageStartupMessages(library(lavaan))
folder <- commandArgs(TRUE)[1]
jobs <- read.csv(file.path(folder, "jobs.csv"))
data <- lapply(setNames(nm = jobs$file), function(f) read.csv(file.path(folder, f)))
cpu <- function(run, repeats) {
  start <- proc.time()
  for (k in seq_len(repeats)) run()
  sum((proc.time() - start)[c("user.self", "sys.self")]) / repeats
}
invisible(fitMeasures(cfa(jobs$model[1], data[[1]])))
found <- list()
for (k in seq_len(nrow(jobs))) {
  j <- jobs[k, ]
  d <- data[[j$file]]
  if (j$missing == "ordered") {
    found[[paste(j$task, "lavCor", sep = "|")]] <- cpu(function() lavCor(d, ordered = names(d), output = "cor"), j$repeats)
    next
  }
  fitted <- function() cfa(j$model, d, missing = j$missing)
  found[[paste(j$task, "cfa", sep = "|")]] <- cpu(fitted, j$repeats)
  found[[paste(j$task, "cfa + fitMeasures", sep = "|")]] <- cpu(function() fitMeasures(fitted()), j$repeats)
}
cat(paste0("{", paste(sprintf('"%s": %.6f', names(found), unlist(found)), collapse = ", "), "}"))
"""


def simulated(p, factors, n):
    """Items of a simple-structure model, and its text."""
    rng = np.random.default_rng(p)
    f = rng.multivariate_normal(np.zeros(factors), 0.4 + 0.6 * np.eye(factors), n)
    owner = np.sort(np.arange(p) % factors)
    frame = pd.DataFrame(0.8 * f[:, owner] + 0.6 * rng.normal(size=(n, p)), columns=[f"x{k}" for k in range(p)])
    model = "\n".join(f"f{j} =~ " + " + ".join(f"x{k}" for k in np.flatnonzero(owner == j)) for j in range(factors))
    return frame, model


def cpu(run, repeats):
    start = time.process_time()
    for _ in range(repeats):
        run()
    return (time.process_time() - start) / repeats


def fit_and_inspect(model, frame):
    fitted = semopy.Model(model)
    fitted.fit(frame)
    fitted.inspect()


def refit(model, frame, fresh):
    """Refit to resampled rows, a new model each time or one that starts where it last ended."""
    fitted = semopy.Model(model)
    for seed in range(SEMOPY_REFITS):
        fitted = semopy.Model(model) if fresh else fitted
        fitted.fit(frame.sample(len(frame), replace=True, random_state=seed, ignore_index=True))


def jobs():
    """Return what ours and semopy run, as (function, repeats) by task, and lavaan's jobs with their data."""
    ours, theirs, rows, data = {}, {}, [], {}
    for p, factors, n, repeats in ((9, 3, 301, 20), (22, 5, 500, 20), (60, 6, 5000, 3)):
        frame, model = simulated(p, factors, n)
        task = f"p = {p}, n = {n}"
        ours[task] = (lambda m=model, f=frame: fit(m, f), repeats)
        theirs[task, "fit + inspect"] = (lambda m=model, f=frame: fit_and_inspect(m, f), repeats)
        data[f"p{p}.csv"] = frame
        rows.append((task, f"p{p}.csv", model, "listwise", min(repeats, 10)))
    frame, model = simulated(22, 5, 500)
    blank = frame.mask(np.random.default_rng(1).random(frame.shape) < 0.1)
    ordered = frame.apply(lambda x: np.digitize(x, [-1.2, -0.4, 0.4, 1.2]))
    answers = ordered.to_numpy(dtype=float)
    for task, run, name, kept, missing, repeats in (
        ("FIML, p = 22, n = 500, 10 % blank", lambda: fit(model, blank, missing="fiml"), "blank.csv", blank, "fiml", 1),
        ("231 polychorics, n = 500", lambda: polychoric(answers, list(ordered)), "ordered.csv", ordered, "ordered", 3),
    ):
        ours[task] = (run, repeats)
        data[name] = kept
        rows.append((task, name, model, missing, repeats))
    task = f"{REFITS} refits, p = 22, n = 500"
    ours[task] = (lambda: fit(model, frame, bootstrap=REFITS), 1)
    for what in (FRESH, WARM):
        theirs[task, what] = (lambda fresh=what is FRESH: refit(model, frame, fresh), SEMOPY_REFITS / REFITS)
    return ours, theirs, pd.DataFrame(rows, columns=["task", "file", "model", "missing", "repeats"]), data


def lavaan_folder(folder, rows, data):
    """Write lavaan's script and data; None where lavaan is absent."""
    rscript = shutil.which("Rscript")
    if rscript is None or subprocess.run([rscript, "-e", "library(lavaan)"], capture_output=True).returncode:
        return None
    (folder / "bench.R").write_text(LAVAAN)
    rows.to_csv(folder / "jobs.csv", index=False)
    for name, frame in data.items():
        frame.to_csv(folder / name, index=False)
    return folder


def lavaan_seconds(folder):
    one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(
        ["Rscript", folder / "bench.R", folder], capture_output=True, text=True, check=True, env={**os.environ, **one}
    )
    return {("lavaan", *key.split("|")): value for key, value in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def seconds(tmp_path_factory):
    """CPU seconds by (who, task, what), the best of all rounds."""
    ours, theirs, rows, data = jobs()
    folder = lavaan_folder(tmp_path_factory.mktemp("lavaan"), rows, data)
    best = {}
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        for run, _ in [*ours.values(), *theirs.values()]:
            run()
        for _ in range(ROUNDS):
            found = {}
            for task, (run, repeats) in ours.items():
                found["xmresearch", task, ""] = cpu(run, repeats)
                for (same, what), (peer, count) in theirs.items():
                    if same == task:
                        found["semopy", task, what] = cpu(peer, 1) / count if count < 1 else cpu(peer, count)
            found |= lavaan_seconds(folder) if folder else {}
            best = {key: min(value, best.get(key, np.inf)) for key, value in found.items()}
    print(f"\nCPU milliseconds on one thread, best of {ROUNDS}{'' if folder else '; lavaan is not installed here'}")
    print(f"{'task':36}{'peer':8}{'what it does':28}{'peer':>9}{'ours':>9}{'ratio':>8}{'target':>8}")
    for task, peer, what, least in TARGETS:
        own, other = best["xmresearch", task, ""], best.get((peer, task, what))
        if other is not None:
            figures = f"{1000 * other:9.0f}{1000 * own:9.1f}{other / own:8.1f}"
            print(f"{task:36}{peer:8}{what:28}{figures}{'' if least is None else f'>= {least}':>8}")
    return best


@pytest.mark.benchmark
@pytest.mark.parametrize(("task", "peer", "what", "least"), [t for t in TARGETS if t[3] is not None])
def test_ratio_reaches_its_target(seconds, task, peer, what, least, measured):
    if (peer, task, what) not in seconds:
        pytest.skip("Rscript or its package lavaan is absent")
    peers = {f"{peer} ({what})" if what else peer: seconds[peer, task, what]}
    (faster,) = measured.ratio(task, seconds["xmresearch", task, ""], peers, least=least, unit="s of CPU").values()
    assert faster >= least
