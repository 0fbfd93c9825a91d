"""Commands to begin with: params, codebooks, studies of one's own, and the state of the installation."""

from __future__ import annotations

from pathlib import Path

import click

from xmresearch.cli.options import cli, shown
from xmresearch.errors import OutputError


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
        raise OutputError(f"'{shown(path)}' exists already.", "Choose another name, or delete it.") from None
    except OSError as error:
        raise OutputError(f"'{path}' cannot be written: {error.strerror}.") from None
    click.echo(f"Written: {shown(path)}\nEdit it, then: xmresearch check {shown(path)}")


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
            click.echo(f"Written: {shown(path)}")
    click.echo(f"Edit what is doubtful, then: xmresearch run {shown(done.params)}")


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
    click.echo(f"Written: {shown(folder)}\nRun it: xmresearch run {shown(folder / 'demo.yml')}")


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
def doctor() -> None:
    """Look at Python, lock, fonts, pandoc, threads and compile cache, and say what needs mending."""
    from xmresearch.run.doctor import examine

    findings = examine()
    for finding in findings:
        click.echo(f"{'ok  ' if finding.ok else 'MEND'} {finding.what}: {finding.state}")
    if not all(f.ok for f in findings):
        raise SystemExit(1)
