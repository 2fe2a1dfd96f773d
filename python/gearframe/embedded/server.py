"""``EmbeddedServer``: a Valkey process that belongs to this program.

What stops it when the program does not is ``watchdog.py``.
"""

from __future__ import annotations

import atexit
import os
import select
import shutil
import signal
import socket
import subprocess
import time
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from gearframe.embedded import folders, watchdog
from gearframe.embedded.binary import valkey_server
from gearframe.embedded.module import load_arguments
from gearframe.exceptions import EmbeddedServerError, OptionError
from gearframe.shard import libpython

START_LIMIT = 20.0
STOP_LIMIT = 10.0
LOG_LINES = 20

_POLL = 0.002


class EmbeddedServer:
    """Start a Valkey server that lives no longer than this program.

    The server listens on a unix socket in a folder that only this user can enter, and on no
    network port. It stops at ``close()``, at the end of a ``with`` block, or when the program
    ends, even by ``kill -9``. Ctrl-C does not reach it: the program can still use it while it
    handles the interruption.

    Parameters
    ----------
    data_dir : str or os.PathLike, optional
        A folder to keep the data in; it is made if it does not exist. The data is there again
        when a later server uses the same folder. Only one server at a time can. By default the
        data is in memory only, and lost when the server stops.
    module : bool, optional
        Load gearframe's module, which runs gears in the server with this program's Python. By
        default it is loaded if this Python has a shared library, which the server needs; with
        True it is an error if it cannot be loaded, with False it is left out.
    module_options : mapping of str to str or int, optional
        The module's arguments by name, such as ``{"MaxExecutions": 10}``.

    Raises
    ------
    EmbeddedServerError
        If the server does not start (the message ends with its log), if the module is not there
        because the package was not built, or if ``data_dir`` is in use by another embedded
        server or cannot be written.
    OptionError
        If ``module_options`` are given together with ``module=False``.

    Notes
    -----
    The data in ``data_dir`` is Valkey's append-only file, whose base is an RDB file. It is
    flushed to the disk once a second and when the server stops, so a crash of the machine can
    lose the last second; the end of the program loses nothing.

    A child made by ``os.fork`` or ``multiprocessing`` can use the server, but not stop it: the
    server ends with the process that started it.

    Examples
    --------
    >>> from gearframe.embedded import EmbeddedServer
    >>> with EmbeddedServer() as server:
    ...     server.url.startswith("unix:///")
    True
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str] | None = None,
        *,
        module: bool | None = None,
        module_options: Mapping[str, str | int] | None = None,
    ) -> None:
        if module is None:
            module = module_options is not None or libpython.find() is not None
        if module_options and not module:
            raise OptionError("module_options are for the module: leave out module=False, or them")
        self._owner = os.getpid()
        self._data_dir = None if data_dir is None else Path(data_dir).absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._last_log = ""
        program = valkey_server()
        loaded = ["--loadmodule", *load_arguments(module_options)] if module else []
        lock = None if self._data_dir is None else folders.lock(self._data_dir)
        try:
            self._folder = folders.private_folder()
            self._process = watchdog.spawn(
                [str(program), *self._options(), *loaded],
                limit=STOP_LIMIT,
                folder=self._folder,
                log=self._folder / folders.LOG,
                lock=lock,
            )
        finally:
            if lock is not None:
                os.close(lock)  # the server's processes hold it from here on
        _LIVE.add(self)
        atexit.register(self.close)
        try:
            self._wait_ready()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """The server's address, as every function of gearframe takes it.

        Returns
        -------
        str
            ``unix://`` and the path of the socket.
        """
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int:
        """The server's process id.

        Returns
        -------
        int
            The id; it means nothing once the server has stopped.
        """
        return self._pid

    @property
    def data_dir(self) -> Path | None:
        """The folder that keeps the data, or None if it is in memory only.

        Returns
        -------
        pathlib.Path or None
            The absolute path.
        """
        return self._data_dir

    def is_running(self) -> bool:
        """Tell whether the server's process is alive.

        Returns
        -------
        bool
            False after ``close()``, and when the server has died. In a child made by fork
            always False, because only the program that started the server can know.
        """
        pipe = self._pipe
        return pipe is not None and not _readable(pipe, 0)

    def log(self, lines: int = LOG_LINES) -> str:
        """Give the end of the server's log.

        Parameters
        ----------
        lines : int, default 20
            How many lines.

        Returns
        -------
        str
            The last lines; after ``close()`` those from before it.
        """
        file = self._folder / folders.LOG
        text = file.read_text("utf-8", "replace") if file.exists() else self._last_log
        return "\n".join(text.splitlines()[-lines:])

    def close(self) -> None:
        """Stop the server, and wait until it has ended. A second call does nothing.

        With ``data_dir`` the data is written first. A server that has not ended after ten
        seconds is killed.
        """
        if os.getpid() != self._owner or self._process is None:
            return
        process, self._process = self._process, None
        atexit.unregister(self.close)
        _LIVE.discard(self)
        self._last_log = self.log(LOG_LINES * 10)
        with process:  # closes the pipes, which tells the watchdog to stop the server
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            self._wait_end(process, process.stdout)
        shutil.rmtree(self._folder, ignore_errors=True)  # where the watchdog did not live to

    def __enter__(self) -> Self:
        """Give the server itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the server."""
        self.close()

    def __repr__(self) -> str:
        state = f"pid {self._pid}" if self.is_running() else "not running"
        return f"<EmbeddedServer {self.url} {state}>"

    # -- steps -----------------------------------------------------------------------------

    @property
    def _socket(self) -> Path:
        return self._folder / folders.SOCKET

    @property
    def _pipe(self) -> IO[bytes] | None:
        return None if self._process is None else self._process.stdout

    def _options(self) -> Iterator[str]:
        keeps = self._data_dir is not None
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._data_dir or self._folder),
            "appendonly": "yes" if keeps else "no",
            # No RDB file beside the append-only file: at a start Valkey would not read it.
            "save": "",
            "daemonize": "no",
        }
        for key, value in options.items():
            yield from (f"--{key}", value)

    def _wait_ready(self) -> None:
        pipe = self._pipe
        assert pipe is not None
        self._pid = int(pipe.readline() or 0)
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit:
            reply = _ping(self._socket)
            if reply.startswith(b"+PONG"):
                return
            if reply.startswith(b"-LOADING"):
                # It is alive and reads its data, which may be large: there is no limit on that.
                limit = time.monotonic() + START_LIMIT
            if _readable(pipe, _POLL):
                raise EmbeddedServerError(f"the embedded Valkey has ended:\n{self._last_words()}")
        raise EmbeddedServerError(
            f"the embedded Valkey was silent for {START_LIMIT:.0f} seconds:\n{self.log()}"
        )

    def _last_words(self) -> str:
        log = self.log()
        if "Can't load module" in log:
            log += (
                "\nwithout the module, and without gears, it may start: "
                "gf.connect(EmbeddedServer(module=False).url)"
            )
        return log

    def _wait_end(self, process: subprocess.Popen[bytes], pipe: IO[bytes]) -> None:
        # No limit is needed: the watchdog kills a server that takes too long.
        if process.wait() == 0 or _readable(pipe, 0):
            return
        # Somebody has killed the watchdog. The open pipe proves that the server lives, and so
        # that the pid is still its own.
        for number in (signal.SIGTERM, signal.SIGKILL):
            os.kill(self._pid, number)
            if _readable(pipe, STOP_LIMIT):
                return

    def _forget(self) -> None:
        """Drop a fork's copy of the pipe: the pipe must end with the program that started it."""
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            # The process is not this one's child: nothing here may wait for it.
            self._process.returncode = 0
            self._process = None


_LIVE: weakref.WeakSet[EmbeddedServer] = weakref.WeakSet()


def _forget_all() -> None:
    for server in list(_LIVE):
        server._forget()


os.register_at_fork(after_in_child=_forget_all)


def _readable(pipe: IO[bytes], seconds: float) -> bool:
    """Tell whether the pipe has ended: after the pid, its end is all that can be read."""
    # poll and not select, which fails in programs with more than 1024 open files.
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    return bool(poller.poll(seconds * 1000))


def _ping(path: Path) -> bytes:
    """Give the server's answer to PING, or nothing if it does not answer yet."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"*1\r\n$4\r\nPING\r\n")
            return client.recv(64)
        except OSError:
            return b""
