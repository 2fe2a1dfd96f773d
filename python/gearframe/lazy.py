"""Names of a package that are imported when they are first used (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any


def lazy(
    package: str, names: Mapping[str, str], parts: Collection[str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the functions ``__getattr__`` and ``__dir__`` of a package.

    Parameters
    ----------
    package : str
        The package.
    names : mapping of str to str
        Each name with the module that has it.
    parts : collection of str
        Modules of the package that are found without having been imported.

    Returns
    -------
    tuple of functions

    Examples
    --------
    >>> get, names = lazy("gearframe", {"read_stream": "gearframe.streams.read"}, ["cli"])
    >>> get("read_stream").__module__
    'gearframe.streams.read'
    >>> "cli" in names()
    True
    """
    module = vars(sys.modules[package])

    def get(name: str) -> Any:
        if name in parts:
            return import_module(f"{package}.{name}")
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        # From now on Python finds it by itself.
        found = module[name] = getattr(import_module(names[name]), name)
        return found

    def listed() -> list[str]:
        return sorted({*module, *names, *parts})

    return get, listed
