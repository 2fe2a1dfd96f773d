"""Where a gear that a client starts is run: in the server's module, or on the client."""

from gearframe.gears.backends.run import explain, run

__all__ = ["explain", "run"]
