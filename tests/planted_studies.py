"""Files and params of every study, with persons planted wherever one may stand."""

import json

import numpy as np
import pandas as pd
import pyreadstat
from canaries import comments, person_columns, ratings

ROWS = 120


def qualtrics(frame, path):
    """Write a table as Qualtrics exports it: names, wordings and import rows above the answers."""
    heads = [list(frame), [f"Question {c}" for c in frame], [json.dumps({"ImportId": f"QID_{c}"}) for c in frame]]
    pd.DataFrame([*heads, *frame.astype(str).to_numpy().tolist()]).to_csv(path, header=False, index=False)


def servqual(folder, planted):
    """A Qualtrics export whose file, segment, comment, codebook and params tell persons."""
    frame = ratings(ROWS).assign(
        **person_columns(planted, ROWS), comment=comments(planted, ROWS), ResponseId=[f"R_{k}" for k in range(ROWS)]
    )
    frame["branch"] = np.tile(["north", "south"], ROWS // 2)
    frame["desk"] = np.tile(
        [f"of {planted.make('email', 'a segment')}", f"at {planted.make('mobile', 'a segment')}"], ROWS // 2
    )
    file = f"answers_{planted.make('mobile', 'the name of a file')}.csv"
    qualtrics(frame, folder / file)
    (folder / "book.yml").write_text(
        f"extends: servqual\nname: own\nlabels: {{en: 'Asked by {planted.make('email', 'a label')}', zh: 自己的}}\n"
        f"items:\n  quality: {{kind: outcome, scale: {{minimum: 1, maximum: 7}}, labels: {{en: 'As {planted.make('mobile', 'a label')} has it', zh: 总体}}}}\n",
        "utf-8",
    )  # fmt: skip
    return (
        f"data: {{path: '{file}'}}\ncodebook: book.yml\nid_column: RecipientEmail\nduration_column: null\nweight_column: null\n"
        f"segments: [branch]\noutcome: quality\nbootstrap: 200\nestimator: ML\nclient: 'call {planted.make('mobile', 'the client')}'\n"
        f"fieldwork: 'by {planted.make('email', 'fieldwork')}'\n"
    )


def drivers(folder, planted):
    """The same export read for drivers, its branches as groups and as marks."""
    return servqual(folder, planted).replace("estimator: ML\n", "branches: branch\n")


def sem(folder, planted):
    """A workbook whose group, file and labels tell persons."""
    frame = ratings(ROWS).assign(**person_columns(planted, ROWS), 意见=comments(planted, ROWS))
    frame["branch"] = np.tile(["desk", "counter"], ROWS // 2)
    frame["car"] = np.tile([f"the one {planted.make('plate', 'a group')}", "none"], ROWS // 2)
    file = f"{planted.make('name_zh', 'the name of a file')}_{planted.make('id_number', 'the name of a file')}.xlsx"
    frame.to_excel(folder / file, index=False)
    return (
        f"data: {{path: '{file}'}}\ncodebook: servqual\nid_column: 手机号\nduration_column: null\nestimator: ML\nmissing: listwise\n"
        "validity_bootstrap: 0\ngroup: branch\nlevels: [configural]\noutcomes: [quality_felt]\n"
        "model: |\n  tangibles =~ p1 + p2 + p3 + p4\n  empathy =~ p18 + p19 + p20 + p21\n  quality_felt =~ p14 + p15 + p16\n"
        f"  quality_felt ~ tangibles + empathy\nrivals:\n  'of {planted.make('email', 'a label')}': |\n    tangibles =~ p1 + p2 + p3 + p4\n"
    )


def did(folder, planted):
    """A panel whose units are known by their mobiles, with names and comments beside."""
    rng = np.random.default_rng(3)
    units, periods, rows = 24, 6, 8
    u, t = (np.repeat(a.ravel(), rows) for a in np.indices((units, periods)))
    phones, names = planted.column("mobile", units, "units"), planted.column("name_en", units, "a column of names")
    frame = pd.DataFrame({
        "unit": np.array(phones)[u], "Name": np.array(names)[u], "month": t + 1, "start": np.where(u % 2 == 0, 4, np.nan),
        "score": 3 + 0.3 * rng.standard_normal(units)[u] + 0.5 * ((u % 2 == 0) & (t >= 3)) + rng.standard_normal(len(u)),
        "comment": np.resize(comments(planted, 60), len(u)),
    })  # fmt: skip
    file = f"{planted.make('email', 'the name of a file')}.parquet"
    frame.to_parquet(folder / file)
    return (
        f"data: {{path: '{file}'}}\noutcome: score\nfamily: gaussian\nunit: unit\ntime: month\ncohort: start\nbranches: false\n"
        f"sensitivity: {{placebo_units: 20}}\nlabels: {{score: 'as {planted.make('mobile', 'a label')}'}}\n"
    )


def attribution(folder, planted):
    """An event log whose customers are e-mail addresses, and touchpoints hold numbers."""
    rng = np.random.default_rng(4)
    customers, names = planted.column("email", 400, "customers"), planted.column("name_zh", 400, "a column of names")
    touches = [
        "web",
        f"hotline {planted.make('mobile', 'a touchpoint')}",
        f"mail {planted.make('email', 'a touchpoint')}",
        "counter",
    ]
    rows = [
        {"customer": c, "姓名": n, "time": f"2025-03-{1 + k:02d} 10:00:00", "touchpoint": touches[rng.integers(4)], "settled": 0,
         "note": f"from {planted.make('ip', 'free text')}"}
        for c, n in zip(customers, names, strict=True) for k in range(int(rng.integers(1, 5)))
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    last = ~frame["customer"].duplicated(keep="last")
    frame.loc[last, "settled"] = (rng.random(int(last.sum())) < 0.5).astype(int)
    file = f"log {planted.make('mobile', 'the name of a file')}.parquet"
    frame.to_parquet(folder / file)
    return (
        f"data: {{path: '{file}'}}\nevents: {{conversion: settled, value: null, cost: null}}\nbootstrap: 20\ndraws: 200\norder: 1\n"
        f"labels: {{web: 'by {planted.make('mobile', 'a label')}'}}\n"
    )


def labelled(folder, planted):
    """An SPSS file with labels, joined by telephone numbers with a list of clients; comments are carried, rows chosen by a name."""
    n = ROWS
    frame = ratings(n).assign(**person_columns(planted, n), remark=comments(planted, n)).rename(
        columns={"姓名": "full_name", "手机号": "mobile", "身份证号": "id_no", "车牌号": "plate"}
    )  # fmt: skip
    frame["remark"] = frame["remark"] + " said " + frame["full_name"]
    labels = {
        "full_name": "姓名",
        "remark": f"Asked by {planted.make('email', 'a question')}",
        "p1": f"As {planted.make('mobile', 'a question')} said",
    }
    values = {"p1": {1: f"not as {planted.make('email', 'a value label')} says", 7: "fully"}}
    file = f"{planted.make('name_zh', 'the name of a file')}.sav"
    pyreadstat.write_sav(
        frame, folder / file, column_labels=labels, variable_value_labels=values, note=planted.make("ip", "a note")
    )
    desks = [
        f"desk of {planted.make('mobile', 'a joined group')}",
        f"desk of {planted.make('mobile', 'a joined group')}",
    ]
    names = planted.column("name_en", 3, "joined names")
    clients = pd.DataFrame(
        {
            "phone": frame["mobile"],
            "desk": np.resize(desks, n),
            "contact name": np.resize(names, n),
            "box": planted.column("email", n, "a joined column"),
        }
    )
    crm = f"clients_{planted.make('mobile', 'the name of a joined file')}.xlsx"
    pd.concat([clients, clients.tail(40).assign(phone=planted.column("mobile", 40, "keys without a row"))]).to_excel(
        folder / crm, index=False
    )
    chosen = frame["full_name"].unique().tolist()[:-1]
    return (
        f"data:\n  path: '{file}'\n  where: {{full_name: {json.dumps(chosen, ensure_ascii=False)}}}\n  protect: {{free_text: scrubbed}}\n"
        f"  join: [{{path: '{crm}', by: {{mobile: phone}}}}]\n"
        "codebook: servqual\nid_column: mobile\nduration_column: null\nweight_column: null\nsegments: [desk]\noutcome: null\nbootstrap: 200\n"
    )


def scorecard(folder, planted):
    """An export whose people, comments, benchmark and labels tell persons."""
    frame = ratings(ROWS).assign(**person_columns(planted, ROWS), comment=comments(planted, ROWS))
    frame["recommend"] = np.arange(ROWS) * 7 % 11
    frame["branch"] = np.tile(["north", "south"], ROWS // 2)
    frame["wave"] = np.repeat(["first", "second"], ROWS // 2)
    file = f"marks_{planted.make('mobile', 'the name of a file')}.csv"
    frame.to_csv(folder / file, index=False)
    (folder / "book.yml").write_text(
        f"name: own\nlabels: {{en: 'Asked by {planted.make('email', 'a label')}', zh: 自己的}}\nscale: {{minimum: 0, maximum: 10}}\n"
        f"constructs: {{loyalty: {{en: Loyalty, zh: 忠诚度}}}}\n"
        f"items:\n  recommend: {{kind: outcome, labels: {{en: 'As {planted.make('mobile', 'a label')} has it', zh: 推荐}}}}\n",
        "utf-8",
    )  # fmt: skip
    return (
        f"data: {{path: '{file}'}}\ncodebook: book.yml\nwave_column: wave\nsegments: [branch]\ndraws: 500\n"
        f"metrics: [{{item: recommend, measure: nps, benchmarks: [{{name: 'of {planted.make('email', 'a benchmark')}', value: 10.0}}]}}]\n"
    )


def monitor(folder, planted):
    """Daily feedback whose branches, people, comments, file and labels tell persons."""
    rng = np.random.default_rng(5)
    days, each = 60, 40
    n = days * each
    desks = [
        "counter",
        "online",
        f"desk of {planted.make('mobile', 'a branch')}",
        f"by {planted.make('email', 'a branch')}",
    ]
    frame = pd.DataFrame({
        "day": np.repeat(pd.date_range("2025-03-01", periods=days).strftime("%Y-%m-%d"), each),
        "desk": np.resize(desks, n), "satisfied": rng.integers(0, 2, n), "customer": np.resize(planted.column("email", 60, "customers"), n),
        "姓名": np.resize(planted.column("name_zh", 60, "a column of names"), n), "remark": np.resize(comments(planted, 60), n),
    })  # fmt: skip
    file = f"feedback {planted.make('mobile', 'the name of a file')}.csv"
    frame.to_csv(folder / file, index=False)
    return (
        f"data: {{path: '{file}'}}\ntime: day\nkpi: share\noutcome: satisfied\nbranch: desk\ndraws: 200\ncountry: ''\n"
        f"labels: {{counter: 'as {planted.make('mobile', 'a label')}'}}\n"
    )


def journeys(folder, planted):
    """Cases whose activities, desks, owners, customers, file and labels tell persons."""
    rng = np.random.default_rng(6)
    cases, steps = (
        120,
        [
            "apply",
            f"call {planted.make('mobile', 'an activity')}",
            "decide",
            f"write to {planted.make('email', 'an activity')}",
        ],
    )
    n = cases * len(steps)
    clock = pd.Timestamp("2025-03-03") + pd.to_timedelta(np.cumsum(rng.exponential(60, n)), unit="min")
    frame = pd.DataFrame({
        "case": np.repeat(planted.column("id_number", cases, "cases"), len(steps)), "activity": np.tile(steps, cases), "time": clock.round("s").astype(str),
        "customer": np.repeat(np.resize(planted.column("email", 60, "customers"), cases), len(steps)),
        "desk": np.repeat(np.resize(["front", f"of {planted.make('mobile', 'a desk')}"], cases), len(steps)), "score": rng.integers(1, 11, n),
        "overall": np.repeat(rng.integers(1, 11, cases), len(steps)), "姓名": np.resize(planted.column("name_zh", 60, "a column of names"), n),
        "remark": np.resize(comments(planted, 60), n),
    })  # fmt: skip
    file = f"cases {planted.make('mobile', 'the name of a file')}.csv"
    frame.to_csv(folder / file, index=False)
    return (
        f"data: {{path: '{file}'}}\nlog: {{customer: customer, score: score, overall: overall}}\ngroup: desk\nends: [decide]\n"
        f"stages: [{{name: first, activities: [apply], owner: 'by {planted.make('email', 'an owner')}', expects: 'of {planted.make('mobile', 'what is expected')}'}}]\n"
        f"path: [{{name: a, activities: [apply]}}, {{name: b, activities: [decide]}}]\nlabels: {{decide: 'as {planted.make('mobile', 'a label')}'}}\n"
    )


STUDIES = {
    "servqual": servqual,
    "drivers": drivers,
    "sem": sem,
    "did": did,
    "attribution": attribution,
    "scorecard": scorecard,
    "monitor": monitor,
    "journeys": journeys,
}
