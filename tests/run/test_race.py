"""Many runs at once, from one folder of params that nobody may write to."""

import os
import subprocess
import sys

from xmresearch.run.manifest import is_whole


def test_eight_runs_at_once_are_whole_and_leave_nothing_behind(tmp_path):
    """Five keys, one of them four times; sockets would have a path too long for them in this folder of temporary files."""
    params, out, temporary = tmp_path / "params", tmp_path / "out", tmp_path / ("deep" * 20)
    for folder in (params, temporary):
        folder.mkdir()
    for k in range(5):
        text = f"study: servqual\nname: r{k}\ndata: {{source: scenario, n: 60, seed: {k}}}\nbootstrap: 200\n"
        (params / f"r{k}.yml").write_text(text)
    params.chmod(0o555)
    command = [sys.executable, "-c", "from xmresearch.cli import main; main()", "run"]
    jobs = [
        subprocess.Popen(
            [*command, f"r{k}.yml", "--out", str(out)], cwd=params, env={**os.environ, "TMPDIR": str(temporary)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for k in (0, 0, 0, 0, 1, 2, 3, 4)
    ]  # fmt: skip
    said = [job.communicate(timeout=600) for job in jobs]
    assert [job.returncode for job in jobs] == [0] * 8, said
    assert not any("Traceback" in errors for _, errors in said)
    assert sum("Nothing has changed" in answer for answer, _ in said[:4]) == 3
    for k in range(5):
        home = out / "servqual" / f"r{k}"
        assert {p.name for p in home.iterdir()} == {"latest-en", (home / "latest-en").readlink().name}
        assert is_whole((home / "latest-en").resolve())
    assert {p.name for p in params.iterdir()} == {f"r{k}.yml" for k in range(5)}
    assert list(temporary.iterdir()) == []
