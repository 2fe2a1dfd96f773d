"""The operations of a gear that make one record of many: of all, or of those with the same key."""

from __future__ import annotations

from typing import Any

from gearframe.gears import plan
from gearframe.gears.arguments import function, operation
from gearframe.gears.operators import Operations
from gearframe.gears.plan import Function, Step


class Reductions(Operations):
    """All operations: those of one record, and those of many."""

    @operation
    def accumulate(self, f: Function) -> Step:
        """Make one record of all of a shard.

        Parameters
        ----------
        f : callable
            ``f(accumulator, record)`` gives the next accumulator; the first one is None.

        Returns
        -------
        GearsBuilder
            The builder itself.

        Notes
        -----
        Where there are no records, none comes out. With several shards there is one record each:
        :meth:`aggregate` makes one of all.

        Examples
        --------
        >>> gear = gf.GearsBuilder("PythonReader").accumulate(lambda most, n: max(most or 0, n))
        >>> gear.run(gf.connect(), lambda: iter([3, 5, 4]))[:]
        [5]
        """
        return plan.Accumulate(function("accumulate", f))

    @operation
    def localgroupby(self, extractor: Function, reducer: Function) -> Step:
        """Make one record of each key of a shard.

        Parameters
        ----------
        extractor : callable
            ``extractor(record)`` gives the key; what is no str becomes one by ``repr``.
        reducer : callable
            ``reducer(key, accumulator, record)`` gives the next accumulator; the first one of a key
            is None.

        Returns
        -------
        GearsBuilder
            The builder itself. Its records are dicts with ``key`` and ``value``.

        Examples
        --------
        >>> gear = gf.GearsBuilder("PythonReader").localgroupby(
        ...     lambda word: word[0], lambda key, words, word: [*(words or []), word]
        ... )
        >>> gear.run(gf.connect(), lambda: iter(["ape", "bee", "ant"]))[:]
        [{'key': 'a', 'value': ['ape', 'ant']}, {'key': 'b', 'value': ['bee']}]
        """
        return plan.LocalGroupBy(*_grouping("localgroupby", extractor, reducer))

    @operation
    def groupby(self, extractor: Function, reducer: Function) -> Step:
        """Make one record of each key, over all shards.

        Parameters
        ----------
        extractor : callable
            ``extractor(record)`` gives the key; what is no str becomes one by ``repr``. No
            coroutine.
        reducer : callable
            ``reducer(key, accumulator, record)`` gives the next accumulator; the first one of a key
            is None.

        Returns
        -------
        GearsBuilder
            The builder itself. Its records are dicts with ``key`` and ``value``.

        Notes
        -----
        Where a partial result can be made in each shard, :meth:`aggregateby` moves less.

        Examples
        --------
        >>> gear = gf.GearsBuilder("PythonReader").groupby(
        ...     lambda n: n % 2, lambda key, most, n: max(most or 0, n)
        ... )
        >>> gear.run(gf.connect(), lambda: iter([3, 5, 4])).to_frame().rows()
        [('1', 5), ('0', 4)]
        """
        return plan.GroupBy(*_grouping("groupby", extractor, reducer))

    @operation
    def batchgroupby(self, extractor: Function, reducer: Function) -> Step:
        """Make one record of each key, of all its records at once.

        Parameters
        ----------
        extractor : callable
            ``extractor(record)`` gives the key; what is no str becomes one by ``repr``. No
            coroutine.
        reducer : callable
            ``reducer(key, records)`` gives the value, once for each key. No coroutine.

        Returns
        -------
        GearsBuilder
            The builder itself. Its records are dicts with ``key`` and ``value``.

        Notes
        -----
        All records are in memory until the last one has come.

        Examples
        --------
        >>> gear = gf.GearsBuilder("PythonReader").batchgroupby(
        ...     lambda word: word[0], lambda key, words: sorted(words)
        ... )
        >>> gear.run(gf.connect(), lambda: iter(["bee", "ape", "ant"])).to_frame().rows()
        [('b', ['bee']), ('a', ['ant', 'ape'])]
        """
        return plan.BatchGroupBy(*_grouping("batchgroupby", extractor, reducer))

    @operation
    def aggregate(self, zero: Any, seqOp: Function, combOp: Function) -> Step:  # noqa: N803
        """Make one record of all: first in each shard, then of what the shards have.

        Parameters
        ----------
        zero : object
            What both begin with; each gets a copy. What is no longer None stays, also where it is
            0 or empty.
        seqOp : callable
            ``seqOp(accumulator, record)`` gives the next accumulator, in a shard.
        combOp : callable
            ``combOp(accumulator, other)`` gives the next one of the shards' accumulators.

        Returns
        -------
        GearsBuilder
            The builder itself.

        Notes
        -----
        Where there are no records, none comes out.

        Examples
        --------
        >>> gear = gf.GearsBuilder("PythonReader").aggregate(
        ...     0, lambda sum, n: sum + n, lambda sum, other: sum + other
        ... )
        >>> gear.run(gf.connect(), lambda: iter([3, 5, 4]))[:]
        [12]
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
        """Make one record of each key: first in each shard, then of what the shards have.

        Parameters
        ----------
        extractor : callable
            ``extractor(record)`` gives the key; what is no str becomes one by ``repr``. No
            coroutine.
        zero : object
            What each key begins with; each gets a copy.
        seqOp : callable
            ``seqOp(key, accumulator, record)`` gives the next accumulator, in a shard.
        combOp : callable
            ``combOp(key, accumulator, other)`` gives the next one of the shards' accumulators.

        Returns
        -------
        GearsBuilder
            The builder itself. Its records are dicts with ``key`` and ``value``.

        Examples
        --------
        >>> gear = gf.GearsBuilder("PythonReader").aggregateby(
        ...     lambda n: "odd" if n % 2 else "even",
        ...     0,
        ...     lambda key, sum, n: sum + n,
        ...     lambda key, sum, other: sum + other,
        ... )
        >>> gear.run(gf.connect(), lambda: iter([3, 5, 4])).to_frame().rows()
        [('odd', 8), ('even', 4)]
        """
        functions = [function("aggregateby", each) for each in (extractor, seqOp, combOp)]
        return plan.AggregateBy(functions[0], zero, functions[1], functions[2])

    @operation
    def count(self) -> Step:
        """Count the records.

        Returns
        -------
        GearsBuilder
            The builder itself.

        Notes
        -----
        Where there are no records, none comes out: no 0.

        Examples
        --------
        >>> client = gf.connect()
        >>> client.execute("MSET", "n:1", "7", "n:2", "8")
        b'OK'
        >>> gear = gf.GearsBuilder().count()  # reads no value of any key
        >>> gear.run(client, "n:*")[:], gear.run(client, "m:*")[:]
        ([2], [])
        """
        return plan.Count()

    @operation
    def countby(self, extractor: Function | None = None) -> Step:
        """Count the records of each key.

        Parameters
        ----------
        extractor : callable, optional
            ``extractor(record)`` gives the key; without it the record is the key. What is no str
            becomes one by ``repr``. No coroutine.

        Returns
        -------
        GearsBuilder
            The builder itself. Its records are dicts with ``key`` and ``value``.

        Examples
        --------
        >>> gear = gf.GearsBuilder("PythonReader").countby()
        >>> gear.run(gf.connect(), lambda: iter("abaa")).to_frame().rows()
        [('a', 3), ('b', 1)]
        """
        return plan.CountBy(None if extractor is None else function("countby", extractor))

    @operation
    def avg(self, extractor: Function = float) -> Step:
        """Make one record: the mean of numbers.

        Parameters
        ----------
        extractor : callable, default float
            ``extractor(record)`` gives the number.

        Returns
        -------
        GearsBuilder
            The builder itself.

        Notes
        -----
        Where there are no records, none comes out.

        Examples
        --------
        >>> gear = gf.GearsBuilder("PythonReader").avg()
        >>> gear.run(gf.connect(), lambda: iter(["1", "2"]))[:]
        [1.5]
        """
        return plan.Average(function("avg", extractor))


def _grouping(name: str, extractor: Function, reducer: Function) -> tuple[Function, Function]:
    return function(f"{name} extractor", extractor), function(f"{name} reducer", reducer)
