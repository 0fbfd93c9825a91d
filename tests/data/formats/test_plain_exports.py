"""Real exports without a tool's conventions, read to the facts that are known of them."""

import pytest
from exports import CASES, EXPORTS, needs_exports, read

pytestmark = needs_exports


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("employees/engagement_199_key.csv", (10, 3)), ("patients/hcahps_measures.csv", (10, 3)), ("patients/hcahps_national.csv", (90, 5)),
        ("patients/hcahps_questions.csv", (19, 6)), ("patients/hcahps_state_results.csv", (4580, 6)), ("weighting/population.xlsx", (4, 2)),
        ("weighting/response_by_area.xlsx", (6, 4)), ("nps/b2b_monthly_dmy.csv", (348, 3)), ("../voice/waimai_10k.csv", (11987, 2)),
        ("../voice/amazon_snippets_en.csv", (3708, 3)), ("../voice/patient_comments_multilabel_en.csv", (1650, 47)),
    ],
)  # fmt: skip
def test_all_rows_and_columns_are_there(name, shape):
    table = read(EXPORTS / name)
    assert (table.frame.shape, table.left_out) == (shape, {})


def test_engagement_of_employees():
    frame = read(EXPORTS / "employees" / "engagement_199.csv").frame
    assert len(frame) == 199
    assert frame[[f"Q{k}" for k in range(7, 11)]].mean().mean() == pytest.approx(3.5192, abs=5e-5)
    assert frame[[f"Q{k}" for k in range(4, 7)]].mean().mean() == pytest.approx(2.8718, abs=5e-5)
    units = frame["Unit"].value_counts().to_dict()
    assert [units[u] for u in ("Manufacturing", "Sales", "ResearchDevelopment")] == [100, 41, 23]


def test_identifiers_of_19_digits_stay_apart():
    frame = read(EXPORTS / "nps" / "saas_whiteboard.csv").frame
    assert (len(frame), frame["user_id"].nunique(), int(frame.duplicated().sum())) == (441, 422, 15)
    score = frame["NPS_Score"]
    assert 100 * ((score >= 9).mean() - (score <= 6).mean()) == pytest.approx(60.32, abs=0.005)


def test_microsoft_forms_as_a_workbook():
    table = read(EXPORTS / "ms_forms" / "phones.xlsx")
    assert (table.format, table.frame.shape) == ("ms_forms", (28, 14))
    (column,) = table.several
    chosen = table.frame[column].str.split(";").explode().str.strip()
    assert [int((chosen == option).sum()) for option in ("Pricing", "Battery")] == [21, 17]
    assert any(table.frame[c].eq("Very satisfied").sum() == 19 for c in table.frame)


def test_ratings_of_government_services():
    frame = read(EXPORTS / "haochaping" / "好差评_编造.csv").frame
    default = frame["是否系统默认评价"].eq("是")
    satisfied = frame["评价分值"] >= 3
    assert (len(frame), int(default.sum())) == (800, 337)
    assert satisfied.mean() == pytest.approx(0.9650)
    assert satisfied[~default].mean() == pytest.approx(0.9395, abs=5e-5)
    assert frame["办件编号"].astype("string").str.len().eq(14).all()


def test_means_over_states():
    frame = read(EXPORTS / "patients" / "hcahps_state_results.csv").frame
    last = frame[frame["Release Period"].eq("07_2023") & frame["Measure ID"].eq("H_RECMND")]
    assert last["Top-box Percentage"].mean() == pytest.approx(68.980, abs=5e-4)


@pytest.mark.parametrize(("name", "settings"), [("split.csv", {}), ("merged.xlsx", {"sheet": "Data"})])
def test_cases_have_all_their_respondents(name, settings):
    assert len(read(CASES / name, **settings).frame) == 300
