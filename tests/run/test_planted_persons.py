"""Persons planted in files, labels, segments, texts and names of files are in no byte that a run leaves when it ends well."""

import pytest
from canaries import Canaries, left_in
from planted_studies import STUDIES, labelled

from xmresearch.run.check import check_study

RUNS = {**{study: (study, write) for study, write in STUDIES.items()}, "labelled": ("servqual", labelled)}


@pytest.mark.parametrize("run", RUNS)
def test_no_byte_of_a_run_tells_a_planted_person(run, cli, tmp_path):
    planted = Canaries()
    data, out, temporary = tmp_path / "data", tmp_path / "out", tmp_path / "tmp"
    data.mkdir()
    temporary.mkdir()
    study, write = RUNS[run]
    text = write(data, planted)
    (data / "p.yml").write_text(f"study: {study}\nname: own\n{text}", "utf-8")
    assert planted.leaks(left_in(data)), "the search finds what is there"
    checked = check_study(data / "p.yml")
    done = cli("run", data / "p.yml", "--out", out, TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    said = {"check": checked.encode(), "stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    leaks = planted.leaks(left_in(out, temporary) | said)
    assert not leaks, "\n".join(leaks)
    if run == "labelled":
        assert "2 values of 'desk' are alike without identifiers of persons; numbers tell them apart." in checked
        assert "Free text: answers in respondents' own words in 1 column(s) are carried" in checked
        page = next((out / "servqual" / "own").glob("*/report.html")).read_text("utf-8")
        assert "desk of [phone] 2" in page
        assert "Values alike without identifiers, told apart by numbers" in page
