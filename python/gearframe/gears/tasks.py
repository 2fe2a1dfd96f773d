"""Tasks of the loop: none of them waits while it holds the server up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any

from gearframe.exceptions import GearsError
from gearframe.gears.runtime import current_or_none

NO_AWAIT = "await is not allow inside atomic block"


def in_atomic() -> bool:
    """Whether the calling code is in an atomic block."""
    runtime = current_or_none()
    return runtime is not None and runtime.in_atomic()


class Watched(Coroutine[Any, Any, Any]):
    """A coroutine that fails where it waits for something in an atomic block.

    What it waits for may need the server, which waits for the block. Futures of ours refuse this by
    themselves; ``asyncio.gather`` and tasks have futures of their own.
    """

    __slots__ = ("_coroutine",)

    def __init__(self, coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any]) -> None:
        self._coroutine = coroutine

    def send(self, value: Any) -> Any:
        """Go on to where it waits next."""
        return self._checked(self._coroutine.send(value))

    def throw(self, *error: Any) -> Any:
        """Go on with an exception to where it waits next."""
        return self._checked(self._coroutine.throw(*error))

    def close(self) -> None:
        """End it."""
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        # Nobody else has it: its task goes on with it by `send`.
        raise TypeError("the coroutine of a task is awaited by that task alone")

    def _checked(self, awaited: Any) -> Any:
        while in_atomic():
            awaited = self._coroutine.throw(GearsError(NO_AWAIT))
        return awaited


def make_task(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    **options: Any,
) -> asyncio.Task[Any]:
    """Make a task of a coroutine; the loop's task factory."""
    return asyncio.Task(Watched(coroutine), loop=loop, **options)
