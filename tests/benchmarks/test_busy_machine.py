"""Wall time of fits beside a process that has all cores: as many BLAS threads as the machine offers, against one.

Each figure is the best of several rounds, in which the variants take turns, so that all meet the same load.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS, MOST = 3, 1.3
HOG = "import numpy as np\nx = np.random.default_rng(0).normal(size=(2000, 2000))\nwhile True:\n    x @ x\n"
WORK = """
import sys, time
import numpy as np, pandas as pd
from xmresearch.inference import threads
if sys.argv[2] == "free":
    threads._POOLS.hold = threads._POOLS.release = lambda: None
rng = np.random.default_rng(1)
if sys.argv[1] == "markov":
    from xmresearch.attribution.markov_removal import markov
    from xmresearch.data.scenarios.planted_chain import PlantedChain
    from xmresearch.sufficient.paths import read_paths
    from xmresearch.sufficient.transition_table import transitions
    chain = PlantedChain.random(12, 2, rng, spread=0.5, stop=0.2)
    codes, starts, won = chain.simulate(20_000, rng)
    names = np.array(chain.channels)[codes]
    text = [" > ".join(names[a:b]) for a, b in zip(starts[:-1], starts[1:])]
    frame = pd.DataFrame({"path": text, "conv": won.astype(int), "null": 1 - won.astype(int)})
    given = transitions(read_paths(frame, conversions="conv", nulls="null"), 2)
    run = lambda: markov(given, draws=1000)
else:
    from xmresearch.sem.fitting import fit
    f = rng.multivariate_normal(np.zeros(5), 0.5 + 0.5 * np.eye(5), 1000)
    rows = pd.DataFrame({f"x{k}{j}": f[:, k] + rng.normal(size=1000) for k in range(5) for j in range(5)})
    model = "\\n".join(f"f{k} =~ " + " + ".join(f"x{k}{j}" for j in range(5)) for k in range(5))
    run = lambda: fit(model, rows, bootstrap=500)
run()
begin = time.perf_counter()
run()
print(time.perf_counter() - begin)
"""
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def seconds(what: str, threads: str | None, kind: str) -> float:
    env = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    env |= dict.fromkeys(VARIABLES, threads) if threads else {}
    done = subprocess.run(
        [sys.executable, "-c", WORK, what, kind], capture_output=True, text=True, check=True, env=env,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    return float(done.stdout)


@pytest.mark.benchmark
@pytest.mark.parametrize("what", ["markov", "bootstrap"])
def test_a_busy_machine_costs_no_more_than_one_thread_does(what):
    hog = subprocess.Popen([sys.executable, "-c", HOG], env={**os.environ, **dict.fromkeys(VARIABLES, "2")})
    try:
        rounds = [
            (seconds(what, "1", "held"), seconds(what, None, "held"), seconds(what, None, "free"))
            for _ in range(ROUNDS)
        ]
    finally:
        hog.kill()
        hog.wait()
    one, ours, free = (min(r[k] for r in rounds) for k in range(3))
    print(
        f"\n{what}, beside another process: {one:.2f} s under one thread, {ours:.2f} s by default ({ours / one:.2f} times), "
    )
    print(f"{free:.2f} s by default without holding threads ({free / one:.2f} times)")
    assert ours <= MOST * one
