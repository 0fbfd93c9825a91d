"""`import xmresearch as xm`: what a user calls is there by its own name, at once and whatever was imported before."""

import json
import pkgutil
import pydoc
import re
import subprocess
import sys
from importlib import import_module

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import xmresearch as xm

PACKAGES = (
    "sem",
    "causal",
    "attribution",
    "drivers",
    "psychometrics",
    "metrics",
    "linkage",
    "monitoring",
    "outcomes",
    "verbatims",
    "journeys",
    "missing",
    "sampling",
    "claims",
    "data",
    "sufficient",
)
PROMISED = {
    "": "sem causal attribution psychometrics claims data sufficient errors read_survey load_survey load_panel load_touches "
    "load_codebook load_dataset run_study",
    "sem": "fit fit_all invariance sample pls effects mediation gains indices compare difference_test modification_indices "
    "factor_scores measurement_model model_text polychoric SemFit BayesianSem Moments",
    "causal": "did sensitivity experiment synthetic_control bacon honest confidence_sequence monitor group_sequential DidResult Cells two_way_effects",
    "attribution": "read_paths EventLog transitions Journeys markov choose_order shapley heuristics journey process_map "
    "consistency read_touches",
    "psychometrics": "gaps reliability item_analysis validity efa parallel_analysis priorities outcome_drivers importance_performance "
    "overall_scores gap_changes performance derived_importance segment_gaps zone_of_tolerance composite_reliability common_method battery_cfa segment_invariance htmt2",
    "drivers": "relative_importance lmg relative_weights dominance collinearity importance_grid derived_grid penalty_reward kano "
    "opportunity gains drivers_by_group",
    "journeys": "read_cases case_times bottlenecks variants rework compare_groups before_after conformance journey_map returns step_map WorkingHours",
    "outcomes": "bg_nbd gamma_gamma customer_value failure_times PersonPeriods hazard risk_calibration e_value",
    "claims": "Claim sign larger alike assumption log_share decision first_of part_of judge",
}
NAMES = [f"{package}.{name}".strip(".") for package, names in PROMISED.items() for name in names.split()]
EVERY_NAME = """
import json, pkgutil, sys
from importlib import import_module
import xmresearch
{before}
kinds = {{}}
for package in ["", {packages}]:
    home = import_module("xmresearch" + "." * bool(package) + package)
    for name in home.__all__:
        kinds[(package + "." + name).strip(".")] = (
            "callable" if callable(getattr(home, name)) else type(getattr(home, name)).__name__
        )
print(json.dumps(kinds))
"""
ALL_MODULES = """
for module in pkgutil.walk_packages(xmresearch.__path__, "xmresearch."):
    import_module(module.name)
"""


def python(code):
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def resolve(name):
    found = xm
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_promised_name_is_reachable(name):
    found = resolve(name)
    assert type(found).__name__ == "module" or found.__name__ == name.split(".")[-1]


@pytest.mark.parametrize("before", ["", ALL_MODULES], ids=["nothing", "every module"])
def test_names_are_what_they_say_whatever_was_imported_before(before):
    kinds = json.loads(python(EVERY_NAME.format(before=before, packages=", ".join(map(repr, PACKAGES)))))
    modules = {name for name, kind in kinds.items() if kind == "module"}
    assert modules == {*PACKAGES, "errors"}
    assert set(kinds.values()) == {"module", "callable"}, kinds
    assert set(NAMES) <= kinds.keys()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_bears_a_public_name(package):
    home = import_module(f"xmresearch.{package}")
    modules = {module.name for module in pkgutil.iter_modules(home.__path__)}
    assert not modules & set(home.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error_with_a_suggestion():
    with pytest.raises(AttributeError, match=r"'xmresearch\.sem' has no attribute 'fti'") as failed:
        _ = xm.sem.fti
    assert failed.value.obj is xm.sem
    assert failed.value.name == "fti"
    with pytest.raises(ImportError):
        import_module("xmresearch.sem.fti")


def test_star_import_gives_the_public_names():
    space = {}
    exec("from xmresearch.claims import *", space)
    assert space.keys() - {"__builtins__"} == set(xm.claims.__all__)


def test_importing_the_package_loads_nothing_else():
    loaded = json.loads(python("import sys, json, xmresearch\nprint(json.dumps(list(sys.modules)))"))
    assert not {"numpy", "pandas", "polars", "pydantic", "scipy", "matplotlib"} & set(loaded)
    assert {m for m in loaded if m.startswith("xmresearch")} == {"xmresearch", "xmresearch.lazy"}


def test_importing_the_package_takes_less_than_a_tenth_of_a_second():
    measure = "import time\nbefore = time.process_time()\nimport xmresearch\nprint(time.process_time() - before)"
    python(measure)  # fills the compile cache
    assert min(float(python(measure)) for _ in range(3)) < 0.1


def test_completion_offers_the_names_before_they_are_loaded():
    offered = python("import xmresearch as xm\nprint(dir(xm))\nprint(dir(xm.sem))\nprint(dir(xm.claims))")
    for name in ("sem", "load_survey", "fit", "modification_indices", "first_of"):
        assert f"'{name}'" in offered
    assert "TYPE_CHECKING" not in offered
    shell = InteractiveShell.instance()
    shell.user_ns["xm"] = xm
    for text, wanted in {
        "xm.se": "sem",
        "xm.sem.modi": "modification_indices",
        "xm.attribution.choo": "choose_order",
    }.items():
        with provisionalcompleter():
            matches = [found.text for found in shell.Completer.completions(text, len(text))]
        assert any(match.endswith(wanted) for match in matches), (text, matches)


def test_help_shows_the_functions_with_their_parameters():
    text = pydoc.plain(pydoc.render_doc(xm.sem))
    assert "fit(" in text
    assert "modification_indices(" in text
    assert "Parameters" in pydoc.render_doc(xm.sem.fit)
    assert "load_survey(" in pydoc.plain(pydoc.render_doc(xm))


def test_the_notebooks_use_the_front_door(root):
    public = {(f"xmresearch.{p}", name) for p in PACKAGES for name in resolve(p).__all__} | {
        ("xmresearch", "run_study")
    }
    functions = {name for _, name in public}
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        source = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        assert "import xmresearch as xm" in source, path.name
        used = re.findall(r"\bxm\.([\w.]+)", source)
        assert len(used) >= 3
        for name in used:
            assert callable(resolve(name)), (path.name, name)
        for module, names in re.findall(r"^from (xmresearch\.(?:sem|causal|attribution|psychometrics|data|sufficient)[\w.]*) import (.+)$",
                                        source, re.MULTILINE):  # fmt: skip
            behind = {
                n
                for n in names.split(", ")
                if n in functions and getattr(import_module(module), n) in map(_public, public)
            }
            assert not behind, f"{path.name} imports {behind} from {module}"


def _public(origin):
    return getattr(import_module(origin[0]), origin[1])


def test_the_readme_s_python_is_true(root, tmp_path, monkeypatch, hall):
    text = (root / "README.md").read_text("utf-8")
    lines = re.search(r"## In Python\n\n((?:    .*\n|\n)+)", text)[1].splitlines()
    statements = [line[4:] for line in lines if line.strip() and "run_study" not in line]
    assert len(statements) >= 6
    hall.frame.drop(columns=["quality", "weight"], errors="ignore").to_csv(tmp_path / "survey.csv", index=False)
    monkeypatch.chdir(tmp_path)
    space = {}
    for statement in statements:
        exec(statement, space)
    assert space["fitted"].converged
