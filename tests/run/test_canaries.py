"""Planted identifiers stand in no byte that a run writes or says, whether it succeeds or fails."""

import base64
import json
import urllib.parse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook, new_output

from xmresearch.cli import main
from xmresearch.errors import XMError, foreign
from xmresearch.report.outputs import leave_out
from xmresearch.run.check import check_study
from xmresearch.run.study import run_study

MAIL, MOBILE, IDENTITY, ADDRESS, NAME = (
    "canary.wu@example.org",
    "13912345678",
    "11010519491231002X",
    "10.11.12.13",
    "Canaria Wu",
)
SECRETS = (MAIL, MOBILE, IDENTITY, ADDRESS, NAME)


def forms(secret):
    plain = secret.encode()
    escaped = json.dumps(secret).strip('"').encode()
    return {plain, escaped, urllib.parse.quote(secret).encode(), base64.b64encode(plain).rstrip(b"=")[:-1]}


def nothing_in(folder, *said):
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for secret in SECRETS:
            assert not any(form in content for form in forms(secret)), (secret, path.name)
            assert secret not in str(path.relative_to(folder))
    for text in said:
        assert not any(secret in text for secret in SECRETS), text


def params_file(folder, study, **settings):
    path = folder / f"{study}.yml"
    path.write_text(yaml.safe_dump({"study": study, "name": "canary", **settings}, allow_unicode=True), "utf-8")
    return path


def survey(folder):
    rng = np.random.default_rng(1)
    n = 80
    items = {f"{k}{j}": rng.integers(1, 8, n) for k in "ep" for j in range(1, 23)}
    frame = pd.DataFrame({
        "Email": [MAIL, *(f"p{k}@example.org" for k in range(1, n))], "First Name": [NAME] * n, "IPAddress": [ADDRESS] * n,
        "身份证号": [IDENTITY] * n, "手机": [int(MOBILE)] * n, **items, "branch": ["N", "S"] * (n // 2),
        "comment": [f"call {MOBILE} or write to {MAIL}"] * n, "desk": [f"desk of {MAIL}" if k % 2 else "other" for k in range(n)],
    })  # fmt: skip
    frame.to_csv(folder / f"answers {MOBILE}.csv", index=False)
    return frame


SERVQUAL = {
    "data": {"path": f"answers {MOBILE}.csv"}, "codebook": "servqual", "id_column": "Email", "segments": ["branch", "desk"],
    "bootstrap": 200,
}  # fmt: skip


def test_a_survey_keeps_its_secrets(tmp_path):
    survey(tmp_path)
    path = params_file(tmp_path, "servqual", **SERVQUAL)
    told = check_study(path)
    done = run_study(path, out=tmp_path / "out")
    nothing_in(tmp_path / "out", told, *done.notes)
    page = done.report.read_text("utf-8")
    assert "Personal data" in page
    assert "desk of [e-mail]" in page
    assert (done.folder / "tables" / "privacy.csv").is_file()


@pytest.mark.parametrize(
    "change",
    [
        {"segments": ["Email"]}, {"segments": ["手机"]}, {"id_column": "Emial"}, {"weight_column": "Email"}, {"duration_column": "comment"},
        {"codebook": "kiosk_codebook.yml"},
    ],
)  # fmt: skip
def test_errors_keep_them_too(tmp_path, change):
    survey(tmp_path)
    path = params_file(tmp_path, "servqual", **{**SERVQUAL, **change})
    with pytest.raises(XMError) as stopped:
        check_study(path)
    told = str(stopped.value).replace(f"answers {MOBILE}.csv", "")
    nothing_in(tmp_path / "nowhere", told)
    with pytest.raises(XMError):
        run_study(path, out=tmp_path / "out")
    nothing_in(tmp_path / "out")


def test_answers_that_are_secrets_are_not_quoted(tmp_path):
    frame = survey(tmp_path).astype({"e1": object})
    for secret in (MAIL, MOBILE, IDENTITY):
        frame.loc[3, "e1"] = secret
        frame.to_csv(tmp_path / f"answers {MOBILE}.csv", index=False)
        with pytest.raises(XMError) as stopped:
            check_study(params_file(tmp_path, "servqual", **SERVQUAL))
        nothing_in(tmp_path / "nowhere", str(stopped.value))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("could not convert string to float: 'Zebadiah'", "could not convert string to float: ..."), ("'scroe'", "'scroe'"),
        ("欧阳鹭洲 of 13912345678", "... of [phone]"), ("Zebadiah Quill, \"x\" and 'y'", "... and ..."), ("operands of shape (3, 4) of a DataFrame", "operands of shape (3, 4) of a DataFrame"),
        ("Cannot use 'raw' of 1234567 rows", "Cannot use 'raw' of ... rows"), ("'a' or 'b'", "..."), ("row 123456", "row 123456"),
    ],
)  # fmt: skip
def test_what_code_of_others_says_is_told_without_what_may_come_from_the_data(said, told):
    assert foreign(said, "frame['scroe'] + raw") == told


def test_a_fault_of_ours_tells_where_it_is_and_nobody(monkeypatch, capsys):
    def broken(*_, **__):
        raise ValueError(f"could not convert string to float: '{NAME}' of {MAIL}")

    monkeypatch.setattr("xmresearch.run.check.check_study", broken)
    monkeypatch.setattr("sys.argv", ["xmresearch", "check", "p.yml"])
    with pytest.raises(SystemExit) as stopped:
        main()
    told = capsys.readouterr().err
    assert stopped.value.code == 1
    assert "in broken" in told
    assert "ValueError: could not convert string to float: ... of [e-mail]" in told
    nothing_in(Path("nowhere"), told)


def test_texts_that_a_researchers_cell_shows_hold_no_identifier():
    outputs = [
        new_output("stream", name="stdout", text=f"by {MAIL}\n"), new_output("display_data", {"text/markdown": f"**{MOBILE}**", "text/plain": IDENTITY}),
        new_output("display_data", {"text/html": [f"<b>{ADDRESS}</b>", "x"]}),
    ]  # fmt: skip
    notebook = new_notebook(cells=[new_code_cell("# Shown", outputs=outputs, metadata={"tags": ["show"]})])
    assert leave_out(notebook) == []
    shown = json.dumps(notebook.cells[0].outputs)
    assert all(word in shown for word in ("by [e-mail]", "**[phone]**", "[ID number]", "<b>[IP address]</b>x"))
    nothing_in(Path("nowhere"), shown)
