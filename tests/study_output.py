"""What a run has left, as tests read it."""

import html
import json
import re

import pandas as pd

from xmresearch.report.blocks import MIME


def words(folder):
    """The report's text."""
    text = html.unescape(re.sub(r"<[^>]+>", " ", (folder / "report.html").read_text("utf-8")))
    return re.sub(r"\s+", " ", text)


def table(folder, name):
    return pd.read_csv(folder / "tables" / f"{name}.csv")


def shown(folder):
    """Every block that the executed notebook shows."""
    cells = json.loads((folder / "executed.ipynb").read_text("utf-8"))["cells"]
    return [o["data"][MIME] for c in cells for o in c.get("outputs", [])]


def assert_same_figures(reports):
    """Tables do not depend on the report's language, but for the words of what was asked and of what is done about it."""
    names = sorted(p.name for p in (reports["en"] / "tables").glob("*.csv"))
    assert names == sorted(p.name for p in (reports["zh"] / "tables").glob("*.csv"))
    for name in names:
        en, zh = (reports[lang] / "tables" / name for lang in ("en", "zh"))
        if name == "questionnaire.csv":
            asked = [pd.read_csv(path).drop(columns=["wording", "no_answer"], errors="ignore") for path in (en, zh)]
            pd.testing.assert_frame_equal(*asked)
        elif name == "register.csv":
            assert pd.read_csv(en).shape == pd.read_csv(zh).shape
        else:
            assert en.read_bytes() == zh.read_bytes(), name


FEWER_THAN_PEOPLE = 300
"""Rows that a table of statements by segment may have; every demo has more people."""


def assert_no_rows_of_people(folder):
    """Neither the tables nor the executed notebook hold anything with a row per respondent."""
    for path in folder.glob("tables/*.csv"):
        assert len(pd.read_csv(path)) < FEWER_THAN_PEOPLE
    for block in shown(folder):
        assert len(block.get("rows", [])) < FEWER_THAN_PEOPLE
