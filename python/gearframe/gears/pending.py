"""Which coroutines an owner, such as a session, still has on their way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gearframe.gears.runtime import Runtime

Cancel = Callable[[str], object]


class Pending:
    """The coroutines of one owner, each with the function that cancels it for a reason.

    Coroutines come and go all the time while gears run. Who wants to know when the last one has
    ended says so by `when_over`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancels: dict[object, Cancel] = {}
        self._over: Callable[[], object] | None = None

    def add(self, key: object, cancel: Cancel) -> None:
        """Take in a coroutine that begins, or will begin."""
        with self._lock:
            self._cancels[key] = cancel

    def remove(self, key: object) -> None:
        """Take out one that has ended, or that nobody waits for any more."""
        with self._lock:
            self._cancels.pop(key, None)
            if not self._cancels:
                self._tell()

    def when_over(self, begin: Callable[[], object], over: Callable[[], object]) -> None:
        """Call `begin` now and `over` when none is left; neither if that is so already.

        Both are called with a lock held, so that they come in this order. Asked again before
        `over` was called, it calls no other `begin`.
        """
        with self._lock:
            if not self._cancels:
                self._tell()
            elif self._over is None:
                self._over = over
                begin()

    def _tell(self) -> None:
        # First told, then forgotten: who removes may be interrupted, and is asked again later.
        if self._over is not None:
            self._over()
            self._over = None

    def cancel(self, reason: str) -> None:
        """Cancel all that there are, on the loop's thread. One that does not end by it stays."""
        with self._lock:
            cancels = list(self._cancels.values())
        for cancel in cancels:
            cancel(reason)


def pending_of(runtime: Runtime | None) -> Pending:
    """The coroutines of a runtime's owner. A runtime that nobody owns has its own, and no use."""
    found = getattr(runtime, "coroutines", None)
    return found if isinstance(found, Pending) else Pending()
