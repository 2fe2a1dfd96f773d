"""Writing frames into the cache, and taking them out of it."""

from __future__ import annotations

import io
import time
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from gearframe.cache.header import Chunk, Format, Header, key_of, shown
from gearframe.cache.server import CacheServer, on_server
from gearframe.exceptions import DataError, OptionError
from gearframe.io.options import check_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from gearframe.client import Client

GRACE_MS = 60_000
"""How long the chunks of a replaced frame stay, for those who are reading them."""

_UNFINISHED_MS = 3_600_000
"""How long chunks live whose frame was never finished, because the writer has died."""

_COMPRESSIONS = {
    "ipc": ("zstd", "lz4", "uncompressed"),
    "parquet": ("zstd", "lz4", "snappy", "gzip", "brotli", "uncompressed"),
}
_LONGEST_TTL_MS = 10**15


def cache_dataframe(
    frame: pl.DataFrame | pl.LazyFrame,
    client: Client | str | None,
    key: str | bytes,
    *,
    format: Format = "ipc",
    compression: str | None = "zstd",
    compression_level: int | None = None,
    ttl: int | timedelta | None = None,
    chunk_bytes: int = 16 * 1024 * 1024,
) -> int:
    """Keep a frame on a server under a key, in place of what the key holds.

    Parameters
    ----------
    frame : polars.DataFrame or polars.LazyFrame
        A LazyFrame is collected.
    client : Client or str
        The server, or its URL.
    key : str or bytes
        The key. The rows stand under keys that begin with it and ``:chunk:``.
    format : {"ipc", "parquet"}, default "ipc"
        Arrow IPC is quicker, Parquet smaller.
    compression : str or None, default "zstd"
        ``"zstd"``, ``"lz4"`` or None; for Parquet also ``"snappy"``, ``"gzip"`` and ``"brotli"``.
    compression_level : int, optional
        Only for Parquet.
    ttl : int or timedelta, optional
        Seconds after which the frame is gone. None: it stays.
    chunk_bytes : int, default 16 MiB
        About how much memory the rows of one chunk take before they are compressed.

    Returns
    -------
    int
        Bytes sent as values.

    Raises
    ------
    DataError
        If the server has evicted a chunk before the last one was there. What the key held is
        there still.
    OptionError
        If an argument cannot be used, or a column holds Python objects.
    ReplyError, ServerConnectionError
        If the server refuses or is gone. What the key held is there still then, and chunks
        written so far are gone after an hour.

    Notes
    -----
    Atomic: readers get the old frame or the new one. Sends one ``SET`` for each chunk, then
    ``WATCH GETRANGE GET EXISTS MULTI SET PEXPIRE EXEC``. The chunks of the frame before stay for a
    minute, for those who read them. All chunks outlive the key by a minute.

    Examples
    --------
    >>> client = gf.connect()
    >>> frame = pl.DataFrame({"day": ["Mon", "Tue"], "sum": [3, 4]})
    >>> gf.cache_dataframe(frame, client, "report", ttl=3600) > 0
    True
    >>> gf.get_cached_dataframe(client, "report").equals(frame)
    True
    """
    name = key_of(key)
    options = _save_options(format, compression, compression_level)
    check_whole("chunk_bytes", chunk_bytes, least=1024)
    ttl_ms = _milliseconds(ttl)
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if not isinstance(frame, pl.DataFrame):
        raise OptionError(f"expected a polars DataFrame or LazyFrame, not {type(frame).__name__}")
    objects = [column for column, dtype in frame.schema.items() if dtype == pl.Object]
    if objects:
        raise OptionError(f"column {objects[0]!r} holds Python objects, which cannot be cached")
    with on_server(client) as server:
        return _store(server, name, frame, format, options, ttl_ms, chunk_bytes)


def delete_cached(client: Client | str | None, key: str | bytes) -> bool:
    """Delete a cached frame with its chunks.

    Parameters
    ----------
    client : Client or str
        The server, or its URL.
    key : str or bytes
        The key of the frame.

    Returns
    -------
    bool
        Whether there was one.

    Raises
    ------
    DataError
        If the key holds something else; it is left alone.
    ReplyError, ServerConnectionError
        If the server refuses or is gone.

    Notes
    -----
    Sends ``WATCH``, ``GETRANGE``, ``GET`` and ``MULTI UNLINK EXEC``. Who is reading the frame at
    this moment gets an error or nothing, never a part of it.

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.delete_cached(client, "report")
    False
    """
    name = key_of(key)
    with on_server(client) as server:

        def delete(pipe: redis.client.Pipeline) -> None:
            header = server.header_in(pipe, name)
            pipe.multi()
            if header is not None:
                pipe.unlink(name, *header.chunk_keys(name))

        # It is done again if somebody writes the key meanwhile.
        return bool(server.control.transaction(delete, name))


