"""The group of commands, and the options and messages that several share."""

from __future__ import annotations

from pathlib import Path

import click

from xmresearch import __version__
from xmresearch.errors import anonymous


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="xmresearch")
def cli() -> None:
    """Reproducible studies of measured experience: from a survey export and a params file to a report."""


override_option = click.option(
    "-p", "--param", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one parameter."
)
lang_option = click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the report.")
out_option = click.option("--out", type=click.Path(file_okay=False), help="Folder of all outputs (default: outputs/).")
data_option = click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False),
    help="Folder with the inputs of an earlier run (default: where they were).",
)
format_option = click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["html", "pdf", "docx", "xlsx", "pptx"]),
    help="Write the report in this format as well (may be given several times).",
)
run_argument = click.argument("run", metavar="RUN", type=click.Path())
params_argument = click.argument("params_file", metavar="PARAMS", type=click.Path())


def note(text: str) -> None:
    """Tell a user something beside the answer."""
    click.echo(f"Note: {anonymous(text)}", err=True)


def shown(path: Path) -> str:
    """Return a path relative to the working directory where it lies below it."""
    path = Path.cwd() / path
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
