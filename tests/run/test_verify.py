"""A run is executed again from its manifest: what is not as it was is named."""

import json
import shutil
from importlib import metadata

import docx
import numpy as np
import pandas as pd
import pptx
import pptx.util
import pytest
import yaml
from canaries import ratings

from xmresearch.cli import main
from xmresearch.cli.finished import DIFFERENT
from xmresearch.errors import OutputError, RepeatError
from xmresearch.params.load import load_params
from xmresearch.params.registry import study_names
from xmresearch.run import cache, file_differences, verify
from xmresearch.run.again import run_again
from xmresearch.run.archive import write_archive
from xmresearch.run.file_differences import compare_files, compare_tables
from xmresearch.run.manifest import CRATE, NAME, REQUIRED, flaws
from xmresearch.run.manifest_writing import now, write_manifest
from xmresearch.run.plan import plan_run
from xmresearch.run.public_params import portable, public_params
from xmresearch.run.record import read_record
from xmresearch.run.replan import repeated
from xmresearch.run.reuse import earlier_fit, fit_key
from xmresearch.run.study import run_study
from xmresearch.run.verify import verify_run

BOOK = """extends: servqual
name: own
labels: {en: Own, zh: 自己的}
"""
PARAMS = """study: servqual
name: own
data: {path: ../answers.csv}
codebook: book.yml
bootstrap: 200
estimator: ML
style: {logo: brand/logo.SVG, css: brand/own.css, reference_docx: brand/own.docx, reference_pptx: brand/own.pptx}
"""
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'


def brand(folder):
    """Files of a style, the documents without words of their own."""
    (folder / "brand").mkdir()
    (folder / "brand/logo.SVG").write_text(LOGO, "utf-8")
    (folder / "brand/own.css").write_text(".card { border-radius: 2px; }", "utf-8")
    docx.Document().save(folder / "brand/own.docx")
    deck = pptx.Presentation()
    deck.slide_width, deck.slide_height = pptx.util.Inches(13.333), pptx.util.Inches(7.5)
    deck.save(folder / "brand/own.pptx")
    return folder / "brand"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A run of a file of one's own with a codebook and references of one's own, whose folder is not the project's."""
    top = tmp_path_factory.mktemp("project")
    (top / "params").mkdir()
    ratings(90).to_csv(top / "answers.csv", index=False)
    (top / "params/book.yml").write_text(BOOK, "utf-8")
    (top / "params/references.bib").write_text("@book{own, author={Own, A.}, title={T}, year={2020}}\n", "utf-8")
    (top / "params/own.yml").write_text(PARAMS, "utf-8")
    brand(top / "params")
    run_study(top / "params/own.yml", out=top / "out")
    return top


@pytest.fixture
def run(project, tmp_path):
    """A copy of the run's folder, to be altered."""
    return shutil.copytree(project / "out/servqual/own/latest-en", tmp_path / "run")


def manifest(folder):
    return json.loads((folder / NAME).read_text("utf-8"))


def command(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["xmresearch", *map(str, arguments)])
    try:
        main()
        code = 0
    except SystemExit as stopped:
        code = stopped.code
    said = capsys.readouterr()
    return code, said.out + said.err


def test_what_repeats_a_run_is_kept_without_rows_and_without_folders_of_the_machine(project, run):
    kept = {p.name: p.read_bytes() for p in (run / "archive").iterdir()}
    style = {
        "logo.svg": "logo.SVG",
        "css.css": "own.css",
        "reference_docx.docx": "own.docx",
        "reference_pptx.pptx": "own.pptx",
    }
    assert set(kept) == {"params.yml", "codebook.yml", "own_references.bib", *(f"style.{name}" for name in style)}
    assert kept["codebook.yml"].decode() == BOOK
    assert b"path: ../answers.csv" in kept["params.yml"]
    for name, given in style.items():
        assert kept[f"style.{name}"] == (project / "params/brand" / given).read_bytes()
    assert manifest(run)["files"] == {
        "data": "../answers.csv", "codebook": "book.yml", "own_references": "references.bib",
        **{f"style.{name.partition('.')[0]}": f"brand/{given}" for name, given in style.items()},
    }  # fmt: skip
    described = json.loads((run / CRATE).read_text("utf-8"))["@graph"]
    action = next(e for e in described if e["@id"] == "#run")
    assert {f"archive/style.{name}" for name in style} <= {e["@id"] for e in action["object"]}
    assert flaws(run) == []
    for path in run.rglob("*"):
        assert path.is_dir() or str(project).encode() not in path.read_bytes(), path


