"""Records that wait, and coroutines: what scripts call futures.

Two kinds: a :class:`StepFuture` parks a record in its step until any thread continues it; a
:class:`GearsFuture` is asyncio's, for coroutines on the loop of :mod:`gearframe.gears.loop`.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any, TypeVar

from gearframe.exceptions import GearsError
from gearframe.gears.loop import cancel as cancel_task
from gearframe.gears.loop import loop, on_loop
from gearframe.gears.pending import pending_of
from gearframe.gears.runtime import current_or_none
from gearframe.gears.stages.scope import Scope, current_scope, no_step
from gearframe.gears.tasks import NO_AWAIT, StepTooLong, in_atomic

T = TypeVar("T")
Settled = Callable[[bool, Any], None]


class StepFuture:
    """A record that waits in its step; made by :func:`gears_future`."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._record = scope.record()
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._settled: tuple[bool, Any] | None = None
        self._tell: Settled | None = None

    def continueRun(self, value: Any) -> None:  # noqa: N802 - the name scripts use
        """Let the record go on with a value, from any thread."""
        self._settle(True, value)

    def continueFailed(self, error: Any) -> None:  # noqa: N802 - the name scripts use
        """Let the record fail; ``error`` is an exception or a text."""
        self._settle(False, error)

    def when_settled(self, tell: Settled) -> None:
        """Say who is told, once the function has returned this future."""
        with self._lock:
            if self._tell is not None:
                raise GearsError("A future was returned twice; each record needs one of its own")
            self._tell = tell
            settled = self._settled
        if settled is not None:
            tell(*settled)

    def belongs_to(self, scope: Scope) -> bool:
        """Whether this is the future of the record that a step is busy with."""
        busy = self._scope is scope and not scope.left and self._record == scope.record()
        return busy and self._tell is None

    def _settle(self, good: bool, value: Any) -> None:
        here = threading.get_ident() == self._thread
        if here and self._tell is None and self.belongs_to(self._scope):
            raise GearsError("Can not handle future untill it returned from the callback")
        with self._lock:
            if self._settled is not None:
                raise GearsError("Can not continue with the same future twice")
            self._settled = (good, value)
            tell = self._tell
        if tell is not None:
            tell(good, value)

    def __del__(self) -> None:
        # Nobody can continue it any more.
        tell = getattr(self, "_tell", None)
        if tell is not None and self._settled is None:
            tell(False, "Async record did not called continue")


def gears_future() -> StepFuture:
    """Make a future for the record that the calling function was given.

    Returns
    -------
    StepFuture
        To be returned by the function; the record then waits until ``continueRun(value)`` or
        ``continueFailed(error)`` is called, from any thread.

    Raises
    ------
    GearsError
        Outside of map, filter, flatmap, foreach, accumulate and reducers; or the second time for
        one record; or where nothing may wait (in MULTI and Lua scripts).
    """
    scope = current_scope()
    if scope is None or scope.runtime is None:
        raise GearsError("Future object can only be created inside certain execution steps")
    if not scope.runtime.async_allowed():
        raise GearsError("Creating async record is not allowed")
    last = scope.last()
    if isinstance(last, StepFuture) and last.belongs_to(scope):
        raise GearsError("Can not create async record twice on the same step")
    future = StepFuture(scope)
    scope.last = weakref.ref(future)
    return future


class GearsFuture(asyncio.Future[T]):
    """An asyncio future that is not awaited while the server's lock is held."""

    def __await__(self) -> Generator[Any, None, T]:
        if in_atomic():
            raise GearsError(NO_AWAIT)
        return super().__await__()

    __iter__ = __await__


def create_future() -> GearsFuture[Any]:
    """Make a future for coroutines, from any thread."""
    return GearsFuture(loop=loop())


def set_future_results(future: asyncio.Future[T], value: T) -> None:
    """Give a future its value, from any thread; one that is done already is left alone."""
    _later(future, lambda: future.set_result(value))


