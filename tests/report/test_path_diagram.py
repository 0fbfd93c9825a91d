import re
from functools import cache
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import StudyError
from xmresearch.report.figure_style import ORANGE, WIDTH, figure_style
from xmresearch.report.figures import KINDS
from xmresearch.report.path_diagram import ITEM, path_diagram, plan
from xmresearch.report.path_graph import ranks, read_graph
from xmresearch.report.wording import Wording

ECSI_ITEMS = {
    "IMAG": ["IMAG1", "IMAG2", "IMAG3", "IMAG4", "IMAG5"], "EXP": ["CUEX1", "CUEX2", "CUEX3"],
    "QUAL": ["PERQ1", "PERQ2", "PERQ3", "PERQ4", "PERQ5", "PERQ6", "PERQ7"], "VAL": ["PERV1", "PERV2"],
    "SAT": ["CUSA1", "CUSA2", "CUSA3"], "LOY": ["CUSL1", "CUSL2", "CUSL3"],
}  # fmt: skip
ECSI_PATHS = {
    "EXP": ["IMAG"], "QUAL": ["EXP"], "VAL": ["EXP", "QUAL"], "SAT": ["IMAG", "EXP", "QUAL", "VAL"], "CUSCO": ["SAT"],
    "LOY": ["IMAG", "SAT", "CUSCO"],
}  # fmt: skip
SERVQUAL = {f: [f"p{k}" for k in range(*span)] for f, span in {
    "TAN": (1, 5), "REL": (5, 10), "RES": (10, 14), "ASS": (14, 18), "EMP": (18, 23)}.items()}  # fmt: skip
OUTCOMES = {"SAT": ["s1", "s2", "s3"], "LOY": ["l1", "l2"]}
KIOSK = {f: [f"p{k}" for k in items] for f, items in {
    "TAN": (4, 5, 6, 22), "SEC": (19, 20, 21), "ECO": (10, 11, 18), "CON": (13, 14, 15, 16, 17), "USE": (1, 2, 3),
    "CTL": (7, 8)}.items()}  # fmt: skip
TWELVE = {f"F{k}": [f"x{k}_{i}" for i in range(1, 6)] for k in range(1, 13)}
NAMES = {
    "en": {"IMAG": "Image", "EXP": "Customer expectations", "QUAL": "Perceived quality", "VAL": "Perceived value",
           "SAT": "Customer satisfaction", "CUSCO": "Customer complaints", "LOY": "Loyalty", "TAN": "Tangibles",
           "REL": "Reliability", "RES": "Responsiveness", "ASS": "Assurance", "EMP": "Empathy", "SEC": "Security",
           "ECO": "Economy", "CON": "Convenience", "USE": "Usefulness", "CTL": "Control", "F1": "A construct whose name is long"},
    "zh": {"IMAG": "企业形象", "EXP": "顾客期望", "QUAL": "感知质量", "VAL": "感知价值", "SAT": "顾客满意度", "CUSCO": "顾客抱怨",
           "LOY": "顾客忠诚", "TAN": "有形性", "REL": "可靠性", "RES": "响应性", "ASS": "保证性", "EMP": "移情性", "SEC": "安全性",
           "ECO": "经济性", "CON": "便利性", "USE": "有用性", "CTL": "可控性", "F1": "名称很长的一个潜在构念"},
}  # fmt: skip


def parameters(items, paths=None, covariances=(), higher=None, seed=1):
    """Return a table of parameters with drawn values; the last path is negative, and one in six is not told from zero."""
    random = np.random.default_rng(seed)
    keys = [(f, "=~", x) for f, xs in items.items() for x in xs]
    keys += [(f, "=~", x) for f, xs in (higher or {}).items() for x in xs]
    keys += [(y, "~", x) for y, xs in (paths or {}).items() for x in xs]
    keys += [(a, "~~", b) for a, b in covariances]
    keys += [(x, "~~", x) for xs in items.values() for x in xs]
    value = random.uniform(0.1, 0.9, len(keys)).round(3)
    value[np.flatnonzero([op == "~" for _, op, _ in keys])[-1:]] *= -1
    half = np.where(random.uniform(size=len(keys)) < 1 / 6, 1.1, 0.5) * np.abs(value)
    table = pd.DataFrame(keys, columns=["lhs", "op", "rhs"])
    return table.assign(std_all=value, ci_lower=value - half, ci_upper=value + half)


