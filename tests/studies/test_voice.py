"""The study of verbatims end to end: the demo in both languages, and files as people have them."""

import numpy as np
import pandas as pd
import pytest
from study_output import assert_no_rows_of_people, assert_same_figures, table, words

from xmresearch.data.panel import PanelData
from xmresearch.data.scenarios.service_hall_voice import THEMES, HallVoice
from xmresearch.errors import DataError, InsufficientData, ParamsError
from xmresearch.params.load import load_params
from xmresearch.studies.voice.claims import MOST_NAMED, reading_checks, reading_conditions, voice_claims
from xmresearch.studies.voice.evidence import examine
from xmresearch.studies.voice.months import negative_by_month
from xmresearch.studies.voice.params import VoiceParams
from xmresearch.studies.voice.reading import codes_of, read_verbatims
from xmresearch.verbatims.codeframes import load_codeframe

PARAMS = VoiceParams


def test_demo_answers_and_states_its_errors_first(reports):
    text = words(reports["en"])
    assert "Waiting hurts most." in text
    assert "More people complain of: Website; fewer of: Waiting" in text
    assert "A check has failed" not in text
    answer = text.rpartition("What do people complain of, how many of them, and how badly does it hurt?")[2]
    assert answer.index("How well the texts are read:") < answer.index("hurts most. ")
    hurts = table(reports["en"], "pains")
    assert hurts["theme"].iloc[0] == "waiting"
    assert hurts["covered"].mean() >= 5 / 7
    assert table(reports["en"], "codes")["f1"].min() > 0.8
    assert table(reports["en"], "aside").set_index("reason")["n"]["aside_by_default"] >= 10
    chinese = words(reports["zh"])
    for term in ("最痛的是等候", "抱怨的人增多：网站", "触点", "模拟数据", "编码框", "调整兰德指数"):
        assert term in chinese, term
    assert_same_figures(reports)


def test_nothing_of_a_person_is_in_any_file(reports):
    for folder in reports.values():
        assert_no_rows_of_people(folder)
        for path in [folder / "report.html", folder / "executed.ipynb", *folder.glob("tables/*.csv")]:
            told = path.read_text("utf-8")
            for person in ("13812345678", "13912345678", "Jennifer", "王芳", "<script>alert", "\u202e", "c0000"):
                assert person not in told, (path.name, person)


@pytest.fixture(scope="module")
def hall():
    return HallVoice(1200, 5).rows()


def own_params(**more):
    return VoiceParams.model_validate(
        {
            "data": {"source": "file", "path": "x.csv"},
            "bootstrap": 200,
            "topics": 2,
            "codeframe": "service_hall",
            **more,
        }
    )


def found_in(rows, **more):
    params = own_params(**more)
    said = read_verbatims(params, PanelData(rows, "x"))
    return params, said, examine(params, said, load_codeframe(params.codeframe_path()))


def test_data_of_ones_own_need_a_column_of_texts_alone(hall):
    params, said, found = found_in(hall[["text"]])
    assert found.sentiment is None
    assert not found.measured
    assert found.model()["case"] == "lexicon_unknown"
    assert [c.holds for c in reading_conditions(params, found)] == [None, None]
    claims = voice_claims(params, found)
    assert (claims.places, claims.linked, claims.changed, claims.fresh) == (None, None, None, None)
    assert claims.worst is not None
    assert said.people.tolist() == sorted(set(said.people))


def test_cells_that_stand_out_are_named_by_theme_and_touchpoint(hall):
    params, _, found = found_in(hall, touchpoint="touchpoint")
    facts = voice_claims(params, found).places.facts
    table, most = found.places.table, []
    for side, stands in (("up", "above"), ("down", "below")):
        clear = table[(table["stands"] == stands) & ~table["hidden"]].sort_values("p", kind="stable")
        most.append(len(clear))
        assert facts[side] == [f"{t}@{p}" for t, p in clear[["theme", "touchpoint"]].to_numpy()[:3]]
    assert max(most) > MOST_NAMED == 3
    assert facts["count"] == sum(most)


def test_claims_depend_on_how_well_texts_are_read(hall):
    """Codes by somebody who codes at random make every claim that rests on themes conditional."""
    rng = np.random.default_rng(1)
    noise = hall.assign(themes=np.where(rng.random(len(hall)) < 0.5, rng.choice(THEMES, len(hall)), None))
    params, _, found = found_in(noise, themes="themes", touchpoint="touchpoint")
    claims = voice_claims(params, found)
    assert (claims.worst.state, claims.places.state) == ("conditional", "conditional")
    assert claims.worst.failed == ["themes_read"]
    checks = reading_checks(params, found).diagnostics().set_index("check")
    assert checks.loc["themes_read", "status"] == "fail"
    lax = params.model_copy(update={"least_f1": 0.0})
    assert voice_claims(lax, found).worst.failed == []
    noise = hall.assign(sentiment=rng.choice(["negative", "positive"], len(hall)))
    params, _, found = found_in(noise, sentiment="sentiment")
    assert voice_claims(params, found).worst.failed == ["sentiment_read"]


