"""The simulated patients of params/scorecard/patients.yml: nobody was asked."""

import numpy as np
import pandas as pd

WARDS = {"medical": (0.45, -0.15), "surgical": (0.35, 0.1), "maternity": (0.2, 0.25)}


def patient_answers(n=600, seed=20260101):
    """Answers of n patients who never were: an overall rating from 0 to 10, and how often (1 never to 4 always)."""
    rng = np.random.default_rng(seed)
    ward = rng.choice(list(WARDS), n, p=[share for share, _ in WARDS.values()])
    trait = rng.normal(0, 1, n) + np.array([WARDS[w][1] for w in ward])

    def often(loading, *cuts):
        return 1 + (loading * trait + rng.normal(0, 1, n) > np.array(cuts)[:, None]).sum(axis=0)

    return pd.DataFrame({
        "patient": [f"S{k + 1:04d}" for k in range(n)], "ward": ward,
        "rating": np.clip(np.rint(8.7 + 1.4 * (0.7 * trait + 0.7 * rng.normal(0, 1, n))), 0, 10).astype(int),
        "recommend": often(0.9, -2.6, -1.8, -0.6), "clean": often(0.6, -2.4, -1.6, -0.75), "quiet": often(0.5, -2.0, -1.2, 0.05),
    })  # fmt: skip


if __name__ == "__main__":
    patient_answers().to_csv("params/scorecard/patients_simulated.csv", index=False)