def random_model(seed, count):
    random = np.random.default_rng(seed)
    items = {f"F{k}": [f"x{k}_{i}" for i in range(random.integers(1, 6))] for k in range(1, count + 1)}
    paths = {f"F{k}": [f"F{j}" for j in range(1, k) if random.uniform() < 0.3] for k in range(2, count + 1)}
    pairs = [pair for pair in combinations(items, 2) if random.uniform() < 0.1]
    return parameters(items, paths, pairs, seed=seed)


CASES = {
    "ecsi": parameters(ECSI_ITEMS, ECSI_PATHS),
    "servqual": parameters(
        SERVQUAL | OUTCOMES, {"SAT": list(SERVQUAL), "LOY": ["SAT"]}, combinations(SERVQUAL, 2), seed=2
    ),
    "servqual direct": parameters(
        SERVQUAL | OUTCOMES, {"SAT": list(SERVQUAL), "LOY": ["SAT", "TAN", "REL"]}, combinations(SERVQUAL, 2), seed=3
    ),
    "kiosk": parameters(KIOSK | OUTCOMES, {"SAT": list(KIOSK), "LOY": ["SAT"]}, combinations(KIOSK, 2)),
    "cfa": parameters(KIOSK, covariances=[*combinations(KIOSK, 2), ("p4", "p5"), ("p13", "p20")]),
    "second order": parameters(SERVQUAL | OUTCOMES, {"SAT": ["Q"], "LOY": ["SAT", "Q"]}, higher={"Q": list(SERVQUAL)}),
    "observed": parameters({}, {"x1": ["x2", "x3"], "x4": ["x1", "x2"], "x7": ["x4", "x3"]}, [("x2", "x3")]),
    "feedback": parameters({"A": ["a1"], "B": ["b1", "b2"]}, {"A": ["B", "x"], "B": ["A", "z"]}, [("x", "z")]),
    "mediators": parameters(
        {"S": ["s1", "s2"], "M1": ["m1"], "M2": ["m2", "m3"], "M3": ["m4"], "Y": ["y1", "y2"]},
        {"M1": ["S"], "M2": ["S"], "M3": ["S"], "Y": ["M1", "M2", "M3", "S"]},
        [("M1", "M2"), ("M2", "M3"), ("S", "z"), ("M1", "Y")],
    ),
    "one": parameters({"SAT": OUTCOMES["SAT"]}),
    "long items": parameters({"SAT": ["satisfaction_overall", "总体而言您是否满意"], "LOY": ["x"]}, {"LOY": ["SAT"]}),
    "correlated": parameters({}, covariances=[("a", "b"), ("a", "c")]),
    "crossed": parameters({"A": ["x1", "x2"], "B": ["x2", "x3"]}, {"B": ["A"], "x3": ["A"]}),
    "twelve": parameters(TWELVE, covariances=combinations(TWELVE, 2)),
    "twelve causes": parameters(TWELVE | {"SAT": ["s1"]}, {"SAT": list(TWELVE)}, combinations(TWELVE, 2)),
    "twelve effects": parameters(TWELVE | {"SAT": ["s1"]}, {f: ["SAT"] for f in TWELVE}),
    **{f"random {seed}": random_model(seed, 4 + seed) for seed in range(4)},
}
CHINESE = ("ecsi", "servqual", "servqual direct", "kiosk", "cfa", "second order")
R2 = {"EXP": 0.31, "QUAL": 0.52, "VAL": 0.44, "SAT": 0.71, "CUSCO": 0.2, "LOY": 0.47}


