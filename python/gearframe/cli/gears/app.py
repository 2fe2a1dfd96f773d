"""The commands below ``gearframe gears``."""

from __future__ import annotations

from cyclopts import App, Group

from gearframe.cli.gears.listing import ps, sessions
from gearframe.cli.gears.run import abort, results, run

app = App(
    name="gears",
    help=(
        "Run Python inside of a server that has gearframe's module, and see what runs there.\n\n"
        "Start with `gearframe gears run script.py --url redis://localhost`."
    ),
    help_format="markdown",
    group_parameters=Group("Options", sort_key=1),
)
for command in (run, ps, abort, results, sessions):
    app.command(command)
