"""Streams under the names of polars-redis: read, followed, consumed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from gearframe import streams
from gearframe.client import connect
from gearframe.exceptions import OptionError


def read_stream(
    url: str,
    stream: str,
    *,
    schema: dict[str, Any] | None = None,
    start_id: str = "-",
    end_id: str = "+",
    count: int | None = None,
    block_ms: int | None = None,
    group: str | None = None,
    consumer: str | None = None,
    auto_ack: bool = False,
    create_group: bool = True,
    include_id: bool = True,
    id_column: str = "_id",
    include_timestamp: bool = True,
    timestamp_column: str = "_ts",
    include_sequence: bool = False,
    sequence_column: str = "_seq",
) -> pl.DataFrame:
    """Read a stream; see :func:`gearframe.read_stream`.

    Parameters
    ----------
    url, stream, schema
        The server, the key, and the dtypes of fields; other fields are columns of texts.
    start_id, end_id, count
        The range. With a group, ``"-"`` and ``">"`` are new entries, ``"0"`` pending ones.
    block_ms : int, optional
        If there is no entry, wait so long for the first.
    group, consumer, create_group
        Read as this consumer of this group.
    auto_ack : bool, default False
        Acknowledge the entries when the frame is made.
    include_id, id_column, include_timestamp, timestamp_column, include_sequence, sequence_column
        Which columns are made of the id, and their names.

    Returns
    -------
    polars.DataFrame

    Raises
    ------
    DataError
        If a value does not fit; nothing is acknowledged then.
    OptionError, SchemaError, ReplyError, ServerConnectionError
        As :func:`gearframe.read_stream`.

    Notes
    -----
    Sends ``XRANGE``, ``XREAD`` or ``XREADGROUP``; ``XACK`` with `auto_ack`.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = client.execute("XADD", "events", "1-0", "n", 7)
    >>> redis.read_stream(client.url, "events", schema={"n": pl.Int64})["n"].to_list()
    [7]
    """
    options: dict[str, Any] = {"start": start_id, "end": end_id}
    if group is not None:
        pending = start_id not in ("-", ">")
        if pending and start_id not in ("0", "0-0"):
            raise OptionError(f"start_id is {start_id!r}; with a group it is '>' or '0'")
        options = {"group": group, "consumer": consumer, "pending": "only" if pending else False}
    ids = _columns(
        include_id, id_column, include_timestamp, timestamp_column, include_sequence,
        sequence_column,
    )  # fmt: skip
    # What is to be acknowledged needs its ids.
    read = {**ids, "include_id": True}
    with connect(url) as client:
        frame = streams.read_stream(
            client, stream, schema, count=count, wait=None if block_ms is None else block_ms / 1000,
            create_group=create_group, **read, **options,
        )  # fmt: skip
        if auto_ack and group is not None:
            streams.ack_entries(client, stream, group, frame[id_column])
    return frame if include_id else frame.drop(id_column)


def scan_stream(
    url: str,
    stream: str,
    *,
    schema: dict[str, Any] | None = None,
    start_id: str = "-",
    end_id: str = "+",
    count: int | None = None,
    include_id: bool = True,
    id_column: str = "_id",
    include_timestamp: bool = True,
    timestamp_column: str = "_ts",
    include_sequence: bool = False,
    sequence_column: str = "_seq",
) -> pl.LazyFrame:
    """Read a stream when a query runs; the arguments are those of :func:`read_stream`.

    Parameters
    ----------
    url, stream, schema, start_id, end_id, count, include_id, id_column, include_timestamp
        As for :func:`read_stream`.
    timestamp_column, include_sequence, sequence_column
        As for :func:`read_stream`.

    Returns
    -------
    polars.LazyFrame
        Its columns are those of the first read; a field that comes later is left out.

    Raises
    ------
    OptionError, SchemaError, DataError, ReplyError, ServerConnectionError
        When the query runs.

    Notes
    -----
    Sends nothing before; then ``XRANGE``.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> lazy = redis.scan_stream(client.url, "events", schema={"n": pl.Int64})
    >>> _ = client.execute("XADD", "events", "1-0", "n", 7)
    >>> lazy.select("n").collect()["n"].to_list()
    [7]
    """

    def read() -> pl.DataFrame:
        return read_stream(
            url, stream, schema=schema, start_id=start_id, end_id=end_id, count=count,
            include_id=include_id, id_column=id_column, include_timestamp=include_timestamp,
            timestamp_column=timestamp_column, include_sequence=include_sequence,
            sequence_column=sequence_column,
        )  # fmt: skip

    source = _Reading(read)
    return register_io_source(source, schema=source.schema, explain_name=f"stream {stream}")


class _Reading:
    """Reads when Polars asks for the columns, and again with each query but the first."""

    def __init__(self, read: Callable[[], pl.DataFrame]) -> None:
        self._read = read
        self._columns: pl.Schema | None = None
        self._first: pl.DataFrame | None = None

    def schema(self) -> pl.Schema:
        """Give the columns, once found out."""
        if self._columns is None:
            self._first = self._read()
            self._columns = self._first.schema
        return self._columns

    def __call__(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # one frame is there, and one is given
    ) -> Iterator[pl.DataFrame]:
        columns = self.schema()
        first, self._first = self._first, None
        found = self._read() if first is None else first
        lacking = [
            pl.lit(None, dtype).alias(name)
            for name, dtype in columns.items()
            if name not in found.columns
        ]
        frame = found.with_columns(lacking).select(list(columns))
        frame = frame if predicate is None else frame.filter(predicate)
        frame = frame if with_columns is None else frame.select(with_columns)
        yield frame if n_rows is None else frame.head(n_rows)


def iter_stream(
    url: str,
    stream: str,
    *,
    schema: dict[str, Any] | None = None,
    batch_size: int = 100,
    block_ms: int = 1000,
    group: str | None = None,
    consumer: str | None = None,
    auto_ack: bool = False,
    create_group: bool = True,
    start_id: str | None = None,
    include_id: bool = True,
    id_column: str = "_id",
    include_timestamp: bool = True,
    timestamp_column: str = "_ts",
    include_sequence: bool = False,
    sequence_column: str = "_seq",
) -> Iterator[pl.DataFrame]:
    """Follow a stream for ever; see :func:`gearframe.iter_stream`.

    Parameters
    ----------
    url, stream, schema, batch_size
        The server, the key, the dtypes of fields, and the most entries in a batch.
    block_ms : int, default 1000
        Without meaning: a wait ends with an entry or Ctrl-C.
    group, consumer, create_group
        Read as this consumer of this group, what is pending first.
    auto_ack : bool, default False
        With a group: acknowledge a batch when the next one is asked for.
    start_id : str, optional
        Without a group: entries after this id; from now on if it is not given.
    include_id, id_column, include_timestamp, timestamp_column, include_sequence, sequence_column
        Which columns are made of the id, and their names.

    Returns
    -------
    iterator of polars.DataFrame

    Raises
    ------
    OptionError, SchemaError, DataError, ReplyError, ServerConnectionError
        As :func:`gearframe.iter_stream`.

    Notes
    -----
    Sends ``XREAD`` or ``XREADGROUP``, ``XACK``.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = client.execute("XADD", "events", "1-0", "n", 7)
    >>> next(redis.iter_stream(client.url, "events", start_id="0"))["n"].to_list()
    ['7']
    """
    columns = _columns(
        include_id, id_column, include_timestamp, timestamp_column, include_sequence,
        sequence_column,
    )  # fmt: skip
    if group is None:
        start = _start(start_id)
        return streams.iter_stream(
            url, stream, schema, start=start, batch_size=batch_size, **columns
        )
    reading = streams.StreamConsumer(
        url, stream, group, _consumer_name(consumer, start_id), schema, batch_size=batch_size,
        auto_ack=auto_ack, create_group=create_group, **columns,
    )  # fmt: skip
    return _closing(reading)


def _closing(reading: streams.StreamConsumer) -> Iterator[pl.DataFrame]:
    with reading:
        yield from reading


async def iter_stream_async(
    url: str,
    stream: str,
    *,
    schema: dict[str, Any] | None = None,
    batch_size: int = 100,
    batch_timeout_ms: int = 1000,
    group: str | None = None,
    consumer: str | None = None,
    auto_ack: bool = False,
    create_group: bool = True,
    start_id: str | None = None,
    include_id: bool = True,
    id_column: str = "_id",
    include_timestamp: bool = True,
    timestamp_column: str = "_ts",
    include_sequence: bool = False,
    sequence_column: str = "_seq",
) -> AsyncGenerator[pl.DataFrame]:
    """Follow a stream in asyncio; the arguments are those of :func:`iter_stream`.

    Parameters
    ----------
    url, stream, schema, batch_size, group, consumer, auto_ack, create_group, start_id
        As for :func:`iter_stream`.
    batch_timeout_ms : int, default 1000
        Without meaning: a wait ends with an entry or when the task is cancelled.
    include_id, id_column, include_timestamp, timestamp_column, include_sequence, sequence_column
        Which columns are made of the id, and their names.

    Yields
    ------
    polars.DataFrame

    Raises
    ------
    OptionError, SchemaError, DataError, ReplyError, ServerConnectionError
        As :func:`gearframe.iter_stream_async`.

    Notes
    -----
    Sends ``XREAD`` or ``XREADGROUP``, ``XACK``.

    Examples
    --------
    >>> import asyncio
    >>> from contextlib import aclosing
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = client.execute("XADD", "events", "1-0", "n", 7)
    >>> async def first():
    ...     async with aclosing(redis.iter_stream_async(client.url, "events", start_id="0")) as it:
    ...         return (await anext(it))["n"].to_list()
    >>> asyncio.run(first())
    ['7']
    """
    columns = _columns(
        include_id, id_column, include_timestamp, timestamp_column, include_sequence,
        sequence_column,
    )  # fmt: skip
    if group is None:
        batches = streams.iter_stream_async(
            url, stream, schema, start=_start(start_id), batch_size=batch_size, **columns
        )
        async with aclosing(batches):
            async for batch in batches:
                yield batch
        return
    reading = streams.AsyncStreamConsumer(
        url, stream, group, _consumer_name(consumer, start_id), schema, batch_size=batch_size,
        auto_ack=auto_ack, create_group=create_group, **columns,
    )  # fmt: skip
    async with reading, aclosing(aiter(reading)) as batches:
        async for batch in batches:
            yield batch


def ack_entries(url: str, stream: str, group: str, entry_ids: list[str]) -> int:
    """Tell a group that entries are processed; see :func:`gearframe.ack_entries`.

    Parameters
    ----------
    url, stream, group
        The server, the key and the group.
    entry_ids : list of str
        The ids.

    Returns
    -------
    int
        How many of them were pending.

    Raises
    ------
    OptionError, ReplyError, ServerConnectionError
        As :func:`gearframe.ack_entries`.

    Notes
    -----
    Sends ``XACK``.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.ack_entries(gf.connect().url, "events", "sums", [])
    0
    """
    return streams.ack_entries(url, stream, group, entry_ids)


def _columns(
    include_id: bool,
    id_column: str,
    include_timestamp: bool,
    timestamp_column: str,
    include_sequence: bool,
    sequence_column: str,
) -> dict[str, Any]:
    return {
        "include_id": include_id,
        "id_column": id_column,
        "include_timestamp": include_timestamp,
        "timestamp_column": timestamp_column,
        "include_sequence": include_sequence,
        "sequence_column": sequence_column,
        "other_fields": True,
    }


def _start(start_id: str | None) -> str:
    if start_id is None:
        return "$"
    return "0" if start_id == "-" else start_id


def _consumer_name(consumer: str | None, start_id: str | None) -> str:
    if consumer is None:
        raise OptionError("group is given without consumer: give both, or neither")
    if start_id not in (None, ">", "0", "0-0"):
        raise OptionError(f"start_id is {start_id!r}; a group knows its place: leave it out")
    return consumer
