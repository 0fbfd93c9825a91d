"""Planted persons are in no byte that a run leaves or says when it fails: for its params, its data, or in the middle of its notebook."""

import json
import re

import nbformat
import pandas as pd
import pytest
import yaml
from canaries import Canaries, left_in
from planted_studies import STUDIES

from xmresearch.errors import XMError
from xmresearch.run.check import check_study

NAMED = {
    "servqual": "姓名",
    "drivers": "姓名",
    "sem": "姓名",
    "did": "Name",
    "attribution": "姓名",
    "scorecard": "姓名",
    "monitor": "姓名",
    "journeys": "姓名",
}
"""A column of names, by study."""
WRONG = {
    "servqual": [
        {"segments": ["姓名"]}, {"segments": ["手机号"]}, {"id_column": "姓 名字"}, {"weight_column": "姓名"}, {"weight_column": "desk"},
        {"duration_column": "RecipientFirstName"}, {"duration_column": "comment"}, {"outcome": "姓名"}, {"cluster_column": "姓名"},
        {"data.where": {"姓名": ["nobody"]}}, {"data.where": {"desk": ["nowhere"]}}, {"data.where": {"手机号": [1]}}, {"data.missing_codes": {"姓名称": [9]}},
        {"data.header_row": 4}, {"data.format": "csv"}, {"data.skip_rows": 3, "data.format": "csv"}, {"data.encoding": "utf-16"}, {"data.delimiter": ";"},
        {"data.columns": {"姓名们": "x"}}, {"data.protect": {"keep": ["姓名称"]}}, {"data.protect": {"pseudonymise": ["desks"]}},
        {"data.join": [{"path": "list.csv", "by": {"姓名": "client"}}]}, {"data.join": [{"path": "list.csv", "by": {"手机号": "client"}}]},
        {"data.join": [{"path": "list.csv", "by": {"姓名": "姓名"}}]}, {"data.unfinished": "drop"}, {"data.decimal": ","},
    ],
    "drivers": [
        {"branches": "姓名"}, {"branches": "手机号"}, {"segments": ["姓名"]}, {"cluster_column": "姓名们"}, {"weight_column": "desk"},
        {"outcome": "姓名"}, {"costs": {"姓名": 1.0}}, {"target": "nps"}, {"outcome_kind": "binary"}, {"data.where": {"手机号": [1]}},
        {"data.join": [{"path": "list.csv", "by": {"姓名": "client"}}]}, {"data.columns": {"姓名们": "x"}},
    ],
    "sem": [
        {"group": "姓名"}, {"group": "手机号"}, {"cluster_column": "姓名们"}, {"weight_column": "姓名"}, {"outcomes": ["姓名"]}, {"model": "a =~ p1 + 姓名 + p2"},
        {"model": "a =~ p1 + 意见 + p2"}, {"group": "car", "levels": ["scalar"]}, {"data.sheet": "no"}, {"data.where": {"姓名": ["nobody"]}}, {"data.header_row": 2},
    ],
    "did": [
        {"outcome": "Name"}, {"outcome": "comment"}, {"time": "Name"}, {"time": "comment"}, {"cohort": "Name"}, {"cohort": "comment"}, {"unit": "Nam"},
        {"unit": "comment"}, {"covariates": ["Name"]}, {"cluster": "comments"}, {"cohort": None, "treated": "Name", "treated_from": 4},
        {"cohort": None, "treated": "comment"}, {"levels": [0, 1]}, {"data.where": {"Name": ["nobody"]}}, {"data.missing_codes": {"comment": [1]}},
    ],
    "attribution": [
        {"events.conversion": "姓名"}, {"events.conversion": "note"}, {"events.time": "姓名"}, {"events.time": "note"}, {"events.value": "姓名"},
        {"events.cost": "note"}, {"events.touchpoint": "姓名"}, {"events.touchpoint": "note"}, {"events.customer": "customers"}, {"direct": "wbe"},
        {"events.converting": ["webb"]}, {"channels": {"webb": "web"}, "unknown": "error"}, {"data.where": {"姓名": ["nobody"]}},
        {"cost": {"hotline": 3}}, {"stages": {"first": ["hot line"]}},
    ],
    "scorecard": [
        {"wave_column": "姓名"}, {"wave_column": "comment"}, {"wave_column": "comment", "wave_period": "month"}, {"segments": ["姓名"]},
        {"segments": ["comment"]}, {"person_column": "nobody"}, {"weight_column": "comment"}, {"weight_column": "姓名"},
        {"compare": ["first", "third"]}, {"waves": ["first"]}, {"metrics": [{"item": "姓名", "measure": "mean"}]}, {"default_column": "姓名"},
        {"judgements": {"table": [[1.0, 2.0], [0.5, 1.0]]}}, {"data.where": {"姓名": ["nobody"]}},
    ],
    "monitor": [
        {"outcome": "姓名"}, {"outcome": "remark"}, {"outcome": "customer"}, {"time": "姓名"}, {"time": "remark"}, {"branch": "姓名们"},
        {"kpi": "nps", "outcome": "remark"}, {"kpi": "rate", "exposure": "remark"}, {"baseline_until": "2030-01-01"}, {"period": "quarter"},
        {"data.where": {"姓名": ["nobody"]}}, {"data.missing_codes": {"remarks": [1]}}, {"missing_codes": [0.0, 1.0]},
    ],
    "journeys": [
        {"log.case": "cases"}, {"log.activity": "activitys"}, {"log.time": "姓名"}, {"log.time": "remark"}, {"log.customer": "customers"},
        {"log.score": "remark"}, {"log.score": "姓名"}, {"log.overall": "remark"}, {"log.started": "姓名"}, {"group": "姓名们"},
        {"filters": {"where": {"姓名们": ["nobody"]}}}, {"filters": {"where": {"姓名": ["nobody"]}}}, {"data.where": {"姓名": ["nobody"]}},
    ],
}  # fmt: skip
"""Params that cannot be carried out; most of them name a column that tells who somebody is, or texts that do."""
RAW = {
    "servqual": "read_csv",
    "drivers": "read_csv",
    "sem": "read_excel",
    "did": "read_parquet",
    "attribution": "read_parquet",
    "scorecard": "read_csv",
    "monitor": "read_csv",
    "journeys": "read_csv",
}


