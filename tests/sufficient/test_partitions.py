"""What is reduced by partitions, here or on a cluster, is what one pass gives, to the bit whatever did the work."""

import dataclasses
import os
import signal
import time
from functools import partial
from threading import Thread

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal
from scipy import sparse

import xmresearch as xm
from xmresearch.data.scenarios.touchpoints import TouchpointLog
from xmresearch.errors import DataError, InsufficientData, ParamsError
from xmresearch.sufficient import event_partitions, partitions
from xmresearch.sufficient.cells import Cells
from xmresearch.sufficient.counts import Counts
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.moments import Moments, reduce_rows
from xmresearch.sufficient.partitions import over_partitions, partitions_of
from xmresearch.sufficient.sources import from_pandas
from xmresearch.sufficient.transition_table import Transitions, transitions

FILES, ROWS = 3, 4000
DID = {"outcome": "y", "unit": "u", "time": "t", "cohort": "c"}
RULES = {"conversion": "settled", "value": "value", "cost": "cost", "gap": "30d", "lookback": "20d", "repeats": "drop"}


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0") as made:
        yield made


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(partitions, "MOST_ROWS", 1500)
    monkeypatch.setattr(event_partitions, "PIECE_ROWS", 1500)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("parts")
    rng = np.random.default_rng(5)
    for k in range(FILES):
        u, t = rng.integers(0, 6, ROWS), rng.integers(1, 9, ROWS)
        y = np.where(rng.random(ROWS) < 0.05, np.nan, 50 + u + rng.normal(size=ROWS) * 7)
        table = {
            "y": y,
            "x": rng.normal(size=ROWS),
            "u": u,
            "t": t,
            "c": np.where(u > 3, 5, 0),
            "w": rng.random(ROWS) + 0.2,
        }
        table |= {"q": np.clip(np.nan_to_num(y, nan=np.nan).round(-1) / 10, 3, 7), "day": t}
        frame = pl.DataFrame(table).with_columns(day=pl.date(2025, 1, 1) + pl.duration(days=pl.col("day") * 23))
        frame.write_parquet(made / f"{k}.parquet", row_group_size=700)
    return made


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    made = tmp_path_factory.mktemp("events")
    table = from_pandas(TouchpointLog(900, 3).events()).collect().sample(fraction=1, shuffle=True, seed=1)
    for k in range(FILES):
        table[k * len(table) // FILES : (k + 1) * len(table) // FILES].write_parquet(made / f"{k}.parquet")
    return made


@pytest.fixture(scope="module")
def by_customer(tmp_path_factory):
    made = tmp_path_factory.mktemp("customers")
    table = from_pandas(TouchpointLog(900, 3).events()).collect()
    for k in range(FILES):
        table.filter(pl.col("customer").hash(seed=4) % FILES == k).write_parquet(made / f"{k}.parquet")
    return made


def counted(found: Transitions) -> dict[str, object]:
    """Everything but who is in which group."""
    names = ("channels", "order", "states", "row", "symbol", "count", "value", "squares", "valued", "passed", "cost")
    return {k: getattr(found, k) for k in names} | {"left_out": found.left_out, "customers": found.customers}


def bits(thing):
    """Return all that a statistic holds, to the bit."""
    if isinstance(thing, np.ndarray):
        return (str(thing.dtype), thing.shape, thing.tolist() if thing.dtype == object else thing.tobytes())
    if isinstance(thing, sparse.csr_array):
        return [bits(part) for part in (thing.data, thing.indices, thing.indptr)]
    if isinstance(thing, pd.DataFrame):
        return [(name, bits(thing[name].to_numpy())) for name in thing]
    if dataclasses.is_dataclass(thing):
        return [(f.name, bits(getattr(thing, f.name))) for f in dataclasses.fields(thing)]
    return thing


def assert_alike(a, b):
    assert a.keys() == b.keys()
    for name, value in a.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_allclose(value, b[name], rtol=1e-9, atol=1e-9, err_msg=name)
        else:
            assert value == b[name], name


def test_a_folder_is_cut_by_its_files_alone(folder):
    parts = partitions_of(folder)
    assert [p.name for p in parts] == [f"{k}.parquet" for k in range(FILES) for _ in range(3)]
    assert [(p.first, p.rows) for p in parts[:3]] == [(0, 1400), (1400, 1400), (2800, 1200)]
    assert [p.rows for p in partitions_of(folder, whole_files=True)] == [ROWS] * FILES
    whole = pl.concat([p.scan() for p in parts]).collect()
    assert whole.equals(pl.read_parquet(folder / "*.parquet"), null_equal=True)


def test_moments_of_parts_are_those_of_the_whole(folder):
    found = Moments.scan(folder, ["y", "x"])
    table = pl.read_parquet(folder / "*.parquet").select("y", "x").to_numpy()
    whole = Moments.of(table, ["y", "x"])
    assert found.n == whole.n < FILES * ROWS
    np.testing.assert_allclose(found.cov, whole.cov, rtol=1e-12)
    streamed = reduce_rows(pl.scan_parquet(folder / "*.parquet"), ["y", "x"], lambda v: {"all": v})["all"]
    np.testing.assert_allclose(found.mean, streamed.mean, rtol=1e-12)


@pytest.mark.parametrize(
    "asked",
    [
        {"covariates": ["x"]},
        {"outcome": "q", "counts": True, "missing_codes": [7]},
        {"time": "day", "period": "month"},
        {"time": "day"},
        {"outcome": "q", "levels": [3, 7]},
    ],
    ids=["covariate", "counted", "months", "dates", "levels"],
)
def test_cells_of_parts_are_those_of_the_whole(folder, asked):
    found, whole = (
        Cells.scan(folder, **DID | asked),
        Cells.of(pl.scan_parquet(folder / "*.parquet"), **DID | asked),
    )
    for name, value in vars(whole).items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            np.testing.assert_allclose(getattr(found, name), value, rtol=1e-9, err_msg=name)
        elif isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(found, name), value)
        else:
            assert getattr(found, name) == value, name


