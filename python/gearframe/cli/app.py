"""The application: its commands, and the way from arguments to an exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cyclopts import App, Group

import gearframe
from gearframe.cli.demo import demo
from gearframe.cli.exits import run
from gearframe.cli.gears import app as gears
from gearframe.cli.infer import infer
from gearframe.cli.scan import scan
from gearframe.cli.server import module_path, server

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEBUG = "--debug"

app = App(
    name="gearframe",
    help=(
        "Ask questions of live Redis and Valkey data, as DataFrames.\n\n"
        "Start with `gearframe demo`. `--debug` anywhere shows the traceback of an error. "
        "Exit codes: 0 done; 1 a value or key is at fault; 2 the request or the server is; "
        "130 interrupted."
    ),
    version=gearframe.__version__,
    help_format="markdown",
    group_parameters=Group("Options", sort_key=1),
)
app.command(demo)
app.command(scan)
app.command(infer)
app.command(gears)
app.command(server)
app.command(module_path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command and its arguments; those of the process, if not given.

    Returns
    -------
    int
        The exit code; ``gearframe.cli.exits`` lists them.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    words = [word for word in given if word != _DEBUG]

    def action() -> None:
        command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
        command(*bound.args, **bound.kwargs)

    return run(action, debug=len(words) < len(given))
