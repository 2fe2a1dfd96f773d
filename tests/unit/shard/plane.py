"""A server in memory, for the control plane: mailboxes are lists, and a test reads them.

It stands for the functions of the host alone. The worker's side of a mailbox is the test.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gearframe.shard.control import dispatch
from gearframe.shard.control.control import Control

SHARD = "0" * 40


class MemoryHost:
    """What `gearframe.shard.control.hosting.Host` asks for."""

    def __init__(self) -> None:
        self.boxes: dict[int, deque[Any]] = {0: deque()}
        self.replies: dict[int, Any] = {}
        self.lines: list[tuple[str, str]] = []
        self.settings: dict[str, str] = {}
        self.sections: dict[str, dict[str, int | str]] = {}
        self.interpreters: list[tuple[str, bool, str, str, list[Any]]] = []
        self.server: dict[str, Any] = {
            "shard_id": SHARD,
            "own_gil": False,
            "executable": "/nowhere/python3",
            "memory": {"total": 30, "peak": 20, "current": 10},
        }
        self.commands: deque[Any] = deque()
        self.no_interpreters: str | None = None
        self.refuse_reply: Exception | None = None
        self.sent: list[Any] = []
        self._numbers = itertools.count(1)

    def next_command(self) -> Any:
        return self.commands.popleft() if self.commands else None

    def reply(self, token: int, tree: Any, /) -> bool:
        assert token not in self.replies, f"{token} is answered twice"
        if self.refuse_reply is not None:
            refused, self.refuse_reply = self.refuse_reply, None
            raise refused
        self.replies[token] = tree
        return True

    def post(self, box: int, tree: Any, /) -> bool:
        if box not in self.boxes:
            return False
        self.boxes[box].append(tree)
        self.sent.append(tree)
        return True

    def take(self, box: int, timeout_ms: int, /) -> Any:
        return self.boxes[box].popleft() if self.boxes.get(box) else None

    def open_box(self) -> int:
        number = next(self._numbers)
        self.boxes[number] = deque()
        return number

    def close_box(self, box: int, /) -> None:
        del self.boxes[box]

    def start_interpreter(
        self, name: str, isolated: bool, module: str, function: str, arguments: list[Any], /
    ) -> None:
        if self.no_interpreters is not None:
            raise RuntimeError(self.no_interpreters)
        self.interpreters.append((name, isolated, module, function, arguments))

    def log(self, level: str, text: str, /) -> None:
        self.lines.append((level, text))

    def config_get(self, name: str, /) -> str | None:
        return self.settings.get(name)

    def facts(self) -> dict[str, Any]:
        return self.server

    def info_set(self, section: str, fields: dict[str, int | str], /) -> None:
        self.sections[section] = dict(fields)


class Plane:
    """A control plane over a server in memory; everything happens when the test says so."""

    def __init__(self) -> None:
        self.host = MemoryHost()
        self.now = 0.0
        self.later: list[Any] = []
        self.aside: Callable[[Callable[[], None]], None] = lambda work: work()
        self.installs: list[tuple[list[str], Path, int]] = []
        self.install_error: Exception | None = None
        self.control = Control(
            self.host,
            start_shared=lambda box: None,
            background=self.later.append,
            aside=lambda work: self.aside(work),
            install=self._install,
            clock=lambda: self.now,
        )
        self._tokens = itertools.count(1)

    def _install(self, names: Any, folder: Path, silence_ms: int) -> None:
        self.installs.append((list(names), folder, silence_ms))
        (folder / "half.py").write_text("x = 1\n")
        if self.install_error is not None:
            raise self.install_error
        info = folder / "thing-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")

    # -- clients -----------------------------------------------------------------------------------

    def send(self, name: str, *arguments: bytes | str, token: int | None = None) -> int:
        """Send a command, and give its token."""
        token = next(self._tokens) if token is None else token
        raw = [each.encode() if isinstance(each, str) else each for each in arguments]
        client = {"user": "alice", "id": token, "db": 3, "protocol": 2}
        dispatch.answer(self.control, (token, name, raw, client))
        return token

    def ask(self, name: str, *arguments: bytes | str) -> Any:
        """Send a command that is answered at once, and give the reply."""
        return self.host.replies[self.send(name, *arguments)]

    def error(self, name: str, *arguments: bytes | str) -> str:
        """Send a command that is refused, and give the text without ``ERR``."""
        kind, text = self.ask(name, *arguments)
        assert kind == "error"
        return str(text).removeprefix("ERR ")

    def answered(self, token: int) -> bool:
        return token in self.host.replies

    def reply(self, token: int) -> Any:
        return self.host.replies[token]

    def leave(self, token: int) -> None:
        self.tell("disconnected", token)

    # -- the worker --------------------------------------------------------------------------------

    def tell(self, *message: Any) -> None:
        """Bring a message to the control plane."""
        dispatch.receive(self.control, message)

    def got(self, box: int = 1) -> list[Any]:
        """Take what a worker was sent."""
        taken = list(self.host.boxes[box])
        self.host.boxes[box].clear()
        return taken

    def script(self, *options: bytes | str, body: str = "x", box: int = 1) -> tuple[int, int, str]:
        """Send a script which reaches its worker; give its token, job and execution's id."""
        token = self.send("RG.PYEXECUTE", body, *options)
        assert token not in self.host.replies, self.host.replies[token]
        (message,) = [each for each in self.got(box) if each[0] == "script"]
        return token, message[1], message[4]["execution_id"]

    def run(self, *options: bytes | str) -> tuple[int, str]:
        """Send a script whose execution runs; give its token and the execution's id."""
        token, job, name = self.script(*options)
        self.tell("started", job, name, [["map", "f", ""]])
        return token, name

    def done(self, name: str, *results: Any, errors: Any = (), aborted: bool = False) -> None:
        """Let an execution end."""
        outcome = {
            "results": list(results),
            "errors": list(errors),
            "aborted": aborted,
            "total_ms": 12.7,
            "read_ms": 3.2,
            "steps": [["map", 1.5, "f", ""]],
        }
        self.tell("done", name, outcome)

    def finished(self, *results: Any) -> str:
        """Run an execution whose results are kept."""
        _, name = self.run("UNBLOCKING")
        self.done(name, *results)
        return name

    def background(self) -> None:
        """Do what was put off, and bring the news."""
        while self.later:
            self.later.pop(0)()
        while self.host.boxes[0]:
            dispatch.receive(self.control, self.host.boxes[0].popleft())

    def sessions(self, *options: str) -> list[dict[str, Any]]:
        """Give the sessions as dicts."""
        return [pairs(each) for each in self.ask("RG.PYDUMPSESSIONS", *options)]


def pairs(flat: list[Any]) -> dict[str, Any]:
    """Make a dict of a flat list of names and values."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
