"""A batch from a sweep to its summary, by the command."""

import json
import os
import subprocess
import sys
import time

import pandas as pd
import yaml

from xmresearch.run.batch.cluster import connected

SWEEP = {
    "name": "halls", "params": "scorecard/service_hall.yml", "exchangeable": True, "lang": "zh", "title": {"en": "Halls", "zh": "各厅对比"},
    "each": [
        {"data.seed": 1, "name": "east", "title": "东厅"}, {"data.seed": 2, "name": "west", "title": "西厅"},
        {"codebook": "absent.yml", "name": "north", "title": "北厅"},
    ],
    "cross": {"data.n": [300], "segments": [["branch"]]},
}  # fmt: skip


def test_a_batch_is_summed_up_with_what_failed(tmp_path, root):
    (tmp_path / "sweep.yml").write_text(yaml.safe_dump(SWEEP, allow_unicode=True), "utf-8")
    program = "import sys; from xmresearch.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "batch", "--sweep", "sweep.yml", "--workers", "1", "--out", "outputs"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "XMRESEARCH_HOME": str(root)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "3 runs in" in done.stdout
    assert "1 failed" in done.stdout
    place = tmp_path / done.stdout.partition("Summary: ")[2].strip()
    assert place == tmp_path / "outputs" / "batch" / "halls" / "latest-zh" / "report.html"
    page = place.read_text("utf-8")
    assert "各厅对比" in page
    assert "3 次运行中有 1 次失败" in page
    assert str(tmp_path) not in page
    found = json.loads((place.parent / "manifest.json").read_text("utf-8"))
    assert [run.split("/")[:2] for run in found["runs"]] == [["scorecard", "east"], ["scorecard", "west"]]
    failed = pd.read_csv(place.parent / "tables" / "failed.csv").iloc[0]
    assert "absent.yml" in failed["wrong"]
    assert "--out outputs" in failed["command"]
    figure = pd.read_csv(place.parent / "tables" / "figure_1.csv")
    own = pd.read_csv(tmp_path / "outputs" / figure["report"][1].replace("report.html", "tables/waves.csv"))
    assert figure["estimate"][1] in own["estimate"].tolist()
    claims = pd.read_csv(place.parent / "tables" / "by_claim_1.csv")
    assert claims["any_false"].notna().any()


def test_a_worker_of_this_machine_runs_two_at_a_time_and_no_more():
    with connected(1, None) as client:
        assert sum(client.nthreads().values()) == 2
        began = time.perf_counter()
        client.gather(client.map(time.sleep, [1.0, 1.0001, 1.0002]))
        assert 1.9 < time.perf_counter() - began < 2.9
