"""Where the loadable module is, and how a server is told to load it.

It is built with the package and lies beside it: ``libgearframe_module.so``. The module runs
Python code inside the server, and is told with which interpreter: that of this program, so that
the packages there are the packages here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from gearframe.exceptions import EmbeddedServerError

FILE = "libgearframe_module.so"


def module_path() -> Path:
    """Find the module that makes a Redis or Valkey server run gears.

    Returns
    -------
    pathlib.Path
        The absolute path, for the server's ``loadmodule``.

    Raises
    ------
    EmbeddedServerError
        If the package was not built: this is a source tree, for example.

    Examples
    --------
    >>> from gearframe.embedded.module import module_path
    >>> module_path().name
    'libgearframe_module.so'
    """
    path = Path(__file__).resolve().parents[1] / FILE
    if not path.is_file():
        raise EmbeddedServerError(
            f"the loadable module is not here: {str(path)!r} does not exist; it is built with the "
            "package, so run `pip install .` in a checkout (`make setup` to develop), or do "
            "without it: EmbeddedServer(module=False)"
        )
    return path


def load_arguments(options: Mapping[str, str | int] | None = None) -> list[str]:
    """Give the words that follow ``loadmodule``: the path, the interpreter, the user's options."""
    # Empty where Python is a part of another program: the module then looks for itself.
    given: dict[str, str | int] = {"Python": sys.executable} if sys.executable else {}
    given |= options or {}
    words = [str(module_path())]
    for name, value in given.items():
        words += [name, str(value)]
    return words