def written(study, folder, planted):
    """Write a study's files and return its params."""
    folder.mkdir()
    params = yaml.safe_load(f"study: {study}\nname: own\n{STUDIES[study](folder, planted)}")
    (folder / "list.csv").write_text(
        f"client,姓名\n{planted.make('name_zh', 'a joined file')},{planted.make('name_en', 'a joined file')}\n", "utf-8"
    )
    return params


def saved(folder, params, change):
    """Write params with some of them changed; a dot leads into a section."""
    params = json.loads(json.dumps(params))
    for key, value in change.items():
        section = params
        *outer, last = key.split(".")
        for name in outer:
            section = section.setdefault(name, {})
        section[last] = value
    path = folder / "p.yml"
    path.write_text(yaml.safe_dump(params, allow_unicode=True), "utf-8")
    return path


@pytest.mark.parametrize("study", STUDIES)
def test_what_is_said_of_wrong_params_tells_nobody(study, tmp_path):
    planted = Canaries()
    params = written(study, tmp_path / "data", planted)
    told = {}
    for k, change in enumerate(WRONG[study]):
        try:
            said = check_study(saved(tmp_path / "data", params, change))
        except XMError as error:
            said = str(error)
        told[f"{k} {change}"] = said.encode()
    assert sum("Params are valid" not in said.decode() for said in told.values()) >= 0.6 * len(told)
    print(*(f"{k} -> {v.decode()}" for k, v in told.items()), sep="\n")
    leaks = planted.leaks(told)
    assert not leaks, "\n".join(leaks)


def home_with(study, root, folder, cell):
    """Make a home whose notebook of a study has one more cell after the one that opens the data."""
    (folder / "notebooks").mkdir(parents=True)
    notebook = nbformat.read(root / "notebooks" / f"{study}.ipynb", 4)
    at = next(k for k, c in enumerate(notebook.cells) if re.search(r"xm\.load_(survey|panel|touches|cases)", c.source))
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(cell, id="own"))
    nbformat.write(notebook, folder / "notebooks" / f"{study}.ipynb")
    return folder


