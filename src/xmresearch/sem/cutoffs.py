"""Bounds of fit, and how a model stands to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

GOOD: Mapping[str, float] = {"cfi": 0.95, "rmsea": 0.06, "srmr": 0.08}
"""Hu, L. & Bentler, P. M. (1999). Structural Equation Modeling, 6, 1-55."""
WIDE: Mapping[str, float] = {"cfi": 0.90, "rmsea": 0.08, "srmr": 0.10}
"""Bentler, P. M. & Bonett, D. G. (1980). Psychological Bulletin, 88, 588-606 (CFI); Browne, M. W. & Cudeck, R. (1993). In
Testing Structural Equation Models. Sage (RMSEA); Schermelleh-Engel, K., Moosbrugger, H. & Mueller, H. (2003). Methods of
Psychological Research, 8(2), 23-74 (SRMR)."""
_HIGHER_IS_BETTER = ("cfi",)


def status(measure: str, value: float) -> Literal["pass", "warn", "fail"]:
    """Say how a measure of fit stands to its bounds: pass (within Hu and Bentler's), warn (within the wider ones), fail."""
    side = 1 if measure in _HIGHER_IS_BETTER else -1
    good, wide = side * GOOD[measure], side * WIDE[measure]
    return "pass" if side * value >= good else "warn" if side * value >= wide else "fail"
