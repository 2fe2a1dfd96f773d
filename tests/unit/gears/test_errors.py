"""Errors in users' functions, and what ends a run."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from gearframe.exceptions import GearsFlatError, GearsForceStopped
from gearframe.gears.builder import GB
from gearframe.gears.outcome import Limits
from tests.gears_runtime import ListRuntime, errors, outcome


def one_over(value: int) -> float:
    return 1 / value


def raising(error: BaseException) -> Any:
    def function(record: Any) -> Any:
        raise error

    return function


def test_a_record_that_fails_leaves_the_others() -> None:
    came = outcome(GB().map(one_over).map(lambda r: r * 2), [1, 0, 2])
    assert came.results == [2.0, 1.0]
    [text] = came.errors
    assert text.startswith("Traceback (most recent call last):\n")
    assert text.endswith("ZeroDivisionError: division by zero")
    assert "return 1 / value" in text
    assert "stages" not in text


def test_without_traceback_the_message_alone() -> None:
    came = outcome(GB().map(one_over), [0], limits=Limits(traceback=False))
    assert came.errors == ["division by zero"]


def test_a_flat_error_is_its_text() -> None:
    assert outcome(GB().map(raising(GearsFlatError("no"))), [1]).errors == ["no"]


@pytest.mark.parametrize(
    "error", [SystemExit(1), KeyboardInterrupt(), StopIteration(), GeneratorExit(), MemoryError()]
)
@pytest.mark.parametrize("name", ["map", "filter", "flatmap", "foreach", "countby", "avg"])
def test_nothing_leaves_the_run(error: BaseException, name: str) -> None:
    [last] = errors(getattr(GB(), name)(raising(error)), [1])
    assert last.startswith(type(error).__name__)


def test_an_accumulator_that_stops_iterating() -> None:
    def stop(a: Any, r: Any) -> Any:
        raise StopIteration

    assert errors(GB().accumulate(stop), [1, 2]) == ["StopIteration", "StopIteration"]


def test_a_recursion_without_end_is_an_error() -> None:
    def deep(record: Any) -> Any:
        return deep(record)

    [last] = errors(GB().map(deep), [1])
    assert last.startswith("RecursionError")


def test_an_error_whose_text_fails() -> None:
    class OddError(Exception):
        def __str__(self) -> str:
            raise ValueError

    came = outcome(GB().map(raising(OddError())), [1], limits=Limits(traceback=False))
    assert came.errors == ["OddError (and its text cannot be made: ValueError)"]


def test_no_record_is_run_twice() -> None:
    seen = []

    def function(record: int) -> int:
        seen.append(record)
        return 1 // (record % 3)

    outcome(GB().map(function), list(range(10)))
    assert seen == list(range(10))


def test_the_reader_stops_behind_the_batch_with_the_first_error() -> None:
    runtime = ListRuntime([1, 0, 2, 3, 4], batch=2)
    came = outcome(GB().map(one_over), runtime=runtime)
    assert came.results == [1.0]
    assert (runtime.read, runtime.closed, came.records) == (2, True, 2)


def test_the_reader_is_closed_when_a_limit_is_satisfied() -> None:
    runtime = ListRuntime(list(range(100)), batch=2)
    assert outcome(GB().limit(3), runtime=runtime).results == [0, 1, 2]
    assert (runtime.read, runtime.closed) == (4, True)


@pytest.mark.parametrize(
    ("gear", "calls"),
    [
        (lambda f: GB().map(f).limit(3), 3),
        (lambda f: GB().map(f).limit(2, 2), 4),
        (lambda f: GB().map(f).filter(lambda r: r % 2).limit(2), 4),
        (lambda f: GB().map(f).flatmap(lambda r: [r, r, r]).limit(4), 2),
        (lambda f: GB().flatmap(lambda r: [r, r, r]).map(f).limit(4), 4),
        (lambda f: GB().map(f).limit(5).limit(2), 2),
        (lambda f: GB().filter(f).limit(2), 3),
        (lambda f: GB().filter(f).filter(lambda r: r > 30).limit(2, 1), 34),
    ],
)
def test_no_record_is_run_that_a_limit_does_not_want(gear: Any, calls: int) -> None:
    seen: list[int] = []

    def function(record: int) -> int:
        seen.append(record)
        return record

    outcome(gear(function), list(range(50)))
    assert len(seen) == calls


def test_cancelled_between_batches() -> None:
    seen: list[int] = []
    limits = Limits(cancelled=lambda: len(seen) >= 4)
    runtime = ListRuntime(list(range(10)), batch=2)
    came = outcome(GB().foreach(seen.append), runtime=runtime, limits=limits)
    assert (came.aborted, came.results, seen) == (True, [], [0, 1, 2, 3])
    assert runtime.closed


def test_stopped_by_force() -> None:
    runtime = ListRuntime([1, 2])
    came = outcome(GB().map(raising(GearsForceStopped())), runtime=runtime)
    assert (came.aborted, came.results, came.errors) == (True, [], [])
    assert runtime.closed


def test_an_interrupt_where_it_is_wanted() -> None:
    with pytest.raises(KeyboardInterrupt):
        outcome(GB().map(raising(KeyboardInterrupt())), [1], limits=Limits(interruptible=True))


def test_results_that_are_too_large() -> None:
    limits = Limits(max_result_bytes=10)
    came = outcome(GB(), ["12345", "12345", "1"], batch=1, limits=limits)
    assert came.results == []
    assert "MaxResultBytes, 10 bytes" in came.errors[0]
    assert outcome(GB(), ["12345", "12345"], limits=limits).results == ["12345", "12345"]


def test_a_cycle_has_a_size() -> None:
    record: list[Any] = []
    record.append(record)
    limits = Limits(max_result_bytes=sys.getsizeof(record) * 4)
    assert outcome(GB(), [record], limits=limits).errors == []
