"""Event logs against a reader that follows the stated rules event by event."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest

from xmresearch.attribution.rules_of_thumb import RULES, heuristics
from xmresearch.errors import DataError, InsufficientData
from xmresearch.sufficient import event_stream
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.transition_table import START, Transitions, transitions

Event = tuple[Any, float, str | None, bool, float]
Journey = tuple[list[str], list[float], bool, float]
LABELS = ["a", " a", "b", "c", "微信", "é", "Buy", None, "", " "]


def by_the_rules(events: list[Event], rules: dict[str, Any]) -> list[Journey]:
    known: dict[Any, list[Event]] = {}
    for event in events:
        if event[1] <= rules.get("until", np.inf) and event[0] is not None and str(event[0]).strip():
            known.setdefault(event[0], []).append(event)
    return [journey for rows in known.values() for journey in of_one(rows, rules)]


def of_one(rows: list[Event], rules: dict[str, Any]) -> list[Journey]:
    """The journeys of a customer."""
    cases: list[list[list[Event]]] = []
    for event in sorted(rows, key=lambda e: e[1]):
        if not cases or event[1] - cases[-1][-1][-1][1] > rules.get("gap", np.inf):
            cases.append([[event]])
        elif converts(cases[-1][-1][-1], rules):
            cases[-1].append([event])
        else:
            cases[-1][-1].append(event)
    found = []
    for case in cases:
        for k, part in enumerate(case):
            rule = rules.get("after_conversion", "if_converting")
            if k == 0 or rule == "new_journey" or (rule == "if_converting" and converts(part[-1], rules)):
                found.append(closed(part, rules))
    return [journey for journey in found if 0 < len(journey[0]) <= rules.get("max_touches", np.inf)]


def converts(event: Event, rules: dict[str, Any]) -> bool:
    return event[3] or (event[2] or "").strip() in rules.get("converting", ())


def closed(events: list[Event], rules: dict[str, Any]) -> Journey:
    path: list[str] = []
    times: list[float] = []
    for _, time, raw, _, _ in events:
        label = (raw or "").strip()
        if not label or label in rules.get("converting", ()):
            continue
        if time < events[-1][1] - rules.get("lookback", np.inf):
            continue
        if label not in rules.get("mapping", {label}) and rules["unknown"] == "drop":
            continue
        label = rules.get("mapping", {}).get(label, label)
        if not (path and path[-1] == label and rules.get("repeats") == "drop"):
            path.append(label)
            times.append(time)
    won = converts(events[-1], rules)
    return path, times, won, events[-1][4] * won


def steps(journeys: list[Journey], order: int) -> Counter[tuple[str, ...]]:
    out: Counter[tuple[str, ...]] = Counter()
    for path, _, won, _ in journeys:
        symbols = ["^"] * order + path + ["+" if won else "-"]
        out.update(tuple(symbols[k - order : k + 1]) for k in range(order, len(symbols)))
    return out


def named(found: Transitions) -> Counter[tuple[str, ...]]:
    label = {START: "^", **dict(enumerate(found.channels)), len(found.channels): "+", len(found.channels) + 1: "-"}
    rows = zip(found.row.tolist(), found.symbol.tolist(), found.count.tolist(), strict=True)
    return Counter({(*(label[c] for c in found.states[r].tolist()), label[s]): int(n) for r, s, n in rows})


def lost_after_conversion(events: list[Event], rules: dict[str, Any]) -> int:
    """Journeys that did not convert, of customers of whom another did."""
    found = 0
    for who in {e[0] for e in events}:
        ends = [j[2] for j in by_the_rules([e for e in events if e[0] == who], rules)]
        found += any(ends) * (len(ends) - sum(ends))
    return found


def same_time(events: list[Event], rules: dict[str, Any]) -> int:
    """Events at the same time as the one before of the same customer that differ from it."""

    def seen(event: Event) -> tuple[Any, ...]:
        label = (event[2] or "").strip()
        pure = label in rules.get("converting", ())
        if pure or not label:
            code = None
        elif "mapping" in rules and label not in rules["mapping"]:
            code = label if rules["unknown"] == "keep" else "?"
        else:
            code = rules.get("mapping", {}).get(label, label)
        return code, converts(event, rules), event[4]

    known: dict[Any, list[Event]] = {}
    for event in events:
        if event[1] <= rules.get("until", np.inf) and event[0] is not None and str(event[0]).strip():
            known.setdefault(event[0], []).append(event)
    pairs = [p for rows in known.values() for p in pairwise(sorted(rows, key=lambda e: e[1]))]
    return sum(a[1] == b[1] and seen(a) != seen(b) for a, b in pairs)


def credits_by_rule(
    journeys: list[Journey], half: float, position: Iterable[float], direct: str
) -> dict[str, Counter[str]]:
    first, middle, last = position
    out: dict[str, Counter[str]] = {rule: Counter() for rule in RULES}
    for path, times, won, _ in journeys:
        n = len(path)
        inner = [middle / (n - 2)] * (n - 2) if n > 2 else []
        place = [1.0] if n == 1 else [w / (first + sum(inner) + last) for w in (first, *inner, last)]
        decay = [2 ** ((t - times[-1]) / half) for t in times]
        others = [k for k in range(n) if path[k] != direct] or [n - 1]
        weights = {
            "first": [1.0] + [0.0] * (n - 1), "last": [0.0] * (n - 1) + [1.0], "linear": [1 / n] * n, "position": place,
            "time_decay": [d / sum(decay) for d in decay], "last_non_direct": [float(k == others[-1]) for k in range(n)],
        }  # fmt: skip
        for rule, shares in weights.items():
            for label, share in zip(path, shares, strict=True):
                out[rule][label] += share * won
    return out


def drawn(rng: np.random.Generator) -> tuple[list[Event], dict[str, Any]]:
    who = [["x", "ÿ", "z", "", None, " "], [1, 2, 10, None]][int(rng.integers(2))]
    n = int(rng.integers(4, 60))
    time = rng.integers(0, 300, n) if rng.random() < 0.5 else np.sort(rng.integers(0, 2000, n))
    won = rng.random(n) < 0.15
    value = np.where(won, rng.integers(0, 50, n), 5.0 * (rng.random(n) < 0.1))
    events = [
        (who[rng.integers(len(who))], int(t), LABELS[rng.integers(len(LABELS))], bool(w), float(v))
        for t, w, v in zip(time, won, value, strict=True)
    ]
    offered = {"gap": float(rng.integers(1, 200)), "lookback": float(rng.integers(1, 300)), "repeats": "drop",
               "converting": ("Buy",), "mapping": {"a": "A", "b": "A", "c": "C", "Buy": "Buy"}, "until": float(rng.integers(100, 1500)),
               "after_conversion": ("ignore", "new_journey")[int(rng.integers(2))], "max_touches": int(rng.integers(1, 6))}  # fmt: skip
    rules = {k: v for k, v in offered.items() if rng.random() < 0.4}
    return events, rules | {"unknown": ("keep", "drop")[int(rng.integers(2))]}


@pytest.mark.parametrize("seed", range(60))
def test_logs_are_read_by_the_rules(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    events, rules = drawn(rng)
    journeys = by_the_rules(events, rules)
    for name, most in (("SLICE_ROWS", 20), ("BATCH_ROWS", 40), ("SORTED_AT_ONCE", 60)):
        monkeypatch.setattr(event_stream, name, int(rng.integers(1, most)))
    columns = ["customer", "time", "touchpoint", "won", "value"]
    frame = pl.DataFrame(events, schema=columns, orient="row", infer_schema_length=None)
    options = rules | ({"until": datetime(1970, 1, 1) + timedelta(seconds=rules["until"])} if "until" in rules else {})
    log = EventLog(frame, conversion="won", value="value", **options)
    read = [e[2] for e in events if e[1] <= rules.get("until", np.inf) and e[0] is not None and str(e[0]).strip()]
    if "converting" in rules and "Buy" not in read:
        with pytest.raises(DataError, match="converting names 'Buy', which no event has"):
            transitions(log)
        return
    if not journeys:
        with pytest.raises(InsufficientData, match="no journey"):
            transitions(log)
        return
    for order in (1, 2, 3):
        found = transitions(log, order)
        assert named(found) == steps(journeys, order)
        assert found.value.sum() == pytest.approx(sum(j[3] for j in journeys))
    assert found.left_out.get("lost_after_conversion", 0) == lost_after_conversion(events, rules)
    assert found.left_out.get("same_time", 0) == same_time(events, rules)
    touched = sorted({label for j in journeys for label in j[0]})
    if not any(j[2] for j in journeys):
        return
    position, half = tuple(rng.dirichlet([1, 1, 1]).tolist()), float(rng.integers(5, 400))
    table = heuristics(log, half_life=half, position=position, direct=touched[0]).conversions.set_index("channel")
    expected = credits_by_rule(journeys, half, position, touched[0])
    for rule in RULES:
        assert {c: table[rule].get(c, 0.0) for c in touched} == pytest.approx({c: expected[rule][c] for c in touched})
