"""Every public name says what goes in (with shapes and units), what comes out, what may go wrong, and where the method is from."""

import ast
import dataclasses
import inspect
import re
import sys
import textwrap

import pytest

import xmresearch as xm

PACKAGES = (
    "",
    "sem",
    "causal",
    "attribution",
    "psychometrics",
    "metrics",
    "linkage",
    "monitoring",
    "verbatims",
    "missing",
    "sampling",
    "claims",
    "data",
    "sufficient",
)
PUBLIC = sorted({
    (found.__module__, found.__qualname__): f"{package}.{name}".strip(".")
    for package in PACKAGES for home in [getattr(xm, package) if package else xm]
    for name in home.__all__ if not inspect.ismodule(found := getattr(home, name))
}.values())  # fmt: skip
# They read, write, name or arrange, and estimate nothing: there is no source to cite.
NO_METHOD = {
    "run_study", "find_study", "study_names", "load_survey", "load_panel", "load_cases", "load_touches", "load_codebook", "load_dataset", "read_survey",
    "scan_survey", "prepare_survey", "parse_codebook", "fit_all", "model_text", "shipped_models", "read_paths", "read_touches",
    "side_by_side", "battery_model", "dimension_scores", "cases", "log_share", "power", "language_of", "normalised", "simplified", "load_sentiment", "save_sentiment", "exemplars", "plain_quote", "words_of", "by_theme", "clauses_of", "load_codeframe", "load_verbatims", "parse_codeframe", "word_frequencies", "next_contacts",
}  # fmt: skip


def resolve(name):
    found = xm
    for part in name.split("."):
        found = getattr(found, part)
    return found


def sections(text):
    """Return the numpydoc sections of a docstring, by title."""
    lines = inspect.cleandoc(text).splitlines()
    starts = [
        k - 1
        for k in range(1, len(lines))
        if lines[k] and set(lines[k]) == {"-"} and len(lines[k]) == len(lines[k - 1])
    ]
    ends = [*starts, len(lines)][1:]
    return {lines[a]: "\n".join(lines[a + 2 : b]).strip() for a, b in zip(starts, ends, strict=True)}


def raises(function, seen=()):
    """Whether a function, or a private one of its module that it calls, raises an error of its own."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    module = sys.modules[function.__module__]
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            return True
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id.startswith("_")
            and node.func.id not in seen
        ):
            helper = inspect.unwrap(getattr(module, node.func.id, None) or len)
            if inspect.isfunction(helper) and raises(helper, (*seen, node.func.id)):
                return True
    return False


@pytest.mark.parametrize("name", [name for name in PUBLIC if not inspect.isclass(resolve(name))])
def test_a_function_is_documented(name):
    function = inspect.unwrap(resolve(name))
    text = inspect.getdoc(resolve(name))
    found = sections(text)
    signature = inspect.signature(function)
    described = re.findall(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?= :|$)", found.get("Parameters", ""), re.MULTILINE)
    named = {part.strip().lstrip("*") for group in described for part in group.split(",")}
    assert {p for p in signature.parameters if not p.startswith("_")} <= named, name
    if signature.return_annotation not in (None, "None"):
        assert found.get("Returns"), name
    if raises(function):
        assert found.get("Raises"), name
    for error in re.findall(
        r"^(?!ValueError)(\w+Error|InsufficientData|DatasetUnavailable)", found.get("Raises", ""), re.MULTILINE
    ):
        assert hasattr(xm.errors, error), (name, error)
    if function.__name__ not in NO_METHOD:
        assert found.get("References") or "et al." in text, name
    arrays = re.findall(r"^.+ : .*(?:ndarray|array_like).*(?:\n {4}.*)*", found.get("Parameters", ""), re.MULTILINE)
    assert all(re.search(r"[Ss]hape|[Aa]s ", array) for array in arrays), (name, arrays)


@pytest.mark.parametrize("name", [name for name in PUBLIC if inspect.isclass(resolve(name))])
def test_a_class_is_documented(name):
    kind = resolve(name)
    found = sections(inspect.getdoc(kind))
    if dataclasses.is_dataclass(kind):
        described = found.get("Attributes", "") + "\n" + found.get("Parameters", "")
        inherited = "\n".join(inspect.getdoc(base) or "" for base in kind.__mro__[1:-1])
        for field in dataclasses.fields(kind):
            assert field.name.startswith("_") or re.search(
                rf"^(\w+, )*{field.name}\b.* :", described + inherited, re.MULTILINE
            ), (name, field.name)
    else:
        assert inspect.getdoc(kind)
        for field in getattr(kind, "model_fields", {}).values():
            assert field.description or field.default is not None, name


def test_no_exemption_is_stale():
    without = {
        name.rpartition(".")[2] for name in PUBLIC if "References" not in sections(inspect.getdoc(resolve(name)))
    }
    assert without >= NO_METHOD
