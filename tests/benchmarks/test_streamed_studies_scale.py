"""Survey studies of more than a million respondents: CPU by respondents, and memory. Run with 'make bench'.

XMRESEARCH_BENCH_ROWS=6000000 goes further.
"""

import os
import resource
import subprocess
import sys

import polars as pl
import pytest
import yaml

from xmresearch.data.scenarios.service_hall import ServiceHall

FILE_ROWS, FILES = 100_000, 4
MOST_GROWTH, MOST_GB = 1.05, 4
SIZES = [n for n in (1_200_000, 2_400_000, 6_000_000) if n <= int(os.environ.get("XMRESEARCH_BENCH_ROWS", 2_400_000))]
ASKED = {
    "servqual": {"outcome": "quality", "segments": ["branch", "channel"]},
    "sem": {"model": "servqual_satisfaction", "group": "channel", "levels": ["configural", "metric", "scalar"]},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of files of which every fourth is the same: what is measured does not ask who answered twice."""
    own = tmp_path_factory.mktemp("own")
    for k in range(FILES):
        frame = pl.from_pandas(ServiceHall(FILE_ROWS, 70 + k, missing=0.01, careless=0.02).survey())
        frame.write_parquet(own / f"{k}.parquet", compression="lz4")
    made = {}
    for n in SIZES:
        made[n] = tmp_path_factory.mktemp(f"hall-{n}")
        for k in range(n // FILE_ROWS):
            os.link(own / f"{k % FILES}.parquet", made[n] / f"{k:03d}.parquet")
    return made


@pytest.mark.benchmark
@pytest.mark.parametrize("study", list(ASKED))
def test_a_study_of_more_than_a_million_respondents(folders, tmp_path, study, measured):
    table = []
    for n, folder in folders.items():
        params = {
            "study": study,
            "name": f"hall{n}",
            "codebook": "service_hall",
            "duration_column": "duration",
            "data": {"path": str(folder)},
        }
        (tmp_path / f"{n}.yml").write_text(yaml.safe_dump(params | ASKED[study]), "utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [
            sys.executable,
            "-c",
            "from xmresearch.cli import main; main()",
            "run",
            str(tmp_path / f"{n}.yml"),
            "--out",
            str(tmp_path / "out"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        # the largest of all children so far, which is that of the largest survey
        table.append({"rows": n, "cpu": cpu, "gb": after.ru_maxrss / 2**20})
    found = pl.DataFrame(table)
    grows = measured.growth(
        f"{study}, a whole run", found["rows"].to_numpy(), found["cpu"].to_numpy(), most=MOST_GROWTH
    )
    measured.figure(f"{study}, peak at {max(folders):,} respondents", found["gb"].max(), "GB", most=MOST_GB)
    print(found)
    assert found["gb"].max() < MOST_GB
    assert grows <= MOST_GROWTH