def test_cells_outside_their_levels_are_refused_with_all_their_rows(folder):
    with pytest.raises(DataError) as parts:
        Cells.scan(folder, **DID | {"outcome": "q", "levels": [3, 6]})
    with pytest.raises(DataError) as whole:
        Cells.of(pl.scan_parquet(folder / "*.parquet"), **DID | {"outcome": "q", "levels": [3, 6]})
    assert str(parts.value) == str(whole.value)


@pytest.mark.parametrize(
    "asked", [{}, {"by": ["u", "t"]}, {"by": ["u"], "weights": "w"}, {"levels": [1, 3, 4, 5, 6, 7]}]
)
def test_counts_of_parts_are_those_of_the_whole(folder, asked):
    found, whole = Counts.scan(folder, "q", **asked), Counts.scan(pl.scan_parquet(folder / "*.parquet"), "q", **asked)
    assert_frame_equal(found.groups, whole.groups)
    for name in ("levels", "n", "weight", "square", "blank"):
        np.testing.assert_allclose(getattr(found, name), getattr(whole, name), rtol=1e-12, err_msg=name)


def test_parts_without_an_outcome_or_a_group_add_their_blanks(tmp_path):
    rows = {
        "y": [None, None, 1.0, 2.0],
        "u": [1, 2, 1, 2],
        "t": [1, 1, 2, 2],
        "c": [0, 2, 0, 2],
        "g": [None, None, 1, 1],
    }
    pl.DataFrame(rows, schema_overrides={"y": pl.Float64}).write_parquet(tmp_path / "a.parquet", row_group_size=2)
    partitions.MOST_ROWS = 2
    assert Cells.scan(tmp_path, **DID).missing == 2
    assert Counts.scan(tmp_path, "y", by=["g"]).n.sum() == 2
    pl.DataFrame({"y": [None], "g": [None]}, schema={"y": pl.Float64, "g": pl.Int64}).write_parquet(
        tmp_path / "a.parquet"
    )
    with pytest.raises(InsufficientData, match="no rows"):
        Counts.scan(tmp_path, "y", by=["g"])


