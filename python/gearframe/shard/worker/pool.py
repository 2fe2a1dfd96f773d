"""Threads that do jobs in turn, started as jobs come in.

They are no daemons, for an interpreter of its own does not allow them: :meth:`Pool.end` ends them.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextvars import copy_context


class Job:
    """Something that is done once, or taken back before it begins.

    Parameters
    ----------
    work : function
        Does it.
    dropped : function
        Is called instead, by who takes it back.
    """

    def __init__(self, work: Callable[[], None], dropped: Callable[[], None]) -> None:
        self._work = work
        self._dropped = dropped
        self._claimed = threading.Lock()

    def do(self) -> None:
        """Do it, if it was not taken back."""
        if self._claimed.acquire(blocking=False):
            self._work()

    def drop(self) -> None:
        """Take it back, if it has not begun."""
        if self._claimed.acquire(blocking=False):
            self._dropped()


class Pool:
    """A queue and its threads.

    Parameters
    ----------
    name : str
        What the threads are called.
    size : int
        How many there are at most.
    failed : function
        Told of an exception that a job let out, which is a fault of the worker.
    """

    def __init__(self, name: str, size: int, failed: Callable[[BaseException], None]) -> None:
        self._name = name
        self._size = max(size, 1)
        self._failed = failed
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._open = 0  # jobs that wait or run

    def submit(self, job: Job) -> None:
        """Do a job when a thread is free."""
        with self._lock:
            self._open += 1
            start = len(self._threads) < min(self._open, self._size)
            if start:
                name = f"{self._name}-{len(self._threads)}"
                thread = threading.Thread(target=self._run, name=name)
                self._threads.append(thread)
        self._queue.put(job)
        if start:
            thread.start()

    def end(self) -> None:
        """End the threads after the jobs that are there."""
        with self._lock:
            for _ in self._threads:
                self._queue.put(None)

    def alive(self, seconds: float) -> bool:
        """Whether a thread is left after some time of waiting for it."""
        running = [thread for thread in self._threads if thread.is_alive()]
        if running:
            running[0].join(seconds)
        return bool(running)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            try:
                # What a job has set, and an interrupt has kept it from setting back, goes with it.
                copy_context().run(job.do)
            except BaseException as error:  # noqa: BLE001  the thread stays for the next job
                self._failed(error)
            with self._lock:
                self._open -= 1
