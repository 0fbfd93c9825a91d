"""The command line: run, compare, verify, bundle, check, new, draft, schema, index, doctor.

Exit codes: 0 done; 2 wrong params or usage; 3 wrong data, or a run that cannot be repeated as it was; 4 a file or folder cannot be read or
written; 5 the notebook stopped; 6 a run that was verified comes out different; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from datetime import datetime
from pathlib import Path

import click

from xmresearch import __version__
from xmresearch.errors import OutputError, XMError, anonymous, brief, foreign

DIFFERENT = 6
"""Exit code of a run that comes out different when it is verified."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="xmresearch")
def cli() -> None:
    """Reproducible studies of measured experience: from a survey export and a params file to a report."""


_override = click.option(
    "-p", "--param", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one parameter."
)
_lang = click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the report.")
_out = click.option("--out", type=click.Path(file_okay=False), help="Folder of all outputs (default: outputs/).")
_data = click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False),
    help="Folder with the inputs of an earlier run (default: where they were).",
)
_run = click.argument("run", metavar="RUN", type=click.Path())
_params = click.argument("params_file", metavar="PARAMS", type=click.Path())


@cli.command()
@_params
@_override
@_lang
@_out
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["html", "pdf", "docx", "xlsx", "pptx"]),
    help="Write the report in this format as well (may be given several times).",
)
@click.option("--force", is_flag=True, help="Compute again even if nothing has changed.")
@_data
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

    formats, shown = tuple(dict.fromkeys(formats)), sys.stderr.isatty()
    if names_a_run(params_file):
        from xmresearch.run.again import run_again

        if overrides or lang:
            raise click.UsageError("A manifest holds all params: -p and --lang go with a params file.")
        done = run_again(params_file, data=data, formats=formats, out=out, force=force, progress=shown, tell=_note)
    else:
        if data is not None:
            raise click.UsageError(
                "--data goes with the manifest of an earlier run: a params file says where its data are."
            )
        if formats:
            overrides = (*overrides, f"formats=[{', '.join(formats)}]")
        done = run_study(params_file, overrides, lang=lang, out=out, force=force, progress=shown, tell=_note)
    seconds = dict(done.seconds)
    cpu = seconds.pop("cpu")
    if done.cached:
        click.echo(f"Nothing has changed since the last run: nothing was computed ({sum(seconds.values()):.1f} s).")
    else:
        stages = ", ".join(f"{stage} {value:.1f} s" for stage, value in seconds.items())
        click.echo(f"Time: {stages}; CPU {cpu:.1f} s in all.")
    click.echo(f"Report: {_shown(done.report)}")


@cli.command()
@click.argument("before", metavar="RUN", type=click.Path())
@click.argument("after", metavar="RUN", type=click.Path())
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the runs that are meant, and of the report.")
@_out
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["html", "pdf", "docx", "xlsx", "pptx"]),
    help="Write the report in this format as well (may be given several times).",
)
@click.option(
    "--on", type=click.DateTime(["%Y-%m-%d"]), help="Day of the later data: what of the actions is overdue by then."
)
def compare(
    before: str, after: str, lang: str | None, out: str | None, formats: tuple[str, ...], on: datetime | None
) -> None:
    """Compare two runs of one study, the earlier first: folders of runs, or params files that were run."""
    from xmresearch.run.compare.compare import compare_runs

    done = compare_runs(before, after, out=out, formats=["html", *formats], lang=lang, on=on and on.date())
    for note in done.notes:
        _note(note)
    click.echo(f"Report: {_shown(done.report)}")


@cli.command()
@_params
@_override
@_lang
def check(params_file: str, overrides: tuple[str, ...], lang: str | None) -> None:
    """Validate params and data and say what would run; nothing is fitted."""
    from xmresearch.run.check import check_study

    click.echo(check_study(params_file, overrides, lang=lang))


@cli.command()
@_run
@_data
@click.option("--params", type=click.Path(), help="The params file (where the manifest does not show all params).")
@click.option("--anyway", is_flag=True, help="Execute and compare though inputs, code, lock or versions differ.")
@click.option("--out", type=click.Path(file_okay=False), help="Folder to keep the new run in (default: it is removed).")
def verify(run: str, data: str | None, params: str | None, anyway: bool, out: str | None) -> None:
    """Execute a run again in a fresh folder, and say whether it comes out the same, and if not, where it differs.

    RUN is a run's folder (such as outputs/servqual/service_hall/latest-en) or its manifest.json. Exit code 0: identical or equal;
    6: different; 3: inputs, params, code, lock or versions are not what they were; 4: there is no such run.
    """
    from xmresearch.run.verify import verify_run

    found = verify_run(run, data=data, params=params, anyway=anyway, out=out, progress=sys.stderr.isatty(), tell=_note)
    for line in found.lines():
        click.echo(anonymous(line))
    if found.state == "different":
        raise SystemExit(DIFFERENT)


@cli.command()
@_run
@click.option("--out", type=click.Path(dir_okay=False), help="File to write (default: STUDY-NAME-KEY.zip).")
def bundle(run: str, out: str | None) -> None:
    """Pack a run into one zip to send: notebook, reports, tables, params, codebook, lock and manifest, without rows of the data."""
    from xmresearch.run.bundle import bundle_run

    click.echo(f"Written: {_shown(bundle_run(run, out))}")