@pytest.mark.parametrize(
    ("f1", "upper", "status"), [(0.6, 0.7, "pass"), (0.59, 0.7, "warn"), (0.59, 0.6, "warn"), (0.5, 0.59, "fail")]
)
def test_a_reading_is_judged_by_its_interval(hall, f1, upper, status):
    from dataclasses import replace

    params, _, found = found_in(hall, themes="themes")
    codes = replace(found.codes, macro_f1=f1, upper=upper)
    checks = reading_checks(params, replace(found, codes=codes)).diagnostics()
    assert checks["status"].tolist() == [status]


def test_hostile_texts_are_read_and_counted():
    good = [f"The queue at window {chr(97 + i % 26)}{chr(97 + i // 26)} was terrible and slow" for i in range(120)]
    odd = [
        "",
        None,
        "   ",
        "=1+1",
        "<b>bold</b> [x](http://a.b)",
        "\u202equeue\u202c bad",
        "queue " * 4000,
        "👍👍",
        "系统默认好评",
        "无",
        "好" * 12_000,
    ]
    rows = pd.DataFrame({"text": [*good, *odd], "customer": [*map(str, range(120)), *["z"] * len(odd)]})
    params, said, found = found_in(rows, customer="customer", quotes=3)
    counts = said.aside.set_index("reason")["n"].to_dict()
    assert counts == {
        "aside_blank": 3,
        "aside_no_words": 1,
        "aside_no_answer": 1,
        "aside_by_default": 1,
        "aside_cut": 2,
    }
    assert said.summary()["aside"] == 6
    assert len(found.quotes) == 3
    assert found.quotes["quote"].str.len().max() <= 240
    assert not found.quotes["quote"].str.contains("\u202e").any()
    assert voice_claims(params, found).worst.case == "only"


def test_advertisements_copies_and_second_sayings_are_set_aside():
    own = [f"waiting was long on day {chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(60)]
    copied = "the staff of this hall are the most wonderful people whom anybody could ever meet in a life"
    rows = pd.DataFrame(
        {"text": [*own, *[copied] * 3, *["buy at www.example.com"] * 3, "see www.example.org", *["short words"] * 5, own[0]],
         "customer": [*range(60), *range(100, 103), *range(103, 106), 106, *range(110, 115), 0]}
    )  # fmt: skip
    said = read_verbatims(own_params(customer="customer"), PanelData(rows, "x"))
    assert said.aside.set_index("reason")["n"].to_dict() == {
        "aside_advertisement": 3,
        "aside_copied": 3,
        "aside_said_twice": 1,
    }
    two = rows.drop(index=[60, 63])
    said = read_verbatims(own_params(customer="customer"), PanelData(two, "x"))
    assert said.aside.set_index("reason")["n"].to_dict() == {"aside_said_twice": 1}


def test_codes_of_people_are_read():
    column = pd.Series([None, "waiting; staff", "none", "无", "fees；waiting"], dtype=object)
    at, codes = codes_of(column, ["waiting", "staff", "fees"])
    assert at.tolist() == [1, 2, 3, 4]
    assert codes.to_numpy().astype(int).tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 0], [1, 0, 1]]
    assert codes_of(None, ["a"]) is None
    assert codes_of(pd.Series([None]), ["a"]) is None
    with pytest.raises(DataError, match="code 'queue' is no theme"):
        codes_of(pd.Series(["queue"]), ["waiting"])


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("change: yesterday\ndate: date\n", "which is no day"),
        ("change: '2025-07-01'\n", "change needs the day"),
        ("themes_again: other\n", "name the first one's as themes"),
        ("rating: text\n", "column 'text' is named twice"),
    ],
)
def test_params_that_cannot_be_are_told(tmp_path, more, told):
    path = tmp_path / "p.yml"
    path.write_text(f"study: voice\nname: p\ndata: {{path: x.csv}}\n{more}", "utf-8")
    with pytest.raises(ParamsError, match=told):
        load_params(path)


def test_check_tells_everything_that_is_wrong_at_once(own, tmp_path, hall):
    rows = hall[["text", "date"]].assign(said="maybe", codes="queues")
    rows.to_csv(tmp_path / "x.csv", index=False)
    done, _ = own("data: {path: x.csv}\nsentiment: said\nthemes: codes\ndate: date\nchange: '2031-01-01'\n", "check")
    assert done.returncode == 3
    for told in ("1 other value", "'queues' is no theme", "all texts are from before"):
        assert told in done.stderr
    done, _ = own("data: {path: x.csv}\ncodeframe: nowhere.yml\n", "check")
    assert "codeframe: there is no file" in done.stderr
    done, _ = own("data: {path: x.csv}\ntext: words\n", "check")
    assert "no column 'words'" in done.stderr


