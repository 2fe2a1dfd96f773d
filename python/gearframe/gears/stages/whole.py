"""Steps about which records there are: limit, distinct, sort, collect, repartition."""

from __future__ import annotations

from typing import Any

from gearframe.gears.plan import Collect, Distinct, Repartition, Sort
from gearframe.gears.stages.context import Context, in_batches
from gearframe.gears.stages.each import Batches
from gearframe.gears.stages.keys import keys_of
from gearframe.gears.stages.room import Left


def limit(left: Left, batches: Batches) -> Batches:
    """Some records after some that are left out; upstream is asked no more than that needs."""
    while left.length:
        batch = next(batches, None)
        if batch is None:
            return
        skipped = min(left.offset, len(batch))
        left.offset -= skipped
        taken = batch[skipped : skipped + left.length]
        left.length -= len(taken)
        if taken:
            yield taken


def distinct(step: Distinct, batches: Batches, context: Context) -> Batches:
    """Each record once, where it came first."""
    seen: dict[Any, None] = {}
    for batch in batches:
        remaining = iter(batch)
        while True:
            try:
                for record in remaining:
                    seen[record] = None
            except BaseException as error:  # noqa: BLE001 - __hash__ and __eq__ are user code
                context.failed(error)
            else:
                break
    yield from in_batches(seen)


def sort(step: Sort, batches: Batches, context: Context) -> Batches:
    """All records in order."""
    records = [record for batch in batches for record in batch]
    try:
        # Turned round as flatmap does, so that `reverse` means what it does in RedisGears.
        records = sorted(records, reverse=step.reverse)[::-1]
    except BaseException as error:  # noqa: BLE001 - comparing is user code
        context.failed(error)
        return
    yield from in_batches(records)


def collect(step: Collect, batches: Batches, context: Context) -> Batches:
    """One shard has all records already."""
    return batches


def repartition(step: Repartition, batches: Batches, context: Context) -> Batches:
    """One shard owns all slots; a record without a key fails."""
    for batch in batches:
        _, records = keys_of(step.extractor, batch, context)
        yield records