def test_a_run_comes_out_the_same_from_its_folder_and_the_folder_of_its_data(project, run, monkeypatch, capsys):
    """The codebook, the references and the files of the style are those that the run has kept."""
    data = project.parent / "elsewhere"
    data.mkdir(exist_ok=True)
    shutil.copy2(project / "answers.csv", data)
    code, said = command(monkeypatch, capsys, "verify", run, "--data", data)
    assert code == 0, said
    assert said.startswith(
        f"Bit-identical: {len(manifest(run)['outputs'])} files of servqual/own/{manifest(run)['key']}"
    )


def test_another_action_register_takes_over_what_was_fitted(project, run, monkeypatch):
    """Another key and another report, the same executed notebook; verify, which executes all of it, finds the same bytes."""
    given = ["actions=[{action: More desks, claim: short, owner: Li}]"]
    out = project.parent / "registered"
    shutil.copytree(project / "out", out, symlinks=True)
    with monkeypatch.context() as patched:
        patched.setattr("xmresearch.run.engine.execute", lambda *_, **__: pytest.fail("it is fitted again"))
        done = run_study(project / "params/own.yml", given, out=out)
    assert done.folder.name != manifest(run)["key"]
    assert any("its results are taken over" in note for note in done.notes)
    assert (done.folder / "executed.ipynb").read_bytes() == (run / "executed.ipynb").read_bytes()
    assert "More desks" in (done.folder / "tables/register.csv").read_text("utf-8")
    assert manifest(done.folder)["cells"] == manifest(run)["cells"]
    assert run_study(project / "params/own.yml", given, out=out).cached
    assert verify_run(done.folder, data=project).state == "identical"


def test_only_a_whole_run_of_the_same_fit_is_taken_over(project, run, tmp_path):
    home = tmp_path / "out/servqual/own"
    folder = shutil.copytree(run, home / manifest(run)["key"])
    plan = plan_run(project / "params/own.yml", ["actions=[{action: a, claim: short}]"], out=tmp_path / "out")
    assert earlier_fit(plan).executed == (run / "executed.ipynb").read_bytes()
    other = plan_run(
        project / "params/own.yml", ["actions=[{action: a, claim: short}]", "bootstrap=201"], out=tmp_path / "out"
    )
    assert earlier_fit(other) is None
    (folder / "report.html").write_text("altered")
    assert earlier_fit(plan) is None
    assert fit_key(plan_run(project / "params/own.yml").identity) == manifest(run)["key"] != plan.identity.key


@pytest.mark.parametrize("case", ["css", "svg", "author", "text", "slide", "plain"])
def test_files_of_a_style_that_tell_persons_or_hold_words_are_not_kept(project, tmp_path, case):
    base = tmp_path / "params"
    shutil.copytree(project / "params", base)
    mail, at = "somebody@example.org", base / "brand"
    if case == "css":
        (at / "own.css").write_text(f"/* {mail} */ .card {{ color: red; }}", "utf-8")
    if case == "svg":
        (at / "logo.SVG").write_text(LOGO.replace("<rect", f"<desc>{mail}</desc><rect"), "utf-8")
    if case in ("author", "text"):
        document = docx.Document()
        document.core_properties.author = mail if case == "author" else ""
        document.add_paragraph(" " if case == "author" else "A sentence of another report")
        document.save(at / "own.docx")
    if case == "slide":
        deck = pptx.Presentation(at / "own.pptx")
        deck.slides.add_slide(deck.slide_layouts[5])
        deck.save(at / "own.pptx")
    (tmp_path / "answers.csv").write_bytes((project / "answers.csv").read_bytes())
    (tmp_path / "run").mkdir()
    write_archive(plan_run(base / "own.yml"), tmp_path / "run")
    kept = {p.name for p in (tmp_path / "run/archive").iterdir() if p.name.startswith("style.")}
    lost = {
        "css": "css.css",
        "svg": "logo.svg",
        "author": "reference_docx.docx",
        "text": "reference_docx.docx",
        "slide": "reference_pptx.pptx",
    }
    every = {f"style.{name}" for name in ("css.css", "logo.svg", "reference_docx.docx", "reference_pptx.pptx")}
    assert every - kept == {f"style.{lost[case]}" for case in [case] if case in lost}


