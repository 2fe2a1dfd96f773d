"""The steps of a plan, put behind each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any

from gearframe.exceptions import GearsError
from gearframe.gears import plan
from gearframe.gears.readers import close
from gearframe.gears.stages import groups, totals, whole
from gearframe.gears.stages.context import Context
from gearframe.gears.stages.each import Batches, each
from gearframe.gears.stages.room import Left, Room, rooms

_STAGES: dict[type[plan.Step], Callable[..., Batches]] = {
    plan.Accumulate: totals.accumulate,
    plan.Aggregate: totals.aggregate,
    plan.AggregateBy: groups.aggregateby,
    plan.BatchGroupBy: groups.batchgroupby,
    plan.Collect: whole.collect,
    plan.Count: totals.count,
    plan.CountBy: groups.countby,
    plan.Distinct: whole.distinct,
    plan.GroupBy: groups.groupby,
    plan.LocalGroupBy: groups.groupby,
    plan.Repartition: whole.repartition,
    plan.Sort: whole.sort,
}


class Flow:
    """Steps, each with the time it took and the room it has."""

    def __init__(self, steps: Sequence[plan.Step], context: Context) -> None:
        self._steps = steps
        self._context = context
        self._left = [Left(step) if isinstance(step, plan.Limit) else None for step in steps]
        self._rooms = rooms(steps, self._left)
        # Until a step had its batch; that is the time of the steps before it too.
        self._until = [0.0] * (len(steps) + 1)
        self._open: list[Iterator[list[Any]]] = []

    @property
    def reader_room(self) -> Room:
        """How many records the steps want of the reader."""
        return self._rooms[0]

    def through(self, batches: Iterator[list[Any]]) -> Iterator[list[Any]]:
        """What comes out behind the last step."""
        self._open = [batches, flowing := self._timed(batches, 0)]
        for place, step in enumerate(self._steps):
            stage = self._stage(place, step, flowing)
            flowing = self._timed(stage, place + 1)
            self._open += [stage, flowing]
        return flowing

    def close(self) -> None:
        """End what is still in the middle of something: the last step first, then the reader."""
        while self._open:
            close(self._open[-1])  # it stays where an interrupt comes in between
            self._open.pop()

    def seconds(self) -> list[float]:
        """The time that each step took for itself."""
        return [after - before for before, after in zip(self._until, self._until[1:], strict=False)]

    def _stage(self, place: int, step: plan.Step, batches: Batches) -> Batches:
        left = self._left[place]
        if left is not None:
            return whole.limit(left, batches)
        if isinstance(step, (plan.Map, plan.Filter, plan.FlatMap, plan.ForEach)):
            return each(step, batches, self._context, self._rooms[place])
        if isinstance(step, plan.Average):
            numbers = each(plan.Map(step.extractor), batches, self._context, self._rooms[place])
            return totals.average(step, numbers, self._context)
        stage = _STAGES.get(type(step))
        if stage is None:
            raise GearsError(f"A step of this kind is not known here: {step}")
        return stage(step, batches, self._context)

    def _timed(self, batches: Batches, place: int) -> Iterator[list[Any]]:
        while True:
            start = perf_counter()
            try:
                batch = next(batches, None)
            finally:
                self._until[place] += perf_counter() - start
            if batch is None:
                return
            yield batch
