"""How many records a step may take at a time, so that a limit behind it is never overrun."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gearframe.gears.plan import Collect, Filter, FlatMap, ForEach, Limit, Map, Repartition, Step
from gearframe.gears.stages.context import BATCH

# Steps that pass each batch on as soon as they have it.
STREAMING = (Map, Filter, FlatMap, ForEach, Limit, Collect, Repartition)

Room = Callable[[], int]


class Left:
    """What a limit still wants."""

    def __init__(self, limit: Limit) -> None:
        self.offset = max(limit.offset, 0)
        self.length = max(limit.length, 0)

    def __call__(self) -> int:
        """How many records that is."""
        return self.offset + self.length


def rooms(steps: Sequence[Step], left: Sequence[Left | None]) -> list[Room]:
    """For each step how many records it may take at a time; the reader has the first one's room.

    No more than the limits behind it want: each record gives at most one, so the last of them is
    wanted too. A record of a flatmap may give many: before one, records go one at a time.
    """
    found: list[Room] = [_whole] * (len(steps) + 1)
    for place in reversed(range(len(steps))):
        if isinstance(steps[place], STREAMING):
            found[place] = _before(steps[place], left[place], found[place + 1])
    return found


def _before(step: Step, left: Left | None, behind: Room) -> Room:
    if left is not None:
        return left if behind is _whole else lambda: min(left(), behind())
    if isinstance(step, FlatMap) and behind is not _whole:
        return _one
    return behind


def _whole() -> int:
    return BATCH


def _one() -> int:
    return 1
