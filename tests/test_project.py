"""What the project promises about itself."""

import re
import subprocess
import sys
import tomllib

import nbformat
import pytest
import yaml


def test_environment_yml_agrees_with_pyproject(root, tmp_path):
    made = tmp_path / "environment.yml"
    command = [sys.executable, "-m", "pyproject2conda", "yaml", "--pyproject", root / "pyproject.toml", "--python-include", "infer",
               "--group", "dev", "--name", "xmresearch", "--no-header", "--pip-dep", "-e .", "--output", made]  # fmt: skip
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    assert made.read_text("utf-8") == (root / "environment.yml").read_text("utf-8"), "run 'make env'"


def test_environment_yml_names_what_the_client_fixed(root):
    content = yaml.safe_load((root / "environment.yml").read_text("utf-8"))
    names = {re.split(r"[<>=]", d)[0] for d in content["dependencies"] if isinstance(d, str)}
    assert {"jupyterlab", "papermill", "pandas", "pingouin", "semopy", "pymc", "arviz", "seaborn", "pytest"} <= names


def test_notebooks_are_valid(root):
    for path in (root / "notebooks").glob("*.ipynb"):
        nbformat.validate(nbformat.read(path, 4))


def test_readme_commands_exist(root):
    text = (root / "README.md").read_text("utf-8")
    rules = re.findall(r"^([a-z]+):", (root / "Makefile").read_text("utf-8"), re.MULTILINE)
    for command in re.findall(r"make ([a-z]+)", text):
        assert command in rules, command
    assert {"study", "test"} <= set(re.findall(r"make ([a-z]+)", text))
    for path in re.findall(r"`(?!params/servqual/mystudy)((?:params|notebooks|src|tests)/[\w./-]*\w)`", text):
        assert (root / path).exists(), path


def test_python_versions_agree(root):
    wanted = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    assert wanted == ">=3.12"
    assert (root / ".python-version").read_text().strip() == "3.13"


@pytest.mark.parametrize("name", ["LICENSE", "CITATION.cff", ".ci/run", "uv.lock", "Makefile"])
def test_project_files_are_there(root, name):
    assert (root / name).is_file()


def test_every_module_and_public_name_is_documented(root):
    import ast

    for path in (root / "src").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        assert ast.get_docstring(tree), path
