"""The command line: run, batch, watch, compare, verify, bundle, check, new, draft, schema, index, cache, doctor.

Exit codes: 0 done; 2 wrong params or usage; 3 wrong data, or a run that cannot be repeated as it was; 4 a file or folder cannot be read or
written; 5 the notebook stopped; 6 a run that was verified comes out different; 10 a run with `alarm_exit` claims an alarm; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import click

from xmresearch.cli import beginning, finished, running  # noqa: F401  (they put their commands into the group)
from xmresearch.cli.options import cli as cli
from xmresearch.cli.options import note, shown
from xmresearch.errors import OutputError, XMError, brief, foreign


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
        if error.kept:
            note(f"The notebook, as far as it came: {shown(Path(error.kept))}")
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
