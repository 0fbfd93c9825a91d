"""The notebook of a run that failed is kept where there is room, without what Python quoted, and goes with the next success."""

import json
import shutil

import nbformat
import pytest

from xmresearch.errors import DataError, XMError
from xmresearch.run import study
from xmresearch.run.failed import FAILED, forget_failed, keep_failed
from xmresearch.run.study import run_study

PARAMS = "study: scorecard\nname: f\ndata: {source: scenario, n: 60, seed: 1}\n"


def _executed(work):
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    told = new_output("error", ename="ValueError", evalue="Zhang San is 7", traceback=["Zhang San is 7"])
    printed = new_output("stream", name="stdout", text="row of Zhang San")
    notebook = new_notebook(
        cells=[new_code_cell("raise", outputs=[printed, told])], metadata={"papermill": {"parameters": {}}}
    )
    work.mkdir()
    nbformat.write(notebook, work / "executed.ipynb")


def test_it_says_what_was_wrong_in_our_words(tmp_path):
    _executed(tmp_path / "work")
    error = DataError("A column is missing.")
    keep_failed(tmp_path / "work", tmp_path, "k", {}, error)
    text = (tmp_path / f"{FAILED}k" / "executed.ipynb").read_text("utf-8")
    assert error.kept == str(tmp_path / f"{FAILED}k" / "executed.ipynb")
    assert "Zhang" not in text
    outputs = json.loads(text)["cells"][0]["outputs"]
    assert [o["output_type"] for o in outputs] == ["display_data", "error"]
    assert (outputs[1]["ename"], outputs[1]["evalue"]) == ("DataError", "A column is missing.")
    forget_failed(tmp_path, "k")
    assert not (tmp_path / f"{FAILED}k").exists()


def test_nothing_is_kept_of_a_run_that_executed_nothing(tmp_path):
    (tmp_path / "work").mkdir()
    error = DataError("There are no rows.")
    keep_failed(tmp_path / "work", tmp_path, "k", {}, error)
    assert error.kept == ""
    assert [p.name for p in tmp_path.iterdir()] == ["work"]


def test_that_there_is_no_room_to_keep_it_hides_nothing(tmp_path, monkeypatch):
    def fails(*_):
        raise DataError("A column is missing.")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(study, "_compute", fails)
    monkeypatch.setattr(study, "keep_failed", full)
    (tmp_path / "f.yml").write_text(PARAMS)
    with pytest.raises(XMError, match="A column is missing") as caught:
        run_study(tmp_path / "f.yml", out=tmp_path / "o")
    assert caught.value.exit_code == DataError.exit_code
    shutil.rmtree(tmp_path / "o")
