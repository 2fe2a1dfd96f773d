"""How little of each key a plan looks at, so that only that is read.

A record is a dict of a key's name, value and type. Most scripts look up a field or two, in
functions whose bytecode says which; where it does not say so for certain, the record is read
whole. A part is an ordinary dict, not one that fetches or decodes on access: what is written in C
(Polars, orjson, whatever walks a dict with ``PyDict_Next``) takes such a dict for an empty one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gearframe.gears.bytecode import follow
from gearframe.gears.machine import NotUnderstood, Reads

if TYPE_CHECKING:
    from gearframe.gears.plan import Plan, Step


@dataclass(frozen=True)
class Need:
    """What is to be read of each key.

    Attributes
    ----------
    what : {"key", "type", "value"}
        The key's name alone; its type too; its value too.
    fields : frozenset of str or None
        With ``what="value"``: of a hash only these fields are looked at. None for all. What is no
        hash is read whole.
    """

    what: Literal["key", "type", "value"]
    fields: frozenset[str] | None = None


WHOLE = Need("value")
"""Everything."""


def need_of(plan: Plan) -> Need:
    """Find out what a plan looks at in the records of its reader.

    Parameters
    ----------
    plan : Plan
        A plan over KeysReader; of other readers' records all is needed.

    Returns
    -------
    Need
        The least that certainly gives the same results.

    Notes
    -----
    Steps that pass the record on (filter, foreach, limit, collect, repartition) add up; the first
    that makes something else of it ends the search. A plan that ends while records are still
    records needs all of them.

    Examples
    --------
    >>> from gearframe.gears.plan import Map, Plan, Reader
    >>> def country(record):
    ...     return record["value"]["country"]
    >>> need_of(Plan(Reader("KeysReader", "user:*"), (Map(country),), None))
    Need(what='value', fields=frozenset({'country'}))
    """
    if plan.reader.name != "KeysReader":
        return WHOLE
    reads = Reads()
    try:
        for step in plan.steps:
            if not _passes_on(step, reads):
                return _need(reads)
    except NotUnderstood:
        return WHOLE
    except Exception:  # noqa: BLE001 - code that no compiler has made may break any rule of `dis`
        return WHOLE
    return WHOLE


def _need(reads: Reads) -> Need:
    if reads.value:
        return Need("value", frozenset(reads.fields))
    return Need("type" if reads.type else "key")


# The place of the record among the arguments of each function of a step, by the function's name
# in the step. A step that is not here is given whole records.
_PASSED_ON = {
    "Filter": {"function": 0},
    "ForEach": {"function": 0},
    "Repartition": {"extractor": 0},
    "Limit": {},
    "Collect": {},
}
_ENDED = {
    "Map": {"function": 0},
    "FlatMap": {"function": 0},
    "Accumulate": {"function": 1},
    "LocalGroupBy": {"extractor": 0, "reducer": 2},
    "GroupBy": {"extractor": 0, "reducer": 2},
    "Aggregate": {"sequence": 1},
    "AggregateBy": {"extractor": 0, "sequence": 2},
    "Count": {},
    "CountBy": {"extractor": 0},
    "Average": {"extractor": 0},
}


def _passes_on(step: Step, reads: Reads) -> bool:
    """Note what a step reads; tell whether the next one sees the record too."""
    kind = type(step).__name__
    places = _PASSED_ON.get(kind, _ENDED.get(kind))
    if places is None:
        raise NotUnderstood
    for name, place in places.items():
        follow(getattr(step, name), place, reads)
    return kind in _PASSED_ON
