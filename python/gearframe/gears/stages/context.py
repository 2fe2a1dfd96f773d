"""What all steps of a run share: its errors, its limits, and how user code is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import Context as Variables
from contextvars import copy_context
from itertools import compress
from typing import Any

from gearframe.exceptions import GearsForceStopped
from gearframe.gears.outcome import Limits
from gearframe.gears.runtime import Runtime
from gearframe.gears.stages.scope import Scope, no_step
from gearframe.gears.trace import error_text, printable

BATCH = 1000
"""How many records go through a step at a time, and how many may wait in it for their futures."""


class Failed:
    """Stands where a record's function failed."""


FAILED = Failed()


class Context:
    """A run."""

    def __init__(self, runtime: Runtime, limits: Limits) -> None:
        self.runtime = runtime
        self.limits = limits
        self.errors: list[str] = []

    def failed(self, error: BaseException) -> None:
        """Keep the error of a record; what ends the whole run is raised again."""
        if isinstance(error, GearsForceStopped):
            raise error
        if isinstance(error, KeyboardInterrupt) and self.limits.interruptible:
            raise error
        self.errors.append(error_text(error, with_traceback=self.limits.traceback))

    def failed_later(self, error: object) -> None:
        """Keep the error of a record that waited for its future."""
        if isinstance(error, BaseException):
            self.failed(error)
        else:
            self.errors.append(printable(str(error)))

    def check(self) -> None:
        """End the run if somebody wants it to end."""
        if self.limits.cancelled():
            raise GearsForceStopped("The execution was aborted.")

    def variables(self) -> Variables:
        """The context variables for code that goes on by itself: in no step."""
        copy = copy_context()
        copy.run(no_step)
        return copy

    def call(
        self,
        function: Callable[..., Any],
        records: list[Any],
        *,
        may_wait: bool = False,
        most: int | None = None,
    ) -> list[Any]:
        """Call a function for each record; ``FAILED`` stands where it raised.

        With ``most`` it ends behind that many values which are neither False nor None.

        The loop is in C (``list.extend`` over ``map``). An exception leaves it with the values so
        far in the list and the iterator behind the record that failed, so it can go on from there
        and no record is given to the function twice.
        """
        values: list[Any] = []
        remaining = iter(records)
        calls = map(function, remaining)
        with Scope(remaining, self.runtime if may_wait else None):
            while len(values) < len(records):
                try:
                    if most is None:
                        values.extend(calls)
                    elif _some(calls, values, most):
                        break
                    if len(values) < len(records):
                        # To `extend` a StopIteration of the function is the end of the records.
                        raise StopIteration("raised by the function")
                except BaseException as error:  # noqa: BLE001 - user code raises what it wants
                    self.failed(error)
                    values.append(FAILED)
        return values


def _some(calls: Iterator[Any], values: list[Any], most: int) -> bool:
    """Append values until there are enough; False where the calls came to an end before."""
    wanted = sum(1 for value in values if not _dropped(value))
    for value in calls:
        values.append(value)
        if not _dropped(value):
            wanted += 1
            if wanted >= most:
                return True
    return False


def _dropped(value: Any) -> bool:
    return value is False or value is None or value is FAILED


def without_failed(values: list[Any], *columns: list[Any]) -> list[list[Any]]:
    """Values, and columns beside them, without the rows whose value is ``FAILED``."""
    if Failed not in set(map(type, values)):
        return [values, *columns]
    kept = [value is not FAILED for value in values]
    return [list(compress(column, kept)) for column in (values, *columns)]


def in_batches(records: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut what a step kept into batches."""
    batch: list[Any] = []
    for record in records:
        batch.append(record)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
