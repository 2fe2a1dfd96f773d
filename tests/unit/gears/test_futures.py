"""Records that wait: gearsFuture, coroutines, and what scripts await."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from contextvars import copy_context
from typing import Any

import pytest

from gearframe.exceptions import GearsError, GearsFlatError
from gearframe.gears import futures
from gearframe.gears.builder import GB
from gearframe.gears.futures import start_coroutine
from gearframe.gears.loop import loop, stop_loop
from gearframe.gears.outcome import Limits
from gearframe.gears.pending import Pending
from gearframe.gears.runtime import current, enter
from tests.gears_runtime import ListRuntime, errors, outcome, results


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    stop_loop()
    assert "gears-coroutines" not in [thread.name for thread in threading.enumerate()]


def later(function: Callable[[], Any]) -> None:
    threading.Thread(target=function).start()


async def double(record: int) -> int:
    await asyncio.sleep(0)
    return record * 2


def test_coroutines_in_each_step() -> None:
    async def odd(record: int) -> bool:
        await asyncio.sleep(0)
        return record % 2 == 1

    async def twice(record: int) -> list[int]:
        return [record, -record]

    assert sorted(results(GB().map(double), [1, 2, 3])) == [2, 4, 6]
    assert sorted(results(GB().filter(odd), [1, 2, 3])) == [1, 3]
    assert sorted(results(GB().foreach(double), [1, 2])) == [1, 2]
    assert sorted(results(GB().flatmap(twice), [1, 2])) == [-2, -1, 1, 2]


def test_coroutines_in_reducers_one_at_a_time() -> None:
    busy: list[int] = []

    async def add(a: int | None, r: int) -> int:
        busy.append(r)
        assert len(busy) == 1
        await asyncio.sleep(0)
        busy.clear()
        return (a or 0) + r

    async def add_of(k: str, a: int | None, r: int) -> int:
        return await add(a, r)

    assert results(GB().accumulate(add), [1, 2, 3]) == [6]
    assert results(GB().groupby(lambda r: "k", add_of), [1, 2]) == [{"key": "k", "value": 3}]
    assert results(GB().aggregateby(lambda r: "k", 5, add_of, lambda k, a, r: r), [1, 2]) == [
        {"key": "k", "value": 8}
    ]


def test_no_coroutines_in_extractors() -> None:
    text = "coroutine are not allow on extractor/reduce"

    async def key(*args: Any) -> str:
        return "k"

    [last] = errors(GB().countby(key), [1])
    assert text in last
    [last] = errors(GB().batchgroupby(str, key), [1])
    assert text in last


def test_a_coroutine_that_fails() -> None:
    async def fail(record: int) -> None:
        raise SystemExit(record)

    assert errors(GB().map(fail), [3]) == ["SystemExit: 3"]
    # The loop's thread lives on.
    assert results(GB().map(double), [1]) == [2]


def test_at_most_a_thousand_wait() -> None:
    waiting = [0]
    most = []

    async def count(record: int) -> int:
        waiting[0] += 1
        most.append(waiting[0])
        await asyncio.sleep(0.001)
        waiting[0] -= 1
        return record

    assert sorted(results(GB().map(count), list(range(2500)))) == list(range(2500))
    assert 1 < max(most) <= 1000


def test_a_future_is_continued_from_a_thread() -> None:
    def wait(record: int) -> Any:
        future = futures.gears_future()
        later(lambda: future.continueRun(record + 1))
        return future

    assert sorted(results(GB().map(wait), [1, 2])) == [2, 3]
    assert results(GB().accumulate(lambda a, r: wait((a or 0) + r)), [1, 2]) == [5]


def test_a_future_is_continued_by_a_later_record() -> None:
    kept: list[Any] = []

    def pairs(record: int) -> Any:
        kept.append((futures.gears_future(), record))
        if len(kept) % 2:
            return kept[-1][0]
        first, value = kept[-2]
        first.continueRun(value * 10)
        return record

    assert sorted(results(GB().map(pairs), [1, 2, 3, 4], batch=1)) == [2, 4, 10, 30]
    kept.clear()
    assert sorted(results(GB().map(pairs), [1, 2, 3, 4])) == [2, 4, 10, 30]


def test_a_future_that_fails() -> None:
    def wait(record: Any) -> Any:
        future = futures.gears_future()
        later(lambda: future.continueFailed(record))
        return future

    came = outcome(GB().map(wait), ["a text", GearsFlatError("flat")])
    assert sorted(came.errors) == ["a text", "flat"]


def test_a_future_that_nobody_has() -> None:
    text = "Async record did not called continue"
    assert outcome(GB().map(lambda r: futures.gears_future()), [1, 2]).errors == [text] * 2
    assert outcome(GB().accumulate(lambda a, r: futures.gears_future()), [1]).errors == [text]


def test_where_futures_cannot_be_made() -> None:
    text = "Future object can only be created inside certain execution steps"
    with pytest.raises(GearsError, match=text):
        futures.gears_future()
    [last] = errors(GB().countby(lambda r: futures.gears_future()), [1])
    assert text in last


def test_two_futures_for_one_record() -> None:
    first = outcome(GB().map(lambda r: (futures.gears_future(), futures.gears_future())), [1, 2])
    assert ["twice on the same step" in text for text in first.errors] == [True, True]


def test_a_future_is_continued_too_early_or_twice() -> None:
    def early(record: int) -> Any:
        future = futures.gears_future()
        future.continueRun(1)
        return future

    def twice(record: int) -> Any:
        future = futures.gears_future()
        told = threading.Event()

        def both() -> None:
            future.continueRun(1)
            with pytest.raises(GearsError, match="same future twice"):
                future.continueRun(1)
            told.set()

        later(both)
        assert told.wait(30)
        return future

    [last] = errors(GB().map(early), [1])
    assert "Can not handle future untill it returned from the callback" in last
    assert results(GB().map(twice), [1]) == [1]


def test_where_nothing_may_wait() -> None:
    runtime = ListRuntime([1])
    runtime.allowed = False
    came = outcome(GB().map(double), runtime=runtime)
    assert "Creating async record is not allowed" in came.errors[0]


def test_an_abort_cancels_what_waits() -> None:
    cancelled = threading.Event()
    begun = threading.Event()

    async def for_ever(record: int) -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    came = outcome(GB().map(for_ever), [1], limits=Limits(cancelled=begun.is_set))
    assert came.aborted
    assert cancelled.wait(30)


def test_an_abort_just_while_a_coroutine_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    running, begun, ended = loop(), threading.Event(), threading.Event()
    create = running.create_task

    def late(coroutine: Any, **options: Any) -> Any:
        task = create(coroutine, **options)
        begun.set()
        assert ended.wait(60)
        return task

    async def for_ever(record: int) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr(running, "create_task", late)
    assert outcome(GB().map(for_ever), [1], limits=Limits(cancelled=begun.is_set)).aborted
    ended.set()
    end = time.monotonic() + 60
    while asyncio.all_tasks(running):
        assert time.monotonic() < end
        time.sleep(0.005)


def test_who_waits_for_a_coroutine_hears_that_it_was_cancelled_before_its_first_step() -> None:
    runtime = ListRuntime([])
    runtime.coroutines = Pending()  # type: ignore[attr-defined]
    context, told = copy_context(), queue.SimpleQueue[tuple[bool, Any]]()
    context.run(enter, runtime, None)

    async def never() -> None:
        raise AssertionError("it has begun")

    def begin() -> None:
        start_coroutine(never(), context, lambda *how: told.put(how))
        # The next call of the loop, behind the one that makes the task and before its first step.
        loop().call_soon(runtime.coroutines.cancel, "nobody wants it")  # type: ignore[attr-defined]

    loop().call_soon_threadsafe(begin)
    good, error = told.get(timeout=60)
    assert (good, str(error)) == (False, "nobody wants it")
    assert told.empty()


def test_a_run_inside_of_a_step() -> None:
    async def nested(record: int) -> Any:
        return await GB().map(lambda r: r["n"]).count().run()

    assert results(GB().limit(1).map(nested), [{"key": "a", "n": 1}] * 3) == [[["3"], []]]


def test_futures_of_coroutines() -> None:
    async def wait(record: int) -> Any:
        future = futures.create_future()
        later(lambda: futures.set_future_results(future, record + 1))
        return await future

    async def wait_in_vain(record: int) -> Any:
        future = futures.create_future()
        later(lambda: futures.set_future_exception(future, "no"))
        return await future

    assert results(GB().map(wait), [1]) == [2]
    assert errors(GB().map(wait_in_vain), [1]) == ["gearframe.exceptions.GearsError: no"]


def test_no_await_in_an_atomic_block() -> None:
    async def held(record: int) -> None:
        with ExitStack() as stack:
            stack.enter_context(current().atomic())
            await asyncio.sleep(0.001)

    [last] = errors(GB().map(held), [1])
    assert "await is not allow inside atomic block" in last


def test_a_coroutine_beside_the_steps() -> None:
    done = threading.Event()

    async def work() -> None:
        current().log("worked")
        done.set()

    runtime = ListRuntime([1])
    begin = time.monotonic()
    outcome(GB().foreach(lambda r: futures.run_coroutine(work(), delay=0.01)), runtime=runtime)
    assert done.wait(30)
    assert time.monotonic() - begin >= 0.01
    assert runtime.logged == ["notice: worked"]


def test_there_is_one_loop() -> None:
    assert loop() is loop()
    assert isinstance(loop().create_future(), futures.GearsFuture)
