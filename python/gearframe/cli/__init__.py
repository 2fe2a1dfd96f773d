"""The command line: ``gearframe demo``, ``gearframe scan``."""

from gearframe.cli.app import main

__all__ = ["main"]