def planned(table, lang="en"):
    with figure_style():
        return plan(read_graph(table), Wording(lang, NAMES[lang]), R2)


@cache
def planned_case(case, lang="en"):
    return planned(CASES[case], lang)


@pytest.fixture(
    scope="module", params=[*((case, "en") for case in CASES), *((case, "zh") for case in CHINESE)], ids=" ".join
)
def drawn(request):
    case, lang = request.param
    return CASES[case], planned_case(case, lang)[1]


def still(layout):
    pairs = [box for mark, *boxes in layout.pairs for box in (mark.number, *boxes)]
    return [*layout.boxes(), *pairs]


def test_nothing_lies_on_anything_else(drawn):
    _, layout = drawn
    boxes = [*still(layout), *(mark.number for mark in layout.curves)]
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def test_everything_lies_on_the_page(drawn):
    _, layout = drawn
    for box in [*still(layout), *(mark.number for mark in layout.curves)]:
        assert box.across <= box.x <= layout.width - box.across
        assert box.down <= box.y <= layout.height - box.down
    for line in [*layout.rails, *(mark.line for mark in layout.curves)]:
        assert (line >= 0).all()
        assert (line <= (layout.width, layout.height)).all()


def test_links_pass_no_node_item_or_loading(drawn):
    _, layout = drawn
    items = [box for mark, item in layout.items for box in (item, mark.number)]
    for mark in layout.curves:
        ends = (mark.link.source, mark.link.target)
        for box in [*items, *(box for name, box in layout.nodes.items() if name not in ends)]:
            assert not box.held(mark.line)
        for box in (layout.nodes[name] for name in ends):
            assert (np.hypot(*((mark.line - (box.x, box.y)) / (box.across, box.down)).T) > 0.98).all()
    for rail in layout.rails:
        steps = np.linspace(rail[:-1], rail[1:], 40).reshape(-1, 2)
        assert not [box for box in items if box.held(steps)]


def test_every_parameter_is_drawn_once(drawn):
    table, layout = drawn
    marks = [*layout.curves, *layout.cells, *(item[0] for item in layout.items), *(pair[0] for pair in layout.pairs)]
    operators = {"path": "~", "loading": "=~", "covariance": "~~"}
    keys = [
        (k.target, "~", k.source) if k.kind == "path" else (k.source, operators[k.kind], k.target)
        for k in (mark.link for mark in marks)
    ]
    wanted = table[table["lhs"] != table["rhs"]]
    assert sorted(keys) == sorted(wanted[["lhs", "op", "rhs"]].itertuples(index=False, name=None))
    assert {mark.link.value for mark in marks} == set(wanted["std_all"])


@pytest.mark.parametrize(("case", "lang"), [("ecsi", "en"), ("kiosk", "zh"), ("cfa", "en")])
def test_the_same_model_gives_the_same_bytes(case, lang):
    table, wording = CASES[case], Wording(lang, NAMES[lang])
    svg = path_diagram(table, wording, "model", r2=R2)
    variances = table["lhs"] == table["rhs"]
    moved = pd.concat([table[variances].sample(frac=1, random_state=1), table[~variances]])
    assert svg == path_diagram(table, wording, "model", r2=R2)
    assert svg == path_diagram(moved, wording, "model", r2=dict(reversed(R2.items())))
    assert ElementTree.fromstring(svg.encode()).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("case", ["ecsi", "servqual", "cfa"])
def test_what_is_not_told_from_zero_is_dashed_and_what_is_negative_orange(case):
    table = CASES[case][CASES[case]["lhs"] != CASES[case]["rhs"]]
    unclear = (table["ci_lower"] < 0) & (table["ci_upper"] > 0)
    svg = path_diagram(table, Wording("en", {}), "model")
    assert unclear.any()
    assert svg.count("stroke-dasharray") == unclear.sum()
    assert (ORANGE in svg) == (table["std_all"] < 0)[~unclear].any()
    by_test = table.drop(columns=["ci_lower", "ci_upper"]).assign(pvalue=np.where(unclear, 0.2, 0.01))
    assert path_diagram(by_test, Wording("en", {}), "model") == svg
    assert "stroke-dasharray" not in path_diagram(by_test.drop(columns="pvalue"), Wording("en", {}), "model")


