"""Figures of benchmarks: a target that is missed shows, growth is fitted, and every file has its study."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from bench_page import WORKBENCH, missed, page, study_of
from measured import Measured

from xmresearch.params.registry import study_names


@pytest.fixture
def node():
    return SimpleNamespace(user_properties=[])


def test_ratios_count_what_theirs_costs_beside_ours(node, capsys):
    found = Measured(node).ratio("a fit", 2.0, {"peer": 10.0, "other": 1.0}, least=8)
    assert found == {"peer": 5.0, "other": 0.5}
    assert capsys.readouterr().out.splitlines() == ["a fit: 2 s, peer 10 s: 5.00 x", "a fit: 2 s, other 1 s: 0.50 x"]
    first, second = (content for _, content in node.user_properties)
    assert missed(first)
    assert not missed(second)
    Measured(node).ratio("a fit", 1.25, {"peer": 10.0}, least=8)
    assert not missed(node.user_properties[-1][1])


@pytest.mark.parametrize(("ours", "wrong"), [(15.0, False), (15.1, True)])
def test_a_floor_is_not_to_be_exceeded_by_more(node, ours, wrong):
    Measured(node).ratio("reading", ours, {"decoding": 10.0}, most=1.5)
    assert missed(node.user_properties[0][1]) is wrong


@pytest.mark.parametrize("power", [0.9, 1.0, 1.2])
def test_growth_is_the_power_that_costs_follow(node, power):
    sizes = np.array([1e3, 1e4, 1e7])
    assert Measured(node).growth("a fit", sizes, 3 * sizes**power, most=1.05) == pytest.approx(power)
    assert missed(node.user_properties[0][1]) is (power > 1.05)


def test_every_file_is_about_a_study_or_the_workbench(root):
    studies = {study_of(path.name) for path in Path(root, "tests/benchmarks").glob("test_*.py")}
    assert {"servqual", "sem", "did", "attribution", "scorecard", "drivers"} <= studies <= {*study_names(), WORKBENCH}
    assert study_of("test_scale.py") == "servqual"
    assert study_of("test_batch.py") == WORKBENCH


def test_the_page_groups_by_study_and_marks_what_is_missed(node):
    measured = Measured(node)
    measured.ratio("a <fit>", 2.0, {"peer": 10.0}, least=8)
    measured.growth("moments", [1e3, 1e6], [1.0, 1000.0], most=1.05)
    measured.figure("peak", 3.0, "GB", most=4)
    entry = {
        "file": "test_x.py", "name": "test_x", "says": "What it says.", "outcome": "failed", "seconds": 3.2, "when": "2026-01-01",
        "printed": "rows <1>", "figures": node.user_properties,
    }  # fmt: skip
    text = page([entry | {"study": WORKBENCH, "figures": []}, entry | {"study": "did"}], "a machine")
    assert text.index("<h2>did</h2>") < text.index(f"<h2>{WORKBENCH}</h2>")
    assert "a &lt;fit&gt;" in text
    assert "<fit>" not in text
    assert text.count("class=missed") == 1
    assert "rows<sup>1.000</sup>" in text
    assert text.count("<svg") == 2
    assert "rows &lt;1&gt;" in text
