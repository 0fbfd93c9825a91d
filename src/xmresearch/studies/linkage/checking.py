"""Hold the params of a linkage study against its sources before anything is fitted."""

from __future__ import annotations

from xmresearch.errors import DataError, InsufficientData, brief
from xmresearch.linkage.link_levels import within_between
from xmresearch.studies.linkage.linking import LINKED, LinkedData, link, linked_data, stated_links
from xmresearch.studies.linkage.opening import LinkageData
from xmresearch.studies.linkage.params import LinkageParams
from xmresearch.studies.survey import reading_lines


def check_study(params: LinkageParams, data: LinkageData) -> list[str]:
    """Check columns, answers and branches; what `xmresearch check` calls.

    Parameters
    ----------
    params : LinkageParams
        Of the study.
    data : LinkageData
        Its sources.

    Returns
    -------
    list of str
        Lines that say what would be linked.

    Raises
    ------
    XMError
        What the run would raise.
    """
    made = linked_data(params, data)
    require_common(made)
    links = within_between(made.moments, confidence=params.confidence)
    found = link(params.model_copy(update={"wave": None}), data, made, links)
    facts, (how, share, most) = made.summary(), stated_links(params)
    lines = [
        *(line for table, _ in data.read_from for line in reading_lines(table)),
        f"Data: {facts['answers']:,d} answers of {facts['customers']:,d} customers of {facts['branches']:,d} branches from {data.source}; "
        f"{int(made.who[LINKED].sum()):,d} of {len(made.who):,d} have '{brief(params.outcome)}'.",
        f"Sources: {'; '.join(_counted(r) for r in made.sources.to_dict('records'))}.",
        f"Wrong links: {how}, {share:.1%}, at most {most:.1%}.",
    ]
    few = [part for part, reason in found.why.items() if reason == "too_few" and part != "lags"]
    if few:
        lines.append(f"Too little for: {', '.join(few)}; the report says so.")
    return [
        *lines,
        f"Would run: links within and between {facts['branches']:,d} branches{', over waves' if params.wave else ''}.",
    ]


def _counted(row: dict[str, object]) -> str:
    return f"{str(row['source']).removeprefix('source_')} {row['branches']} branches, {row['common']} of them in all sources"


def require_common(made: LinkedData) -> None:
    """Refuse sources that have no branch in common.

    Parameters
    ----------
    made : LinkedData
        Rows, reduced.

    Raises
    ------
    DataError, InsufficientData
        No branch is in all sources; a single branch is.
    """
    common = int(made.sources["common"].iloc[0])
    if common == 0:
        raise DataError(
            "No branch is in all sources.",
            "Name branches alike in data, staff and results; the columns are 'branch' of each.",
        )
    if common == 1:
        raise InsufficientData("One branch only is in all sources.", "Name branches alike in data, staff and results.")