def set_future_exception(future: asyncio.Future[Any], error: object) -> None:
    """Let a future fail, from any thread; what is no exception becomes the text of one."""
    exception = error if isinstance(error, Exception) else GearsError(str(error))
    _later(future, lambda: future.set_exception(exception))


def run_coroutine(
    coroutine: Coroutine[Any, Any, Any],
    future: StepFuture | None = None,
    delay: float = 0,
    context: Context | None = None,
) -> None:
    """Run a coroutine on the loop's thread.

    Parameters
    ----------
    coroutine : coroutine
        What to run.
    future : StepFuture, optional
        Is continued with what the coroutine gives, or fails with its error. Without it the error
        goes to the log.
    delay : float, default 0
        Seconds to wait before.
    context : Context, optional
        With which context variables it runs; by default those of the caller.
    """
    variables = copy_context() if context is None else context.copy()
    variables.run(no_step)
    tell = _log_failure if future is None else _continue(future)
    start_coroutine(coroutine, variables, tell, delay=delay)


def start_coroutine(
    coroutine: Coroutine[Any, Any, Any],
    context: Context,
    tell: Settled,
    *,
    delay: float = 0,
    keep: Callable[[Callable[[], None]], None] | None = None,
) -> None:
    """Run a coroutine on the loop's thread and say how it ended.

    ``keep`` is given what cancels it, before it begins: who is interrupted then has that already.
    Whoever cancels it is not told how it ended. The coroutine's owner can cancel it too, by
    :mod:`gearframe.gears.pending`; then it fails with the owner's reason.
    """
    task: asyncio.Task[None] | None = None
    begun = cancelled = False
    key = object()
    pending = pending_of(context.run(current_or_none))

    async def guarded() -> None:
        # asyncio would let SystemExit and KeyboardInterrupt end the loop's thread.
        nonlocal begun
        begun, good = True, False
        value: Any
        try:
            value = await coroutine
            good = True
        except StepTooLong as error:  # a failure of the coroutine, not the end of who waits for it
            value = GearsError(str(error))
        except asyncio.CancelledError as error:
            value = _reason(error)
        except BaseException as error:  # noqa: BLE001 - user code raises what it wants
            value = error
        # Before it is told: who was waiting for it may be the last to do so.
        pending.remove(task)
        tell(good, value)

    def over(ended: asyncio.Task[None]) -> None:
        if begun:
            return
        # Cancelled before its first step, so that nothing of it has run.
        coroutine.close()
        try:
            ended.result()
        except asyncio.CancelledError as error:
            tell(False, _reason(error))

    def begin() -> None:
        nonlocal task
        if cancelled:
            coroutine.close()
        else:
            task = asyncio.get_running_loop().create_task(guarded())
            task.add_done_callback(over)
            if cancelled:  # meanwhile, by a thread that has found no task yet
                task.cancel()
        pending.remove(key)

    def end(reason: str) -> None:
        nonlocal cancelled
        if task is None and not cancelled:  # one that has begun is cancelled as all tasks are
            cancelled = True
            coroutine.close()
            pending.remove(key)
            context.run(tell, False, GearsError(reason))

    def cancel() -> None:
        nonlocal cancelled
        cancelled = True
        pending.remove(key)
        if task is not None:
            pending.remove(task)
            cancel_task(task)

    if keep is not None:
        keep(cancel)
    try:
        pending.add(key, end)
        on_loop(begin, context, delay)
    except BaseException:
        pending.remove(key)
        raise


def _reason(error: asyncio.CancelledError) -> BaseException:
    return GearsError(error.args[0]) if error.args else error


def _later(future: asyncio.Future[Any], settle: Callable[[], None]) -> None:
    future.get_loop().call_soon_threadsafe(lambda: None if future.done() else settle())


def _continue(future: StepFuture) -> Settled:
    return lambda good, value: future._settle(good, value)


def _log_failure(good: bool, value: Any) -> None:
    runtime = current_or_none()
    if not good and runtime is not None:
        runtime.log(f"A coroutine failed: {value!r}", "warning")