@pytest.mark.parametrize("order", [1, 3])
def test_transitions_of_customers_whose_rows_lie_in_several_files(events, order):
    log = EventLog(events, **RULES)
    found, whole = Transitions.scan(log, order), transitions(log, order)
    assert_alike(counted(found), counted(whole))
    assert found.groups.steps.sum() == whole.groups.steps.sum()


def test_transitions_of_files_by_customer(by_customer):
    log = EventLog(by_customer, **RULES)
    assert_alike(counted(Transitions.scan(log, 2, by_file=True)), counted(transitions(log, 2)))
    assert_alike(counted(Transitions.scan(log, 2, by_file=True)), counted(Transitions.scan(log, 2)))


def test_journeys_of_parts_are_those_of_the_whole(events):
    log = EventLog(events, **RULES)
    found, whole = log.scan_journeys().merged(), log.journeys().merged()
    names = ("channels", "codes", "starts", "conversions", "nulls", "value", "squares", "valued", "cost", "left_out")
    assert_alike(*({k: getattr(x, k) for k in names} for x in (found, whole)))
    assert log.scan_journeys().customers == log.journeys().customers


def test_a_converting_touchpoint_may_lack_in_a_part_but_not_in_all(tmp_path):
    frame = {"customer": [1, 1, 2, 2], "time": [1.0, 2.0, 1.0, 2.0], "touchpoint": ["a", "buy", "a", "b"]}
    pl.DataFrame(frame).write_parquet(tmp_path / "a.parquet", row_group_size=2)
    event_partitions.PIECE_ROWS = 1
    assert Transitions.scan(EventLog(tmp_path, converting=["buy"])).conversions == 1
    with pytest.raises(DataError, match="converting names 'rent', which no event"):
        Transitions.scan(EventLog(tmp_path, converting=["buy", "rent"]))


def test_rows_that_are_wrong_are_named_as_they_stand_in_the_files(tmp_path):
    frame = {
        "customer": list(range(9)),
        "time": [1.0] * 9,
        "touchpoint": ["a"] * 9,
        "won": [1, 1, 1, 1, 1, 1, 1, -1, 1],
    }
    pl.DataFrame(frame).write_parquet(tmp_path / "a.parquet")
    event_partitions.PIECE_ROWS = 2
    with pytest.raises(DataError, match=r"'won' is negative in 1 row\(s\): row 8"):
        Transitions.scan(EventLog(tmp_path, conversion="won"))


