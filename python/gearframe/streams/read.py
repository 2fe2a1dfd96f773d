"""Reading a stream once: a range of it, or what a group has for a consumer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, Unpack

import polars as pl

from gearframe.client import as_client
from gearframe.exceptions import OptionError
from gearframe.io.options import check_whole
from gearframe.streams.consumer import StreamConsumer
from gearframe.streams.entries import (
    MOST,
    Entry,
    EntryId,
    entries_of,
    expect_id,
    id_of,
    last_id,
    listed_entries,
    parse_id,
)
from gearframe.streams.frames import EntryFrames, EntryOptions
from gearframe.streams.ids import ids_of
from gearframe.streams.steps import Steps, open_control, run

if TYPE_CHECKING:
    from gearframe.client import Client
    from gearframe.schema import SchemaInput

_PAGE = 5000
_SLICE_MS = 1000
_ALL = 2**31 - 1


def read_stream(
    client: Client | str | None,
    stream: str | bytes,
    schema: SchemaInput | None = None,
    *,
    start: str = "-",
    end: str = "+",
    count: int | None = None,
    wait: float | None = None,
    group: str | None = None,
    consumer: str | None = None,
    pending: bool | Literal["only"] = False,
    create_group: bool = True,
    **columns: Unpack[EntryOptions],
) -> pl.DataFrame:
    """Read entries of one stream into a DataFrame.

    Parameters
    ----------
    client : Client or str
        The server, or its URL.
    stream : str or bytes
        The key of the stream; one that does not exist has no entries.
    schema : mapping, optional
        Fields and their dtypes, as for ``scan_hashes``; a field that an entry lacks is null.
        Without it every field of any entry is a column of texts.
    start, end : str, default "-" and "+"
        The first and the last id that is wanted; ``"("`` before an id leaves it out, ``"$"`` as
        the start means entries that come from now on. Not with a group.
    count : int, optional
        Entries to read, at most. Without it all.
    wait : float, optional
        If there is no entry, wait so many seconds for the first.
    group, consumer : str, optional
        Read as this consumer of this group: entries that no consumer was given yet. They are
        pending until :func:`ack_entries`.
    pending : bool or "only", default False
        With a group: read what this consumer was given before and has not acknowledged; new
        entries only if there is none, and with ``"only"`` not then either.
    create_group : bool, default True
        Make the group, from the beginning of the stream, if it is missing.
    include_id, id_column : bool and str, default True and "_id"
        The id as a column of type String.
    include_timestamp, timestamp_column : bool and str, default True and "_ts"
        The time in the id: Datetime in milliseconds, in UTC and without a zone.
    include_sequence, sequence_column : bool and str, default False and "_seq"
        The number after the time: UInt64.
    other_fields : bool, default False
        With a schema: have the other fields of the entries as columns of texts, too.
    on_error : {"raise", "null", "skip"}, default "raise"
        What a value that does not fit is: an error, null, or a row left out.

    Returns
    -------
    polars.DataFrame
        The columns of the id, then the fields, each with its dtype also if there is no row.

    Raises
    ------
    DataError
        If a value does not fit; it names stream, id and field.
    OptionError, SchemaError
        If an argument cannot be used.
    ReplyError, ServerConnectionError
        If the server refuses or is gone.

    Notes
    -----
    Sends ``XRANGE`` for each 5,000 entries; ``XREAD BLOCK`` while it waits; ``XREADGROUP`` with a
    group. For many streams at once there is ``scan_streams``.

    Examples
    --------
    >>> client = gf.connect()
    >>> _ = client.execute("XADD", "events", "1-0", "n", 7)
    >>> gf.read_stream(client, "events", {"n": pl.Int64}).rows()
    [('1-0', datetime.datetime(1970, 1, 1, 0, 0, 0, 1000), 7)]
    """
    if group is not None or consumer is not None:
        if (start, end) != ("-", "+"):
            raise OptionError("start and end are for a stream without a group: leave them out")
        return _read_group(
            client, stream, schema, group, consumer, count, wait, pending, create_group, columns
        )
    frames = EntryFrames.define(schema, columns)
    expect_id("start", start, "-", "$")
    expect_id("end", end, "+")
    if count is not None:
        check_whole("count", count, least=0)
    opened = as_client(client)
    try:
        with open_control(opened) as control:
            steps = _range(frames, stream, start, end, count, wait)
            return run(steps, control, opened.options.label)
    finally:
        if opened is not client:
            opened.close()


def ack_entries(
    client: Client | str | None,
    stream: str | bytes,
    group: str,
    ids: Iterable[str] | pl.Series | pl.DataFrame,
) -> int:
    """Tell a group that entries are processed.

    Parameters
    ----------
    client : Client or str
        The server, or its URL.
    stream : str or bytes
        The key of the stream.
    group : str
        The group.
    ids : iterable of str, Series or DataFrame
        The ids, or a frame with the column ``_id``.

    Returns
    -------
    int
        How many of them were pending.

    Raises
    ------
    OptionError
        If something is no id.
    ReplyError, ServerConnectionError
        If the server refuses or is gone.

    Notes
    -----
    Sends ``XACK`` for each 1,000 ids.

    Examples
    --------
    >>> client = gf.connect()
    >>> _ = client.execute("XADD", "events", "1-0", "n", 7)
    >>> batch = gf.read_stream(client, "events", group="sums", consumer="one")
    >>> gf.ack_entries(client, "events", "sums", batch)
    1
    """
    wanted = ids_of(ids, "_id")
    opened = as_client(client)
    try:
        with open_control(opened) as control:
            return run(_ack(stream, group, wanted), control, opened.options.label)
    finally:
        if opened is not client:
            opened.close()


def _read_group(
    client: Client | str | None,
    stream: str | bytes,
    schema: SchemaInput | None,
    group: str | None,
    consumer: str | None,
    count: int | None,
    wait: float | None,
    pending: bool | Literal["only"],
    create_group: bool,
    columns: EntryOptions,
) -> pl.DataFrame:
    if group is None or consumer is None:
        raise OptionError("group and consumer belong together: give both, or neither")
    with StreamConsumer(
        client, stream, group, consumer, schema,
        batch_size=_ALL if count is None else count, create_group=create_group, auto_ack=False,
        **columns,
    ) as reading:  # fmt: skip
        if not pending:
            reading.skip_pending()
        if pending == "only":
            reading.skip_new()
        batch = reading.next_batch(wait or 0)
    return EntryFrames.define(schema, columns).frame(stream, []) if batch is None else batch


def _range(
    frames: EntryFrames,
    stream: str | bytes,
    start: str,
    end: str,
    count: int | None,
    wait: float | None,
) -> Steps[pl.DataFrame]:
    until = time.monotonic() + (wait or 0)
    if start == "$":
        after = (yield from last_id(stream)) or EntryId(0, 0)
        start = f"({after}"
    pages: list[pl.DataFrame] = []
    first, left = start, _ALL if count is None else count
    while left > 0:
        wanted = min(_PAGE, left)
        entries = listed_entries((yield "XRANGE", stream, first, end, "COUNT", wanted))
        if entries:
            # Made at once: the objects of one page are in memory, not those of all.
            pages.append(frames.frame(stream, entries))
            first = f"({entries[-1].id.decode('ascii')}"
        left -= len(entries)
        if len(entries) < wanted:
            break
    if pages:
        return pl.concat(pages, how="diagonal")
    if count == 0 or not wait:
        return frames.frame(stream, [])
    came = yield from read_after(stream, _id_before(start), count or _PAGE, until, lambda: False)
    last = _last(end)
    return frames.frame(stream, [each for each in came if last is None or id_of(each) <= last])


def read_after(
    stream: str | bytes,
    after: EntryId,
    count: int,
    deadline: float | None,
    stopped: Callable[[], bool],
    slice_ms: int = _SLICE_MS,
) -> Steps[list[Entry]]:
    """Wait for entries after an id; none if it is stopped, or the deadline passes."""
    while not stopped():
        wait_ms = slice_ms
        if deadline is not None:
            wait_ms = max(1, min(wait_ms, round((deadline - time.monotonic()) * 1000)))
        reply = yield "XREAD", "COUNT", count, "BLOCK", wait_ms, "STREAMS", stream, str(after)
        entries = entries_of(reply)
        if entries or (deadline is not None and time.monotonic() >= deadline):
            return entries
    return []


def _id_before(start: str) -> EntryId:
    """Give the id after which entries from `start` on come."""
    found = parse_id(start.removeprefix("("))
    if found is None:
        return EntryId(0, 0)
    return found if start.startswith("(") else found.before()


def _last(end: str) -> EntryId | None:
    """Give the last id that `end` lets through, as XRANGE reads it; None for ``"+"``."""
    found = parse_id(end.removeprefix("("))
    if found is None:
        return None
    if end.startswith("("):
        return found.before()
    return found if "-" in end else found._replace(sequence=MOST)


def _ack(stream: str | bytes, group: str, ids: list[bytes]) -> Steps[int]:
    count = 0
    for at in range(0, len(ids), 1000):
        count += yield "XACK", stream, group, *ids[at : at + 1000]
    return count
