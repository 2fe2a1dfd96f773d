"""What a gear is: a reader and steps, as frozen data that can be pickled, sent and printed.

Nothing here runs anything: :mod:`gearframe.gears.run` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeAlias

Function: TypeAlias = Callable[..., Any]
Scope: TypeAlias = Literal["local", "global"]

READERS = (
    "KeysReader",
    "KeysOnlyReader",
    "StreamReader",
    "PythonReader",
    "ShardsIDReader",
    "CommandReader",
)


@dataclass(frozen=True)
class Reader:
    """Where the records come from.

    Attributes
    ----------
    name : str
        One of ``READERS``.
    argument : object
        A pattern, a key or a function, as the reader wants it.
    options : mapping of str to object
        The reader's own options, such as ``noScan``.
    """

    name: str
    argument: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One operation; its fields are the arguments.

    Attributes
    ----------
    name : str
        What users call it.
    scope : {"local", "global"}
        Whether each shard works for itself, or records of all shards meet.
    """

    name: ClassVar[str]
    scope: ClassVar[Scope] = "local"

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments by name, in the order in which they are given."""
        return MappingProxyType({each.name: getattr(self, each.name) for each in fields(self)})

    def functions(self) -> Iterator[tuple[str, Function]]:
        """The arguments that are called, with their names."""
        for name, value in self.arguments.items():
            if name != "zero" and callable(value):
                yield name, value

    def __str__(self) -> str:
        given = ", ".join(_readable(value) for value in self.arguments.values())
        return f"{self.name}({given})"


@dataclass(frozen=True)
class Map(Step):
    """Each record becomes what ``function(record)`` gives."""

    name = "map"
    function: Function


@dataclass(frozen=True)
class Filter(Step):
    """Records stay for which ``function(record)`` is true."""

    name = "filter"
    function: Function


@dataclass(frozen=True)
class FlatMap(Step):
    """Each record becomes the elements of the list that ``function(record)`` gives."""

    name = "flatmap"
    function: Function


@dataclass(frozen=True)
class ForEach(Step):
    """``function(record)`` is called; the record goes on as it is."""

    name = "foreach"
    function: Function


@dataclass(frozen=True)
class Accumulate(Step):
    """All records of a shard become one: ``function(accumulator, record)``, None at first."""

    name = "accumulate"
    function: Function


@dataclass(frozen=True)
class LocalGroupBy(Step):
    """One record a key and shard: ``reducer(key, accumulator, record)``, None at first."""

    name = "localgroupby"
    extractor: Function
    reducer: Function


@dataclass(frozen=True)
class GroupBy(Step):
    """One record a key: ``reducer(key, accumulator, record)``, None at first."""

    name = "groupby"
    scope = "global"
    extractor: Function
    reducer: Function


@dataclass(frozen=True)
class BatchGroupBy(Step):
    """One record a key: ``reducer(key, records)``, with all its records at once."""

    name = "batchgroupby"
    scope = "global"
    extractor: Function
    reducer: Function


@dataclass(frozen=True)
class Collect(Step):
    """Records of all shards go to the one that was asked."""

    name = "collect"
    scope = "global"


@dataclass(frozen=True)
class Repartition(Step):
    """Each record goes to the shard that owns the slot of ``extractor(record)``."""

    name = "repartition"
    scope = "global"
    extractor: Function


@dataclass(frozen=True)
class Limit(Step):
    """Of each shard ``length`` records, after ``offset`` that are left out."""

    name = "limit"
    length: int
    offset: int = 0


# What follows could be built of the steps above, and was in RedisGears. As steps of their own they
# spare a Python call or two for each record, and a reader of the plan sees what is meant.


@dataclass(frozen=True)
class Aggregate(Step):
    """One record: ``sequence(accumulator, record)`` on each shard, then ``combine`` of theirs."""

    name = "aggregate"
    scope = "global"
    zero: Any
    sequence: Function
    combine: Function


@dataclass(frozen=True)
class AggregateBy(Step):
    """One record a key: ``sequence(key, accumulator, record)``, then ``combine`` over shards."""

    name = "aggregateby"
    scope = "global"
    extractor: Function
    zero: Any
    sequence: Function
    combine: Function


@dataclass(frozen=True)
class Count(Step):
    """How many records there are; no record where there are none."""

    name = "count"
    scope = "global"


@dataclass(frozen=True)
class CountBy(Step):
    """How many records each key has; without an extractor the record is the key."""

    name = "countby"
    scope = "global"
    extractor: Function | None = None


@dataclass(frozen=True)
class Average(Step):
    """The mean of ``extractor(record)``."""

    name = "avg"
    scope = "global"
    extractor: Function = float


@dataclass(frozen=True)
class Distinct(Step):
    """Each record once."""

    name = "distinct"
    scope = "global"


@dataclass(frozen=True)
class Sort(Step):
    """All records in order: ascending with ``reverse=True``, as in RedisGears."""

    name = "sort"
    scope = "global"
    reverse: bool = True


@dataclass(frozen=True)
class Plan:
    """A whole gear.

    Attributes
    ----------
    reader : Reader
        Where records come from.
    steps : tuple of Step
        What happens to them, in order.
    description : str or None
        What its author calls it.

    Examples
    --------
    >>> from gearframe.gears.plan import Count, Map, Plan, Reader
    >>> print(Plan(Reader("KeysReader", "user:*"), (Map(len), Count()), None))
    KeysReader('user:*')
      map(len)
      count()  [global]
    """

    reader: Reader
    steps: tuple[Step, ...] = ()
    description: str | None = None

    def describe(self) -> list[list[str]]:
        """The steps as RG.GETEXECUTION shows them: type, name of the function, argument."""
        return [_described(step) for step in self.steps]

    def explain(self) -> str:
        """The plan for people: the reader, then a line for each step."""
        given = [repr(self.reader.argument)] if self.reader.argument is not None else []
        if callable(self.reader.argument):
            given = [function_name(self.reader.argument)]
        given += [f"{name}={_readable(value)}" for name, value in self.reader.options.items()]
        lines = [f"{self.reader.name}({', '.join(given)})"]
        for step in self.steps:
            lines.append(f"  {step}" + ("  [global]" if step.scope == "global" else ""))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.explain()


def function_name(function: object) -> str:
    """What a callable is called; its type, where it has no name."""
    return str(getattr(function, "__name__", None) or type(function).__name__)


def _described(step: Step) -> list[str]:
    functions = dict(step.functions())
    name = ", ".join(function_name(function) for function in functions.values())
    rest = [f"{key}={value!r}" for key, value in step.arguments.items() if key not in functions]
    return [step.name, name, ", ".join(rest)]


def _readable(value: object) -> str:
    return function_name(value) if callable(value) else repr(value)
