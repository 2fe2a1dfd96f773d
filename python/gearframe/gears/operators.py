"""The operations of a gear, as users write them; each is a step of the plan."""

from __future__ import annotations

from typing import Any

from gearframe.exceptions import GearsError
from gearframe.gears import plan
from gearframe.gears.arguments import function, operation
from gearframe.gears.plan import Function, Step


class Operations:
    """The operations: each adds a step and gives the builder back."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def add(self, step: Step) -> None:
        """Put a step behind the others."""
        self._steps.append(step)

    @operation
    def map(self, f: Function) -> Step:
        """Make of each record what ``f(record)`` gives."""
        return plan.Map(function("map", f))

    @operation
    def filter(self, f: Function) -> Step:
        """Keep the records for which ``f(record)`` is true."""
        return plan.Filter(function("filter", f))

    @operation
    def flatmap(self, f: Function) -> Step:
        """Make records of the elements of the list ``f(record)``, the last one first.

        What is no list (a tuple, a generator) stays one record.
        """
        return plan.FlatMap(function("flatmap", f))

    @operation
    def foreach(self, f: Function) -> Step:
        """Call ``f(record)``; the record goes on as it is."""
        return plan.ForEach(function("foreach", f))

    @operation
    def accumulate(self, f: Function) -> Step:
        """Make one record of all of a shard: ``f(accumulator, record)``, first with None.

        Where there are no records, none comes out.
        """
        return plan.Accumulate(function("accumulate", f))

    @operation
    def localgroupby(self, extractor: Function, reducer: Function) -> Step:
        """Make one record of each key of a shard: ``reducer(key, accumulator, record)``."""
        return plan.LocalGroupBy(*_grouping("localgroupby", extractor, reducer))

    @operation
    def groupby(self, extractor: Function, reducer: Function) -> Step:
        """Make ``{'key', 'value'}`` of each key: ``reducer(key, accumulator, record)``.

        The accumulator is None at first. A key that is no str becomes one by ``repr``.
        """
        return plan.GroupBy(*_grouping("groupby", extractor, reducer))

    @operation
    def batchgroupby(self, extractor: Function, reducer: Function) -> Step:
        """Make ``{'key', 'value'}`` of each key: ``reducer(key, list of its records)``."""
        return plan.BatchGroupBy(*_grouping("batchgroupby", extractor, reducer))

    @operation
    def collect(self) -> Step:
        """Bring the records of all shards together."""
        return plan.Collect()

    @operation
    def repartition(self, extractor: Function) -> Step:
        """Move each record to the shard that owns the slot of ``extractor(record)``."""
        return plan.Repartition(function("repartition", extractor))

    @operation
    def limit(self, length: int, offset: int = 0) -> Step:
        """Keep of each shard ``length`` records, after ``offset`` that are left out."""
        for value in (length, offset):
            if not isinstance(value, int):
                raise GearsError(f"limit argument must be a number, not {value!r}")
        return plan.Limit(length, offset)

    @operation
    def aggregate(self, zero: Any, seqOp: Function, combOp: Function) -> Step:  # noqa: N803
        """Make one record of all: ``seqOp(a, record)`` on shards, ``combOp(a, theirs)`` of those.

        Both begin with a copy of ``zero``.
        """
        sequence, combine = function("aggregate", seqOp), function("aggregate", combOp)
        return plan.Aggregate(zero, sequence, combine)

    @operation
    def aggregateby(
        self,
        extractor: Function,
        zero: Any,
        seqOp: Function,  # noqa: N803
        combOp: Function,  # noqa: N803
    ) -> Step:
        """Make ``{'key', 'value'}`` of each key: ``seqOp(key, a, record)``, then ``combOp``."""
        functions = [function("aggregateby", each) for each in (extractor, seqOp, combOp)]
        return plan.AggregateBy(functions[0], zero, functions[1], functions[2])

    @operation
    def count(self) -> Step:
        """Count the records; where there are none, no record comes out."""
        return plan.Count()

    @operation
    def countby(self, extractor: Function | None = None) -> Step:
        """Make ``{'key', 'value': how many}`` of each key; the record itself is the default key."""
        return plan.CountBy(None if extractor is None else function("countby", extractor))

    @operation
    def avg(self, extractor: Function = float) -> Step:
        """Make one record, the mean of ``extractor(record)``."""
        return plan.Average(function("avg", extractor))

    @operation
    def distinct(self) -> Step:
        """Keep each record once; records must be hashable."""
        return plan.Distinct()

    @operation
    def sort(self, reverse: bool = True) -> Step:
        """Put all records in order: ascending by default, descending with ``reverse=False``."""
        return plan.Sort(bool(reverse))


def _grouping(name: str, extractor: Function, reducer: Function) -> tuple[Function, Function]:
    return function(f"{name} extractor", extractor), function(f"{name} reducer", reducer)
