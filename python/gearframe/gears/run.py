"""Running a plan on one shard: records go from the reader through all steps in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from gearframe.exceptions import GearsError, GearsFlatError, GearsForceStopped
from gearframe.gears.flow import Flow
from gearframe.gears.narrowing import Need, need_of
from gearframe.gears.nested import in_a_thread
from gearframe.gears.outcome import Limits, Outcome, StepTime
from gearframe.gears.plan import Plan
from gearframe.gears.readers import close, read
from gearframe.gears.results import size_of
from gearframe.gears.runtime import Launcher, Runtime, call_within
from gearframe.gears.stages.context import Context
from gearframe.gears.stages.room import Room

if TYPE_CHECKING:
    from types import TracebackType

Progress = Callable[[int], None]


def run_plan(
    plan: Plan,
    runtime: Runtime,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    launch: Launcher | None = None,
) -> Outcome:
    """Run a plan over a runtime's records.

    Parameters
    ----------
    plan : Plan
        What to run.
    runtime : Runtime
        Where.
    limits : Limits, optional
        How long and how much.
    progress : function, optional
        Called after each batch with the number of records read so far.
    launch : function, optional
        What ``GearsBuilder.run`` does inside a step. By default the plan is run in a thread of its
        own over the same runtime.

    Returns
    -------
    Outcome
        Results, and a text for each record that failed. After the batch with the first error the
        reader is read no more; what it has given is worked on to the end.

    Raises
    ------
    GearsError
        The reader cannot be run.
    KeyboardInterrupt
        With ``limits.interruptible``.
    """
    limits = limits or Limits()
    return _Run(plan, runtime, limits, progress).outcome(launch or in_a_thread(runtime, limits))


class _Run:
    def __init__(
        self, plan: Plan, runtime: Runtime, limits: Limits, progress: Progress | None
    ) -> None:
        self._plan = plan
        self._context = Context(runtime, limits)
        self._progress = progress
        self._records = 0
        self._read_seconds = 0.0

    def outcome(self, launch: Launcher) -> Outcome:
        start = perf_counter()
        flow = Flow(self._plan.steps, self._context)
        batches = self._read(flow.reader_room)
        results: list[Any] = []
        aborted = False
        try:
            call_within(self._context.runtime, launch, lambda: self._flow(flow, batches, results))
        except GearsForceStopped:
            results.clear()
            aborted = True
        total = perf_counter() - start
        times = tuple(
            StepTime(kind, name, argument, seconds * 1000)
            for (kind, name, argument), seconds in zip(
                self._plan.describe(), flow.seconds(), strict=True
            )
        )
        errors = self._context.errors
        return Outcome(results, errors, aborted, self._records, self._read_seconds, total, times)

    def _flow(self, flow: Flow, batches: Iterator[list[Any]], results: list[Any]) -> None:
        try:
            try:
                self._gather(flow.through(batches), results)
            finally:
                flow.close()
            return
        except GearsForceStopped:
            pass
        # Generators that an interrupt kept from their end have it by now, or in here: later on the
        # user's code in them would find no runtime.
        flow.close()
        raise GearsForceStopped

    def _read(self, room: Room) -> Iterator[list[Any]]:
        reader = self._plan.reader
        need: Need | None = need_of(self._plan) if reader.name == "KeysReader" else None
        batches = read(reader, self._context.runtime, need, room)
        return self._until_an_error(batches)

    def _until_an_error(self, batches: Iterator[list[Any]]) -> Iterator[list[Any]]:
        try:
            while not self._context.errors:
                self._context.check()
                batch = self._next(batches)
                if batch is None:
                    return
                self._records += len(batch)
                yield batch
                if self._progress is not None:
                    self._progress(self._records)
        finally:
            with _UserCode(self._plan, self._context):
                close(batches)

    def _next(self, batches: Iterator[list[Any]]) -> list[Any] | None:
        start = perf_counter()
        batch = None
        with _UserCode(self._plan, self._context):
            batch = next(batches, None)
        self._read_seconds += perf_counter() - start
        return batch

    def _gather(self, batches: Iterator[list[Any]], results: list[Any]) -> None:
        most = self._context.limits.max_result_bytes
        size = 0
        for batch in batches:
            if most:
                size += size_of(batch)
                if size > most:
                    results.clear()
                    self._context.errors.append(_too_large(most))
                    return
            results += batch


class _UserCode:
    """Errors of a generator are the user's; those of a server are told as it tells them."""

    def __init__(self, plan: Plan, context: Context) -> None:
        self._plan = plan
        self._context = context

    # Not a generator: one that an interrupt keeps from its end takes its closing for an error.
    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if error is None:
            return False
        if isinstance(error, GearsError) and self._plan.reader.name != "PythonReader":
            error = GearsFlatError(str(error))
        self._context.failed(error)
        return True


def _too_large(most: int) -> str:
    return (
        f"The results are larger than MaxResultBytes, {most} bytes, so they were dropped. Let the "
        "gear return less (count, aggregate, limit), or raise it: "
        "RG.CONFIGSET MaxResultBytes <bytes>."
    )
