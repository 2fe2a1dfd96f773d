"""Threads for what takes long: one installs and deletes, another packs and unpacks."""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Callable

from gearframe.shard.control.hosting import Host


class Background:
    """Runs functions one after the other, on a thread with a name."""

    def __init__(self, host: Host, name: str) -> None:
        self._host = host
        self._name = name
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def __call__(self, work: Callable[[], None]) -> None:
        """Run a function when those before it are done."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        self._work.put(work)

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping = True
        self._work.put(None)

    def join(self, seconds: float) -> bool:
        """Wait for what has begun; False if it takes longer."""
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (work := self._work.get()) is not None and not self._stopping:
            try:
                work()
            except Exception:  # noqa: BLE001 - one bad installation must not end all later ones
                self._host.log("warning", f"in the background: {traceback.format_exc()}")
