"""Commands about finished runs."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from xmresearch.cli.options import cli, data_option, format_option, note, out_option, run_argument, shown
from xmresearch.errors import anonymous, brief

DIFFERENT = 6
"""Exit code of a run that comes out different when it is verified."""


@cli.command()
@click.argument("before", metavar="RUN", type=click.Path())
@click.argument("after", metavar="RUN", type=click.Path())
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the runs that are meant, and of the report.")
@out_option
@format_option
@click.option(
    "--on", type=click.DateTime(["%Y-%m-%d"]), help="Day of the later data: what of the actions is overdue by then."
)
def compare(
    before: str, after: str, lang: str | None, out: str | None, formats: tuple[str, ...], on: datetime | None
) -> None:
    """Compare two runs of one study, the earlier first: folders of runs, or params files that were run."""
    from xmresearch.run.compare.compare import compare_runs

    done = compare_runs(before, after, out=out, formats=["html", *formats], lang=lang, on=on and on.date())
    for text in done.notes:
        note(text)
    click.echo(f"Report: {shown(done.report)}")


@cli.command()
@run_argument
@data_option
@click.option("--params", type=click.Path(), help="The params file (where the manifest does not show all params).")
@click.option("--anyway", is_flag=True, help="Execute and compare though inputs, code, lock or versions differ.")
@click.option("--out", type=click.Path(file_okay=False), help="Folder to keep the new run in (default: it is removed).")
def verify(run: str, data: str | None, params: str | None, anyway: bool, out: str | None) -> None:
    """Execute a run again in a fresh folder, and say whether it comes out the same, and if not, where it differs.

    RUN is a run's folder (such as outputs/servqual/service_hall/latest-en) or its manifest.json. Exit code 0: identical or equal;
    6: different; 3: inputs, params, code, lock or versions are not what they were; 4: there is no such run.
    """
    from xmresearch.run.verify import verify_run

    found = verify_run(run, data=data, params=params, anyway=anyway, out=out, progress=sys.stderr.isatty(), tell=note)
    for line in found.lines():
        click.echo(anonymous(line))
    if found.state == "different":
        raise SystemExit(DIFFERENT)


@cli.command()
@run_argument
@click.option("--out", type=click.Path(dir_okay=False), help="File to write (default: STUDY-NAME-KEY.zip).")
def bundle(run: str, out: str | None) -> None:
    """Pack a run into one zip to send: notebook, reports, tables, params, codebook, lock and manifest, without rows of the data."""
    from xmresearch.run.bundle import bundle_run

    click.echo(f"Written: {shown(bundle_run(run, out))}")


@cli.command()
@out_option
@click.option("--lang", type=click.Choice(["zh", "en"]), default="en", help="Language of the page (default: en).")
def index(out: str | None, lang: str) -> None:
    """List every run of the output folder on one page: question, answer, how far to trust it, date, settings."""
    from xmresearch.report.wording import labels
    from xmresearch.run.index import write_index
    from xmresearch.run.project import project_root

    page, count, left = write_index(Path(out) if out else project_root() / "outputs", lang)
    for folder, reason in left:
        click.echo(f"Left out: '{brief(folder)}' ({labels('en')['index'][reason]}).", err=True)
    click.echo(f"{count} runs: {shown(page)}")


@cli.command()
@click.option("--clear", is_flag=True, help="Remove all of them.")
def cache(clear: bool) -> None:
    """Say which fits are kept, and where; they are shared by all runs, and made again where one is missing."""
    from xmresearch import kept_fits

    found = kept_fits.clear() if clear else kept_fits.kept()
    if found.folder is None:
        click.echo(f"No fits are kept: {kept_fits.VARIABLE} is '{kept_fits.OFF}'.")
        return
    said = "removed from" if clear else "kept in"
    most = f" (at most {kept_fits.MOST_BYTES / 1e6:,.0f} MB)" if not clear else ""
    click.echo(f"{found.fits:,d} fits, {found.size / 1e6:,.1f} MB, {said} {shown(found.folder)}{most}")
