"""The asyncio loop of all coroutines of gears; its thread is started by the first that needs it."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any

_lock = threading.Lock()
_running: LoopThread | None = None


class LoopThread:
    """A thread that runs an event loop until it is told to stop."""

    def __init__(self, future: Callable[[asyncio.AbstractEventLoop], asyncio.Future[Any]]) -> None:
        self.loop = asyncio.new_event_loop()
        # Futures that coroutines wait for are ours: they look after atomic blocks.
        self.loop.create_future = lambda: future(self.loop)  # type: ignore[method-assign]
        self._stopping = False
        self.thread = start_thread(self._run, "gears-coroutines")

    def stop(self) -> None:
        """Cancel what still runs, and end the thread."""
        self._stopping = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        if threading.current_thread() is not self.thread:
            self.thread.join()

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
            task.cancel()
        if tasks:
            # Within the loop: the C part of Python 3.11's asyncio looks for "the current loop" in
            # the main interpreter, also when a sub-interpreter asks.
            self.loop.run_until_complete(_settled(tasks))
        self.loop.close()


async def _settled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


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
