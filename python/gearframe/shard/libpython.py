"""Where the shared library of this Python is, which a server needs to host it.

The module asks the interpreter that it is to host, in a process of its own, by importing this file.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path


def find() -> Path | None:
    """Look for the shared library of the running Python.

    Returns
    -------
    pathlib.Path or None
        The library, or None if this Python was built without one (``--enable-shared``) or its
        library is not installed (Debian: ``libpython3.x``).

    Examples
    --------
    >>> path = find()
    >>> path is None or path.name.startswith("libpython3.")
    True
    """
    names = [sysconfig.get_config_var(name) for name in ("INSTSONAME", "LDLIBRARY")]
    folders = [sysconfig.get_config_var(name) for name in ("LIBDIR", "LIBPL")]
    folders.insert(1, str(Path(sys.base_prefix, "lib")))
    found = [Path(folder, name) for folder in folders for name in names if folder and name]
    there = [path for path in found if ".so" in path.name and path.is_file()]
    return there[0] if there else None
