"""Simulated scores of a classifier whose errors are known: kinds are drawn, and scores given by kind."""

import numpy as np
import pandas as pd


def scored(rng, n, shares, *, quality=1.5, moved=0.0):
    """Kinds (-1, 0, 1, or -1 and 1) drawn with their shares, and probabilities that a noisy classifier gives them."""
    values = np.array([-1, 1] if len(shares) == 2 else [-1, 0, 1])
    kind = values[rng.choice(len(shares), size=n, p=shares)]
    z = rng.normal(quality * kind + moved, 1.3)
    negative, positive = 1 / (1 + np.exp(2 * z + 1)), 1 / (1 + np.exp(1 - 2 * z))
    if len(shares) == 2:
        negative = 1 / (1 + np.exp(z))
        positive = 1 - negative
    return pd.DataFrame({"negative": negative, "positive": positive, "label": kind})


def world(rng, *, labels=300, known=(0.3, 0.7), shares=(0.3, 0.7), texts=2000, own=0, quality=1.5, moved=0.0):
    """Texts of a new period, and labelled texts of an old one with `own` of the new."""
    old = scored(rng, labels, known).assign(period="old")
    new = scored(rng, texts, shares, quality=quality, moved=moved).assign(period="new")
    return new, pd.concat([old, new.iloc[:own]], ignore_index=True)
