"""Tasks of the loop: none of them waits while it holds the server up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeAlias

from gearframe.exceptions import GearsError
from gearframe.gears.runtime import current_or_none

NO_AWAIT = "await is not allow inside atomic block"

_Coroutine: TypeAlias = Coroutine[Any, Any, Any] | Generator[Any, None, Any]


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
                awaited = go_on(given)
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
    task.add_done_callback(lambda _: coroutine.close())  # one that was cancelled before it began
    return task
