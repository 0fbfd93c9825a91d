"""What studies of one survey share: how it is opened, and what `check` says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from xmresearch.data.codebook import Codebook
from xmresearch.data.formats.table import Table
from xmresearch.data.load import load_survey
from xmresearch.data.survey import Survey
from xmresearch.errors import Problems, brief
from xmresearch.params.survey import SurveyParams

STREAMED = (
    "Streamed: more rows than are read at once, so figures are made of statistics; what needs all respondents (bootstrap, robust errors, "
    "full information, drivers, patterns of blanks, repeated identifiers and rows) is left out or replaced, which the report says."
)
NOTABLE_MISSING = 0.1
FEW_RESPONDENTS = 30
MOST_LINES = 5
_SHOWN = 8
_PROTECTED = {
    "dropped": "dropped", "replaced": "replaced by running numbers", "hashed": "replaced by keyed hashes",
    "scrubbed": "with texts scrubbed of identifiers", "kept": "kept, as the params say",
}  # fmt: skip


def open_survey(params: SurveyParams, base: Path | None = None) -> Survey:
    """Read, check and screen the survey that the params name; raises as `load_survey` does."""
    return load_survey(**params.survey_settings(), base=base)


def rated_items(codebook: Codebook) -> list[str]:
    """Return the items whose blanks are described: all ratings but those of importance, which may add up to a given sum."""
    return [c.name for c in codebook.columns if c.kind != "importance"]


def rows_used(used: int, left_out: int) -> dict[str, int] | None:
    """Return how many respondents a figure rests on and how many are left out for blanks; None where nobody is."""
    return {"used": used, "left_out": left_out, "total": used + left_out} if left_out else None


def few_respondents(n: int) -> dict[str, int] | None:
    """Return what must be said of a small sample on the first screen; None where it is not small."""
    return {"n": n, "few": FEW_RESPONDENTS} if n < FEW_RESPONDENTS else None


def describe_survey(
    params: SurveyParams, survey: Survey, examine: Callable[[], list[str]], what: str = ""
) -> list[str]:
    """Say what was read and screened, and what would be analysed.

    Parameters
    ----------
    params : SurveyParams
        Of the study.
    survey : Survey
        Checked and screened.
    examine : callable
        The study's own examination; returns its lines, and raises what the run would.
    what : str
        What would be analysed; the number of items if absent.

    Returns
    -------
    list of str

    Raises
    ------
    XMError
        Fewer people were invited than answered, or the examination fails; both are told at once.
    """
    problems, examined = Problems(), []
    with problems.step():
        survey.response(params.invited)
    with problems.step():
        examined = examine()
    problems.settle()
    facts = survey.summary()
    lines = [
        f"Data: {facts['received']} respondents from {facts['source']}, {facts['n']} after screening"
        f" (effective n {facts['n_eff']:.0f}); {facts['missing_share']:.1f} % of the ratings are blank."
    ]
    if survey.streamed:
        lines.append(STREAMED)
    lines = [*reading_lines(survey.table), *lines, items_line(survey), *missing_lines(survey)]
    lines += [f"Answers in words: {c.line()}" for c in survey.conversions]
    lines += unused_lines(params, survey.table)
    for rule in survey.log.rules.to_dict("records"):
        if rule["flagged"]:
            done = f"{rule['removed']} left out" if rule["removed"] else rule["action"]
            lines.append(f"Screening: {rule['rule']} found {rule['flagged']} ({done}).")
    by = f", by {', '.join(survey.segments)}" if survey.segments else ""
    lines += [*examined, f"Would run: {what or f'{len(survey.codebook.columns)} items'}{by}."]
    if survey.notes:
        lines.append(f"Not asked in this survey: {', '.join(survey.notes)}.")
    return lines


def unused_lines(params: SurveyParams, table: Table | None) -> list[str]:
    """Name columns that the file's form knows and the params do not use: what tells respondents apart, and how long they took.

    Parameters
    ----------
    params : SurveyParams
        Of the study.
    table : Table or None
        What the file said.

    Returns
    -------
    list of str
    """
    if table is None:
        return []
    asked = (("duration", "duration_column", params.duration_column), ("id", "id_column", params.id_column))
    return [
        f"Not used: column '{column}' ({role}); {key}: {column} would screen by it."
        for role, key, given in asked
        for column in [next((c for c, r in table.roles.items() if r == role), None)]
        if column is not None and given is None
    ]


def items_line(survey: Survey) -> str:
    """Say which items there are, on which scales, and how many are reversed.

    Parameters
    ----------
    survey : Survey
        As loaded.

    Returns
    -------
    str
    """
    counts = Counter((c.kind, c.scale.minimum, c.scale.maximum) for c in survey.codebook.columns)
    parts = [f"{n} {kind} on {low:g}-{high:g}" for (kind, low, high), n in counts.items()]
    turned = sum(c.reverse for c in survey.codebook.columns)
    return f"Items: {', '.join(parts)}{f'; {turned} reversed' if turned else ''}."


def missing_lines(survey: Survey) -> list[str]:
    """Say which items many respondents left without an answer, and why, as far as the file or the params say it.

    Parameters
    ----------
    survey : Survey
        As loaded.

    Returns
    -------
    list of str
        One line for each item without answers of at least `NOTABLE_MISSING` of those kept; the first `MOST_LINES` of them.
    """
    table = survey.table
    share = survey.frame.isna()[[c.name for c in survey.codebook.columns]].mean()
    notable = share[share >= NOTABLE_MISSING].sort_values(ascending=False, kind="stable")
    lines = []
    for name, part in notable.items():
        sources = {"declared in the file": table.declared_missing, "codes": table.coded_missing} if table else {}
        why = [f"{counts[name]} {what}" for what, counts in sources.items() if counts.get(str(name))]
        lines.append(f"Missing: '{name}' has no answer of {part:.0%}{f' ({", ".join(why)})' if why else ''}.")
    rest = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], *([f"Missing: {rest} more item(s) likewise."] if rest > 0 else [])]


def protection_lines(table: Table) -> list[str]:
    """Say what became of columns that tell who somebody is, and of answers in respondents' own words.

    Parameters
    ----------
    table : Table
        What the file said.

    Returns
    -------
    list of str
    """
    lines = []
    for done, how in _PROTECTED.items():
        found = [p for p in table.protected if p.done == done and p.kind != "open_text"]
        if found:
            shown = ", ".join(f"'{brief(p.column)}' ({p.kind})" for p in found[:_SHOWN]) + (
                ", ..." if len(found) > _SHOWN else ""
            )
            lines.append(f"Personal data: {len(found)} column(s) {how}: {shown}.")
    for done, how in (
        ("dropped", "were not carried (data.protect.free_text)"),
        ("scrubbed", "are carried, scrubbed of identifiers and names"),
    ):
        words = [p.column for p in table.protected if p.done == done and p.kind == "open_text"]
        if words:
            shown = ", ".join(f"'{brief(c)}'" for c in words[:_SHOWN]) + (", ..." if len(words) > _SHOWN else "")
            lines.append(f"Free text: answers in respondents' own words in {len(words)} column(s) {how}: {shown}.")
    return lines + [
        f"Note: {p.alike} values of '{brief(p.column)}' are alike without identifiers of persons; numbers tell them apart."
        for p in table.protected if p.alike
    ]  # fmt: skip


def reading_lines(table: Table | None) -> list[str]:
    """Say how a file was read: its form, what tells it, what was left out and what to know.

    Parameters
    ----------
    table : Table or None
        None where the rows came from no file; nothing is said then.

    Returns
    -------
    list of str
    """
    if table is None:
        return []
    encoding = f", {table.encoding}" if table.encoding else ""
    lines = [f"Read as {table.format} ({table.why}{encoding})."]
    lines += [f"Left out: {count} row(s), {rule}." for rule, count in table.left_out.items()]
    if table.declared_missing:
        lines.append(
            f"Declared missing in the file and blanked: {sum(table.declared_missing.values())} answer(s) in "
            f"{len(table.declared_missing)} column(s)."
        )
    if table.coded_missing:
        lines.append(
            f"Blanked as codes for no answer: {sum(table.coded_missing.values())} answer(s) in {len(table.coded_missing)} "
            "column(s)."
        )
    return [
        *lines,
        *(join.line() for join in table.joins),
        *protection_lines(table),
        *(f"Note: {note}" for note in table.notes),
    ]
