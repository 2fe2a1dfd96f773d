"""The operations of a gear that keep records as they are, one by one or all of them in order.

Each is a step of the plan. What makes one record of many is in ``reductions``.
"""

from __future__ import annotations

from gearframe.exceptions import GearsError
from gearframe.gears import plan
from gearframe.gears.arguments import function, operation
from gearframe.gears.plan import Function, Step


class Operations:
    """The operations: each adds a step and gives the builder back.

    An argument that must be a function and cannot be called, and a wrong number of arguments, are a
    `GearsError` where it is written down.
    """

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def add(self, step: Step) -> None:
        """Put a step behind the others."""
        self._steps.append(step)

    @operation
    def map(self, f: Function) -> Step:
        """Make of each record what ``f(record)`` gives.

        Parameters
        ----------
        f : callable
            Takes a record; may be an ``async def``, or return a future.

        Returns
        -------
        GearsBuilder
            The builder itself.

        Examples
        --------
        >>> client = gf.connect()
        >>> client.execute("MSET", "n:1", "7", "n:2", "8")
        b'OK'
        >>> gf.GearsBuilder().map(lambda record: int(record["value"])).sort().run(client)[:]
        [7, 8]
        """
        return plan.Map(function("map", f))

    @operation
    def filter(self, f: Function) -> Step:
        """Keep the records for which ``f(record)`` is true.

        Parameters
        ----------
        f : callable
            Takes a record; may be an ``async def``, or return a future.

        Returns
        -------
        GearsBuilder
            The builder itself.

        Examples
        --------
        >>> client = gf.connect()
        >>> client.execute("MSET", "n:1", "7", "n:2", "8")
        b'OK'
        >>> gear = gf.GearsBuilder("KeysOnlyReader").filter(lambda key: key.endswith("2"))
        >>> gear.run(client)[:]
        ['n:2']
        """
        return plan.Filter(function("filter", f))

    @operation
    def flatmap(self, f: Function) -> Step:
        """Make records of the elements of the list ``f(record)``, the last one first.

        Parameters
        ----------
        f : callable
            Takes a record. What it gives and is no list (a tuple, a generator) stays one record;
            an empty list drops the record.

        Returns
        -------
        GearsBuilder
            The builder itself.

        Examples
        --------
        >>> gear = gf.GearsBuilder("PythonReader").flatmap(lambda text: text.split())
        >>> gear.run(gf.connect(), lambda: iter(["a b", "c"]))[:]
        ['b', 'a', 'c']
        """
        return plan.FlatMap(function("flatmap", f))

    @operation
    def foreach(self, f: Function) -> Step:
        """Call ``f(record)``; the record goes on as it is.

        Parameters
        ----------
        f : callable
            Takes a record; what it returns does not matter, except that coroutines and futures are
            waited for.

        Returns
        -------
        GearsBuilder
            The builder itself.

        Examples
        --------
        >>> def mark(key):
        ...     from gearframe.gears.runtime import current
        ...     current().execute("SET", f"seen:{key}", 1)
        >>> client = gf.connect()
        >>> client.execute("SET", "n:1", "7")
        b'OK'
        >>> gf.GearsBuilder("KeysOnlyReader").foreach(mark).run(client, "n:*")[:]
        ['n:1']
        >>> client.execute("GET", "seen:n:1")
        b'1'
        """
        return plan.ForEach(function("foreach", f))

    @operation
    def collect(self) -> Step:
        """Bring the records of all shards together.

        Returns
        -------
        GearsBuilder
            The builder itself.

        Notes
        -----
        On one server nothing happens. ``run`` ends with it, unless ``collect=False``.

        Examples
        --------
        >>> print(gf.GearsBuilder().collect().limit(3).plan("user:*", convertToStr=False))
        KeysReader('user:*')
          collect()  [global]
          limit(3, 0)
          collect()  [global]
        """
        return plan.Collect()

    @operation
    def repartition(self, extractor: Function) -> Step:
        """Move each record to the shard that owns the slot of a key.

        Parameters
        ----------
        extractor : callable
            ``extractor(record)`` gives the key; what is no str becomes one by ``repr``. No
            coroutine.

        Returns
        -------
        GearsBuilder
            The builder itself.

        Notes
        -----
        One server owns all slots, so no record moves; one whose extractor fails is an error.

        Examples
        --------
        >>> gear = gf.GearsBuilder("PythonReader").repartition(lambda n: str(n)).count()
        >>> gear.run(gf.connect(), lambda: iter([3, 5, 4]))[:]
        [3]
        """
        return plan.Repartition(function("repartition", extractor))

    @operation
    def limit(self, length: int, offset: int = 0) -> Step:
        """Keep some records of each shard.

        Parameters
        ----------
        length : int
            How many.
        offset : int, default 0
            How many are left out before them.

        Returns
        -------
        GearsBuilder
            The builder itself.

        Notes
        -----
        Nothing upstream is worked on that this does not need, so an endless generator can be read.
        Behind :meth:`collect` it counts the records of all shards.

        Examples
        --------
        >>> from itertools import count
        >>> gf.GearsBuilder("PythonReader").limit(2, offset=1).run(gf.connect(), count)[:]
        [1, 2]
        """
        for value in (length, offset):
            if not isinstance(value, int):
                raise GearsError(f"limit argument must be a number, not {value!r}")
        return plan.Limit(length, offset)

    @operation
    def distinct(self) -> Step:
        """Keep each record once.

        Returns
        -------
        GearsBuilder
            The builder itself.

        Notes
        -----
        Records must be hashable: one that is not (a dict, a list) is an error. All that differ are
        in memory until the last one has come.

        Examples
        --------
        >>> gear = gf.GearsBuilder("PythonReader").distinct()
        >>> gear.run(gf.connect(), lambda: iter([3, 5, 3]))[:]
        [3, 5]
        """
        return plan.Distinct()

    @operation
    def sort(self, reverse: bool = True) -> Step:
        """Put all records in order.

        Parameters
        ----------
        reverse : bool, default True
            True: ascending. False: descending. As in RedisGears, where scripts count on it.

        Returns
        -------
        GearsBuilder
            The builder itself.

        Notes
        -----
        All records are in memory. Those that cannot be compared (dicts) are an error; map them to
        tuples.

        Examples
        --------
        >>> gear = gf.GearsBuilder("PythonReader").sort()
        >>> gear.run(gf.connect(), lambda: iter([3, 5, 4]))[:]
        [3, 4, 5]
        """
        return plan.Sort(bool(reverse))
