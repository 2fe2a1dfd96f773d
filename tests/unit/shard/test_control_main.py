"""The threads of the control plane, from the first command to the end of the server."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

from gearframe.shard import main
from gearframe.shard.control import worker_thread
from tests.unit.shard.plane import MemoryHost


class LiveHost(MemoryHost):
    """A server in memory at which threads can wait."""

    def __init__(self) -> None:
        super().__init__()
        self.queues: dict[int, queue.Queue[Any]] = {0: queue.Queue()}
        self.calls: queue.Queue[Any] = queue.Queue()
        self.answers: queue.Queue[Any] = queue.Queue()

    def next_command(self) -> Any:
        return self.calls.get()

    def reply(self, token: int, tree: Any, /) -> bool:
        self.answers.put((token, tree))
        return True

    def post(self, box: int, tree: Any, /) -> bool:
        if box in self.queues:
            self.queues[box].put(tree)
        return box in self.queues

    def take(self, box: int, timeout_ms: int, /) -> Any:
        try:
            return self.queues[box].get(timeout=None if timeout_ms < 0 else timeout_ms / 1000)
        except queue.Empty:
            return None

    def open_box(self) -> int:
        box = super().open_box()
        self.queues[box] = queue.Queue()
        return box

    def close_box(self, box: int, /) -> None:
        del self.queues[box]


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> LiveHost:
    host = LiveHost()

    def work(box: int) -> None:
        while (message := host.take(box, -1))[0] != "end":
            if message[0] == "script":
                host.post(0, ("no_execution", message[1]))
        host.post(0, ("worker_ended", box, None))

    monkeypatch.setattr(worker_thread, "run", work)
    return host


@pytest.mark.parametrize("told", [True, False], ids=["shutdown", "no more commands"])
def test_from_the_first_command_to_the_end(
    live: LiveHost, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    monkeypatch.setattr(main, "PATIENCE", 60.0)
    before = set(threading.enumerate())
    thread = threading.Thread(target=main.run, args=[live])
    thread.start()
    client = {"user": "alice", "id": 1, "db": 0, "protocol": 2}
    for token in range(20):
        live.calls.put((token, "RG.PYEXECUTE", [b"x"], client))
        live.calls.put((100 + token, "RG.INFOCLUSTER", [], client))
    answers = dict(live.answers.get(timeout=60) for _ in range(40))
    assert answers == {
        **dict.fromkeys(range(20), ("simple", "OK")),
        **{100 + token: "no cluster mode" for token in range(20)},
    }
    if told:
        live.post(0, ("shutdown",))
    for _ in range(main.COMMAND_THREADS):
        live.calls.put(None)
    thread.join(60)
    assert not thread.is_alive()
    assert live.lines == []
    assert list(live.queues) == [0]
    begun = {each.name for each in set(threading.enumerate()) - before}
    assert not any(name.startswith("gears-") for name in begun)
