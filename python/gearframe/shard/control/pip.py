"""Installing with pip: a child process by its arguments, never by a shell."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gearframe.exceptions import GearframeError
from gearframe.shard.control.names import without_password

_PASSED = re.compile(
    r"PATH|HOME|LANG|LC_\w+|TMPDIR|TZ|USER|PIP_\w+|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|NETRC|(?i:https?_proxy|no_proxy|all_proxy)|SSH_AUTH_SOCK"
)
# Where pip would put things elsewhere than it is told to.
_NOT_PASSED = re.compile(r"PIP_(TARGET|USER|PREFIX|ROOT|REQUIREMENT|EDITABLE|REQUIRE_VIRTUALENV)")

TAIL = 60
"""Lines of pip's output that go to the log when it fails."""


class InstallError(GearframeError):
    """pip did not install something; the text has the end of what it printed."""


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Give the variables that pip may see.

    Not PYTHON*, which belong to the embedded interpreter, nor LD_*, nor anything of the server's.

    Examples
    --------
    >>> environment({"PATH": "/bin", "PYTHONHOME": "/x", "LD_PRELOAD": "y", "PIP_TARGET": "z"})
    {'PATH': '/bin', 'PIP_NO_INPUT': '1', 'GIT_TERMINAL_PROMPT': '0'}
    """
    kept = {
        name: value
        for name, value in given.items()
        if _PASSED.fullmatch(name) and not _NOT_PASSED.fullmatch(name)
    }
    return kept | {"PIP_NO_INPUT": "1", "GIT_TERMINAL_PROMPT": "0"}


class Pip:
    """Runs pip, one install at a time, and can be stopped from another thread."""

    def __init__(self, executable: str, log: Callable[[str, str], None]) -> None:
        self._executable = executable
        self._log = log
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def install(self, names: Sequence[str], folder: Path, silence_ms: int) -> None:
        """Install requirements into a folder.

        Parameters
        ----------
        names : sequence of str
            Requirements that were checked (`gearframe.shard.control.names`).
        folder : Path
            Where to; it is there and empty.
        silence_ms : int
            How long pip may print nothing before it is taken for stuck.

        Raises
        ------
        InstallError
            pip failed, was silent for too long, or was stopped.
        """
        # -I: nothing is imported from the folder it stands in, nor from a user's own packages.
        argv = [self._executable, "-I", "-m", "pip", "install", "--verbose", "--no-input"]
        argv += ["--disable-pip-version-check", "--target", str(folder), "--", *names]
        with self._lock:
            if self._stopped:
                raise InstallError("the server is shutting down")
            try:
                # close_fds: the server's sockets must not live on in a child. A session of its
                # own, so that all of its children can be killed together.
                self._child = child = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env=environment(os.environ),
                    cwd="/",
                    close_fds=True,
                    start_new_session=True,
                )
            except OSError as error:
                raise InstallError(f"{self._executable} cannot be started: {error}") from error
        tail: deque[str] = deque(maxlen=TAIL)
        over = False
        try:
            problem = self._follow(child, tail, silence_ms)
            over = problem is None
        finally:
            if not over:
                self._kill(child)
            code = _wait(child)
            with self._lock:
                self._child = None
        problem = problem or _problem(code, tail)
        if problem:
            raise InstallError(f"{problem}; the end of what pip printed:\n" + "\n".join(tail))

    def stop(self) -> None:
        """End an install that is under way, and let no other begin."""
        with self._lock:
            self._stopped = True
            if self._child is not None:
                self._kill(self._child)

    def _follow(
        self, child: subprocess.Popen[bytes], tail: deque[str], silence_ms: int
    ) -> str | None:
        """Read what pip prints until it ends; say so if it prints nothing for too long."""
        assert child.stdout is not None
        stream, rest = child.stdout.fileno(), b""
        poll = select.poll()  # select() cannot watch the high numbers that a busy server has
        poll.register(stream, select.POLLIN)
        logged = time.monotonic()
        while True:
            if not poll.poll(silence_ms or None):
                return f"pip printed nothing for {silence_ms} ms (PythonInstallReqMaxIdleTime)"
            piece = os.read(stream, 65_536)
            *lines, rest = (rest + piece).split(b"\n")
            tail.extend(line[:500].decode("utf-8", "replace").rstrip() for line in lines)
            rest = rest[-10_000:]
            if not piece:
                if rest:
                    tail.append(rest[:500].decode("utf-8", "replace"))
                return None
            if tail and time.monotonic() - logged > 1:
                logged = time.monotonic()
                self._log("verbose", without_password(f"pip: {tail[-1]}"))

    @staticmethod
    def _kill(child: subprocess.Popen[bytes]) -> None:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)


def _wait(child: subprocess.Popen[bytes]) -> int | None:
    """Wait for a child; None where the server, which waits for any child, was faster."""
    if child.stdout is not None:
        child.stdout.close()
    try:
        _, status = os.waitpid(child.pid, 0)
        code = os.waitstatus_to_exitcode(status)
    except ChildProcessError:
        child.returncode = -signal.SIGKILL  # so that nobody waits again, for what may be another
        return None
    child.returncode = code
    return code


def _problem(code: int | None, tail: Sequence[str]) -> str | None:
    """Say what went wrong, if anything did."""
    if code is None:
        done = any(line.lstrip().startswith("Successfully installed") for line in tail)
        return None if done else "pip ended, and does not say that it installed anything"
    return None if code == 0 else f"pip ended with status {code}"
