import re

import pytest


@pytest.fixture
def survey(tmp_path):
    from xmresearch.data.scenarios.service_hall import ServiceHall

    ServiceHall(60, 1).survey().to_csv(tmp_path / "s.csv", index=False)
    (tmp_path / "p.yml").write_text("study: servqual\nname: own\ndata: {path: s.csv}\n")
    return tmp_path


def one_line(done, code):
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


def test_check_says_what_would_run(cli, survey):
    done = cli("check", survey / "p.yml", "-p", "segments=[branch]")
    assert done.returncode == 0, done.stderr
    assert "60 respondents from s.csv" in done.stdout
    assert "22 statements in 5 dimensions" in done.stdout
    assert "would be computed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["-p", "confidnce=0.9"], 2, "Did you mean 'confidence'"),
        (["-p", "bootstrap=abc"], 2, "integer"),
        (["-p", "data.path=t.csv"], 3, "'t.csv' does not exist"),
        (["-p", "data.delimiter=;"], 3, "only one column"),
        (["-p", "data.encoding=ascii", "-p", "codebook=c.yml"], 3, "'c.yml' does not exist"),
        (["-p", "id_column=branch"], 3, "occurs more than once"),
        (["-p", "outcome=qualty"], 3, "Did you mean 'quality'"),
        (["-p", "invited=5"], 3, "invited is 5"),
    ],
)
def test_mistakes_are_one_line_and_an_exit_code(cli, survey, arguments, code, message):
    assert re.search(message, one_line(cli("check", survey / "p.yml", *arguments), code))


def test_all_that_is_wrong_with_a_column_is_told_at_once(cli, survey):
    done = cli("check", survey / "p.yml", "-p", "weight_column=p1")
    assert done.returncode == 3
    assert "2 problems" in done.stderr
    assert "'p1' is an item of the codebook" in done.stderr
    assert "Weight column 'p1', data row" in done.stderr


def test_missing_params_file_and_unknown_command(cli, tmp_path):
    assert "does not exist" in one_line(cli("run", tmp_path / "none.yml"), 2)
    assert cli("rum").returncode == 2


def test_new_writes_a_file_that_checks(cli, tmp_path):
    path = tmp_path / "mine.yml"
    assert cli("new", "servqual", "mine", "--out", path).returncode == 0
    assert cli("check", path).returncode == 0
    assert "exists already" in one_line(cli("new", "servqual", "mine", "--out", path), 4)
    assert "Did you mean 'servqual'" in one_line(cli("new", "servqal", "mine"), 2)


def test_doctor_looks_at_everything(cli):
    done = cli("doctor", fresh=True)  # what it looks at is a process as users start it
    for what in ("Python", "lock", "fonts", "pandoc", "threads", "compile cache"):
        assert what in done.stdout
    assert done.returncode == 0, done.stdout


def test_doctor_names_what_needs_mending(cli):
    done = cli("doctor", XMRESEARCH_DATA="/nowhere")
    assert done.returncode == 1
    assert re.search(r"MEND data folder: .*no folder", done.stdout)


def test_schema_is_json(cli):
    import json

    assert json.loads(cli("schema", "servqual").stdout)["title"] == "ServqualParams"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["check", "x" * 5000 + ".yml"], 4, "File name too long"),
        (["check", "."], 2, "does not exist"),
        (["run", "p.yml", "--out", "/dev/null/x"], 4, "Not a directory"),
        (["run", "p.yml", "--out", "x" * 300], 4, "File name too long"),
        (["new", "servqual", "mine", "--out", "/dev/null/x/y.yml"], 4, "cannot be written"),
        (["check", "p.yml", "-p", "codebook=s"], 3, "s"),
    ],
)
def test_what_the_system_refuses_is_one_line_without_traceback(cli, survey, arguments, code, message):
    said = one_line(cli(*arguments, cwd=survey), code)
    assert message in said


def test_long_cells_and_identifiers_are_not_told(cli, survey):
    """Of a cell at most 80 characters; of who answered, nothing."""
    lines = (survey / "s.csv").read_text().splitlines()
    head = lines[0].split(",")
    cells = [line.split(",") for line in lines[1:]]
    secret, long = "alice@example.org", "wrong answer " * 100
    for column, wrong in (("p1", long), ("weight", long), ("duration", long), ("respondent", secret)):
        changed = [list(row) for row in cells]
        for row in changed[:2] if column == "respondent" else changed[:1]:
            row[head.index(column)] = wrong
        (survey / "s.csv").write_text("\n".join([lines[0], *(",".join(row) for row in changed)]) + "\n")
        more = ["-p", "id_column=respondent", "-p", "weight_column=weight", "-p", "duration_column=duration"]
        said = one_line(cli("check", survey / "p.yml", *more), 3)
        assert f"olumn '{column}'" in said
        assert "data row" in said
        assert secret not in said
        assert long[:81].strip() not in said
    said = one_line(cli("check", survey / "p.yml", "-p", f"confidence={long}"), 2)
    assert long[:81] not in said
