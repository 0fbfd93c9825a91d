"""Persons planted in files, labels, segments, texts and names of files are in no byte that a run leaves when it ends well."""

import pytest
from canaries import Canaries, left_in
from planted_studies import STUDIES

from xmresearch.run.check import check_study


@pytest.mark.parametrize("study", STUDIES)
def test_no_byte_of_a_run_tells_a_planted_person(study, cli, tmp_path):
    planted = Canaries()
    data, out, temporary = tmp_path / "data", tmp_path / "out", tmp_path / "tmp"
    data.mkdir()
    temporary.mkdir()
    text = STUDIES[study](data, planted)
    (data / "p.yml").write_text(f"study: {study}\nname: own\n{text}", "utf-8")
    assert planted.leaks(left_in(data)), "the search finds what is there"
    checked = check_study(data / "p.yml")
    done = cli("run", data / "p.yml", "--out", out, TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    said = {"check": checked.encode(), "stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    leaks = planted.leaks(left_in(out, temporary) | said)
    assert not leaks, "\n".join(leaks)