def test_what_is_dealt_out_is_taken_away_again(events, tmp_path):
    Transitions.scan(EventLog(events, **RULES), scratch=tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError):
        Transitions.scan(EventLog(events, **RULES | {"conversion": "nothing"}), scratch=tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_cut_is_said(tmp_path, folder):
    with pytest.raises(DataError, match="holds no .parquet"):
        partitions_of(tmp_path)
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(DataError, match="'a.parquet' is not a readable Parquet file"):
        partitions_of(tmp_path)
    with pytest.raises(DataError, match=r"In '0.parquet': The data have no column 'z'"):
        Moments.scan(folder, ["z"])
    with pytest.raises(ParamsError, match="DataFrame, which has no partitions"):
        Transitions.scan(EventLog(TouchpointLog(20, 1).events(), **RULES))


def test_no_scheduler_there(folder, monkeypatch):
    monkeypatch.setattr(partitions, "CONNECT_SECONDS", 0.2)
    with pytest.raises(ParamsError, match="No Dask scheduler answers at"):
        Moments.scan(folder, ["y"], scheduler="tcp://127.0.0.1:9")


def test_a_cluster_gives_the_same_bits(cluster, folder, events):
    at = cluster.scheduler_address
    log = EventLog(events, **RULES)
    for reduced in (
        partial(Moments.scan, folder, ["y", "x"]),
        partial(Cells.scan, folder, **DID, covariates=["x"]),
        partial(Counts.scan, folder, "q", by=["u"], weights="w"),
        partial(Transitions.scan, log, 2),
        log.scan_journeys,
    ):
        assert bits(reduced(scheduler=at)) == bits(reduced()), reduced


def test_what_is_wrong_in_a_part_is_said_by_whoever_waits_for_it(cluster, folder):
    with pytest.raises(DataError, match=r"In '0.parquet': The data have no column 'z'") as raised:
        Moments.scan(folder, ["z", "y"], scheduler=cluster.scheduler_address)
    assert raised.value.hint


def test_a_worker_that_is_killed_loses_nothing(cluster, folder, tmp_path):
    def slow_moments(part):
        (tmp_path / f"{os.getpid()}-{part.name}-{part.first}").touch()
        time.sleep(0.3)
        return Moments.of(part.scan().select("x").collect().to_numpy(), ["x"])

    def kill():
        patience = time.monotonic() + 30
        while not (found := list(tmp_path.iterdir())) and time.monotonic() < patience:
            time.sleep(0.02)
        os.kill(int(found[0].name.split("-")[0]), signal.SIGKILL)

    parts = partitions_of(folder)
    killer = Thread(target=kill, daemon=True)
    killer.start()
    found = over_partitions(slow_moments, parts, scheduler=cluster.scheduler_address)
    killer.join()
    begun = [path.name.split("-") for path in tmp_path.iterdir()]
    assert len({process for process, *_ in begun}) >= 2
    assert len(begun) > len({tuple(part) for _, *part in begun}) == len(parts)
    assert found.n == FILES * ROWS
    assert bits(found) == bits(over_partitions(slow_moments, parts))


def test_what_the_readme_shows_of_folders_runs_on_a_cluster(cluster, tmp_path, root):
    rng = np.random.default_rng(8)
    for name in ("survey", "events", "scratch"):
        (tmp_path / name).mkdir()
    for k in range(2):
        branch, month = rng.integers(0, 12, 1200), rng.integers(1, 9, 1200)
        x = rng.normal(size=(1200, 1)) + rng.normal(size=(1200, 3))
        keys = {"branch": branch, "month": month, "rollout": np.where(branch % 2, 5, 0)}
        answers = {
            "score": 5 + (month >= 5) * (branch % 2) + rng.normal(size=1200),
            "recommend": rng.integers(0, 11, 1200),
        }
        pl.DataFrame({f"x{j + 1}": x[:, j] for j in range(3)} | keys | answers).write_parquet(
            tmp_path / f"survey/{k}.parquet"
        )
        touches = pl.Series(["web", "call", "desk"]).gather(rng.integers(0, 3, 1200))
        who = {"customer": rng.integers(0, 300, 1200), "time": rng.integers(0, 10**6, 1200) + 1_700_000_000}
        pl.DataFrame(who | {"touchpoint": touches, "paid": rng.random(1200) < 0.2}).write_parquet(
            tmp_path / f"events/{k}.parquet"
        )
    section = (root / "README.md").read_text("utf-8").partition("## More rows than memory")[2].partition("\n## ")[0]
    lines = [line.strip() for line in section.splitlines() if line.startswith("    ")]
    assert len(lines) == 6
    space = {"xm": xm, "model": "f =~ x1 + x2 + x3"}
    for line in lines:
        exec(line.replace("/data/", f"{tmp_path}/").replace("tcp://scheduler:8786", cluster.scheduler_address), space)
    assert not list((tmp_path / "scratch").iterdir())
