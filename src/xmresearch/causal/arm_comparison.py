"""Arms of an experiment compared by their moments: means, shares and ratios, adjusted, clustered, relative, corrected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.causal.experiment_result import FEW_CLUSTERS, FEW_ROWS, SRM_LEVEL
from xmresearch.causal.moments_by_arm import ArmMoments
from xmresearch.claims.families import adjusted
from xmresearch.display import Shown
from xmresearch.errors import DataError, ParamsError, brief, nearest
from xmresearch.plots import forest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
POWER = 0.8


@dataclass(frozen=True, repr=False)
class ArmComparison(Shown):
    """Differences of an experiment's arms from the control.

    Attributes
    ----------
    table : DataFrame
        One row per arm but the control: arm, estimate, se, df, ci_lower, ci_upper, p, p_adjusted (Holm over the arms), relative
        (effect over the control's figure), rel_lower, rel_upper (Fieller; missing where the control's figure may be 0).
    arms : DataFrame
        One row per arm, the control first: arm, assigned, groups, mean, se.
    control : str
        The arm compared with.
    srm_p : float
        Chi-square test that the arms have their planned shares.
    reduction : float
        Share of the effects' variance that the covariate removes; missing without one.
    clustered : bool
        Whether clusters were assigned.
    confidence : float
        Level of the intervals.
    """

    table: pd.DataFrame
    arms: pd.DataFrame
    control: str
    srm_p: float
    reduction: float
    clustered: bool
    confidence: float

    def tidy(self) -> pd.DataFrame:
        """Return the differences."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the arm furthest from the control beyond its error, and the sample-ratio test."""
        row = self.table.loc[self.table["p"].idxmin()] if self.table["p"].notna().any() else self.table.iloc[0]
        return {
            "arm": row["arm"], "estimate": float(row["estimate"]), "lower": float(row["ci_lower"]),
            "upper": float(row["ci_upper"]), "p_adjusted": float(row["p_adjusted"]), "srm_p": self.srm_p, "level": self.confidence,
        }  # fmt: skip

    def guarded(self, margin: float, *, better: str = "higher") -> pd.DataFrame:
        """Return whether each arm is no worse than the control by more than a margin: a guardrail.

        Parameters
        ----------
        margin : float
            Largest harm that is borne, above 0, in units of the outcome.
        better : {'higher', 'lower'}
            Which outcomes are better.

        Returns
        -------
        DataFrame
            One row per arm: arm, harm (estimate), harm_upper (of the two-sided interval), p, p_adjusted (one-sided, Holm over the
            arms) and kept: p_adjusted is at most half of 1 - confidence.

        Raises
        ------
        ParamsError
            The margin is not above 0, or `better` is neither.

        References
        ----------
        Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the power approach. Journal of
        Pharmacokinetics and Biopharmaceutics, 15, 657-680.
        """
        if not (np.isfinite(margin) and margin > 0) or better not in ("higher", "lower"):
            raise ParamsError(f"margin is {margin:g}, better '{better}'.", "A margin above 0; 'higher' or 'lower'.")
        t = self.table
        harm, most = (-t["estimate"], -t["ci_lower"]) if better == "higher" else (t["estimate"], t["ci_upper"])
        p = stats.t.sf((margin - harm) / t["se"], t["df"])
        held = adjusted(p)
        kept = held <= (1 - self.confidence) / 2
        return pd.DataFrame(
            {"arm": t["arm"], "harm": harm, "harm_upper": most, "p": p, "p_adjusted": held, "kept": kept}
        )

    def needed(self, smallest: float, *, power: float = POWER, each_day: float | None = None) -> pd.DataFrame:
        """Return how many rows (clusters) it takes to see an effect, at the variances and shares seen.

        Parameters
        ----------
        smallest : float
            Effect to be seen, above 0, in units of the outcome.
        power : float
            With this probability, two-sided at the level, corrected for the number of arms (Bonferroni).
        each_day : float, optional
            Rows (clusters) that all arms get a day.

        Returns
        -------
        DataFrame
            One row per arm: arm, groups (of all arms together) and, with `each_day`, days.

        Raises
        ------
        ParamsError
            A number is out of its range.
        """
        if not smallest > 0 or not 0 < power < 1 or (each_day is not None and not each_day > 0):
            raise ParamsError("smallest, power or each_day is out of its range.", "Above 0, between 0 and 1, above 0.")
        reach = stats.norm.isf((1 - self.confidence) / 2 / len(self.table)) + stats.norm.ppf(power)
        groups = np.ceil(float(self.arms["groups"].sum()) * (reach * self.table["se"] / smallest) ** 2)
        found = pd.DataFrame({"arm": self.table["arm"], "groups": groups})
        return found if each_day is None else found.assign(days=np.ceil(groups / each_day))

    def plot(self) -> Figure:
        """Draw the differences with their intervals."""
        return forest(self.table, "arm", "estimate", "ci", axis=f"difference from {self.control}")

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn, fail)."""
        fewest = FEW_CLUSTERS if self.clustered else FEW_ROWS
        size = float(self.arms["groups"].min())
        rows = [
            ("srm_p", self.srm_p, SRM_LEVEL, "pass" if self.srm_p >= SRM_LEVEL else "fail"),
            ("smallest_arm", size, fewest, "pass" if size >= fewest else "warn"),
        ]
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


def compare_arms(
    moments: ArmMoments, *, control: str, shares: Mapping[str, float] | None = None, confidence: float = 0.95
) -> ArmComparison:
    """Compare the arms of a randomised experiment by their moments.

    Each figure is a ratio of sums (the denominator being the rows without one), its variance by the delta method from what was
    assigned. A covariate is taken out with one slope for all arms (CUPED). Intervals are Student's t with Welch's degrees of
    freedom; of clusters in equal numbers, with as many as clusters less two.

    Parameters
    ----------
    moments : ArmMoments
        Of `arm_moments`.
    control : str
        The arm to compare with.
    shares : mapping of str to float, optional
        Planned share of each arm, above 0; need not sum to one. Default: equal shares. What was assigned is tested against them.
    confidence : float
        Level of each two-sided interval.

    Returns
    -------
    ArmComparison

    Raises
    ------
    DataError
        There is no such control, or outcome or covariate does not vary.
    ParamsError
        The shares or the level are wrong.

    References
    ----------
    Deng, A., Xu, Y., Kohavi, R. & Walker, T. (2013). Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data. WSDM, 123-132.

    Fieller, E. C. (1954). Some problems in interval estimation. Journal of the Royal Statistical Society B, 16, 175-185.
    """
    names = list(moments.arms)
    if control not in names:
        raise DataError(f"There is no arm '{brief(control)}'.", nearest(control, names))
    if not 0.5 <= confidence < 1:
        raise ParamsError(f"confidence is {confidence:g}.", "It is from 0.5 to 1.")
    order = [names.index(control), *(i for i, name in enumerate(names) if name != control)]
    planned = np.ones(len(names)) if shares is None else _planned(shares, names)
    expected = planned / planned.sum() * moments.assigned.sum()
    srm_p = float(stats.chi2.sf(((moments.assigned - expected) ** 2 / expected).sum(), len(names) - 1))
    size = moments.sums[:, 2]
    figure = moments.sums[:, :2] / size[:, None]
    turn = np.zeros((len(names), 2, 3))
    turn[:, 0, 0] = turn[:, 1, 1] = 1.0
    turn[:, :, 2] = -figure
    spread = (
        turn
        @ moments.products
        @ turn.transpose(0, 2, 1)
        * (moments.groups / (moments.groups - 1) / size**2)[:, None, None]
    )
    if not (spread[:, 0, 0] > 1e-14 * np.maximum(figure[:, 0] ** 2, 1e-300)).any():
        raise DataError("The outcome does not vary in any arm.", "Choose an outcome that varies.")
    plain, mean, reduction = spread[:, 0, 0], figure[:, 0] + moments.centre[0], np.nan
    variance = plain
    if moments.covariate:
        known = float(spread[:, 1, 1].sum())
        if not known > 0:
            raise DataError("The covariate does not vary.", "Leave it out.")
        slope = float(spread[:, 0, 1].sum()) / known
        mean = mean - slope * (figure[:, 1] - float(moments.sums[:, 1].sum() / size.sum()))
        variance = np.maximum(plain - 2 * slope * spread[:, 0, 1] + slope**2 * spread[:, 1, 1], 0.0)
        reduction = float(1 - variance.sum() / plain.sum())
    rows = [_difference(moments, mean, variance, order[0], k, confidence) for k in order[1:]]
    table = pd.DataFrame([{"arm": names[k], **row} for k, row in zip(order[1:], rows, strict=True)])
    table.insert(7, "p_adjusted", adjusted(table["p"]))
    arms = (
        moments.tidy().assign(mean=mean, se=np.sqrt(variance)).iloc[order].drop(columns="rows").reset_index(drop=True)
    )
    return ArmComparison(table, arms, control, srm_p, reduction, moments.clustered, confidence)


def _difference(
    moments: ArmMoments, mean: Array, variance: Array, base: int, k: int, confidence: float
) -> dict[str, float]:
    parts, df = variance[[base, k]], moments.groups[[base, k]] - 1
    total = float(parts.sum())
    if total <= 0:
        raise DataError(
            f"Neither '{brief(moments.arms[base])}' nor '{brief(moments.arms[k])}' varies.", "Leave the arm out."
        )
    equal = moments.clustered and df[0] == df[1]
    freedom = float(df.sum()) if equal else float(total**2 / (parts**2 / df).sum())
    t = float(stats.t.ppf((1 + confidence) / 2, freedom))
    estimate, se = float(mean[k] - mean[base]), float(np.sqrt(total))
    lower, upper = _fieller(float(mean[k]), float(mean[base]), float(parts[1]), float(parts[0]), t)
    return {
        "estimate": estimate, "se": se, "df": freedom, "ci_lower": estimate - t * se, "ci_upper": estimate + t * se,
        "p": float(2 * stats.t.sf(abs(estimate) / se, freedom)), "relative": estimate / mean[base] if mean[base] else np.nan,
        "rel_lower": lower, "rel_upper": upper,
    }  # fmt: skip


def _fieller(a: float, b: float, va: float, vb: float, t: float) -> tuple[float, float]:
    """Return the interval of a / b - 1 for independent a and b; missing where b may be 0."""
    lead = b**2 - t**2 * vb
    if lead <= 0:
        return np.nan, np.nan
    root = np.sqrt(max((a * b) ** 2 - lead * (a**2 - t**2 * va), 0.0))
    return (a * b - root) / lead - 1, (a * b + root) / lead - 1


def _planned(shares: Mapping[str, float], names: list[str]) -> Array:
    wanted = np.array([float(shares.get(name, np.nan)) for name in names])
    if set(shares) != set(names) or not (np.isfinite(wanted) & (wanted > 0)).all():
        raise ParamsError(
            f"shares name {len(shares)} arm(s).", "Give each arm of the data a share above 0, and no other."
        )
    return wanted