def test_an_absolute_path_is_neither_in_the_outputs_nor_in_the_key(project, run, tmp_path):
    path = tmp_path / "own.yml"
    shutil.copy2(project / "params/book.yml", tmp_path)
    shutil.copy2(project / "params/references.bib", tmp_path)
    shutil.copytree(project / "params/brand", tmp_path / "brand")
    path.write_text(PARAMS.replace("../answers.csv", str(project / "answers.csv")), "utf-8")
    plan = plan_run(path)
    assert plan.identity.params["data"]["path"] == "answers.csv"
    assert plan.params.determining()["data"]["path"] == str(project / "answers.csv")
    shutil.copytree(project, tmp_path / "moved", ignore=shutil.ignore_patterns("out"))
    path.write_text(PARAMS.replace("../answers.csv", str(tmp_path / "moved/answers.csv")), "utf-8")
    assert plan_run(path).identity.key == plan.identity.key


def test_an_altered_byte_of_an_input_is_refused(project, run, tmp_path, monkeypatch, capsys):
    text = (project / "answers.csv").read_text("utf-8")
    (tmp_path / "answers.csv").write_text(text.replace("5", "6", 1), "utf-8")
    for arguments in (("verify", run), ("run", run / NAME, "--out", tmp_path / "o")):
        code, said = command(monkeypatch, capsys, *arguments, "--data", tmp_path)
        assert code == RepeatError.exit_code == 3
        assert "input data differs (SHA-256" in said
    code, said = command(monkeypatch, capsys, "verify", run, "--data", run)
    assert code == 3
    assert "Inputs of the run are not found: data ('../answers.csv'). Name the folder" in said
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("part", ["params", "inputs", "versions", "code", "lock", "python"])
def test_an_altered_byte_of_the_manifest_is_refused(project, run, part):
    content = manifest(run)
    if isinstance(content[part], dict):
        name = {"params": "bootstrap", "inputs": "codebook", "versions": "numpy"}[part]
        content[part][name] = 201 if part == "params" else "0" + content[part][name][1:]
    else:
        content[part] = "0" + content[part][1:]
    (run / NAME).write_text(json.dumps(content), "utf-8")
    with pytest.raises(RepeatError, match="does not belong to its key"):
        verify_run(run, data=project)


def test_another_version_another_code_and_another_lock_are_refused_and_named(project, run, monkeypatch, tmp_path):
    version = metadata.version
    with monkeypatch.context() as patch:
        patch.setattr(metadata, "version", lambda name: "0.0" if name == "scipy" else version(name))
        with pytest.raises(RepeatError, match=rf"versions differ: scipy {version('scipy')}, now 0\.0.*--anyway"):
            verify_run(run, data=project)
    with monkeypatch.context() as patch:
        patch.setattr(cache, "code_hash", lambda *_: "c0de")
        patch.setattr(cache, "shipped", lambda: tmp_path)
        with pytest.raises(RepeatError, match=r"the code differs \(.*now c0de\); uv\.lock differs"):
            verify_run(run, data=project)


def test_a_param_that_came_with_other_code_is_no_difference_of_params(project, run, monkeypatch):
    content = manifest(run)
    del content["params"]["smallest_gap"]
    (run / NAME).write_text(json.dumps(content), "utf-8")
    with repeated(read_record(run), data=project) as (_, reasons):
        assert [r.kind for r in reasons] == ["manifest", "params"]
    monkeypatch.setattr(cache, "code_hash", lambda *_: "c0de")
    with repeated(read_record(run), data=project) as (_, reasons):
        assert [r.kind for r in reasons] == ["manifest", "code"]


