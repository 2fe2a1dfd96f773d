"""Following a stream without a group: the place is kept by the iteration itself."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Unpack

from gearframe.client import as_client
from gearframe.exceptions import OptionError
from gearframe.io.options import check_whole
from gearframe.streams.entries import EntryId, expect_id, id_of, last_id, parse_id
from gearframe.streams.frames import EntryFrames, EntryOptions
from gearframe.streams.read import read_after
from gearframe.streams.steps import Steps, open_async_control, open_control, run, run_async

if TYPE_CHECKING:
    import threading

    import polars as pl

    from gearframe.client import Client
    from gearframe.schema import SchemaInput

_SLICE_SECONDS = 0.2
# A task is cancelled between any two bytes, so that its waits can be long.
_ASYNC_SLICE_SECONDS = 5.0


def iter_stream(
    client: Client | str | None,
    stream: str | bytes,
    schema: SchemaInput | None = None,
    *,
    start: str = "$",
    batch_size: int = 1000,
    timeout: float | None = None,
    stop: threading.Event | None = None,
    **columns: Unpack[EntryOptions],
) -> Iterator[pl.DataFrame]:
    """Follow a stream, batch by batch, from an id on.

    Parameters
    ----------
    client : Client or str
        The server, or its URL.
    stream : str or bytes
        The key of the stream; it may be made later.
    schema : mapping, optional
        As for :func:`read_stream`.
    start : str, default "$"
        Entries after this id: ``"$"`` for those that come from this call on, ``"0"`` for all.
    batch_size : int, default 1000
        Entries in a batch, at most. A batch is given as soon as there is an entry.
    timeout : float, optional
        Seconds without any entry after which the iteration ends. None: it waits for ever.
    stop : threading.Event, optional
        Ends the iteration within 0.2 s when it is set.
    **columns
        ``include_id``, ``on_error`` and so on, as for :func:`read_stream`.

    Returns
    -------
    iterator of polars.DataFrame
        Never an empty one.

    Raises
    ------
    DataError
        While iterating, if a value does not fit.
    OptionError, SchemaError
        If an argument cannot be used.
    ReplyError, ServerConnectionError
        If the server refuses or is gone.

    Notes
    -----
    No entry between two batches is missed: each read goes on after the last id. What a crash may
    not lose belongs to a group; see :class:`StreamConsumer`. Sends ``XREAD BLOCK`` of 0.2 s, and
    ``XINFO STREAM`` once for ``"$"``.

    Examples
    --------
    >>> client = gf.connect()
    >>> for n in range(3):
    ...     _ = client.execute("XADD", "events", f"{n + 1}-0", "n", n)
    >>> for batch in gf.iter_stream(client, "events", {"n": pl.Int64}, start="1-0", timeout=0):
    ...     print(batch["n"].to_list())
    [1, 2]
    """
    frames = _check(schema, start, batch_size, columns)
    opened = as_client(client)
    control = open_control(opened)
    label = opened.options.label
    stopped = (lambda: False) if stop is None else stop.is_set
    wait_ms = _slice_ms(opened, _SLICE_SECONDS)

    def close() -> None:
        control.close()
        if opened is not client:
            opened.close()

    try:
        after = run(_resolved(stream, start), control, label)
    except BaseException:
        close()
        raise

    def batches(after: EntryId) -> Iterator[pl.DataFrame]:
        try:
            while True:
                deadline = None if timeout is None else time.monotonic() + timeout
                steps = read_after(stream, after, batch_size, deadline, stopped, wait_ms)
                entries = run(steps, control, label)
                if not entries:
                    return
                yield frames.frame(stream, entries)
                after = id_of(entries[-1])
        finally:
            close()

    return batches(after)


async def iter_stream_async(
    client: Client | str | None,
    stream: str | bytes,
    schema: SchemaInput | None = None,
    *,
    start: str = "$",
    batch_size: int = 1000,
    timeout: float | None = None,
    **columns: Unpack[EntryOptions],
) -> AsyncGenerator[pl.DataFrame]:
    """Follow a stream in asyncio: ``async for batch in iter_stream_async(...)``.

    Parameters
    ----------
    client, stream, schema, start, batch_size, timeout, **columns
        As for :func:`iter_stream`; ``"$"`` means from the first step of the iteration on. With a
        URL the client connects in that step, which blocks; in a loop, give a client.

    Yields
    ------
    polars.DataFrame
        Never an empty one.

    Raises
    ------
    DataError, OptionError, SchemaError, ReplyError, ServerConnectionError
        As :func:`iter_stream`, all of them while iterating.

    Notes
    -----
    Nothing runs while there is no entry, but for one ``XREAD BLOCK`` every 5 s. A cancelled task
    ends at once, and closes its connection; so does a loop that is left by ``break`` inside of
    ``async with contextlib.aclosing(...)``.

    Examples
    --------
    >>> import asyncio
    >>> client = gf.connect()
    >>> _ = client.execute("XADD", "events", "1-0", "n", 7)
    >>> async def follow():
    ...     batches = gf.iter_stream_async(client, "events", start="0", timeout=0)
    ...     return [batch["n"].to_list() async for batch in batches]
    >>> asyncio.run(follow())
    [['7']]
    """
    frames = _check(schema, start, batch_size, columns)
    opened = as_client(client)
    control = open_async_control(opened)
    label = opened.options.label
    wait_ms = _slice_ms(opened, _ASYNC_SLICE_SECONDS)
    try:
        after = await run_async(_resolved(stream, start), control, label)
        while True:
            deadline = None if timeout is None else time.monotonic() + timeout
            steps = read_after(stream, after, batch_size, deadline, lambda: False, wait_ms)
            entries = await run_async(steps, control, label)
            if not entries:
                return
            yield frames.frame(stream, entries)
            after = id_of(entries[-1])
    finally:
        await control.aclose()
        if opened is not client:
            opened.close()


def _check(
    schema: SchemaInput | None, start: str, batch_size: int, columns: EntryOptions
) -> EntryFrames:
    check_whole("batch_size", batch_size, least=1)
    if expect_id("start", start, "0", "$").startswith("("):
        raise OptionError(f"start is {start!r}; entries after it are read: leave out the '('")
    return EntryFrames.define(schema, columns)


def _slice_ms(client: Client, seconds: float) -> int:
    """Give how long one command may wait: less than the time-out of its connection."""
    return max(1, round(min(seconds, client.options.read_timeout / 2) * 1000))


def _resolved(stream: str | bytes, start: str) -> Steps[EntryId]:
    """Find the id that "$" means now. Asked again with each read, it would skip entries."""
    if start == "$":
        return (yield from last_id(stream)) or EntryId(0, 0)
    return parse_id(start) or EntryId(0, 0)