def test_too_few_texts_and_ratings_that_are_none_are_refused():
    with pytest.raises(InsufficientData, match="49 of 50 texts say something"):
        read_verbatims(
            own_params(),
            PanelData(pd.DataFrame({"text": [*[f"the queue {chr(97 + i % 26)}{i}" for i in range(49)], ""]}), "x"),
        )
    rows = pd.DataFrame({"text": ["the queue was long"] * 60, "rating": ["good"] * 60})
    with pytest.raises(DataError, match="holds what is no number"):
        read_verbatims(own_params(rating="rating"), PanelData(rows, "x"))


def test_a_file_runs_end_to_end_in_chinese_with_a_codeframe_of_its_own(own, tmp_path, hall, monkeypatch):
    rows = hall.assign(phone="13812345678", text=hall["text"] + "，电话13700001111")
    rows.to_csv(tmp_path / "x.csv", index=False)
    (tmp_path / "frame.yml").write_text(
        "themes:\n  waiting: {label: {en: Waiting, zh: 等待}, terms: [queue*, 排队]}\n  staff: [clerk*, 工作人员]\n",
        "utf-8",
    )
    monkeypatch.chdir("/")
    checked, _ = own("lang: zh\ndata: {path: x.csv}\ncodeframe: frame.yml\n", "check")
    assert "2 themes of codeframe 'frame.yml'" in checked.stdout, checked.stderr
    done, folder = own(
        "lang: zh\ndata: {path: x.csv}\ncodeframe: frame.yml\ncustomer: customer\ntouchpoint: touchpoint\nrating: rating\ndate: date\n"
        "topics: 3\nbootstrap: 200\nlabels: {counter: {en: Desk, zh: 柜台}}\n"
    )
    assert done.returncode == 0, done.stderr
    text = words(folder)
    assert "情感读得有多准，此处不知道" in text
    assert "等待" in text
    assert "柜台" in text
    assert (folder / "archive" / "codeframe.yml").is_file()
    for path in [folder / "report.html", folder / "executed.ipynb", *folder.glob("tables/*.csv")]:
        assert "13700001111" not in path.read_text("utf-8"), path.name


def test_negative_texts_by_month_are_corrected_where_people_labelled(hall):
    """Without labels shares are as read; with them, those of a model that finds half of what is negative are put right."""
    date = hall["date"]
    negative = np.arange(len(hall)) % 2 == 0
    rng = np.random.default_rng(1)
    score = np.where(negative, rng.beta(3, 3, len(hall)), rng.beta(1, 8, len(hall)))
    told = pd.DataFrame({"negative": score, "positive": 1 - score, "kind": np.where(score > 0.5, -1, 1)})
    plain = negative_by_month(told, date, None, own_params())
    assert plain.summary()["case"] == "as_read"
    assert plain.table["share"].mean() < 0.35
    at = rng.permutation(len(hall))[:500]
    held_out = told.iloc[at].assign(label=np.where(negative[at], -1, 1))
    held_out.index = at
    found = negative_by_month(told, date, held_out, own_params(same_errors=True))
    assert found.summary()["case"] == "corrected"
    known = found.table.dropna(subset=["share"])
    assert len(known) >= 6
    assert ((known["share_lower"] <= 0.5) & (known["share_upper"] >= 0.5)).mean() >= 0.75
    strict = negative_by_month(told, date, held_out, own_params())
    labels = date.iloc[at].dt.to_period("M").astype(str).value_counts()
    assert strict.summary()["case"] == "by_labels"
    for row in strict.table.itertuples():
        assert row.way == ("way_labels" if labels.get(row.month, 0) >= 30 else "way_withheld")
    one = date.iloc[at[0]].to_period("M")
    mostly = [k for k in at if date.iloc[k].to_period("M") != one]
    without = negative_by_month(told, date, held_out.loc[mostly], own_params()).table.set_index("month")
    assert without.loc[str(one), "way"] == "way_withheld"
    assert np.isnan(without.loc[str(one), "share"])
    few = negative_by_month(
        told.iloc[:30], pd.Series(pd.to_datetime(["2025-01-05"] * 9 + ["2025-03-05"] * 21)), None, own_params()
    )
    assert few.table["month"].tolist() == ["2025-01", "2025-02", "2025-03"]
    assert few.table["share"].isna().tolist()[:2] == [True, True]
    assert negative_by_month(told.iloc[:2], pd.Series([pd.NaT, pd.NaT]), None, own_params()) is None


def test_the_declared_truth_is_that_of_many_texts():
    """Shares of people who complain, counted in what was planted of 20 000 texts, against what is declared."""
    hall = HallVoice(20_000, 3)
    rng = np.random.default_rng(1)
    complains = rng.random((20_000, len(THEMES))) < hall._chances
    share = pd.DataFrame(complains).groupby(hall._design["customer"]).any().mean()
    np.testing.assert_allclose(share, hall.truth()["truth"], atol=0.012)