def test_an_altered_output_and_an_altered_param_are_found_and_said_where(project, run, monkeypatch):
    """The new execution is the earlier run's own: that it comes out the same is tried elsewhere."""
    whole = run.parent / "whole"
    shutil.copytree(run, whole)
    monkeypatch.setattr(verify, "run_plan", lambda *_, **__: verify.RunResult(whole, whole, False, {"cpu": 1.0}))
    assert verify_run(run, data=project).state == "identical"
    table = pd.read_csv(run / "tables/gap_dimensions.csv", dtype=str)
    old = table.loc[1, "gap"]
    table.loc[1, "gap"] = f"{old[:-1]}{(int(old[-1]) + 1) % 10}"
    table.to_csv(run / "tables/gap_dimensions.csv", index=False)
    params = (run / "archive/params.yml").read_text("utf-8")
    (run / "archive/params.yml").write_text(params.replace("confidence: 0.95", "confidence: 0.96"), "utf-8")
    found = verify_run(run, data=project)
    assert found.state == "different"
    said = "\n".join(found.lines())
    assert said.startswith(f"Different: 2 of {len(manifest(run)['outputs'])} files")
    assert "Altered since the run: tables/gap_dimensions.csv is not as the run left it." in said
    assert (
        f"tables/gap_dimensions.csv, row 2 ({table.iloc[1, 0]}), column 'gap': {table.loc[1, 'gap']}, now {old}" in said
    )
    assert "archive/params.yml, line" in said
    (run / "report.html").unlink()
    assert "report.html: missing, now there" in "\n".join(verify_run(run, data=project).lines())


def test_in_another_environment_tables_may_differ_within_monte_carlo_error(project, run, monkeypatch):
    monkeypatch.setattr(cache, "code_hash", lambda *_: "c0de")
    other = run.parent / "other"
    shutil.copytree(run, other)
    monkeypatch.setattr(verify, "run_plan", lambda *_, **__: verify.RunResult(other, other, False, {"cpu": 1.0}))
    table = pd.read_csv(other / "tables/gap_dimensions.csv")
    (other / "report.html").write_text("other", "utf-8")
    for share, state in ((0.99 * file_differences.RELATIVE, "equal"), (1.5 * file_differences.RELATIVE, "different")):
        changed = table.assign(gap=table["gap"] * (1 + share))
        changed.to_csv(other / "tables/gap_dimensions.csv", index=False)
        found = verify_run(run, data=project, anyway=True)
        assert found.state == state, found.lines()
        assert "the code differs" in found.lines()[0]
    monkeypatch.undo()
    monkeypatch.setattr(verify, "run_plan", lambda *_, **__: verify.RunResult(other, other, False, {"cpu": 1.0}))
    table.assign(gap=table["gap"] * (1 + 1e-9)).to_csv(other / "tables/gap_dimensions.csv", index=False)
    assert verify_run(run, data=project).state == "different"


def csv(**columns):
    return pd.DataFrame(columns).to_csv(index=False).encode()


def test_figures_of_a_posterior_may_differ_by_its_monte_carlo_error():
    """Draws of normal posteriors, 400 at a time: all figures of two runs are within it, those of another mean are not."""
    rng = np.random.default_rng(7)

    def summary(mean, seed_rng):
        x = mean + seed_rng.standard_normal((50, 400))
        lower, upper = np.quantile(x, [0.025, 0.975], axis=1)
        part, low, high = x.mean(axis=1) / 9, lower / 9, upper / 9
        names, draws = [f"b{k}" for k in range(50)], rng.uniform(390, 410, 50)
        return csv(
            name=names, est=x.mean(axis=1), sd=x.std(axis=1), ci_lower=lower, ci_upper=upper, std_all=part, std_all_lower=low,
            std_all_upper=high, p_positive=(x > 0).mean(axis=1), ess_bulk=draws, rhat=rng.random(50),
        )  # fmt: skip

    same = compare_tables("t.csv", summary(0.0, rng), summary(0.0, rng))
    assert len(same) > 400
    assert [str(f) for f in same if not f.within] == []
    apart = compare_tables("t.csv", summary(0.0, rng), summary(1.5, rng))
    for column in ("est", "ci_lower", "ci_upper", "std_all", "std_all_upper", "p_positive"):
        assert not any(f.within for f in apart if f"'{column}'" in f.where), column
    checks = compare_tables(
        "t.csv", csv(check=["rhat", "n"], value=[1.0, 5.0]), csv(check=["rhat", "n"], value=[1.2, 6.0])
    )
    assert [f.within for f in checks] == [True, False]


@pytest.mark.parametrize(
    ("old", "new", "within"),
    [
        (100.0, 100.0 * (1 + file_differences.RELATIVE), False), (100.0, 100.0 * (1 + 0.99 * file_differences.RELATIVE), True),
        (0.0, 0.99 * file_differences.OF_COLUMN * 1000, True), (0.0, 1.01 * file_differences.OF_COLUMN * 1000, False), ("a", "b", False),
        (1.0, "nan", False), (2.0, "", False),
    ],
)  # fmt: skip
def test_how_far_a_figure_may_differ(old, new, within):
    """The largest figure of its column is 1000; what is RELATIVE more than 100 differs by less than RELATIVE of itself."""
    found = compare_tables("t.csv", csv(name=["x", "y"], v=[old, 1000.0]), csv(name=["x", "y"], v=[new, 1000.0]))
    if old == 100.0 and not within:
        found = compare_tables("t.csv", csv(name=["x", "y"], v=[old, 101.0]), csv(name=["x", "y"], v=[101.02, 101.0]))
    assert [f.within for f in found] == [within]
    assert found[0].where == "row 1 (x), column 'v'"


