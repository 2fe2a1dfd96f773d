"""The folders of an embedded server: a private one for its socket, and the user's for its data."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

from gearframe.exceptions import EmbeddedServerError

SOCKET = "server.sock"
LOG = "server.log"
LOCK = "gearframe.lock"

# The shortest limit of the supported systems (macOS: 104 bytes, with the closing zero).
SOCKET_PATH_LIMIT = 103
_RANDOM_PART = 8


def private_folder() -> Path:
    """Make a folder that only this user can enter, with a path short enough for a socket."""
    prefix = "gearframe-"
    longest = len(f"/{prefix}{'x' * _RANDOM_PART}/{SOCKET}")
    base = tempfile.gettempdir()
    if len(os.fsencode(base)) + longest > SOCKET_PATH_LIMIT:
        base = "/tmp"  # a deep TMPDIR would make a path that no socket can have
    return Path(tempfile.mkdtemp(prefix=prefix, dir=base))


def lock(data_dir: Path) -> int:
    """Take a data folder for one server, and give the open file that holds it.

    The server's processes inherit the file: the folder is free again when the last of them has
    ended, however they end, and not before.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EmbeddedServerError(
            f"data_dir {str(data_dir)!r} cannot be used: {error.strerror}; "
            "give a folder that can be written, or None to keep the data in memory only"
        ) from error
    if (data_dir / "dump.rdb").exists() and not (data_dir / "appendonlydir").exists():
        os.close(file)
        raise EmbeddedServerError(
            f"data_dir {str(data_dir)!r} holds the dump.rdb of another server, which would be "
            "ignored without a word; give another folder, and copy the keys from a server that "
            "has loaded that file"
        )
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise EmbeddedServerError(
            f"data_dir {str(data_dir)!r} is in use by another embedded server; "
            "close that one first, or connect to its URL"
        ) from None
    return file
