"""What a study of drivers does with answers that are all alike, of one group, doubled, or without weight."""

import numpy as np
import pandas as pd
import pytest
from page import assert_agreement, prose, write
from servqual_worlds import survey

from xmresearch.errors import XMError
from xmresearch.studies.drivers.params import DriversParams
from xmresearch.studies.drivers.study import STUDY

BARE = {
    "codebook": "servqual", "id_column": None, "duration_column": None, "weight_column": None, "segments": [], "branches": None,
    "outcome": "quality", "bootstrap": 200,
}  # fmt: skip


def world(seed, n=120):
    return survey(n, (-0.3,) * 5, seed=[93, seed], answers=True, drives=(0.6, 0.3, 0, 0, 0))


def checked(folder, frame, **more):
    frame.to_parquet(folder / "s.parquet")
    params = DriversParams.model_validate({**BARE, "data": {"path": "s.parquet"}, **more})
    return STUDY.check(params, STUDY.open(params, folder))


REFUSED = {
    "no weight": ({"weight_column": "w"}, {"w": 0.0}, "not a positive number"),
    "doubled": ({"id_column": "who"}, {"who": np.repeat(np.arange(60), 2)}, "'who'"),
    "another scale": ({}, {"quality": lambda f: f["quality"] * 10}, "outside the scale 1-7"),
    "not asked": ({}, {"quality": np.nan}, "no answer"),
    "a segment that is empty": ({"segments": ["site"]}, {"site": None}, "is empty"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_explained_is_refused_with_the_remedy(tmp_path, name):
    params, change, said = REFUSED[name]
    with pytest.raises(XMError) as refused:
        checked(tmp_path, world(1).assign(**change), **params)
    assert said in f"{refused.value.problem} {refused.value.hint}"
    assert refused.value.hint


@pytest.mark.parametrize(("lang", "said"), [("en", "cannot be estimated:** the answers"), ("zh", "无法估计")])
def test_answers_that_are_all_alike_explain_nothing(tmp_path, lang, said):
    world(1).assign(quality=7.0).to_parquet(tmp_path / "s.parquet")
    page = write("drivers", tmp_path, lang=lang, **BARE | {"data": {"path": "s.parquet"}})
    assert said in prose(page)
    assert not page.claims


def test_one_segment_leaves_nothing_to_compare(tmp_path):
    world(2).assign(site="hall").to_parquet(tmp_path / "s.parquet")
    page = write("drivers", tmp_path, **BARE | {"data": {"path": "s.parquet"}, "segments": ["site"]})
    assert_agreement(page)
    assert "differ" not in page.claims or not page.claims["differ"].settled
    assert "**Fix" in prose(page) or "not settle" in prose(page)


@pytest.mark.parametrize("answer", [10.0, 2.0])
def test_all_promoters_or_none_have_a_page_or_a_plain_refusal(tmp_path, answer):
    """An outcome from 0 to 10 with promoters alone, or without any: slopes are of the mean, and a gain cannot pass the end of the scale."""
    rng = np.random.default_rng([93, int(answer)])
    frame = world(3).drop(columns="quality")
    low, high = (9, 10) if answer > 5 else (0, 6)
    frame["recommend"] = np.clip(np.rint(answer + rng.normal(0, 1.5, len(frame))), low, high)
    (tmp_path / "book.yml").write_text(
        "extends: servqual\nname: hall\nlabels: Hall\nitems: {recommend: {kind: outcome, scale: {minimum: 0, maximum: 10}}}\n"
    )
    frame.to_parquet(tmp_path / "s.parquet")
    page = write(
        "drivers",
        tmp_path,
        **BARE | {"data": {"path": "s.parquet"}, "codebook": "book.yml", "outcome": "recommend", "target": "nps"},
    )
    gains = next((b.content for b in page.blocks if b.kind == "table" and b.content["key"] == "gains"), None)
    assert gains is not None or page.claims["fix"].withheld
    if gains is not None:
        table = pd.read_csv(pd.io.common.StringIO(gains["csv"]))
        assert np.isfinite(table["gain"]).all()
        assert (table["gain"].abs() <= 200).all()


def test_people_who_answered_twice_are_clusters(tmp_path):
    frame = world(4)
    twice = pd.concat([frame, frame], ignore_index=True)
    twice["who"] = np.tile(np.arange(len(frame)), 2).astype(str)
    twice.to_parquet(tmp_path / "s.parquet")
    more = {"data": {"path": "s.parquet"}, "screening": {"duplicate_rows": {"action": "flag"}}}
    alone, together = (write("drivers", tmp_path, **BARE | more | c) for c in ({}, {"cluster_column": "who"}))
    wide = [
        p.claims["strongest"].facts["share_upper"] - p.claims["strongest"].facts["share_lower"]
        for p in (alone, together)
    ]
    assert wide[1] > 1.15 * wide[0]