def _store(
    server: CacheServer,
    key: bytes,
    frame: pl.DataFrame,
    format: Format,
    options: dict[str, Any],
    ttl_ms: int | None,
    chunk_bytes: int,
) -> int:
    generation = uuid.uuid4().hex
    header = Header(format, options["compression"], generation, time.time(), frame.schema, ())
    chunks = []
    for number, rows in enumerate(_slices(frame, chunk_bytes)):
        data = _encoded(rows, format, options)
        # With an expiry, so that nothing is left if the writer dies before the end.
        unfinished = max(_UNFINISHED_MS, (ttl_ms or 0) + GRACE_MS)
        server.control.set(header.chunk_key(key, number), data, px=unfinished)
        chunks.append(Chunk.of(rows.height, data))
    header = replace(header, chunks=tuple(chunks))
    written = header.to_bytes()
    _put_in_place(server, key, header, written, ttl_ms)
    return header.size + len(written)


def _put_in_place(
    server: CacheServer, key: bytes, header: Header, written: bytes, ttl_ms: int | None
) -> None:
    """Make the new frame the one under the key, and let the chunks of the one before expire."""
    chunks = header.chunk_keys(key)

    def swap(pipe: redis.client.Pipeline) -> None:
        before = _replaced(server, pipe, key)
        # Asked before the header is replaced: what the key holds stays then.
        are_there: Any = pipe.exists(*chunks)
        pipe.multi()
        if are_there < len(chunks):
            return
        pipe.set(key, written, px=ttl_ms)
        for each in chunks:
            pipe.persist(each) if ttl_ms is None else pipe.pexpire(each, ttl_ms + GRACE_MS)
        # In the transaction: a writer that dies after it leaves no chunk that stays for ever.
        for each in before:
            pipe.pexpire(each, GRACE_MS)

    # It is done again if somebody writes the key or evicts a chunk meanwhile: two writers at the
    # same time must not both take the same frame for the one before.
    replies: Any = server.control.transaction(swap, key, *chunks)
    # A chunk that is gone already: it took more than an hour, or the server evicts keys.
    if not replies:
        server.control.unlink(*chunks)
        raise DataError(
            f"the frame for {shown(key)} was not cached: the server has dropped a chunk of it "
            "already; give it more memory, or cache fewer rows"
        )


def _replaced(server: CacheServer, pipe: redis.client.Pipeline, key: bytes) -> list[bytes]:
    """Name the chunks that are replaced; nothing but a header under the key has any."""
    try:
        header = server.header_in(pipe, key)
    except DataError:
        return []
    return [] if header is None else header.chunk_keys(key)


def _slices(frame: pl.DataFrame, chunk_bytes: int) -> Iterator[pl.DataFrame]:
    """Cut a frame into rows for one chunk each; at least one, which holds the columns."""
    size = max(1, int(frame.estimated_size()))
    rows = max(1, frame.height * chunk_bytes // size)
    for start in range(0, max(1, frame.height), rows):
        yield frame.slice(start, rows)


def _encoded(frame: pl.DataFrame, format: Format, options: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    if format == "ipc":
        frame.write_ipc(buffer, **options)
    else:
        frame.write_parquet(buffer, **options)
    return buffer.getvalue()


def _save_options(format: str, compression: str | None, level: int | None) -> dict[str, Any]:
    if format not in _COMPRESSIONS:
        raise OptionError(f"format is {format!r}; expected 'ipc' or 'parquet'")
    chosen = "uncompressed" if compression is None else compression
    if chosen not in _COMPRESSIONS[format]:
        known = ", ".join(map(repr, _COMPRESSIONS[format]))
        raise OptionError(f"compression is {compression!r}; {format} takes {known} or None")
    options: dict[str, Any] = {"compression": chosen}
    if level is not None:
        if format == "ipc":
            raise OptionError("compression_level is for format='parquet' alone; leave it out")
        options["compression_level"] = level
    return options


def _milliseconds(ttl: int | timedelta | None) -> int | None:
    if ttl is None:
        return None
    if isinstance(ttl, timedelta):
        found = ttl // timedelta(milliseconds=1)
    elif isinstance(ttl, int) and not isinstance(ttl, bool):
        found = ttl * 1000
    else:
        raise OptionError(f"ttl is {ttl!r}; expected whole seconds, a timedelta or None")
    if not 0 < found < _LONGEST_TTL_MS:
        raise OptionError(f"ttl is {ttl!r}; expected a time above 0, or None for no expiry")
    return found
