"""What every study's notebook and params hold."""

import ast
import subprocess
import sys

import nbformat
import pytest
from study_output import shown

from xmresearch.params.load import load_params
from xmresearch.params.registry import find_study, study_names

TITLES = {
    "servqual": "服务质量研究",
    "drivers": "先改进什么",
    "sem": "结构方程研究",
    "did": "双重差分研究",
    "attribution": "归因与旅程研究",
    "scorecard": "体验记分卡",
    "voice": "客户之声：痛点在哪里",
    "monitor": "反馈监测",
    "journeys": "客户旅程：要多久、卡在哪里、感受如何",
    "linkage": "关联研究：体验、行为与业绩",
}
SMALL = {
    "servqual": "n: 80}\nbootstrap: 200", "drivers": "n: 120}\nbootstrap: 200", "sem": "n: 250}\nvalidity_bootstrap: 0", "did": "n: 3000}\nbranches: false",
    "attribution": "n: 2000}\nbootstrap: 20", "scorecard": "n: 300}\ndraws: 500", "voice": "n: 600}\nbootstrap: 200",
    "monitor": "n: 4000}\ndraws: 200", "journeys": "n: 600}", "linkage": "n: 1200}\ndraws: 2000",
}  # fmt: skip


@pytest.fixture(params=study_names())
def study(request):
    return request.param


@pytest.fixture
def notebook(root, study):
    return nbformat.read(root / "notebooks" / f"{study}.ipynb", 4)


def test_parameters_cell_is_the_model(notebook, study):
    cell = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    lines = [line for line in cell.source.splitlines() if not line.startswith("#")]
    given = {line.split(" = ")[0]: ast.literal_eval(line.split(" = ", 1)[1]) for line in lines}
    assert given == find_study(study).params().of_notebook()


def test_the_demo_is_what_the_notebooks_defaults_run(root):
    """Reader and runner of the service hall get the same numbers; only the run's name differs."""
    demo = load_params(root / "params/servqual/service_hall.yml")
    assert demo == find_study("servqual").params(name="service_hall")


def test_notebook_reads_like_an_argument(notebook):
    """At most 25 cells, each with a heading, none with functions, classes, loops or outputs."""
    assert len(notebook.cells) <= 25
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.source.startswith("# ")
            assert not any(
                isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.For, ast.While))
                for node in ast.walk(ast.parse(cell.source))
            )
            assert not cell.outputs
            assert cell.execution_count is None


def test_committed_params_validate(root, study):
    found = [p for p in (root / "params" / study).glob("*.yml") if not p.stem.endswith("_codebook")]
    assert len(found) > 1
    for path in found:
        assert load_params(path).name == path.stem


def test_run_all_in_jupyterlabs_kernel(notebook, run_all):
    assert len(run_all(notebook)) > 30


def test_plain_papermill_runs_the_notebook(root, study, tmp_path):
    (tmp_path / "p.yml").write_text(f"name: plain\nlang: zh\ndata: {{source: scenario, {SMALL[study]}\n", "utf-8")
    command = [sys.executable, "-m", "papermill", root / f"notebooks/{study}.ipynb", tmp_path / "executed.ipynb", "-f",
               tmp_path / "p.yml", "--no-progress-bar"]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [block["title"] for block in shown(tmp_path) if block["kind"] == "title"] == [TITLES[study]]
