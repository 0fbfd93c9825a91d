"""Small surveys whose drivers are known, for what is claimed of structural equation models."""

import numpy as np
import pandas as pd

CONSTRUCTS = ("a", "b", "c", "y", "z")
ITEMS = [f"{c}{k}" for c in CONSTRUCTS for k in (1, 2, 3)]
MODEL = "\n".join(f"{c} =~ {c}1 + {c}2 + {c}3" for c in CONSTRUCTS) + "\ny ~ a + b + c\nz ~ y"
SCALE = (1.0, 7.0)


def factors(rng, n, paths, *, between=0.4, on=0.6):
    """Return standardised drivers a, b, c that correlate `between`, y with these paths, and z that y drives by `on`."""
    corr = np.full((3, 3), between) + (1 - between) * np.eye(3)
    drivers = rng.normal(size=(n, 3)) @ np.linalg.cholesky(corr).T
    paths = np.asarray(paths, dtype=float)
    y = drivers @ paths + np.sqrt(1 - paths @ corr @ paths) * rng.normal(size=n)
    return np.column_stack([drivers, y, on * y + np.sqrt(1 - on**2) * rng.normal(size=n)])


def survey(rng, n, paths, *, loading=0.8, disturbed=0.0, **how):
    """Return answers on a scale from 1 to 7, three to a construct.

    `disturbed` is the size of something that the first items of all constructs share, which no model here has.
    """
    latent = np.repeat(factors(rng, n, paths, **how), 3, axis=1)
    answers = loading * latent + np.sqrt(1 - loading**2) * rng.normal(size=latent.shape)
    answers[:, ::3] += disturbed * rng.normal(size=(n, 1))
    return pd.DataFrame(np.clip(np.rint(4 + 1.2 * answers), *SCALE), columns=ITEMS)


def scales():
    return dict.fromkeys(ITEMS, SCALE)


CODEBOOK = """\
name: made
labels: {{en: Made survey, zh: 模拟问卷}}
scale: {{minimum: 1, maximum: 7}}
constructs:
  a: {{en: Access, zh: 便利}}
  b: {{en: Bearing, zh: 态度}}
  c: {{en: Clarity, zh: 清晰}}
  y: {{en: Satisfaction, zh: 满意}}
  z: {{en: Loyalty, zh: 忠诚}}
batteries:
  perception: {{pattern: "{{id}}"}}
statements:
{statements}
"""


def codebook():
    lines = [f"  {v}: {{construct: {v[0]}, labels: {{en: Item {v}, zh: 题项{v}}}}}" for v in ITEMS]
    return CODEBOOK.format(statements="\n".join(lines))
