"""What must not be left half done: no interrupt arrives in it, and it is let go of afterwards."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gearframe.gears import loop as loops
from gearframe.gears.futures import GearsFuture
from gearframe.gears.loop import LoopThread, use_interrupt
from gearframe.shard.worker.limits import Guard, Watchdog, undisturbed
from tests.unit.shard.conftest import Running
from tests.unit.shard.memory_host import MemoryHost

PAUSE = 0.05  # seconds in which ten interrupts come, where they can
PATIENCE = 60.0


@pytest.fixture
def interrupting(memory_host: MemoryHost) -> Iterator[None]:
    use_interrupt(memory_host.interrupt)
    yield
    loops._interrupt = None


def wait(seconds: float = PAUSE) -> None:
    """Wait in Python, where interrupts arrive."""
    lock = threading.Lock()
    lock.acquire()
    for _ in range(10):
        lock.acquire(timeout=seconds / 10)


def test_what_is_undisturbed_is_done_to_its_end(memory_host: MemoryHost) -> None:
    watchdog = Watchdog(memory_host.interrupt)
    guard = Guard(watchdog)
    done: list[str] = []

    def whole() -> str:
        guard.stop("enough")
        wait()
        done.append("whole")
        return "given"

    def work() -> None:
        done.append(undisturbed(whole))
        while True:
            pass

    assert guard.run(work) == (False, None)
    assert guard.reason == "enough"
    # The interrupt may have come before what was given was looked at.
    assert done[:1] == ["whole"]
    watchdog.end()


def test_a_thread_of_nobody_does_it_too() -> None:
    assert undisturbed(lambda: 1) == 1


@pytest.mark.usefixtures("interrupting")
def test_a_coroutine_is_undisturbed() -> None:
    running = LoopThread(lambda each: GearsFuture(loop=each))
    begun, done = threading.Event(), threading.Event()

    def whole() -> None:
        begun.set()
        wait(1.0)  # longer than it takes until a coroutine that was cancelled is interrupted
        done.set()

    async def step() -> None:
        undisturbed(whole)
        while True:
            pass

    found: list[asyncio.Task[Any]] = []
    running.loop.call_soon_threadsafe(lambda: found.append(running.loop.create_task(step())))
    assert begun.wait(PATIENCE)
    running.cancel(found[0])
    assert done.wait(PATIENCE)
    running.stop()
    assert found[0].done()


def test_who_asks_and_is_aborted_is_a_client_that_has_left(worker: Running) -> None:
    close = worker.host.close_box

    def close_slowly(box: int) -> None:
        wait()  # so that another interrupt comes
        close(box)

    worker.host.close_box = close_slowly  # type: ignore[method-assign]
    worker.script("log('asks'); execute('RG.PYEXECUTE', '1')")
    kind, box, name, *_ = worker.receive()
    assert (kind, name) == ("command", "RG.PYEXECUTE")
    worker.send("abort", "e1")
    assert worker.receive() == ("disconnected", -box)
    assert worker.receive() == ("failed", 1, "execution was aborted")
    assert box not in worker.host.boxes


@pytest.mark.usefixtures("interrupting")
@pytest.mark.parametrize("busy", [False, True])
def test_a_loop_that_is_slow_to_end_is_not_interrupted_at_it(busy: bool) -> None:
    running = LoopThread(lambda each: GearsFuture(loop=each))
    close = running.loop.close
    begun = threading.Event()

    def close_slowly() -> None:
        wait(0.5)
        close()

    async def spin() -> None:
        begun.set()
        while True:
            pass

    running.loop.close = close_slowly  # type: ignore[method-assign]
    if busy:
        kept: list[Any] = []
        keep: Callable[[Any], None] = kept.append
        running.loop.call_soon_threadsafe(lambda: keep(running.loop.create_task(spin())))
        assert begun.wait(PATIENCE)
    running.stop()
    assert running.loop.is_closed()
