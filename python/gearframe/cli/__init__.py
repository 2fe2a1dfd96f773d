"""The command line: ``gearframe demo``, ``infer``, ``scan``, ``server``, ``module-path``."""

from gearframe.cli.app import main

__all__ = ["main"]
