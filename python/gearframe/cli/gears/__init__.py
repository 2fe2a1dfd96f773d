"""``gearframe gears``: gears in a server that has the module."""

from gearframe.cli.gears.app import app

__all__ = ["app"]
