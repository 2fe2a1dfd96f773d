"""Coroutines that go on when what began them is over."""

from __future__ import annotations

import pytest

from gearframe.gears.pending import Pending
from tests.unit.shard.conftest import Running
from tests.unit.shard.test_worker_limits import running

CANCELLED = "the coroutine was cancelled: its session has ended"


def left(worker: Running, text: str) -> None:
    """Run a script that leaves a coroutine behind."""
    worker.script(text)
    assert worker.receive() == ("lingers", "s")
    assert worker.receive() == ("no_execution", 1)


def test_the_last_one_is_told_when_it_ends(worker: Running) -> None:
    begin = "gate = createFuture()\nasync def wait(): await gate\n"
    left(worker, begin + "for _ in range(3): runCoroutine(wait())")
    worker.script("setFutureResults(gate, 1)", job=2)
    told = [worker.receive(), worker.receive()]
    assert sorted(told, key=str) == [("no_execution", 2), ("rests", "s")]


def test_a_task_that_a_coroutine_begins_is_one_of_them(worker: Running) -> None:
    text = "gate = createFuture()\nasync def inner():\n    log('running')\n    await gate\n"
    text += "kept = []\nasync def outer(): kept.append(asyncio.create_task(inner()))\n"
    left(worker, text + "runCoroutine(outer())")
    running(worker)
    worker.send("cancel", "s")
    assert worker.receive() == ("rests", "s")


@pytest.mark.parametrize("delay", ["0", "1000"])
def test_they_are_cancelled_with_their_session(worker: Running, delay: str) -> None:
    left(
        worker, f"async def wait(): await asyncio.sleep(1000)\nrunCoroutine(wait(), delay={delay})"
    )
    worker.send("cancel", "s")
    assert worker.receive() == ("rests", "s")
    running(worker, f"A coroutine failed: GearsError('{CANCELLED}')", level="warning")


def test_what_waits_for_one_that_is_cancelled_fails(worker: Running) -> None:
    text = """
async def wait():
    log('running')
    await asyncio.sleep(1000)
def step(x):
    future = gearsFuture()
    runCoroutine(wait(), future)
    return future
GB('PythonReader').map(step).run(lambda: iter([1]))
"""
    worker.script(text)
    assert worker.receive()[0] == "started"
    running(worker)
    worker.send("cancel", "s")
    told = worker.done("e1")
    assert not told["aborted"]
    [error] = told["errors"]
    assert CANCELLED in error


def test_a_gear_of_coroutines_leaves_none_behind(worker: Running) -> None:
    text = """
async def step(x):
    await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0.001))
    return x
GB('PythonReader').map(step).run(lambda: iter(range(20)))
"""
    for job in range(1, 6):
        worker.script(text, job=job)
        assert worker.receive()[0] == "started"
        assert len(worker.done(f"e{job}")["results"]) == 20


def test_who_was_not_told_in_time_is_told_when_asking_again() -> None:
    pending, told = Pending(), []

    def interrupted() -> None:
        told.append("interrupted")
        if len(told) == 2:
            raise KeyboardInterrupt

    pending.add(1, told.append)
    pending.when_over(lambda: told.append("begins"), interrupted)
    pending.when_over(lambda: told.append("begins again"), interrupted)
    with pytest.raises(KeyboardInterrupt):
        pending.remove(1)
    pending.when_over(lambda: told.append("begins again"), interrupted)
    assert told == ["begins", "interrupted", "interrupted"]
    pending.remove(1)
    assert len(told) == 3
