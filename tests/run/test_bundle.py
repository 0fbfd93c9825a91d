"""A run's description for other programs, and the archive to send: complete, the same bytes, without rows."""

import csv
import io
import json
import shutil
import zipfile

import pytest
from canaries import Canaries
from planted_studies import servqual
from rocrate.rocrate import ROCrate

from xmresearch.errors import OutputError
from xmresearch.run.archive import write_archive
from xmresearch.run.bundle import bundle_run
from xmresearch.run.cache import file_hash
from xmresearch.run.crate import PROFILE
from xmresearch.run.manifest import CRATE, NAME, recorded
from xmresearch.run.manifest_writing import now, write_manifest
from xmresearch.run.plan import plan_run
from xmresearch.run.project import shipped


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A folder with data, params and codebook that tell persons, and a run of them but for what a kernel would leave."""
    data, persons = tmp_path_factory.mktemp("data"), Canaries()
    head = "study: servqual\nname: own\nlang: zh\nauthor: Chen, L.\norganisation: {en: Hall, zh: 政务大厅}\n"
    (data / "p.yml").write_text(f"{head}{servqual(data, persons)}", "utf-8")
    folder = tmp_path_factory.mktemp("out") / "run"
    (folder / "tables").mkdir(parents=True)
    for name in ("executed.ipynb", "report.html", "tables/a.csv"):
        (folder / name).write_text('{"cells": []}', "utf-8")
    plan = plan_run(data / "p.yml")
    write_archive(plan, folder)
    monkey = pytest.MonkeyPatch()
    monkey.setattr("xmresearch.report.answer.answer_of", lambda _: {"title": "大厅", "question": "如何？"})
    write_manifest(folder, plan, [], now(), {"notebook": 1.0})
    monkey.undo()
    return data, folder, persons


def test_the_description_is_a_process_run_crate_that_others_read(planted):
    _, folder, _ = planted
    manifest = json.loads((folder / NAME).read_text("utf-8"))
    assert manifest["records"] == {CRATE: file_hash(folder / CRATE)}
    assert CRATE not in manifest["outputs"]
    crate = ROCrate(folder)
    root, run = crate.root_dataset, crate.get("#run")
    assert root["conformsTo"].id == PROFILE
    assert root["mentions"] is run
    assert (root["name"], root["description"]) == ("大厅", "如何？")
    assert [(root[role].type, root[role]["name"]) for role in ("author", "publisher")] == [
        ("Person", "Chen, L."),
        ("Organization", "政务大厅"),
    ]
    assert {root[name] is not None for name in ("name", "description", "datePublished", "license")} == {True}
    assert run.type == "CreateAction"
    assert run["instrument"].type == "SoftwareApplication"
    assert run["instrument"]["identifier"] == f"sha256:{manifest['code']}"
    assert manifest["git"]["commit"] in run["instrument"]["softwareVersion"]
    assert (run["startTime"], run["endTime"]) == (manifest["started"], manifest["ended"])
    files = {e.id: e for e in crate.data_entities}
    assert files.keys() == {NAME, *manifest["outputs"]}
    for name, digest in manifest["outputs"].items():
        assert files[name]["sha256"] == digest == file_hash(folder / name)
        assert int(files[name]["contentSize"]) == (folder / name).stat().st_size
    assert {e.id for e in run["result"]} == {"executed.ipynb", "report.html", "tables/a.csv"}
    given = {e.id: e for e in run["object"]}
    assert given.keys() == {"archive/params.yml", "#input-data", "#input-codebook"}, (
        "the codebook tells persons: it is kept without"
    )
    assert given["#input-data"]["sha256"] == manifest["inputs"]["data"]


def test_a_bundle_has_all_but_rows_and_persons(planted, tmp_path, monkeypatch):
    data, folder, persons = planted
    run = shutil.copytree(folder, tmp_path / "copy")
    (run / "notes.txt").write_text("mine", "utf-8")
    first, second = bundle_run(run, tmp_path / "a.zip"), bundle_run(folder, tmp_path / "b.zip")
    assert first.read_bytes() == second.read_bytes()
    manifest = json.loads((folder / NAME).read_text("utf-8"))
    name = f"servqual-own-{manifest['key']}"
    with zipfile.ZipFile(first) as packed:
        parts = {each: packed.read(each) for each in packed.namelist()}
    assert parts.keys() == {f"{name}/{each}" for each in (NAME, *recorded(folder), "uv.lock", "README.md")}
    assert parts[f"{name}/uv.lock"] == (shipped() / "uv.lock").read_bytes()
    readme = parts[f"{name}/README.md"].decode()
    assert all(
        text in readme
        for text in (
            manifest["inputs"]["data"],
            manifest["code"],
            "--params FILE",
            "如何重新运行",
            manifest["git"]["commit"],
        )
    )
    assert persons.leaks({each: content for each, content in parts.items() if not each.endswith("/uv.lock")}) == []
    rows = list(csv.reader(io.StringIO(next(data.glob("answers*.csv")).read_text("utf-8"))))[3:]
    assert len(rows) == 120
    whole = b"\n".join(parts.values()).decode("utf-8")
    assert not [row for row in rows if ",".join(row[9:30]) in whole or row[-3] in whole]
    monkeypatch.chdir(tmp_path)
    assert bundle_run(run).read_bytes() == first.read_bytes()
    assert (tmp_path / f"{name}.zip").is_file()


def test_a_bundle_is_refused_of_what_is_not_whole_and_overwrites_nothing_else(planted, tmp_path):
    _, folder, _ = planted
    run = shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "a.zip").write_text("another's", "utf-8")
    with pytest.raises(OutputError, match="exists already"):
        bundle_run(run, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_text("utf-8") == "another's"
    with pytest.raises(OutputError, match="cannot be written"):
        bundle_run(run, tmp_path / "a.zip" / "b.zip")
    (run / "tables/a.csv").write_text("altered", "utf-8")
    with pytest.raises(OutputError, match=r"not whole: tables/a\.csv is not as the run left it"):
        bundle_run(run, tmp_path / "c.zip")
    assert not (tmp_path / "c.zip").exists()


def test_the_readme_has_the_same_words_in_both_languages(root):
    import re

    import yaml

    words = {
        lang: yaml.safe_load((root / f"src/xmresearch/run/bundle_words/{lang}.yml").read_text("utf-8"))
        for lang in ("en", "zh")
    }
    assert list(words["en"]) == list(words["zh"])
    for key in words["en"]:
        assert len({tuple(sorted(re.findall(r"{\w+}", words[lang][key]))) for lang in words}) == 1, key
