"""Records that wait in a step for a future or a coroutine."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from gearframe.exceptions import GearsError, GearsFlatError
from gearframe.gears.futures import Settled, StepFuture, start_coroutine
from gearframe.gears.stages.context import BATCH, Context

# How often a waiting step looks whether the run was aborted.
_LOOK_SECONDS = 0.05


def waits(kind: type) -> bool:
    """Whether a value of this type has to be waited for."""
    return kind is StepFuture or issubclass(kind, Coroutine)


class Parking:
    """The records of one step that wait; at most ``BATCH`` of them.

    What has come to its end is put into a queue of C, in one call: an interrupt that ends the step
    leaves no lock behind, and the threads that tell of an end never wait for the step's.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._waiting: dict[int, Callable[[], None]] = {}
        self._settled: queue.SimpleQueue[tuple[int, Any, bool, Any]] = queue.SimpleQueue()
        self._number = 0
        self._open = _open.parkings  # where it stands until its records are cancelled
        self._open.add(self)

    @property
    def waiting(self) -> int:
        """How many records wait, or have not been taken back yet."""
        return len(self._waiting)

    @property
    def room(self) -> int:
        """How many more records may wait."""
        return BATCH - self.waiting

    def park(self, record: Any, awaited: Any) -> None:
        """Let a record wait for what its function returned."""
        number = self._number = self._number + 1
        settled = self._settled

        def tell(good: bool, value: Any) -> None:
            settled.put((number, record, good, value))

        self._waiting[number] = _nothing
        try:
            self._start(number, awaited, tell)
        except GearsError as error:
            tell(False, error)

    def _start(self, number: int, awaited: Any, tell: Settled) -> None:
        if isinstance(awaited, StepFuture):
            awaited.when_settled(tell)
            return
        if not self._context.runtime.async_allowed():
            awaited.close()
            raise GearsError("Creating async record is not allowed")
        keep = partial(self._waiting.__setitem__, number)
        start_coroutine(awaited, self._context.variables(), tell, keep=keep)

    def take(self, *, wait: bool) -> list[tuple[Any, bool, Any]]:
        """Records that need wait no more: the record, whether all went well, the value or error.

        With ``wait`` there is at least one.
        """
        taken: list[tuple[Any, bool, Any]] = []
        seconds = 0.0
        while True:
            try:
                number, record, good, value = self._settled.get(timeout=seconds)
            except queue.Empty:
                if taken or not wait:
                    return taken
                self._context.check()
                seconds = _LOOK_SECONDS
            else:
                if self._waiting.pop(number, None) is not None:  # the first word counts
                    taken.append((record, good, value))
                seconds = 0.0

    def cancel(self) -> None:
        """Nobody waits for these records any more."""
        for cancel in list(self._waiting.values()):
            cancel()
        self._waiting.clear()
        self._open.discard(self)


class _Open(threading.local):
    """The parkings of a thread whose records may still wait."""

    def __init__(self) -> None:
        self.parkings: set[Parking] = set()


_open = _Open()


def cancel_all() -> None:
    """Cancel all that waits for this thread, whose work an interrupt has ended.

    It may have ended the cancelling as well.
    """
    for parking in list(_open.parkings):
        parking.cancel()


def wait_for(awaited: list[Any], context: Context) -> Any:
    """Wait for one value, in a step that keeps its records in order; its error is raised.

    It comes in a list, and is taken out of it: a future that nobody else has is one that nobody
    can continue, and it has to notice.
    """
    parking = Parking(context)
    try:
        parking.park(None, awaited.pop())
        [(_, good, value)] = parking.take(wait=True)
    finally:
        parking.cancel()
    if good:
        return value
    raise value if isinstance(value, BaseException) else GearsFlatError(str(value))


def _nothing() -> None:
    return
