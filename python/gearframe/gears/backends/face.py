"""What ``GearsBuilder.run`` and ``explain`` take on a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from gearframe.exceptions import GearsError
from gearframe.gears.arguments import READER_OPTIONS
from gearframe.gears.backends import run as running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gearframe.client import Client
    from gearframe.gears.backends.choice import Backend
    from gearframe.gears.backends.module import Isolation
    from gearframe.gears.backends.result import GearsResult
    from gearframe.gears.builder import GearsBuilder
    from gearframe.gears.plan import Plan


def run(
    builder: GearsBuilder,
    client: Client | str | None = None,
    arg: Any = None,
    *,
    backend: Backend = "auto",
    convertToStr: bool = False,  # noqa: N803 - the name scripts use
    collect: bool = True,
    on_error: Literal["raise", "keep"] = "raise",
    requirements: Sequence[str] | None = None,
    session_id: str | None = None,
    isolation: Isolation | None = None,
    timeout: float | None = None,
    progress: bool = False,
    **options: Any,
) -> GearsResult:
    """Run a gear for a client, and return its results as Python objects.

    Parameters
    ----------
    builder : GearsBuilder
        The gear; ``builder.run(client, ...)`` calls this.
    client : Client or str
        The server, or its URL.
    arg : object, optional
        What to read, such as a pattern; the builder's ``defaultArg`` if not given.
    backend : {"auto", "module", "local"}, default "auto"
        Inside of the server, by gearframe's module; on the client, which reads the keys and runs
        the functions; or in the server where it has the module.
    convertToStr : bool, default False
        Turn each result into a str, as scripts in a server do by default.
    collect : bool, default True
        Bring the results of all shards together.
    on_error : {"raise", "keep"}, default "raise"
        With records that failed: raise a `GearsRunError` that has results and errors, or return
        both.
    requirements : sequence of str, optional
        Packages that the server installs for the gear; on the client they must be there.
    session_id : str, optional
        What the session in the server is called.
    isolation : {"shared", "subinterpreter"}, optional
        What the session shares with others in the server: all that is imported, or nothing. By
        default what the server's setting ``Isolation`` says. On the client it has no effect.
    timeout : float, optional
        The most seconds that the gear may take; the server then ends it.
    progress : bool, default False
        Show a progress bar; only where the gear runs on the client.
    **options
        Of the reader: noScan and readValue; count, noScan and patternGenerator; fromId.

    Returns
    -------
    GearsResult
        A sequence of the results, with ``to_frame()``.

    Raises
    ------
    GearsRunError
        If a record failed.
    GearsError
        If the gear cannot be run at all.
    ServerTimeoutError
        If it takes longer than ``timeout``.

    Notes
    -----
    With the module sends ``RG.PYEXECUTE``. Results are pickled by the server and unpickled here,
    which runs code: run gears on servers that you trust. Without it sends what
    `gearframe.io.records.read.read_records` says, and of hashes reads only the fields that the
    functions look up, as far as their bytecode shows it.

    Examples
    --------
    >>> client = gf.connect()
    >>> client.execute("MSET", "hits:a", "3", "hits:b", "4")
    b'OK'
    >>> gear = gf.GearsBuilder().map(lambda record: int(record["value"])).sort()
    >>> gear.run(client, "hits:*", backend="local")[:]
    [3, 4]
    """
    if client is None:
        raise GearsError(
            "run() outside of a server needs one: run(client, 'user:*'), with a client of "
            "gearframe.connect() or a URL"
        )
    return running.run(
        client,
        _plan(builder, arg, convertToStr=convertToStr, collect=collect, **options),
        backend=backend,
        on_error=on_error,
        requirements=requirements,
        session_id=session_id,
        isolation=isolation,
        timeout=timeout,
        progress=progress,
    )


def explain(
    builder: GearsBuilder,
    client: Client | str | None = None,
    arg: Any = None,
    *,
    backend: Backend = "auto",
    convertToStr: bool = False,  # noqa: N803 - the name scripts use
    collect: bool = True,
    **options: Any,
) -> str:
    """Say what a gear does, what it reads of each key, and where it would run.

    Parameters
    ----------
    builder, client, arg, backend, convertToStr, collect, **options
        As for `run`; without a client, where it would run is left out.

    Returns
    -------
    str
        The plan, what is read of each key, and the back end with the reason.

    Examples
    --------
    >>> from gearframe.gears.backends.face import explain
    >>> print(explain(gf.GearsBuilder().count(), arg="user:*"))
    KeysReader('user:*')
      count()  [global]
      collect()  [global]
    reads: the key's name alone
    """
    plan = _plan(builder, arg, convertToStr=convertToStr, collect=collect, **options)
    return running.explain(client, plan, backend=backend)


def _plan(builder: GearsBuilder, arg: Any, **options: Any) -> Plan:
    """Make the plan. What RedisGears would ignore is refused: it is a slip of the pen."""
    known = ("mode", "convertToStr", "collect", *READER_OPTIONS.get(builder.reader, ()))
    unknown = [name for name in options if name not in known]
    if unknown:
        raise TypeError(
            f"run() got {unknown[0]!r}; with {builder.reader} it takes client, arg, "
            f"{', '.join(known)}, backend, on_error, requirements, session_id, "
            "isolation, timeout, progress"
        )
    return builder.plan(arg, **options)
