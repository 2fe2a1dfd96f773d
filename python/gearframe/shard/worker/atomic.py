"""Blocks of code in which no other client gets in between."""

from __future__ import annotations

import threading
from contextlib import suppress

from gearframe.exceptions import GearsError
from gearframe.shard import host
from gearframe.shard.worker.limits import Guard

_MESSAGE = "an atomic block held the server up for more than {} ms (AtomicTimeLimit)"


class _Held(threading.local):
    """Whether this thread holds the server's lock."""

    yes = False


_held = _Held()


def in_atomic() -> bool:
    """Whether this thread is in an atomic block."""
    return _held.yes


class PyAtomic:
    """Hold the server's lock for a block. It is no transaction: nothing is rolled back.

    Parameters
    ----------
    guard : Guard or None
        What ends the block's code when it takes longer than AtomicTimeLimit.
    """

    def __init__(self, guard: Guard | None = None) -> None:
        self._guard = guard
        self._deadline: tuple[float, str] | None = None

    def __enter__(self) -> PyAtomic:
        if _held.yes:
            raise GearsError("Already inside an atomic block")
        limit = int(host.config_get("AtomicTimeLimit") or 0)
        # An interrupt may come at any call below: from here on `release` sees to the lock.
        _held.yes = True
        try:
            host.atomic_enter()
            if limit > 0 and self._guard is not None and self._guard.runs_here():
                self._deadline = self._guard.stop_after(limit / 1000, _MESSAGE.format(limit))
        except BaseException:
            release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        release()
        if self._deadline is not None and self._guard is not None:
            self._guard.forget(self._deadline)
            self._deadline = None


def release() -> None:
    """Let go of the server's lock if this thread has it, or may have it after an interrupt."""
    if _held.yes:
        with suppress(RuntimeError):  # it had not got it yet, or has let it go already
            host.atomic_exit()
        _held.yes = False