@cli.command()
@click.argument("study")
@click.argument("name")
@click.option("--out", type=click.Path(dir_okay=False), help="File to write (default: params/STUDY/NAME.yml).")
def new(study: str, name: str, out: str | None) -> None:
    """Write a commented params file to start from."""
    from xmresearch.params.schema import commented_params
    from xmresearch.run.project import project_root

    text = commented_params(study, name)
    path = Path(out) if out else project_root() / "params" / study / f"{name}.yml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise OutputError(f"'{_shown(path)}' exists already.", "Choose another name, or delete it.") from None
    except OSError as error:
        raise OutputError(f"'{path}' cannot be written: {error.strerror}.") from None
    click.echo(f"Written: {_shown(path)}\nEdit it, then: xmresearch check {_shown(path)}")


@cli.command()
@click.argument("file", type=click.Path())
@click.option("--study", help="Study to draft for (default: the one that suits the file).")
@click.option("--out", type=click.Path(dir_okay=False), help="Params file to write (default: params/STUDY/NAME.yml).")
@click.option("--name", help="Name of the run (default: made of the file's name).")
@click.option(
    "-p", "--param", "settings", multiple=True, metavar="KEY=VALUE", help="How to read the file, as in 'data'."
)
def draft(file: str, study: str | None, out: str | None, name: str | None, settings: tuple[str, ...]) -> None:
    """Look at a file, and write params and a codebook for it that pass the check; every guess is explained."""
    from xmresearch.run.draft import describe, draft_study

    done = draft_study(file, study=study, out=out, name=name, settings=settings)
    for line in describe(done):
        click.echo(line)
    for path in (done.params, done.codebook):
        if path is not None:
            click.echo(f"Written: {_shown(path)}")
    click.echo(f"Edit what is doubtful, then: xmresearch run {_shown(done.params)}")


@cli.command()
@click.argument("study")
def schema(study: str) -> None:
    """Print the JSON Schema of a study's params, for editors."""
    from xmresearch.params.schema import json_schema

    click.echo(json_schema(study), nl=False)


@cli.command("new-study")
@click.argument("name")
@click.option("--into", type=click.Path(file_okay=False), default=".", help="Folder to make it in (default: here).")
def new_study(name: str, into: str) -> None:
    """Begin a study of your own: a folder with a notebook, params, claims, words and a test that all work."""
    from xmresearch.run.new_study import new_study as write

    folder = write(name, into)
    click.echo(f"Written: {_shown(folder)}\nRun it: xmresearch run {_shown(folder / 'demo.yml')}")


@cli.command()
@click.option("--names", is_flag=True, help="Names only, one a line.")
@click.option("--demos", is_flag=True, help="The params of each study's demo, one a line.")
def studies(names: bool, demos: bool) -> None:
    """List the studies: installed ones, and one's own in and beside the working directory."""
    from xmresearch.params.registry import find_study, study_names

    for name in study_names():
        if demos:
            if demo := find_study(name).demo:
                click.echo(f"{name}/{demo}")
            continue
        about = (find_study(name).params.__doc__ or "").strip().splitlines()
        click.echo(name if names else f"{name:16} {about[0] if about else ''}")


@cli.command()
@_out
@click.option("--lang", type=click.Choice(["zh", "en"]), default="en", help="Language of the page (default: en).")
def index(out: str | None, lang: str) -> None:
    """List every run of the output folder on one page: question, answer, how far to trust it, date, settings."""
    from xmresearch.report.wording import labels
    from xmresearch.run.index import write_index
    from xmresearch.run.project import project_root

    page, count, left = write_index(Path(out) if out else project_root() / "outputs", lang)
    for folder, reason in left:
        click.echo(f"Left out: '{brief(folder)}' ({labels('en')['index'][reason]}).", err=True)
    click.echo(f"{count} runs: {_shown(page)}")


@cli.command()
def doctor() -> None:
    """Look at Python, lock, fonts, pandoc, threads and compile cache, and say what needs mending."""
    from xmresearch.run.doctor import examine

    findings = examine()
    for finding in findings:
        click.echo(f"{'ok  ' if finding.ok else 'MEND'} {finding.what}: {finding.state}")
    if not all(f.ok for f in findings):
        raise SystemExit(1)


def _note(text: str) -> None:
    click.echo(f"Note: {anonymous(text)}", err=True)


def _shown(path: Path) -> str:
    """Return a path relative to the working directory where it lies below it."""
    path = Path.cwd() / path
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def main() -> None:
    """Entry point: turns errors into one line and an exit code."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        raise SystemExit(stop.exit_code) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(2) from None
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nInterrupted: nothing was written, the earlier result stays as it was.", err=True)
        raise SystemExit(130) from None
    except XMError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        # whoever read the answer has heard enough; what Python would still write has nowhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(OutputError.exit_code) from None
    except OSError as error:
        named = f": '{brief(error.filename)}'" if error.filename else ""
        click.echo(f"Error: {error.strerror or brief(error)}{named}.", err=True)
        raise SystemExit(OutputError.exit_code) from None
    except Exception as error:  # a fault of ours; what the message quotes may come from the data
        place = "".join(traceback.format_tb(error.__traceback__))
        click.echo(
            f"{place}{type(error).__name__}: {foreign(str(error), place)}\nThis is a fault of xmresearch: please report it.",
            err=True,
        )
        raise SystemExit(1) from None
