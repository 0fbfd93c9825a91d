"""Whatever a file holds and whatever it is called: it is read, or an error of ours says why not."""

import gzip
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from exports import CASES, EXPORTS, needs_exports, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xmresearch.errors import XMError

FILES = Path(__file__).parent / "files"
ENDINGS = (
    "csv", "tsv", "txt", "xlsx", "xlsm", "xls", "ods", "parquet", "feather", "arrow", "sav", "zsav", "por", "dta", "xes", "xes.gz", "html", "",
)  # fmt: skip
STARTS = (
    b"", b"$FL2@(#) SPSS DATA FILE", b"$FL3", b"<stata_dta><header><release>118</release>", b"r\x02\x01\x00", b"PAR1", b"ARROW1\x00\x00", b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x09\x08\x10\x00\x00\x06\x05\x00", b"\x1f\x8b\x08\x00", b"<log><trace>", b"<?xml version='1.0'?><log xes='1'>",
    b"<html><table><tr><td>a<tr><td>1", b"a,b\n1,2\n", b"\xef\xbb\xbfa;b\n", b"\xff\xfea\x00", b"ResponseId,Status\n",
)  # fmt: skip
FUZZED = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def attempt(raw, ending):
    """Read bytes under a name; what is no XMError comes out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (f"s.{ending}" if ending else "s")
        path.write_bytes(raw)
        with suppress(XMError):
            read(path)
        assert [p.name for p in Path(folder).iterdir()] == [path.name]


@FUZZED
@given(st.sampled_from(STARTS), st.binary(max_size=300), st.sampled_from(ENDINGS))
def test_arbitrary_bytes(start, rest, ending):
    attempt(start + rest, ending)


MARKUP = st.recursive(
    st.sampled_from(["", "x", "&amp;", "<!-- c -->", '<string key="k" value="v"/>', '<date key="time:timestamp" value="2025-03-01"/>', '<int value="z"/>']),
    lambda inner: st.builds(
        lambda tag, body: f"<{tag}>{''.join(body)}</{tag.split()[0]}>",
        st.sampled_from(["trace", "event", "log", "global", 'list key="l"', "values", 'string key="s" value="1"', 'container key=""', 'string value="q"']),
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)  # fmt: skip


@FUZZED
@given(st.lists(MARKUP, max_size=4), st.booleans(), st.integers(0, 400))
def test_markup_of_logs_in_any_order(parts, packed, cut):
    raw = f"<log>{''.join(parts)}</log>".encode()[: cut or None]
    attempt(gzip.compress(raw) if packed else raw, "xes.gz" if packed else "xes")


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """A sound file of each kind, as bytes by ending."""
    folder = tmp_path_factory.mktemp("sound")
    frame = pd.DataFrame({"id": [1.0, 2.0, 3.0], "text": ["a", "满意", ""], "when": pd.to_datetime(["2025-03-01"] * 3)})
    pyreadstat.write_sav(frame, folder / "s.sav", missing_ranges={"id": [3]}, variable_value_labels={"id": {1: "one"}})
    pyreadstat.write_sav(frame, folder / "s.zsav", compress=True)
    pyreadstat.write_dta(frame, folder / "s.dta")
    pyreadstat.write_por(frame.replace("满意", "b").rename(columns=str.upper), folder / "s.por")
    frame.to_parquet(folder / "s.parquet")
    frame.to_feather(folder / "s.feather")
    frame.to_excel(folder / "s.xlsx", index=False)
    shutil.copy(FILES / "answers.xls", folder / "s.xls")
    log = '<log xmlns="u"><trace><string key="concept:name" value="1"/><event><date key="time:timestamp" value="2025-03-01"/></event></trace></log>'
    (folder / "s.xes").write_text(log)
    (folder / "s.xes.gz").write_bytes(gzip.compress(log.encode()))
    return {p.name.partition(".")[2]: p.read_bytes() for p in folder.iterdir()}


def mutated(raw, edits, cut):
    raw = bytearray(raw)
    for at, value in edits:
        raw[int(at * (len(raw) - 1))] = value
    return bytes(raw[: int(cut * len(raw))])


EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8)
CUT = st.one_of(st.just(1.0), st.floats(0.05, 1))


@pytest.mark.parametrize("ending", ["sav", "zsav", "dta", "por", "parquet", "feather", "xlsx", "xls", "xes", "xes.gz"])
def test_sound_files_with_bytes_changed_or_cut_off(originals, ending):
    @settings(FUZZED, max_examples=40)
    @given(EDITS, CUT, st.sampled_from([ending, "csv"]))
    def changed(edits, cut, named):
        attempt(mutated(originals[ending], edits, cut), named)

    changed()


@needs_exports
@pytest.mark.parametrize(
    "name", ["spss_stata/gbk_labels.sav", "spss_stata/zh_labels.dta", "weighting/population.xlsx", "xes/running_example.xes", "xes/road_fines_variants.xes.gz", "spss.sav"]
)  # fmt: skip
def test_real_files_with_bytes_changed_or_cut_off(name):
    path = EXPORTS / name if "/" in name else CASES / name
    raw, ending = path.read_bytes(), path.name.partition(".")[2]

    @settings(FUZZED, max_examples=25)
    @given(EDITS, CUT)
    def changed(edits, cut):
        attempt(mutated(raw, edits, cut), ending)

    changed()
