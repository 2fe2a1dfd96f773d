"""GearsBuilder: the front with which plans are written down."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gearframe.exceptions import GearsError
from gearframe.gears import plan
from gearframe.gears.arguments import options_of
from gearframe.gears.plan import Plan, Reader
from gearframe.gears.reductions import Reductions
from gearframe.gears.runtime import launcher


class GearsBuilder(Reductions):
    """Write down a gear: a reader, then operations, then :meth:`run`.

    A builder is written to: each operation adds a step and returns the same builder.

    Parameters
    ----------
    reader : str, default "KeysReader"
        KeysReader, KeysOnlyReader, StreamReader, PythonReader, ShardsIDReader or CommandReader;
        the last is for triggers, which are not in this version.
    defaultArg : object, default "*"
        What the reader reads when ``run`` does not say: a pattern, a stream's key, a function.
    desc : str, optional
        What the gear is called in lists.

    Raises
    ------
    GearsError
        There is no such reader.

    See Also
    --------
    gearframe.gears.backends.result.GearsResult : What ``run`` gives on a client.

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
        """Give what has been written down so far as frozen data.

        Parameters
        ----------
        arg : object, optional
            What to read; the builder's ``defaultArg`` where it is missing.
        convertToStr : bool, default True
            Turn each result into a str.
        collect : bool, default True
            Bring the results of all shards together.
        **options
            ``mode``, and the reader's; others are left out.

        Returns
        -------
        gearframe.gears.plan.Plan
            The reader, the steps and the description. The builder can be added to all the same.

        Raises
        ------
        GearsError
            The mode is unknown, or the argument does not fit the reader.

        Examples
        --------
        >>> plan = gf.GearsBuilder(desc="how many").count().plan("user:*", convertToStr=False)
        >>> plan.description, [step.name for step in plan.steps]
        ('how many', ['count', 'collect'])
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
        GearsRunError
            On a client: records failed, and ``on_error`` is "raise".
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
        """Run the gear for each event: not in this version.

        Raises
        ------
        GearsError
            Always.

        Examples
        --------
        >>> gf.GearsBuilder("StreamReader").register("orders")
        Traceback (most recent call last):
        gearframe.exceptions.GearsError: register is not in this version; ...
        """
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
        arg : object, optional
            What to read; the builder's ``defaultArg`` where it is missing.
        **options
            ``backend``, ``convertToStr``, ``collect`` and the reader's, as for :meth:`run`.

        Returns
        -------
        str
            The reader and a line for each step; of a KeysReader what is read of each key; with a
            client the back end, and why that one.

        Raises
        ------
        TypeError
            There is no option of that name.

        Notes
        -----
        Runs nothing. With ``backend="auto"`` the server is asked once whether it has the module,
        by ``COMMAND INFO``.

        Examples
        --------
        >>> gear = gf.GearsBuilder().map(lambda record: record["value"]["country"]).countby()
        >>> print(gear.explain(arg="user:*"))
        KeysReader('user:*')
          map(<lambda>)
          countby(None)  [global]
          collect()  [global]
        reads: of hashes country; of other types the value
        >>> print(gear.explain(gf.connect(), "user:*").splitlines()[-1])
        back end: module, because the server has RG.PYEXECUTE
        """
        return str(_face().explain(self, client, arg, **options))

    def __repr__(self) -> str:
        steps = "".join(f".{step}" for step in self._steps)
        return f"GearsBuilder({self._reader!r}){steps}"


GB = GearsBuilder


def _face() -> Any:
    # The engine may not import what talks to servers: an interpreter in a server refuses it.
    return import_module("gearframe.gears.backends.face")