def test_other_shapes_and_other_files_are_told_apart(tmp_path):
    assert compare_tables("t", csv(a=[1]), csv(b=[1]))[0].where == "columns"
    assert compare_tables("t", csv(a=[1]), csv(a=[1, 2]))[0].where == "rows"
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, texts in (
        (old, (b"a,b\n1,2\n", b"x\ny\n", b"\xff\xd8\x01")),
        (new, (b"a,b\r\n1,2\n", b"x\nz\n", b"\xff\xd8\x02")),
    ):
        folder.mkdir()
        for name, text in zip(("t.csv", "r.html", "f.png"), texts, strict=True):
            (folder / name).write_bytes(text)
    found = compare_files(old, new, ["t.csv", "r.html", "f.png"])
    assert [found[name][0].where for name in found] == ["ends of lines", "line 2", "byte 3"]


def test_params_and_codebooks_that_tell_somebody_are_not_kept_and_asked_for(project, tmp_path, monkeypatch):
    shutil.copy2(project / "answers.csv", tmp_path)
    brand(tmp_path)
    segments = (
        "segments:\n  branch:\n    labels: {en: Branch, zh: 网点}\n    values: {1: {en: Lone branch, zh: 独点}}\n"
    )
    (tmp_path / "book.yml").write_text(BOOK.replace("Own", "Asked by canary@example.org") + segments, "utf-8")
    path, folder = tmp_path / "own.yml", tmp_path / "run"
    path.write_text(f"{PARAMS}client: call 13912345678\n".replace("../", ""), "utf-8")
    folder.mkdir()
    for name in REQUIRED:
        (folder / name).write_text('{"cells": []}', "utf-8")
    plan = plan_run(path)
    write_archive(plan, folder)
    write_manifest(folder, plan, [], now(), {})
    written = "".join(p.read_text("utf-8", "ignore") for p in folder.rglob("*") if p.is_file())
    assert "13912345678" not in written
    assert "canary@" not in written
    assert "Lone branch" not in written, "it may have too few respondents to be named"
    kept = (folder / "archive/codebook.yml").read_text("utf-8")
    assert yaml.safe_load(kept)["segments"] == {"branch": {"labels": {"en": "Branch", "zh": "网点"}}}
    assert "Asked by [e-mail]" in kept
    with pytest.raises(RepeatError, match="--params"):
        verify_run(folder, data=tmp_path, anyway=True)
    monkeypatch.setattr(verify, "run_plan", lambda *_, **__: verify.RunResult(folder, folder, False, {}))
    assert verify_run(folder, params=path).state == "identical"
    path.write_text(f"{path.read_text('utf-8')}code: show\nformats: [pdf]\n", "utf-8")
    with repeated(read_record(folder), params=path) as (again, reasons):
        assert (reasons, again.params.code, again.params.formats) == ([], "fold", ["html"]), "shown as the run was"
    path.write_text(path.read_text("utf-8").replace("call 139", "call 138"), "utf-8")
    with pytest.raises(RepeatError, match="that the manifest does not show, differ"):
        verify_run(folder, params=path)


def test_a_manifest_is_run_again(project, run, monkeypatch, capsys):
    code, said = command(monkeypatch, capsys, "run", run / NAME, "--data", project, "--out", project / "out")
    assert code == 0, said
    assert "Nothing has changed since the last run" in said
    done = run_again(run, data=project, out=project / "out", formats=["html", "xlsx"])
    assert done.cached
    assert (done.folder / "report.xlsx").is_file()
    assert read_record(done.folder).formats == ["html", "xlsx"]
    for wrong in (
        ("run", run, "-p", "bootstrap=9"),
        ("run", run, "--lang", "zh"),
        ("run", project / "params/own.yml", "--data", project),
    ):
        assert command(monkeypatch, capsys, *wrong)[0] == 2


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"key": 1}'])
def test_what_is_no_run_is_said(run, text, monkeypatch, capsys):
    if text is None:
        (run / NAME).unlink()
    else:
        (run / NAME).write_text(text)
    code, said = command(monkeypatch, capsys, "verify", run)
    assert code == OutputError.exit_code == 4
    assert "is no run" in said if text is None else "damaged" in said


