"""Steps that make one record of all: accumulate, aggregate, count, avg."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from gearframe.gears.plan import Accumulate, Aggregate, Average, Count
from gearframe.gears.stages.context import Context, without_failed
from gearframe.gears.stages.each import Batches
from gearframe.gears.stages.parking import wait_for, waits
from gearframe.gears.stages.scope import Scope


def accumulate(step: Accumulate, batches: Batches, context: Context) -> Batches:
    """One record of all; none of none."""
    return _folded(step.function, None, batches, context)


def aggregate(step: Aggregate, batches: Batches, context: Context) -> Batches:
    """Fold from a copy of zero; then combine what the shards have, from another copy."""
    partial = _folded(step.sequence, step.zero, batches, context)
    return _folded(step.combine, step.zero, partial, context)


def count(step: Count, batches: Batches, context: Context) -> Batches:
    """How many records; no record where there are none."""
    found = sum(map(len, batches))
    if found:
        yield [found]


def average(step: Average, batches: Batches, context: Context) -> Batches:
    """The mean of numbers, added up in their order."""
    total: Any = 0
    found = 0
    for batch in batches:
        remaining = iter(batch)
        while True:
            try:
                for value in remaining:
                    total = total + value
                    found += 1
            except BaseException as error:  # noqa: BLE001 - what is no number adds as it wants
                context.failed(error)
            else:
                break
    if found:
        [means] = without_failed(context.call(lambda total: total / found, [total]))
        yield means


def _folded(
    function: Callable[[Any, Any], Any], zero: Any, batches: Batches, context: Context
) -> Batches:
    """Fold all records; a record whose call fails leaves the accumulator as it was."""
    folded: Any = None
    some = False
    plain: set[type] = set()
    for batch in batches:
        remaining = iter(batch)
        with Scope(remaining, context.runtime):
            while True:
                try:
                    for record in remaining:
                        if folded is None and zero is not None:
                            folded = deepcopy(zero)
                        value = function(folded, record)
                        if type(value) not in plain:
                            if waits(type(value)):
                                awaited, value = [value], None
                                value = wait_for(awaited, context)
                            else:
                                plain.add(type(value))
                        folded = value
                        some = True
                except BaseException as error:  # noqa: BLE001 - user code raises what it wants
                    context.failed(error)
                else:
                    break
    if some:
        yield [folded]
