"""Activities that are counted as one: of too few customers to be named, or the same but for their form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xmresearch.journeys.case_log import CaseLog
from xmresearch.sufficient.label_forms import OTHER, form_key


def pool_rare(log: CaseLog, min_cell: int) -> tuple[CaseLog, int]:
    """Count activities of few customers as one, with further ones until they are enough together, so that none can be told.

    Parameters
    ----------
    log : CaseLog
        The cases.
    min_cell : int
        Fewest customers behind a name.

    Returns
    -------
    log : CaseLog
        In which such activities are '(other)'.
    pooled : int
        How many they are.
    """
    size = len(log.activities)
    who = log.customer[log.case_of]
    pairs = np.unique(log.code * (int(who.max(initial=0)) + 1) + who)
    customers = np.bincount(pairs // (int(who.max(initial=0)) + 1), minlength=size)
    order = np.lexsort((np.arange(size), customers))
    order = order[customers[order] > 0]
    few = int((customers[order] < min_cell).sum())
    if not few:
        return log, 0
    count = few
    while count < len(order):
        inside = np.isin(log.code, order[:count])
        if count > 1 and len(np.unique(who[inside])) >= min_cell:
            break
        count += 1
    rare = order[:count]
    place = np.full(size, -1, dtype=np.int64)
    kept = [k for k in range(size) if k not in set(rare.tolist())]
    place[kept] = np.arange(len(kept))
    place[rare] = len(kept)
    names = (*(log.activities[k] for k in kept), OTHER)
    return replace(log, activities=names, code=place[log.code]), count


def merge_label_forms(log: CaseLog) -> CaseLog:
    """Count activities that differ in letter case, blanks or Unicode form only as one, under the form that occurs most.

    Parameters
    ----------
    log : CaseLog
        The cases.
    """
    often = np.bincount(log.code, minlength=len(log.activities))
    first: dict[str, str] = {}
    for k in sorted(range(len(log.activities)), key=lambda k: (-int(often[k]), log.activities[k])):
        first.setdefault(form_key(log.activities[k]), log.activities[k])
    names = tuple(a for a in log.activities if first[form_key(a)] == a)
    place = np.array([names.index(first[form_key(a)]) for a in log.activities], dtype=np.int64)
    return replace(log, activities=names, code=place[log.code])
