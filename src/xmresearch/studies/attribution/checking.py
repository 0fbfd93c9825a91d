"""Hold a study's params against its journeys before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xmresearch.attribution.concerns import Concern, left_out_concerns
from xmresearch.attribution.reading import read_touches
from xmresearch.attribution.scores import require_on_scale
from xmresearch.data.touches import TouchData
from xmresearch.errors import InsufficientData, ParamsError, Problems, brief, nearest
from xmresearch.studies.attribution.params import AttributionParams
from xmresearch.studies.survey import reading_lines
from xmresearch.sufficient.sources import require_columns


def check_study(params: AttributionParams, data: TouchData) -> list[str]:
    """Check columns, channels and names, without fitting anything; what `xmresearch check` calls.

    Parameters
    ----------
    params : AttributionParams
        Of the study.
    data : TouchData
        Its rows and survey.

    Returns
    -------
    list of str
        Lines that say what would be shared out.

    Raises
    ------
    XMError
        What the run would raise before it fits anything.
    """
    reading = params.reading()
    touches = read_touches(data.rows, **reading)
    facts, channels = touches.summary(), touches.journeys.channels
    problems = Problems()
    with problems.step():
        if not facts["conversions"] > 0:
            raise InsufficientData(
                f"None of the {facts['journeys']:.0f} journeys converted, so there is nothing to share."
            )
        if len(channels) < 2:
            raise InsufficientData(
                f"'{brief(channels[0])}' is the only channel, so all credit is its own.",
                "Name touchpoints in finer detail.",
            )
    known = [*channels, *touches.pool, *touches.dropped]
    with problems.step():
        touches.costs(params.cost)
    _check_channels("direct", [params.direct] if params.direct else [], channels, problems)
    _check_channels("lift", params.lift, channels, problems)
    for stage, inside in (params.stages or {}).items():
        _check_channels(f"stages.{stage}", inside, known, problems)
    if data.survey is not None:
        with problems.step():
            columns, customer = params.rating_columns(), reading["columns"]["customer"]
            names = (customer, columns["score"], columns["rated"], columns["channel"], columns["experience"])
            require_columns(names, data.survey.columns)
            require_on_scale(data.survey, columns["score"], columns["scale"])
    problems.settle()
    pooled = f" ({facts['pooled']} rare ones counted as one)" if facts["pooled"] else ""
    who = f" of {facts['customers']:,d} customers" if facts["customers"] else ""
    lines = [
        *reading_lines(data.table),
        f"Data: {facts['journeys']:,.0f} journeys{who} with {facts['touches']:,.0f} touches of {facts['channels']} "
        f"channels{pooled}, from {params.form}; {facts['conversions']:,.0f} converted ({facts['rate']:.1%}).",
    ]
    concerns = [*touches.concerns, *left_out_concerns(touches.not_used())]
    if not facts["customers"]:
        concerns.append(Concern("independent_journeys"))
    order = f"order up to {params.max_order}" if params.order == "auto" else f"order {params.order}"
    lines += [f"Note: {concern}" for concern in concerns]
    return [*lines, f"Would run: {order}, {params.draws} draws, {params.bootstrap} resamples."]


def _check_channels(key: str, names: Iterable[str], known: Sequence[str], problems: Problems) -> None:
    for name in names:
        if name not in known:
            problems.errors.append(
                ParamsError(f"{key} names '{name}', which is no channel here.", nearest(name, known))
            )