def everything_left(planted, done, *folders):
    said = {"stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    leaks = planted.leaks(left_in(*folders) | said)
    assert not leaks, "\n".join(leaks)


def broken(study, folder, params):
    """Spoil a study's data in several ways at once, and return how to name what is then wrong."""
    path = folder / params["data"]["path"]
    frame = getattr(pd, RAW[study])(path)
    row = frame.index[len(frame) // 2]
    if study in ("servqual", "drivers", "sem"):
        name = frame.loc[row, "姓名"]
        frame = frame.astype(dict.fromkeys(("e1", "p1", "p2", "p14"), object)).drop(columns=["e5", "p15"])
        frame.loc[row, "e1"], frame.loc[row, "p1"] = frame.loc[row, "手机号"], frame.loc[row, "RecipientEmail"]
        frame.loc[row, "p2"], frame.loc[row, "p14"] = 9, f"{name} was here, {frame.loc[row, '身份证号']}"
    elif study == "scorecard":
        frame = frame.astype({"recommend": object}).drop(columns=["branch"])
        frame.loc[row, "recommend"], frame.loc[row + 1, "recommend"] = (
            frame.loc[row, "手机号"],
            f"{frame.loc[row, '姓名']} was here",
        )
    elif study == "monitor":
        frame = frame.astype({"satisfied": object}).drop(columns=["desk"])
        frame.loc[row, "satisfied"], frame.loc[row + 1, "satisfied"] = (
            frame.loc[row, "customer"],
            frame.loc[row, "remark"],
        )
    elif study == "journeys":
        frame = frame.astype({"score": object}).drop(columns=["desk"])
        frame.loc[row, "score"], frame.loc[row, "time"] = frame.loc[row, "customer"], frame.loc[row, "remark"]
    elif study == "did":
        frame = frame.astype({"score": object}).drop(columns=["start"])
        frame["score"] = [
            f"by {n}" if k == 7 else str(s) for k, (n, s) in enumerate(zip(frame["unit"], frame["score"], strict=True))
        ]
    else:
        frame = frame.astype({"time": object, "settled": object}).rename(columns={"touchpoint": "touch"})
        frame.loc[row, "time"], frame.loc[row, "settled"] = frame.loc[row, "customer"], frame.loc[row, "note"]
    texts = [c for c in frame if not pd.api.types.is_numeric_dtype(frame[c])]
    frame[texts] = frame[texts].map(lambda v: None if pd.isna(v) else str(v))
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_parquet(path)


@pytest.mark.parametrize("study", STUDIES)
def test_no_byte_of_a_run_that_its_data_stop_tells_anybody(study, cli, tmp_path):
    planted = Canaries()
    data, out, cache, temporary = (tmp_path / name for name in ("data", "out", "cache", "tmp"))
    params = written(study, data, planted)
    for folder in (out, cache, temporary):
        folder.mkdir()
    broken(study, data, params)
    path = saved(data, params, {})
    with pytest.raises(XMError) as stopped:
        check_study(path)
    done = cli("run", path, "--out", out, TMPDIR=str(temporary), XDG_CACHE_HOME=str(cache), XMRESEARCH_CACHE=str(cache))
    assert done.returncode == 3, done.stderr
    assert "column" in done.stderr.lower()
    everything_left(planted, done, out, cache, temporary)
    assert not planted.leaks({"check": str(stopped.value).encode()})


@pytest.mark.parametrize("study", STUDIES)
def test_no_byte_of_a_run_that_stops_in_its_notebook_tells_anybody(study, cli, root, tmp_path):
    """The cell reads the file by itself, prints rows, warns of one and stops with another one in its message."""
    planted = Canaries()
    data, out, cache, temporary = (tmp_path / name for name in ("data", "out", "cache", "tmp"))
    params = written(study, data, planted)
    for folder in (out, cache, temporary):
        folder.mkdir()
    cell = (
        f"# Read it again\nimport logging, sys, warnings, pandas as pd\nraw = pd.{RAW[study]}({params['data']['path']!r})\n"
        "first = raw.astype(str).iloc[len(raw) // 2].to_dict()\nprint(raw.head())\ndisplay(raw)\nprint(first, file=sys.stderr)\n"
        f"warnings.warn(str(first))\nlogging.getLogger('own').error(str(first))\nraise KeyError(first[{NAMED[study]!r}] + ' of ' + str([*first.values()]))\n"
    )
    home = home_with(study, root, tmp_path / "home", cell)
    path = saved(data, params, {})
    done = cli(
        "run",
        path,
        "--out",
        out,
        TMPDIR=str(temporary),
        XDG_CACHE_HOME=str(cache),
        XMRESEARCH_CACHE=str(cache),
        XMRESEARCH_HOME=str(home),
    )
    assert done.returncode == 5, done.stderr
    assert "(Read it again) stopped with KeyError: ..." in done.stderr
    everything_left(planted, done, out, cache, temporary)
