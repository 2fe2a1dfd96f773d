"""Steps that are interrupted while their records wait leave nothing locked, and nothing running."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from gearframe.exceptions import GearsForceStopped
from gearframe.gears.loop import loop, stop_loop
from gearframe.gears.outcome import Limits
from gearframe.gears.stages.context import Context
from gearframe.gears.stages.parking import Parking, cancel_all
from tests.gears_runtime import ListRuntime


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    stop_loop()


def interrupted(work: Callable[[], None], place: int, files: tuple[str, ...]) -> bool:
    """Do something that is interrupted at its n-th line in some files; whether it was."""
    left = place

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(files):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                raise GearsForceStopped
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except GearsForceStopped:
        pass
    finally:
        sys.settrace(before)
    return left <= 0


def test_whoever_tells_of_an_end_never_waits_for_a_step_that_was_interrupted() -> None:
    place = 0
    while True:
        place += 1
        told: list[Callable[[bool, Any], None]] = []
        parking = Parking(Context(ListRuntime(), Limits()))
        parking._start = lambda _, __, tell, told=told: told.append(tell)  # type: ignore[method-assign]
        parking.park("one", None)
        parking.park("two", None)
        told[0](True, 1)

        def work(parking: Parking = parking) -> None:
            try:
                parking.take(wait=True)
            finally:
                parking.cancel()

        hit = interrupted(work, place, ("parking.py", "threading.py"))
        teller = threading.Thread(target=told[1], args=(True, 2), daemon=True)
        teller.start()
        teller.join(20)
        assert not teller.is_alive(), f"it waits for ever after an interrupt at line {place}"
        if not hit:
            break
    assert place > 5


def test_coroutines_of_a_step_that_was_interrupted_are_cancelled() -> None:
    """Wherever it was: as they were begun, or as they were cancelled."""
    loop()
    place = 0
    while True:
        place += 1
        begun, ended = threading.Event(), threading.Event()

        async def endless(begun: threading.Event = begun, ended: threading.Event = ended) -> None:
            begun.set()
            try:
                await asyncio.sleep(1000)
            finally:
                ended.set()

        coroutine = endless()

        def work(coroutine: Any = coroutine, begun: threading.Event = begun) -> None:
            parking = Parking(Context(ListRuntime(), Limits()))
            try:
                parking.park("record", coroutine)
                begun.wait(20)
            finally:
                parking.cancel()

        hit = interrupted(work, place, ("parking.py", "futures.py"))
        cancel_all()
        turned = threading.Event()
        loop().call_soon_threadsafe(turned.set)
        assert turned.wait(20)
        if begun.is_set():
            assert ended.wait(20), f"it still runs after an interrupt at line {place}"
        coroutine.close()
        if not hit:
            break
    assert place > 20
