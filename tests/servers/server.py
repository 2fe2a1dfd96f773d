"""One real server process: started on a free port or a socket, stopped without traces.

Which programs there are is ``catalog.py``; who shares a server is ``fixtures.py``.
"""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.servers.catalog import Entry, find

START_LIMIT = 60.0
STOP_LIMIT = 10.0
PORT_TRIES = 5

Option = str | int | Sequence[str]


class ServerError(Exception):
    """A server did not start; the text ends with its log."""


def free_port() -> int:
    """Let the kernel choose a TCP port of the loopback interface."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Server:
    """A server of the catalog, running in a folder of its own.

    ``options`` are configuration lines: ``{"maxmemory": "1mb", "save": ["60", "1"]}``.
    ``users`` are ACL lines: ``["alice on >secret ~app:* +@read"]``.
    ``modules`` are loaded after the catalog's: ``["/path/module.so argument 'another one'"]``.
    """

    def __init__(
        self,
        name: str | Entry,
        *,
        options: Mapping[str, Option] | None = None,
        users: Sequence[str] = (),
        modules: Sequence[str] = (),
        unix: bool = False,
    ) -> None:
        self.entry = find(name) if isinstance(name, str) else name
        self.options = dict(options or {})
        self.users = tuple(users)
        self.modules = (*self.entry.modules, *modules)
        self.unix = unix
        self.port = 0
        self.folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._last_log = ""
        self._may_end = False

    # -- life ------------------------------------------------------------------------------

    def start(self) -> Server:
        """Start the process and wait until it answers; a killed server gets its old port."""
        if self.entry.missing is not None:
            raise ServerError(f"{self.entry.name} cannot be had: {self.entry.missing}")
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix=f"{self.entry.name}-"))
            atexit.register(self.stop)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the process, by force if it does not listen, and remove its folder."""
        if self.running:
            self.resume()  # a stopped process does not see SIGTERM
            self._signal(signal.SIGTERM)
        self._end(STOP_LIMIT)
        if self.folder is not None:
            self._last_log = self.log()
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None
        atexit.unregister(self.stop)

    def kill(self) -> None:
        """End the process as a crash would; its folder stays, so that it can start again."""
        self._end(0)

    def may_end(self) -> None:
        """Say that the process ends by something else than ``stop`` and ``kill``: ``SHUTDOWN``."""
        self._may_end = True

    def pause(self) -> None:
        """Make the server silent without closing anything; it is so on return."""
        self._signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let a paused server go on."""
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Server:
        return self if self.running else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # -- facts -----------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def died(self) -> str | None:
        """How the process ended, if neither ``stop`` nor ``kill`` did it, and nobody expects it."""
        if self._may_end or self._process is None or self._process.poll() is None:
            return None
        code = self._process.returncode
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerError(f"{self.entry.name} is not running")
        return self._process.pid

    @property
    def socket_path(self) -> Path:
        if self.folder is None:
            raise ServerError(f"{self.entry.name} is not running")
        return self.folder / "socket"

    @property
    def url(self) -> str:
        """The address without user and password."""
        return f"unix://{self.socket_path}" if self.unix else f"redis://127.0.0.1:{self.port}"

    def log(self) -> str:
        """All that the server has printed; still there after it was stopped."""
        file = self.folder / "log" if self.folder is not None else None
        if file is None or not file.exists():
            return self._last_log
        return file.read_text("utf-8", errors="replace")

    def __repr__(self) -> str:
        where = self.url if self.folder is not None else "stopped"
        return f"<Server {self.entry.name} {where}>"

    # -- steps -----------------------------------------------------------------------------

    def _start(self) -> None:
        self._may_end = False
        for _ in range(PORT_TRIES):
            chosen_now = not self.unix and self.port == 0
            if chosen_now:
                self.port = free_port()
            self._spawn()
            if self._wait_ready():
                return
            # Another process can take the port between our choice and the server's bind.
            if not (chosen_now and "Address already in use" in self.log()):
                break
            self.port = 0
        raise ServerError(f"{self.entry.name} did not start; its log:\n{self.log()}")

    def _spawn(self) -> None:
        assert self.folder is not None
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*_tied_to_us(), *self.entry.command, *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.entry.env},
                cwd=self.folder,
            )

    def _arguments(self) -> Iterator[str]:
        options: dict[str, Option] = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
        }
        if self.unix:
            options |= {"unixsocket": str(self.socket_path), "unixsocketperm": "700"}
        if self.options.get("cluster-enabled") == "yes":
            # By default the bus takes port + 10000, which a high port pushes out of range.
            options["cluster-port"] = free_port()
        for key, value in (options | dict(self.entry.options) | self.options).items():
            yield f"--{key}"
            yield from [str(value)] if isinstance(value, str | int) else map(str, value)
        for user in self.users:
            yield from ("--user", *user.split())
        for module in self.modules:
            yield from ("--loadmodule", *shlex.split(module))

    def _wait_ready(self) -> bool:
        """Poll until the server answers (true), or has ended or been silent too long (false)."""
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit:
            if not self.running:
                return False
            # The log proves that it is our process that answers on this port.
            if "Ready to accept connections" in self.log() and self._answers():
                return True
            time.sleep(0.005)
        self._end(0)
        return False

    def _answers(self) -> bool:
        family = socket.AF_UNIX if self.unix else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket_path) if self.unix else ("127.0.0.1", self.port))
                client.sendall(b"*1\r\n$4\r\nPING\r\n")
                reply = client.recv(64)
            except OSError:
                return False
        # A server with a password refuses PING, which is an answer all the same.
        return reply.startswith((b"+PONG", b"-NOAUTH"))

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, patience: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _tied_to_us() -> list[str]:
    """Give a command prefix that lets the kernel kill the server when this process is killed.

    The signal follows the end of the thread that started the server, so only servers of the
    main thread can have it. It is a second net: ``atexit`` is the first.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return []
    return [setpriv, "--pdeathsig", "KILL", "--"]
