"""The asyncio loop of all coroutines of gears; its thread is started by the first that needs it."""

from __future__ import annotations

import asyncio
import atexit
import queue
import threading
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any

from gearframe.exceptions import GearsForceStopped
from gearframe.gears.pending import Pending
from gearframe.gears.tasks import STEP_SECONDS, StepTooLong, make_task, section

Interrupt = Callable[[int, type[BaseException]], bool]

_lock = threading.Lock()
_running: LoopThread | None = None
_interrupt: Interrupt | None = None

_STUCK = 0.2  # seconds in which the loop has had no turn
_LOOK = 1.0  # seconds between two looks at how long a coroutine has been running
_LAST = 2.0  # seconds for coroutines that are cancelled because the loop ends


def use_interrupt(interrupt: Interrupt, clean_up: Callable[[], None] | None = None) -> None:
    """Say what raises an exception in a thread; without it nothing ends a coroutine that loops.

    ``clean_up`` is called on the loop's thread after a coroutine has ended that way.
    """
    global _interrupt
    _interrupt = interrupt
    section.clean_up = clean_up


class LoopThread:
    """A thread that runs an event loop until it is told to stop."""

    def __init__(self, future: Callable[[asyncio.AbstractEventLoop], asyncio.Future[Any]]) -> None:
        self.loop = asyncio.new_event_loop()
        # Futures that coroutines wait for are ours: they look after atomic blocks.
        self.loop.create_future = lambda: future(self.loop)  # type: ignore[method-assign]
        self.loop.set_task_factory(make_task)
        self._stopping = False
        self._cancelled: queue.SimpleQueue[asyncio.Task[Any] | None] = queue.SimpleQueue()
        self.thread = start_thread(self._run, "gears-coroutines")
        start_thread(self._watch, "gears-cancel")

    def stop(self) -> None:
        """Cancel what still runs, and end the thread."""
        self._cancelled.put(None)
        self.loop.call_soon_threadsafe(self._stop)
        if threading.current_thread() is self.thread:
            return
        self.thread.join(_STUCK)
        while self.thread.is_alive():
            # Coroutines alone: the thread is about to end, and may be slow at it.
            section.interrupt(self._interrupt, lambda _: True)
            self.thread.join(_STUCK)

    def _stop(self) -> None:
        """End the loop, on its own thread: nobody else finds it closed before that."""
        self._stopping = True
        self.loop.stop()

    def cancel(self, task: asyncio.Task[Any]) -> None:
        """Cancel a task: where it waits, or in a loop that waits for nothing."""
        # One call into C: who cancels may be interrupted itself, again and again.
        self._cancelled.put(task)

    def _watch(self) -> None:
        wait = _LOOK
        while True:
            try:
                task = self._cancelled.get(timeout=wait)
            except queue.Empty:
                pass
            else:
                if task is None or not self._free(task):
                    return
            wait = _STUCK if self._end_long_step() else _LOOK

    def _end_long_step(self) -> bool:
        """Interrupt a coroutine that keeps the loop from all others, for nobody may wait for it."""
        throw = partial(self._interrupt, StepTooLong)
        return section.interrupt(throw, lambda seconds: seconds > STEP_SECONDS)

    def _free(self, task: asyncio.Task[Any]) -> bool:
        """Interrupt the thread until the loop has a turn, or is busy with another task.

        Gives False where the loop is closed, and with it all tasks.
        """
        turned = threading.Event()
        try:
            self.loop.call_soon_threadsafe(task.cancel)
            self.loop.call_soon_threadsafe(turned.set)
        except RuntimeError:
            return False
        while asyncio.current_task(self.loop) is task and not turned.wait(_STUCK):
            section.interrupt(self._interrupt, lambda _: asyncio.current_task(self.loop) is task)
        return True

    def _interrupt(self, exception: type[BaseException] = GearsForceStopped) -> None:
        if _interrupt is not None and self.thread.ident is not None:
            _interrupt(self.thread.ident, exception)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        while not self._stopping:
            try:
                self.loop.run_forever()
            except BaseException as error:  # noqa: BLE001 - thrown in to end a coroutine
                # The loop is everybody's: it goes on.
                self.loop.call_exception_handler({"message": "thrown", "exception": error})
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel("the coroutine was cancelled: its interpreter ends")
        if tasks:
            # Who catches its cancellation may wait for ever.
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=_LAST))
        self.loop.close()


def start_thread(target: Callable[[], Any], name: str) -> threading.Thread:
    """Start a thread that does not keep the program alive, where such threads are allowed."""
    try:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
    except RuntimeError:  # an interpreter with its own GIL has no daemon threads
        thread = threading.Thread(target=target, name=name)
        thread.start()
    return thread


def loop() -> asyncio.AbstractEventLoop:
    """The loop; its thread is started by the first call."""
    global _running
    with _lock:
        if _running is None:
            from gearframe.gears.futures import GearsFuture

            _running = LoopThread(lambda each: GearsFuture(loop=each))
            atexit.register(stop_loop)
        return _running.loop


def cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task of the loop, from any thread."""
    with _lock:
        running = _running
    if running is not None:
        running.cancel(task)


def cancel_all(pending: Pending, reason: str) -> None:
    """Cancel all coroutines of an owner, from any thread."""
    with _lock:
        running = _running
    if running is not None:
        running.loop.call_soon_threadsafe(pending.cancel, reason)


def stop_loop() -> None:
    """End the loop's thread, if there is one; coroutines that still run are cancelled."""
    global _running
    with _lock:
        running, _running = _running, None
    if running is not None:
        running.stop()


def on_loop(function: Callable[[], Any], context: Context, delay: float = 0) -> None:
    """Have a function called by the loop's thread, after a delay in seconds."""
    running = loop()
    if delay > 0:
        running.call_soon_threadsafe(running.call_later, delay, _in(context, function))
    else:
        running.call_soon_threadsafe(_in(context, function))


def _in(context: Context, function: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: context.run(function)
