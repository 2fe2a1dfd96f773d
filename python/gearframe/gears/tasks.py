"""Tasks of the loop: none waits while it holds the server up, and a step of one can be ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator
from time import monotonic
from typing import Any, TypeAlias, TypeVar

from gearframe.exceptions import GearsError, GearsForceStopped
from gearframe.gears.pending import pending_of
from gearframe.gears.runtime import current_or_none

NO_AWAIT = "await is not allow inside atomic block"

_Coroutine: TypeAlias = Coroutine[Any, Any, Any] | Generator[Any, None, Any]

T = TypeVar("T")

STEP_SECONDS = 5.0
"""How long a coroutine may compute between two awaits: all others of the interpreter wait."""


class StepTooLong(GearsForceStopped):
    """Thrown into a coroutine that does not let others have a turn."""

    def __init__(self) -> None:
        super().__init__(
            f"a coroutine ran for more than {STEP_SECONDS:g} s without waiting for anything, and"
            " all others had to wait for it; await something in between, or compute in a thread"
        )


class Section:
    """The code of a task that the loop's thread is in: there, and nowhere else, it is interrupted.

    An exception thrown in anywhere else would end a callback of the loop that is everybody's. How
    it is made sure that none arrives late stands at `gearframe.shard.worker.limits.Guard.run`.
    """

    def __init__(self) -> None:
        # A lock of C: an interrupt in the midst of one written in Python leaves it locked.
        self._lock = threading.Lock()
        self._since: float | None = None
        self._thread: int | None = None  # the loop's
        self.clean_up: Callable[[], None] | None = None

    def run(self, go_on: Callable[..., Any], *given: Any) -> Any:
        """Go on with a task's code, to where it waits next."""
        self._thread = threading.get_ident()
        try:
            try:
                self._since = monotonic()
                return go_on(*given)
            finally:
                self._since = None
                try:
                    self._settle()
                except GearsForceStopped:
                    self._settle()
        except GearsForceStopped:
            if self.clean_up is not None:
                self.clean_up()
            raise

    def _settle(self) -> None:
        """Wait until no interrupt is on its way, and run bytecodes at which it arrives."""
        with self._lock:
            pass
        for _ in range(3):
            pass

    def undisturbed(self, work: Callable[[], T]) -> T:
        """Do something in which no interrupt arrives; see `Guard.undisturbed` of the workers."""
        since = self._since
        if since is None or self._thread != threading.get_ident():
            return work()
        self._since = None
        try:
            self._settle()
            return work()
        finally:
            self._since = since

    def interrupt(self, throw: Callable[[], object], due: Callable[[float], bool]) -> bool:
        """Throw an exception into the code, from another thread, if that is due.

        Parameters
        ----------
        throw : function
            Does it.
        due : function
            Whether to, given how many seconds the code has been running without a wait.

        Returns
        -------
        bool
            Whether it was thrown.
        """
        with self._lock:
            since = self._since
            if since is None or not due(monotonic() - since):
                return False
            throw()
            return True


section = Section()
"""Of the one loop that an interpreter has."""


def in_atomic() -> bool:
    """Whether the calling code is in an atomic block."""
    runtime = current_or_none()
    return runtime is not None and runtime.in_atomic()


class _Steps:
    """A coroutine that fails where it waits for something in an atomic block.

    What it waits for may need the server, which waits for the block. Futures of ours refuse this by
    themselves; ``asyncio.gather`` and tasks have futures of their own.
    """

    def __init__(self, coroutine: _Coroutine) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        go_on: Callable[[Any], Any] = self._coroutine.send
        given: Any = None
        while True:
            try:
                awaited = section.run(go_on, given)
            except StopIteration as end:
                return end.value
            if in_atomic():
                go_on, given = self._coroutine.throw, GearsError(NO_AWAIT)
                continue
            try:
                given = yield awaited
                go_on = self._coroutine.send
            except BaseException as error:  # noqa: BLE001 - the coroutine's to handle
                go_on, given = self._coroutine.throw, error


async def _watched(coroutine: _Coroutine) -> Any:
    return await _Steps(coroutine)


def make_task(
    loop: asyncio.AbstractEventLoop, coroutine: _Coroutine, **options: Any
) -> asyncio.Task[Any]:
    """Make a task of a coroutine; the loop's task factory.

    The task's own coroutine is a plain one: asyncio of Python 3.11 keeps the type of any other for
    ever, for all interpreters of the process, and with it all that the type's module has.
    """
    task = asyncio.Task(_watched(coroutine), loop=loop, **options)
    pending = pending_of(current_or_none())
    pending.add(task, task.cancel)

    def over(_: asyncio.Task[Any]) -> None:
        pending.remove(task)
        coroutine.close()  # one that was cancelled before it began

    task.add_done_callback(over)
    return task
