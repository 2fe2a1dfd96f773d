"""The command line: ``gearframe demo``, ``gearframe infer``, ``gearframe scan``."""

from gearframe.cli.app import main

__all__ = ["main"]
