"""Steps that look at one record at a time: map, filter, flatmap, foreach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, compress
from typing import Any, TypeAlias

from gearframe.gears.plan import Filter, FlatMap, ForEach, Map
from gearframe.gears.stages.context import Context, Failed
from gearframe.gears.stages.parking import Parking, waits
from gearframe.gears.stages.room import Room

Records: TypeAlias = list[Any]
Batches: TypeAlias = Iterator[Records]
Columns: TypeAlias = tuple[Records, Records, set[type]]
Finish: TypeAlias = Callable[[Records, Records, set[type], Context], Records]

# Their truth is known without calling code that might raise.
_PLAIN_TRUTH = {bool, int, float, str, bytes, type(None), list, tuple, dict, set, frozenset}


def each(
    step: Map | Filter | FlatMap | ForEach, batches: Batches, context: Context, room: Room
) -> Batches:
    """Call the step's function for each record, and make of its values what the step is for.

    Records whose function returned a future or a coroutine wait aside; the others go on.
    """
    finish = _FINISH[type(step)]
    parking = Parking(context)
    try:
        for batch in batches:
            start = 0
            while start < len(batch):
                most = max(parking.room, 1)
                size = max(min(room(), most), 1)
                wanted = None
                if isinstance(step, Filter) and size < len(batch):
                    # What it drops takes no room: `filter(...).limit(1)` may look at many.
                    wanted, size = size, most
                piece = batch[start : start + size]
                values = context.call(step.function, piece, may_wait=True, most=wanted)
                records = batch[start : start + len(values)]
                start += len(values)
                yield from _some(*_at_once(records, values, parking), finish, context)
                if parking.waiting:
                    full = parking.room <= 0
                    yield from _some(*_taken(parking, context, wait=full), finish, context)
        while parking.waiting:
            yield from _some(*_taken(parking, context, wait=True), finish, context)
    finally:
        parking.cancel()


def _at_once(records: Records, values: Records, parking: Parking) -> Columns:
    """Records, their values and the types of those, without those that failed or wait.

    Those that wait are parked.
    """
    kinds = set(map(type, values))
    special = {kind for kind in kinds if kind is Failed or waits(kind)}
    if not special:
        return records, values, kinds
    kept = []
    for place, value in enumerate(values):
        kept.append(type(value) not in special)
        if not kept[-1] and type(value) is not Failed:
            values[place] = None  # a future has to notice that nobody can continue it
            parking.park(records[place], value)
    return list(compress(records, kept)), list(compress(values, kept)), kinds - special


def _taken(parking: Parking, context: Context, *, wait: bool) -> Columns:
    records, values = [], []
    for record, good, value in parking.take(wait=wait):
        if good:
            records.append(record)
            values.append(value)
        else:
            context.failed_later(value)
    return records, values, set(map(type, values))


def _some(
    records: Records, values: Records, kinds: set[type], finish: Finish, context: Context
) -> Batches:
    if records and (done := finish(records, values, kinds, context)):
        yield done


def _map(records: Records, values: Records, kinds: set[type], context: Context) -> Records:
    return values


def _filter(records: Records, values: Records, kinds: set[type], context: Context) -> Records:
    if not kinds <= _PLAIN_TRUTH:
        values = [value is True for value in context.call(bool, values)]
    return list(compress(records, values))


def _flatmap(records: Records, values: Records, kinds: set[type], context: Context) -> Records:
    # In reverse, as RedisGears does: scripts count on it, and `sort` is made of it there.
    if kinds == {list}:
        return list(chain.from_iterable(map(reversed, values)))
    if not any(issubclass(kind, list) for kind in kinds):
        return values
    found: Records = []
    for value in values:
        if isinstance(value, list):
            found.extend(list.__reversed__(value))
        else:
            found.append(value)
    return found


def _foreach(records: Records, values: Records, kinds: set[type], context: Context) -> Records:
    return records


_FINISH: dict[type, Finish] = {Map: _map, Filter: _filter, FlatMap: _flatmap, ForEach: _foreach}
