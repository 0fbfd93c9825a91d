"""Commands that run studies."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from xmresearch.cli.options import (
    cli,
    data_option,
    format_option,
    lang_option,
    note,
    out_option,
    override_option,
    params_argument,
    shown,
)
from xmresearch.cli.progress import Teller, spoken

INTERRUPTED = 130
ALARM = 10
"""Exit code of a run that claims an alarm, where its params say alarm_exit."""


@cli.command()
@params_argument
@override_option
@lang_option
@out_option
@format_option
@click.option("--force", is_flag=True, help="Compute again even if nothing has changed.")
@data_option
def run(
    params_file: str,
    overrides: tuple[str, ...],
    lang: str | None,
    out: str | None,
    formats: tuple[str, ...],
    force: bool,
    data: str | None,
) -> None:
    """Run a study and write its report; PARAMS is a params file, or the manifest.json of an earlier run."""
    from xmresearch.run.record import names_a_run
    from xmresearch.run.study import run_study

    formats, bar = tuple(dict.fromkeys(formats)), sys.stderr.isatty()
    if names_a_run(params_file):
        from xmresearch.run.again import run_again

        if overrides or lang:
            raise click.UsageError("A manifest holds all params: -p and --lang go with a params file.")
        done = run_again(params_file, data=data, formats=formats, out=out, force=force, progress=bar, tell=note)
    else:
        if data is not None:
            raise click.UsageError(
                "--data goes with the manifest of an earlier run: a params file says where its data are."
            )
        if formats:
            overrides = (*overrides, f"formats=[{', '.join(formats)}]")
        done = run_study(params_file, overrides, lang=lang, out=out, force=force, progress=bar, tell=note)
    seconds = dict(done.seconds)
    cpu = seconds.pop("cpu")
    if done.cached:
        click.echo(f"Nothing has changed since the last run: nothing was computed ({sum(seconds.values()):.1f} s).")
    else:
        stages = ", ".join(f"{stage} {value:.1f} s" for stage, value in seconds.items())
        click.echo(f"Time: {stages}; CPU {cpu:.1f} s in all.")
    click.echo(f"Report: {shown(done.report)}")
    if done.alarm:
        raise SystemExit(ALARM)


@cli.command()
@params_argument
@override_option
@lang_option
def check(params_file: str, overrides: tuple[str, ...], lang: str | None) -> None:
    """Validate params and data and say what would run; nothing is fitted."""
    from xmresearch.run.check import check_study

    click.echo(check_study(params_file, overrides, lang=lang))


@cli.command()
@click.argument("params_files", metavar="[PARAMS]...", nargs=-1, type=click.Path())
@click.option("--sweep", type=click.Path(), help="A sweep: params files crossed with lists of values.")
@override_option
@lang_option
@out_option
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Processes that run studies, two at a time each (default: one process for each core).",
)
@click.option("--scheduler", metavar="ADDRESS", help="Use the workers of this Dask scheduler, such as tcp://host:8786.")
@click.option(
    "--keep-going/--stop-at-failure",
    default=True,
    help="Whether to begin more runs after one has failed (default: yes).",
)
@click.option("--force", is_flag=True, help="Compute again even what is at hand.")
def batch(
    params_files: tuple[str, ...],
    sweep: str | None,
    overrides: tuple[str, ...],
    lang: str | None,
    out: str | None,
    workers: int | None,
    scheduler: str | None,
    keep_going: bool,
    force: bool,
) -> None:
    """Run the studies of several params files, or of a sweep; only what is not at hand yet is computed.

    Exit code 0: every run is there; otherwise that of the first run that failed.
    """
    from xmresearch.run.batch.batch import run_batch

    if bool(params_files) == bool(sweep):
        raise click.UsageError("Give either params files or --sweep.")
    if workers and scheduler:
        raise click.UsageError("--workers goes with workers of this machine: a scheduler has its own.")
    teller = Teller(sys.stderr.isatty())
    try:
        done = run_batch(
            params_files, sweep=sweep, overrides=overrides, workers=workers, scheduler=scheduler, keep_going=keep_going, lang=lang,
            out=out, force=force, tell=teller,
        )  # fmt: skip
    except KeyboardInterrupt:
        click.echo("\nInterrupted: runs that had ended are kept; the same command does the rest.", err=True)
        raise SystemExit(INTERRUPTED) from None
    computed = sum(outcome.state == "done" for outcome in done.outcomes)
    click.echo(f"{len(done.outcomes)} runs in {spoken(done.seconds)}: {computed} computed, {len(done.outcomes) - computed - len(done.failed)} at hand, "
               f"{len(done.failed)} failed{f', {len(done.not_begun)} not begun' if done.not_begun else ''}.")  # fmt: skip
    for text in done.notes:
        note(text)
    if done.summary is not None:
        click.echo(f"Summary: {shown(done.summary.report)}")
    if done.failed:
        raise SystemExit(done.failed[0].exit_code)


@cli.command()
@params_argument
@override_option
@lang_option
@out_option
def watch(params_file: str, overrides: tuple[str, ...], lang: str | None, out: str | None) -> None:
    """Run a study, and again whenever its params, its notebook or its data are saved; Ctrl-C ends it."""
    from xmresearch.run.watch import watch_study

    try:
        for outcome in watch_study(params_file, overrides, lang=lang, out=out):
            for text in outcome.notes:
                note(text)
            if outcome.state == "failed":
                click.echo(f"Failed: {outcome.error}", err=True)
            else:
                spent = sum(value for stage, value in outcome.seconds.items() if stage != "cpu")
                click.echo(f"Report ({spent:.1f} s): {shown(Path(outcome.folder) / 'report.html')}")
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
