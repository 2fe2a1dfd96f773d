"""The places where user code runs: the shared worker, and sub-interpreters of single sessions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gearframe.exceptions import GearsError
from gearframe.shard.control.hosting import Host, Tree

STARTING = 30.0
"""Seconds in which a sub-interpreter must have begun to take messages."""


@dataclass(eq=False)
class Worker:
    """A mailbox, and whoever takes its messages: from `begin_by` on at the latest."""

    box: int
    shared: bool
    alive: bool = True
    begin_by: float | None = None


class Workers:
    """Starts workers and ends them, and knows which are alive.

    A worker says ``("worker_begun", box)`` when it begins, and ``("worker_ended", box, text or
    None)`` when it is over, with the text of the exception that ended it if there was one; see
    `gearframe.shard.control.worker_thread`.
    """

    def __init__(
        self,
        host: Host,
        start_shared: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host, self._clock = host, clock
        self._start_shared = start_shared
        self._shared: Worker | None = None
        self._workers: dict[int, Worker] = {}

    def __len__(self) -> int:
        return len(self._workers)

    def shared(self) -> Worker:
        """Give the shared worker; it is started when there is none."""
        if self._shared is None or not self._shared.alive:
            self._shared = self._open(shared=True)
            self._start_shared(self._shared.box)
        return self._shared

    def own(self, name: str) -> Worker:
        """Start a sub-interpreter for one session.

        Raises
        ------
        GearsError
            The server's Python does not make one.
        """
        isolated = bool(self._host.facts().get("own_gil"))
        worker = self._open(shared=False)
        module, function = "gearframe.shard.control.worker_thread", "run"
        try:
            self._host.start_interpreter(name, isolated, module, function, [worker.box, True])
        except (RuntimeError, MemoryError, OSError, ValueError) as error:
            self._close(worker)
            raise GearsError(
                f"no sub-interpreter can be started: {error}; ISOLATION shared does not need one"
            ) from error
        worker.begin_by = self._clock() + STARTING
        return worker

    def begun(self, box: int) -> None:
        """Note that a worker takes its messages."""
        if box in self._workers:
            self._workers[box].begin_by = None

    def give_up_late(self) -> list[Worker]:
        """Give up the workers that have not begun in time. One that does later finds no mailbox."""
        now = self._clock()
        starting = [each for each in self._workers.values() if each.begin_by is not None]
        late = [each for each in starting if each.begin_by is not None and each.begin_by <= now]
        for worker in late:
            self._close(worker)
        return late

    def post(self, worker: Worker, message: Tree) -> None:
        """Give a worker a message.

        Raises
        ------
        GearsError
            The worker is gone.
        """
        if not (worker.alive and self._host.post(worker.box, message)):
            raise GearsError("the worker of this session has ended; see the server's log")

    def tell(self, worker: Worker, message: Tree) -> None:
        """Give a worker a message that does not matter if it is gone."""
        if worker.alive:
            self._host.post(worker.box, message)

    def end(self, worker: Worker) -> None:
        """Let a worker end after what it has got; its mailbox goes when it says so."""
        if worker.alive:
            self._host.post(worker.box, ("end",))
            worker.alive = False

    def end_all(self) -> None:
        """Let every worker end."""
        for worker in list(self._workers.values()):
            self.end(worker)

    def ended(self, box: int, text: str | None) -> Worker | None:
        """Note that a worker is over; give it back where nobody had asked for that."""
        worker = self._workers.get(box)
        if worker is None:
            return None
        surprise = worker.alive
        self._close(worker)
        if text is not None:
            self._host.log("warning", f"a worker of gears ended by an error: {text}")
        return worker if surprise else None

    def _open(self, *, shared: bool) -> Worker:
        worker = Worker(self._host.open_box(), shared)
        self._workers[worker.box] = worker
        return worker

    def _close(self, worker: Worker) -> None:
        worker.alive = False
        self._workers.pop(worker.box, None)
        self._host.close_box(worker.box)


def start_thread(target: Callable[..., Any], name: str, *arguments: Any) -> threading.Thread:
    """Start a thread that does not keep the process alive."""
    thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
    thread.start()
    return thread
