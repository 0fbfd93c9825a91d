"""Banner tables: bases, nets, letters and families."""

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import null_space

from xmresearch.errors import CodebookError, DataError
from xmresearch.metrics.adjusted_tests import pairwise_shares
from xmresearch.metrics.banner_cells import cell_counts, joined_levels, without_small_cells
from xmresearch.metrics.banner_questions import Question
from xmresearch.metrics.banner_tables import banner

SCALE = {1: "very poor", 2: "poor", 3: "fair", 4: "good", 5: "very good", 9: "don't know"}
RATED = Question("q", SCALE, nets={"good": (4, 5), "poor": (1, 2)}, mean=True, apart=(9,))
USED = Question(
    "used", {"m_web": "web", "m_app": "app", "m_hall": "hall"}, nets={"online": ("m_web", "m_app")}, several=True
)


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(7)
    n = 600
    region = rng.choice(["east", "north", "south"], n)
    q = np.where(region == "north", rng.choice([3, 4, 5], n), rng.choice([1, 2, 3, 5], n)).astype(float)
    q[:40], q[40:60] = 9, np.nan
    tools = pd.DataFrame(rng.random((n, 3)) < 0.4, columns=["m_web", "m_app", "m_hall"]).astype(float)
    tools.iloc[:15] = np.nan
    return tools.assign(q=q, region=region, channel=rng.choice(["web", "hall"], n), w=rng.uniform(0.5, 2, n))


def test_nets_means_and_dont_know_have_their_own_bases(frame):
    t = banner(frame, [RATED, USED], ["region"]).table
    total = t[t["block"] == "total"].query("kind != 'answer' or question == 'used'").set_index(["question", "row"])
    own = frame["q"].dropna()
    known = own[own != 9]
    assert total.loc[("q", "good"), "estimate"] == pytest.approx((known >= 4).mean())
    assert total.loc[("q", "mean"), "estimate"] == pytest.approx(known.mean())
    assert total.loc[("q", "don't know"), "estimate"] == pytest.approx((own == 9).mean())
    assert total.loc[("q", "don't know"), "n"] == len(own)
    assert total.loc[("q", "good"), "n"] == len(known)
    asked = frame[["m_web", "m_app", "m_hall"]].dropna()
    assert total.loc[("used", "online"), "estimate"] == pytest.approx(asked[["m_web", "m_app"]].max(axis=1).mean())
    assert total.loc[("used", "web"), "n"] == len(asked)
    shares = t[(t["question"] == "q") & (t["kind"] == "answer") & (t["block"] == "total")]
    assert shares["estimate"].sum() == pytest.approx(1)
    assert "good" in set(shares["row"])  # an answer that nobody in the east gave is kept


def test_letters_are_those_of_the_adjusted_tests(frame):
    found = banner(frame, [RATED], ["region"])
    row = found.table[
        (found.table["row"] == "good") & (found.table["kind"] == "net") & (found.table["block"] == "region")
    ]
    x, n = (row["estimate"] * row["n"]).to_numpy(), row["n"].to_numpy()
    expected = pairwise_shares(x, n, list(row["letter"]))
    ours = found.tests[(found.tests["row"] == "good") & (found.tests["kind"] == "net")]
    np.testing.assert_allclose(ours["p_adjusted"], expected["p_adjusted"], rtol=1e-9)
    assert row.set_index("column")["above"].to_dict() == {"east": "", "north": "AC", "south": ""}
    assert found.summary()["largest"] == 3


def test_families_are_as_large_as_stated(frame):
    sizes = {
        f: banner(frame, [RATED, USED], ["region", "channel"], family=f).summary() for f in ("row", "question", "table")
    }
    rows = len({(r.question, r.row, r.kind) for r in banner(frame, [RATED, USED], ["region"]).table.itertuples()})
    assert sizes["table"]["families"] == 1
    assert sizes["table"]["largest"] == rows * 4
    assert sizes["question"]["families"] == 2
    assert sizes["row"]["largest"] < sizes["question"]["largest"] < sizes["table"]["largest"]
    assert sizes["table"]["significant"] <= sizes["row"]["significant"]


def test_nested_columns_are_compared_within_what_they_are_nested_in(frame):
    found = banner(frame, [RATED], [("region", "channel")])
    names = found.table.drop_duplicates("column").set_index("letter")["column"]
    assert set(names) == {"total"} | {f"{r} > {c}" for r in ("east", "north", "south") for c in ("hall", "web")}
    for t in found.tests.itertuples():
        assert names[t.first].split(" > ")[0] == names[t.second].split(" > ")[0]


def test_weights_of_one_size_change_no_test_and_others_do(frame):
    plain = banner(frame, [RATED, USED], ["region"])
    same = banner(frame.assign(w=3.0), [RATED, USED], ["region"], weights="w")
    np.testing.assert_allclose(plain.tests["p"], same.tests["p"], rtol=1e-9)
    weighed = banner(frame, [RATED, USED], ["region"], weights="w")
    assert (weighed.table["n_eff"] < plain.table["n_eff"]).all()
    with pytest.raises(DataError):
        banner(frame.assign(w=-1.0), [RATED], ["region"], weights="w")


def test_overlapping_columns_share_people():
    """The variance of a difference of overlapping columns, by simulation: p values below .05 in 3 to 7 % of 1 000 null samples."""
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(1000):
        data = pd.DataFrame({"q": rng.integers(0, 2, 300), "x": rng.random(300) < 0.7, "y": rng.random(300) < 0.7})
        found = banner(data.astype(float), [Question("q", {0: "no", 1: "yes"})], {"used": ["x", "y"]})
        hits += found.tests.loc[found.tests["row"] == "yes", "p"].iloc[0] < 0.05
    assert 30 <= hits <= 70