def test_wider_lines_for_larger_coefficients():
    table = pd.DataFrame({"lhs": ["y", "y"], "op": "~", "rhs": ["a", "b"], "std_all": [0.1, 0.8]})
    widths = re.findall(r"stroke: #1d5b8f; stroke-width: ([\d.]+)", path_diagram(table, Wording("en", {}), "model"))
    assert {"0.9", "2.3"} <= set(widths)


@pytest.mark.parametrize("case", ["ecsi", "servqual", "servqual direct", "kiosk", "cfa", "second order"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_type_stays_legible_in_a_report_column(case, lang):
    words, layout = planned_case(case, lang)
    assert layout.width == pytest.approx(72 * WIDTH)
    assert ITEM * layout.scale >= 7
    assert not layout.crowded
    assert max(len(lines) for lines in words.names.values()) <= 3


def test_names_break_between_words_or_chinese_characters():
    assert list(planned_case("ecsi")[0].names["EXP"]) == ["Customer", "expectations"]
    assert list(planned_case("twelve", "zh")[0].names["F1"]) == ["名称很长的一", "个潜在构念"]
    assert planned_case("ecsi")[0].notes["SAT"] == "R² 0.71"


def test_causes_stand_above_effects_and_measures_above_what_they_measure():
    assert ranks(read_graph(CASES["ecsi"])) == {
        "IMAG": 0, "EXP": 1, "QUAL": 2, "VAL": 3, "SAT": 4, "CUSCO": 5, "LOY": 6}  # fmt: skip
    assert ranks(read_graph(CASES["second order"])) == dict.fromkeys(SERVQUAL, 0) | {"Q": 1, "SAT": 2, "LOY": 3}
    feedback = ranks(read_graph(CASES["feedback"]))
    assert feedback["x"] == feedback["z"] == 0
    assert sorted((feedback["A"], feedback["B"])) == [1, 2]


def test_many_covariances_of_residuals_are_left_out():
    pairs = list(combinations(KIOSK["CON"], 2))
    assert len(planned(parameters(KIOSK, covariances=pairs))[1].pairs) == 10
    assert not planned(parameters(KIOSK, covariances=[*pairs, ("p1", "p2")]))[1].pairs


def test_what_fits_no_column_makes_the_page_wider():
    long = {f"F{k}": "Pneumonoultramicroscopicsilicovolcanoconiosis" * 2 for k in range(1, 13)}
    with figure_style():
        layout = plan(read_graph(CASES["twelve"]), Wording("en", long), {})[1]
    assert layout.width > 72 * WIDTH
    assert max(box.x + box.across for box in layout.nodes.values()) < layout.width


def test_a_coefficient_that_is_not_known_is_written_as_a_dash():
    table = pd.DataFrame({"lhs": ["f", "f"], "op": "=~", "rhs": ["x", "y"], "std_all": [0.5, np.nan]})
    assert path_diagram(table, Wording("en", {}), "model").count("<path") > 4


def test_tables_that_make_no_diagram_are_refused():
    table = CASES["one"]
    path_diagram(table.assign(group="a"), Wording("en", {}), "model")
    with pytest.raises(StudyError, match="one group"):
        path_diagram(pd.concat([table.assign(group="a"), table.assign(group="b")]), Wording("en", {}), "model")
    with pytest.raises(StudyError, match="at least one loading"):
        path_diagram(table[table["op"] == "~~"], Wording("en", {}), "model")


def test_a_report_can_draw_it():
    assert KINDS["path_diagram"] is path_diagram
