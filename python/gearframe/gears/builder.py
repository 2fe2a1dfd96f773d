"""GearsBuilder: the front with which plans are written down."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gearframe.exceptions import GearsError
from gearframe.gears import plan
from gearframe.gears.arguments import function, operation, options_of
from gearframe.gears.plan import Function, Plan, Reader, Step
from gearframe.gears.runtime import launcher


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


class GearsBuilder(Operations):
    """Write down a gear: a reader, then operations, then :meth:`run`.

    Parameters
    ----------
    reader : str, default "KeysReader"
        KeysReader, KeysOnlyReader, StreamReader, PythonReader, ShardsIDReader or CommandReader.
    defaultArg : object, default "*"
        What the reader reads when ``run`` does not say: a pattern, a stream's key, a function.
    desc : str, optional
        What the gear is called in lists.

    Examples
    --------
    >>> print(gf.GearsBuilder().map(len).countby().plan("user:*"))
    KeysReader('user:*')
      map(len)
      countby(None)  [global]
      map(str)
      collect()  [global]
    """

    def __init__(
        self,
        reader: str = "KeysReader",
        defaultArg: Any = "*",  # noqa: N803 - the name scripts use
        desc: str | None = None,
    ) -> None:
        super().__init__()
        if reader not in plan.READERS:
            known = ", ".join(plan.READERS)
            raise GearsError(f"Given reader does not exists: {reader!r}; there are {known}")
        self._reader = reader
        self._default = defaultArg
        self._description = desc

    def plan(
        self,
        arg: Any = None,
        convertToStr: bool = True,  # noqa: N803 - the name scripts use
        collect: bool = True,
        **options: Any,
    ) -> Plan:
        """Give what has been written down so far as a :class:`~gearframe.gears.plan.Plan`.

        The parameters are those of :meth:`run`.
        """
        mode = options.pop("mode", "async")
        if mode not in ("async", "async_local"):
            raise GearsError(f"unknown execution mode {mode!r}; there are 'async', 'async_local'")
        argument, wanted = options_of(self._reader, arg or self._default, options)
        steps = list(self._steps)
        if convertToStr:
            steps.append(plan.Map(str))
        if collect and mode == "async":
            steps.append(plan.Collect())
        return Plan(Reader(self._reader, argument, wanted), tuple(steps), self._description)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Run the gear.

        In a script that a server runs, and inside of a step, the call is
        ``run(arg=None, convertToStr=True, collect=True, **options)``; on a client it is
        ``run(client, arg=None, ...)`` with the parameters of
        :func:`gearframe.gears.backends.face.run`, which gives Python objects.

        Parameters
        ----------
        client : Client or str
            The server; only on a client.
        arg : object, optional
            What to read; the builder's ``defaultArg`` where it is missing.
        convertToStr : bool, default True
            Turn each result into a str.
        collect : bool, default True
            Bring the results of all shards together.
        mode : {"async", "async_local"}
            All shards, or this one alone.
        **options
            Of the reader: noScan, readValue, count, patternGenerator, fromId. Others are ignored,
            as RedisGears does.

        Returns
        -------
        object
            In a script a future of ``[results, errors]``, which coroutines can await; on a client
            a :class:`~gearframe.gears.backends.result.GearsResult`.

        Raises
        ------
        GearsError
            The reader cannot be run, or an argument does not fit it.

        Examples
        --------
        >>> client = gf.connect()
        >>> client.execute("HSET", "user:1", "country", "NL")
        1
        >>> gear = gf.GearsBuilder().countby(lambda record: record["value"]["country"])
        >>> list(gear.run(client, "user:*"))
        [{'key': 'NL', 'value': 1}]
        """
        launch = launcher()
        if launch is not None:
            return launch(self.plan(*args, **kwargs))
        return _face().run(self, *args, **kwargs)

    def register(self, *args: Any, **kwargs: Any) -> Any:
        """Run the gear for each event: not in this version."""
        raise GearsError("register is not in this version; run() works on the data that is there")

    @property
    def reader(self) -> str:
        """What the gear reads with."""
        return self._reader

    def explain(self, client: Any = None, arg: Any = None, **options: Any) -> str:
        """Say what the gear does, what it reads of each key, and where it would run.

        Parameters
        ----------
        client : Client or str, optional
            The server that it would run for; without one, where it runs is left out.
        arg, **options
            As for :meth:`run`.

        Returns
        -------
        str

        Examples
        --------
        >>> gear = gf.GearsBuilder().map(lambda record: record["value"]["country"]).countby()
        >>> print(gear.explain(arg="user:*"))
        KeysReader('user:*')
          map(<lambda>)
          countby(None)  [global]
          collect()  [global]
        reads: of hashes country; of other types the value
        """
        return str(_face().explain(self, client, arg, **options))

    def __repr__(self) -> str:
        steps = "".join(f".{step}" for step in self._steps)
        return f"GearsBuilder({self._reader!r}){steps}"


GB = GearsBuilder


def _face() -> Any:
    # The engine may not import what talks to servers: an interpreter in a server refuses it.
    return import_module("gearframe.gears.backends.face")
