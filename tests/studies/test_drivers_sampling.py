"""The study of drivers of a sample with strata, clusters, a finite population and margins: params, check, page in both languages."""

import numpy as np
import page
import pytest
from servqual_worlds import clustered

from xmresearch.errors import ParamsError
from xmresearch.params.load import load_params
from xmresearch.run.check import check_study

DESIGN = """sampling:
  strata: region
  clusters: branch
  population: {"0": 40, "1": 50, "2": 60}
  margins: {sex: {f: 0.5, m: 0.5}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("drawn")
    frame = clustered(24, 12, (-0.9, -0.6, -0.4, -0.3, -0.3), 4, drives=(0.6, 0.2, 0.2, 0.1, 0.1), answers=True)
    rng = np.random.default_rng(6)
    frame.assign(
        region=frame["branch"].astype(int) % 3,
        sex=rng.choice(["f", "m"], len(frame), p=[0.7, 0.3]),
        w=rng.uniform(0.5, 1.5, len(frame)),
    ).to_csv(found / "s.csv", index=False)
    return found


def params(folder, more):
    head = "study: drivers\nname: drawn\nbootstrap: 300\ndata: {path: s.csv}\nweight_column: w\nsegments: [sex]\n"
    (folder / "p.yml").write_text(head + more, "utf-8")
    return folder / "p.yml"


def test_check_says_how_respondents_were_drawn(folder):
    said = check_study(params(folder, DESIGN))
    assert "Sample: 24 clusters of 12.0 respondents on average in 3 strata, 21 degrees of freedom." in said
    assert "Raked to 1 margin(s): sex." in said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (DESIGN + "cluster_column: branch\n", "say twice how respondents were drawn"),
        ("sampling: {strata: w}\n", "weight_column and sampling.strata are both w"),
    ],
)
def test_contradictions_are_refused(folder, more, said):
    with pytest.raises(ParamsError, match=said):
        load_params(params(folder, more))


def test_the_page_rests_on_the_design_and_says_so(folder):
    given = load_params(params(folder, DESIGN))
    own = {
        k: getattr(given, k)
        for k in (
            "data",
            "codebook",
            "id_column",
            "weight_column",
            "duration_column",
            "segments",
            "outcome",
            "branches",
            "bootstrap",
        )
    }
    both = page.in_both("drivers", folder, **own, sampling=given.sampling)
    for lang, words in (
        (
            "en",
            (
                "24 clusters within 3 strata",
                "draws sampling units anew within strata",
                "raked to the population's distribution of sex",
            ),
        ),
        ("zh", ("在 3 个层内按 24 个群抽取", "在层内重抽抽样单位", "迭代调整")),
    ):
        said = page.prose(both[lang])
        assert all(w in said for w in words)
        keys = [b.content["key"] for b in both[lang].blocks if b.kind == "table"]
        assert {"weights", "margins"} <= set(keys)
        assert any("24" in card["note"] for card in page.cards(both[lang]))
    plain = page.write("drivers", folder, **own)
    assert not any(b.kind == "section" and b.content["key"] == "sampling" for b in plain.blocks)
