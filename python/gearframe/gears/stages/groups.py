"""Steps that give one record a key: groupby and its kin, aggregateby, countby."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from copy import deepcopy
from typing import Any

from gearframe.exceptions import GearsError
from gearframe.gears.plan import AggregateBy, BatchGroupBy, CountBy, GroupBy, LocalGroupBy
from gearframe.gears.stages.context import Context, in_batches
from gearframe.gears.stages.each import Batches
from gearframe.gears.stages.keys import keys_of
from gearframe.gears.stages.parking import wait_for, waits
from gearframe.gears.stages.scope import Scope

Reducer = Callable[[str, Any, Any], Any]


def groupby(step: GroupBy | LocalGroupBy, batches: Batches, context: Context) -> Batches:
    """Reduce the records of each key; the accumulator is None at first."""
    groups: dict[str, Any] = {}
    for batch in batches:
        keys, records = keys_of(step.extractor, batch, context)
        reduce_into(groups, step.reducer, None, keys, records, context)
    yield from as_records(groups)


def aggregateby(step: AggregateBy, batches: Batches, context: Context) -> Batches:
    """Reduce the records of each key from a copy of zero; then combine what the shards have."""
    groups: dict[str, Any] = {}
    for batch in batches:
        keys, records = keys_of(step.extractor, batch, context)
        reduce_into(groups, step.sequence, step.zero, keys, records, context)
    combined: dict[str, Any] = {}
    reduce_into(combined, step.combine, step.zero, groups, groups.values(), context)
    yield from as_records(combined)


def batchgroupby(step: BatchGroupBy, batches: Batches, context: Context) -> Batches:
    """Reduce all records of a key at once."""
    groups: dict[str, list[Any]] = {}
    for batch in batches:
        keys, records = keys_of(step.extractor, batch, context)
        for key, record in zip(keys, records, strict=True):
            groups.setdefault(key, []).append(record)

    def reduced(key: str) -> dict[str, Any]:
        value = step.reducer(key, groups[key])
        if isinstance(value, Coroutine):
            value.close()
            raise GearsError("coroutine are not allow on extractor/reduce")
        return {"key": key, "value": value}

    for some in in_batches(groups):
        values = context.call(reduced, some)
        if done := [value for value in values if type(value) is dict]:
            yield done


def countby(step: CountBy, batches: Batches, context: Context) -> Batches:
    """Count the records of each key."""
    counts: Counter[str] = Counter()
    for batch in batches:
        keys, _ = keys_of(step.extractor, batch, context)
        counts.update(keys)  # a loop in C
    yield from as_records(counts)


def reduce_into(
    groups: dict[str, Any],
    reducer: Reducer,
    zero: Any,
    keys: Iterable[str],
    records: Iterable[Any],
    context: Context,
) -> None:
    """Call a reducer for each record, with its key and the accumulator of that key."""
    get = groups.get
    plain: set[type] = set()
    remaining = iter(list(zip(keys, records, strict=True)))
    with Scope(remaining, context.runtime):
        while True:
            try:
                for key, record in remaining:
                    before = get(key)
                    if before is None and zero is not None:
                        before = deepcopy(zero)
                    after = reducer(key, before, record)
                    if type(after) not in plain:
                        if waits(type(after)):
                            awaited, after = [after], None
                            after = wait_for(awaited, context)
                        else:
                            plain.add(type(after))
                    groups[key] = after
            except BaseException as error:  # noqa: BLE001 - user code raises what it wants
                context.failed(error)
            else:
                return


def as_records(groups: dict[str, Any]) -> Batches:
    """The groups as records."""
    return in_batches({"key": key, "value": value} for key, value in groups.items())