def test_a_manifest_that_lays_inputs_elsewhere_is_damaged(run):
    content = manifest(run)
    content["files"]["data"] = "/etc/answers.csv"
    (run / NAME).write_text(json.dumps(content), "utf-8")
    with pytest.raises(OutputError, match="damaged"):
        read_record(run)


def test_a_different_result_has_an_exit_code_of_its_own(project, run, monkeypatch, capsys):
    monkeypatch.setattr(
        "xmresearch.run.verify.verify_run",
        lambda *_, **__: verify.Verdict("s/n/k", "different", 1, {"a": [file_differences.Finding("a", "", "x", "y")]}),
    )
    code, said = command(monkeypatch, capsys, "verify", run)
    assert code == DIFFERENT == 6
    assert "a: x, now y" in said


def join_and_key(folder):
    """A survey in the folder above, with clients beside it, and the key of pseudonyms in a file."""
    frame = ratings(60).assign(person=[f"p{k}@example.org" for k in range(60)], desk=np.tile(["a", "b"], 30))
    frame.drop(columns="desk").to_csv(folder / "answers.csv", index=False)
    frame[["person", "desk"]].to_excel(folder / "clients.xlsx", index=False)
    (folder / "key.txt").write_text("0123456789abcdef0123456789abcdef", "utf-8")
    return """study: servqual
data:
  path: ../answers.csv
  protect: {pseudonymise: [person], key: ../key.txt}
  join: [{path: ../clients.xlsx, by: person}]
codebook: servqual
"""


def parquet_folder(folder):
    (folder / "panel").mkdir()
    for k in range(2):
        pd.DataFrame({"unit": [k], "time": [1], "cohort": [2.0], "y": [1.0]}).to_parquet(
            folder / f"panel/part{k}.parquet"
        )
    return "study: did\ndata: {path: ../panel}\noutcome: y\nfamily: gaussian\nunit: unit\ntime: time\ncohort: cohort\nfurther: {}\nworth: null\n"


def benchmark_table(folder):
    ratings(60).to_csv(folder / "answers.csv", index=False)
    (folder / "marks.csv").write_text("branch,value\na,1\n", "utf-8")
    table = "{file: ../marks.csv, rows: {branch: a}, value: value}"
    return (
        "study: scorecard\ndata: {path: ../answers.csv}\ncodebook: servqual\nsegments: []\n"
        f"metrics: [{{item: quality, measure: mean, benchmarks: [{{name: M, from_table: {table}}}]}}]\n"
    )


@pytest.mark.parametrize("write", [join_and_key, parquet_folder, benchmark_table])
def test_whatever_a_run_reads_is_found_again_where_it_was_moved_to(write, tmp_path):
    there, moved, folder = tmp_path / "there", tmp_path / "moved", tmp_path / "run"
    for each in (there / "params", folder):
        each.mkdir(parents=True)
    (there / "params/p.yml").write_text(f"name: own\n{write(there)}", "utf-8")
    plan = plan_run(there / "params/p.yml")
    (folder / "executed.ipynb").write_text('{"cells": []}', "utf-8")
    write_manifest(folder, plan, [], now(), {})
    there.rename(moved)
    with pytest.raises(RepeatError, match="are not found"), repeated(read_record(folder)):
        pass
    with repeated(read_record(folder), data=moved) as (again, reasons):
        assert [r.text for r in reasons] == []
        assert again.identity.key == plan.identity.key
        assert {k: p.read_bytes() for k, p in again.inputs.items()}.keys() == plan.inputs.keys()


def test_params_survive_their_record(root):
    """What a manifest holds of the params gives the same params, and so the same key."""
    folders = [root / "params" / study for study in study_names()]
    found = [p for folder in folders for p in folder.glob("*.yml") if "_codebook" not in p.stem]
    assert len(found) > 15
    for path in found:
        params = load_params(path)
        again = type(params).model_validate(json.loads(json.dumps(params.determining())))
        assert again.determining() == params.determining(), path
        assert public_params(portable(params.determining())) == params.determining(), path
