"""A worker on a thread, and a control plane whose messages a test sends, over hosts in memory."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gearframe.shard.worker.main import Worker
from tests.unit.shard.memory_host import MemoryHost
from tests.unit.shard.plane import Plane


class Running:
    """A worker that runs, and the messages to and from it."""

    def __init__(self, host: MemoryHost) -> None:
        self.host = host
        self.box = host.open_box()
        self.thread = threading.Thread(target=Worker(self.box).serve)
        self.thread.start()
        self.send("open", "s", {"description": "", "site": [], "profile": False})

    def send(self, *message: Any) -> None:
        assert self.host.post(self.box, message)

    def receive(self) -> Any:
        message = self.host.take(0, 30_000)
        assert message is not None, self.host.logged
        return message

    def script(self, text: str, job: int = 1, session: str = "s", **options: Any) -> None:
        given = {"execution_id": f"e{job}", "user": "ann", "db": 3, "protocol": 2} | options
        self.send("script", job, session, text.encode(), given)

    def failure(self, text: str, **options: Any) -> str:
        self.script(text, **options)
        kind, _, error = self.receive()
        assert kind == "failed"
        return error

    def outcome(self, text: str, **options: Any) -> dict[str, Any]:
        self.script(text, **options)
        kind, _, execution, _ = self.receive()
        assert kind == "started", (kind, execution)
        return self.done(execution)

    def done(self, execution: str) -> dict[str, Any]:
        kind, name, told = self.receive()
        assert (kind, name) == ("done", execution)
        return told

    def results(self, text: str, **options: Any) -> list[Any]:
        told = self.outcome(text, **options)
        assert told["errors"] == []
        return told["results"]

    def end(self) -> None:
        self.send("end")
        self.thread.join(30)
        assert not self.thread.is_alive()


@pytest.fixture
def memory_host(monkeypatch: pytest.MonkeyPatch) -> MemoryHost:
    host = MemoryHost()
    monkeypatch.setitem(sys.modules, "_gearframe_host", host)
    return host


@pytest.fixture
def worker(memory_host: MemoryHost) -> Iterator[Running]:
    running = Running(memory_host)
    yield running
    running.end()


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plane:
    monkeypatch.chdir(tmp_path)
    return Plane()
