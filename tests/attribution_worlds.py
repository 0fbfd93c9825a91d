"""Journeys with planted touchpoints, exits, scores and costs: the worlds in which claims of the attribution study are tried."""

import numpy as np
import pandas as pd

from xmresearch.sufficient.journeys import Journeys

NAMES = ("app", "desk", "phone", "post", "web")


def touched(n, mix, converts, seed, *, more=0.5, longest=6):
    """Draw journeys whose touches are independent: the share of each touchpoint, and how often a journey that ends there converts.

    Returns
    -------
    lengths, codes, won : ndarray
        Of shape (n,), (touches,) and (n,). Touchpoints with the same share and the same conversion have the same true credit.
    """
    rng = np.random.default_rng(seed)
    lengths = np.minimum(rng.geometric(1 - more, n), longest)
    codes = rng.choice(len(mix), lengths.sum(), p=np.array(mix) / np.sum(mix))
    last = codes[np.cumsum(lengths) - 1]
    return lengths, codes, rng.random(n) < np.broadcast_to(converts, len(mix))[last]


def journeys(n, mix, converts, seed, *, value=1.0, **more):
    """Return such journeys one by one; every conversion is worth the same."""
    lengths, codes, won = touched(n, mix, converts, seed, **more)
    count = won.astype(float)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return Journeys(
        NAMES[: len(mix)], codes.astype(np.int32), starts, count, 1 - count, value * count, value**2 * count, count
    )


def events(n, mix, converts, seed, *, value=1.0, **more):
    """Return such journeys as an event log, one for each customer: customer, time, touchpoint, conversion, value."""
    lengths, codes, won = touched(n, mix, converts, seed, **more)
    who = np.repeat(np.arange(n), lengths)
    last = np.cumsum(lengths) - 1
    converted = np.zeros(len(codes), dtype=int)
    converted[last] = won
    hour = np.arange(len(codes)) - np.repeat(last - lengths + 1, lengths)
    return pd.DataFrame({
        "customer": [f"c{k:05d}" for k in who], "time": pd.Timestamp("2026-01-01") + pd.to_timedelta(hour, unit="h"),
        "touchpoint": np.array(NAMES)[codes], "conversion": converted, "value": value * converted,
    })  # fmt: skip


def survey(log, scores, seed, *, media=(0.0, 0.0, 0.0), spread=1.5):
    """Return a score of the last touch of each customer, with a true mean by touchpoint and a shift by medium."""
    rng = np.random.default_rng(seed)
    last = log.groupby("customer", sort=True).tail(1)
    at = last["touchpoint"].map({n: k for k, n in enumerate(NAMES)}).to_numpy()
    medium = rng.integers(0, len(media), len(last))
    score = np.array(scores)[at] + np.array(media)[medium] + spread * rng.standard_normal(len(last))
    return pd.DataFrame({
        "customer": last["customer"].to_numpy(), "touchpoint": last["touchpoint"].to_numpy(),
        "score": score.round().clip(1, 10), "medium": np.array(["M1", "M2", "M3"])[medium],
    })  # fmt: skip