def test_small_columns_are_left_out_with_what_would_tell_them():
    data = pd.DataFrame({"q": [0.0, 1] * 60, "g": ["a"] * 70 + ["b"] * 45 + ["c"] * 5})
    found = banner(data, [Question("q", {0: "no", 1: "yes"})], ["g"])
    assert set(found.table["column"]) == {"total", "a"}
    assert found.hidden == 2
    assert found.tests.empty


def test_what_a_question_has_not_is_refused(frame):
    with pytest.raises(CodebookError, match="Net"):
        Question("q", SCALE, nets={"x": (8,)})
    with pytest.raises(CodebookError):
        Question("q", {"a": "a"}, several=True, mean=True)
    with pytest.raises(DataError, match="not among its answers"):
        banner(frame, [Question("q", {1: "one"})], ["region"])
    with pytest.raises(DataError, match="no column"):
        banner(frame, [RATED], ["regoin"])
    with pytest.raises(DataError, match="0 and 1"):
        banner(frame.assign(m_web=2.0), [USED], ["region"])


def test_the_table_reads_with_its_letters(frame):
    wide = banner(frame, [RATED], ["region"]).wide()
    assert list(wide.columns) == ["question", "row", "kind", "total", "east (A)", "north (B)", "south (C)"]
    assert wide.loc[wide["row"] == "mean", "north (B)"].iloc[0].endswith("AC")


def test_neighbouring_answers_stand_together_until_every_column_has_enough():
    counts = np.array([[3, 20], [9, 20], [0, 0], [30, 12], [12, 4]], dtype=float)
    assert joined_levels(counts, 10) == [[0, 1], [2], [3, 4]]
    assert joined_levels(np.array([[4.0], [3.0]]), 10) == [[0, 1]]
    assert joined_levels(np.array([[10.0], [9.0], [9.0]]), 10) == [[0], [1, 2]]


@pytest.mark.parametrize("seed", range(20))
def test_no_small_cell_is_shown_or_follows_from_the_rest_of_its_row(seed):
    rng = np.random.default_rng([5, seed])
    n = 400
    frame = pd.DataFrame({
        "a": (rng.random(n) < 0.08) * 1.0, "b": (rng.random(n) < 0.5) * 1.0, "g": rng.choice(["e", "n", "s", "w"], n),
        "c": rng.choice(["x", "y"], n), "v": rng.uniform(0.5, 2, n),
    })  # fmt: skip
    question = Question("q", {"a": "a", "b": "b"}, nets={"any": ("a", "b")}, several=True)
    plain = banner(frame, [question], ["g", ("g", "c")])
    found = without_small_cells(banner(frame, [question], ["g", ("g", "c")], weights="v"), cell_counts(plain))
    table = found.table.assign(outer=found.table["column"].str.partition(" > ")[0])
    table["people"] = [
        frame.loc[_inside(frame, c), r].sum() if r in "ab" else 10
        for c, r in zip(table["column"], table["row"], strict=True)
    ]
    shown = table[table["estimate"].notna()]
    assert not shown["people"].between(1, 9).any()
    assert plain.table["estimate"].notna().sum() > len(shown)
    for row in ("a", "b"):
        cells = table[(table["row"] == row) & (table["people"] > 0)].reset_index(drop=True)
        hidden = cells.index[cells["estimate"].isna()]
        sums = [(cells["column"] == "total") * 1.0 - (cells["block"] == "g")]
        sums += [(cells["column"] == o) * 1.0 - ((cells["block"] == "g > c") & (cells["outer"] == o)) for o in "ensw"]
        free = null_space(np.array(sums)[:, hidden])
        told = [k for at, k in enumerate(hidden) if np.abs(free[at]).max(initial=0) < 1e-9]
        assert not told, cells.loc[told]
    gone = set(table.loc[table["estimate"].isna() & (table["row"] == "a") & (table["block"] == "g"), "letter"])
    letters = "".join(table.loc[(table["row"] == "a") & (table["block"] == "g"), "above"])
    assert not gone & set(letters)
    assert not gone & set(found.tests.query("row == 'a' and block == 'g'")[["first", "second"]].to_numpy().ravel())


def _inside(frame, column):
    outer, _, inner = column.partition(" > ")
    return (
        np.ones(len(frame), dtype=bool)
        if column == "total"
        else (frame["g"] == outer) & ((frame["c"] == inner) | (inner == ""))
    )


def test_a_hidden_column_is_not_the_sum_of_those_nested_in_it():
    """12 in e, all in x, go with 3 in s: were e > x shown, e would be known, and with it s."""
    chosen = {("e", "x"): 12, ("e", "y"): 0, ("s", "x"): 2, ("s", "y"): 1, ("n", "x"): 20, ("n", "y"): 20}
    frame = pd.DataFrame([
        {"g": g, "c": c, "a": float(k < count), "b": 1.0} for (g, c), count in chosen.items() for k in range(40)
    ])  # fmt: skip
    plain = banner(frame, [Question("q", {"a": "a", "b": "b"}, several=True)], ["g", ("g", "c")])
    found = without_small_cells(plain, cell_counts(plain)).table.query("row == 'a'").set_index("column")["estimate"]
    assert set(found.index[found.isna()]) == {"e", "s", "e > x", "s > x", "s > y"}
    assert found["e > y"] == 0
