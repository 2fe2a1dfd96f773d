"""Reading frames out of the cache."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.io.plugins import register_io_source

from gearframe.cache.header import Header, damaged, key_of, shown
from gearframe.cache.server import CacheServer, on_server
from gearframe.client import as_client
from gearframe.exceptions import DataError, OptionError
from gearframe.io.options import check_whole

if TYPE_CHECKING:
    from gearframe.client import Client

_TRIES = 10
"""How often a frame that is replaced while it is read is begun anew."""


def get_cached_dataframe(
    client: Client | str | None,
    key: str | bytes,
    *,
    columns: Sequence[str] | None = None,
    n_rows: int | None = None,
) -> pl.DataFrame | None:
    """Read a cached frame.

    Parameters
    ----------
    client : Client or str
        The server, or its URL.
    key : str or bytes
        The key of the frame.
    columns : sequence of str, optional
        The columns that are wanted, in this order.
    n_rows : int, optional
        The first rows only.

    Returns
    -------
    polars.DataFrame or None
        None if there is none: never cached, expired, or evicted by the server.

    Raises
    ------
    DataError
        If the key holds something else, or the bytes are not those that were written.
    OptionError
        If a column is not in the frame.
    ReplyError, ServerConnectionError
        If the server refuses or is gone.

    Notes
    -----
    The format and the compression need not be told. Sends ``GETRANGE`` and ``GET`` for the
    header, and one ``GET`` for each chunk; with `n_rows` only for the chunks that hold them.

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.get_cached_dataframe(client, "report") is None
    True
    """
    name = key_of(key)
    if n_rows is not None:
        check_whole("n_rows", n_rows, least=0)
    with on_server(client) as server:
        return _whole(server, name, columns, n_rows)


def scan_cached(client: Client | str | None, key: str | bytes) -> pl.LazyFrame | None:
    """Make a LazyFrame of a cached frame; its rows are read when a query runs.

    Parameters
    ----------
    client : Client or str
        The server, or its URL.
    key : str or bytes
        The key of the frame.

    Returns
    -------
    polars.LazyFrame or None
        None if there is no frame, or the server has evicted a part of it.

    Raises
    ------
    DataError
        If the key holds something else; and when a query runs, if the frame is gone, has other
        columns by then, or is replaced while the query reads it and its old chunks have expired.
    ReplyError, ServerConnectionError
        If the server refuses or is gone.

    Notes
    -----
    Reads the header now, and asks for the chunks with ``EXISTS``. A query reads the header again
    and chunk after chunk, so that it holds few of them in memory; ``head`` reads only the first
    ones.

    Examples
    --------
    >>> client = gf.connect()
    >>> _ = gf.cache_dataframe(pl.DataFrame({"n": [1, 2, 3]}), client, "numbers")
    >>> gf.scan_cached(client, "numbers").filter(pl.col("n") > 1).collect()["n"].to_list()
    [2, 3]
    """
    name = key_of(key)
    opened = as_client(client)
    with on_server(opened) as server:
        header = server.whole(name)
    if header is None:
        return None
    return register_io_source(
        _CachedSource(opened, name, header.schema),
        schema=dict(header.schema),
        explain_name="cached frame",
        explain_detail=f"{shown(name)} at {opened.options.label}",
    )


class _CachedSource:
    """What Polars calls each time a query over a cached frame runs."""

    def __init__(self, client: Client, key: bytes, schema: pl.Schema) -> None:
        self._client, self._key, self._schema = client, key, schema

    def __call__(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # a chunk is a batch
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        for frame in self._frames(with_columns, predicate, n_rows):
            frame = frame if predicate is None else frame.filter(predicate)
            frame = frame if with_columns is None else frame.select(with_columns)
            frame = frame if left is None else frame.head(left)
            yield frame
            if left is not None:
                left -= frame.height
                if left <= 0:
                    return

    def _frames(
        self, with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None
    ) -> Iterator[pl.DataFrame]:
        columns = with_columns
        if columns is not None and predicate is not None:
            columns = list(dict.fromkeys([*columns, *predicate.meta.root_names()]))
        with on_server(self._client) as server:
            header = server.header(self._key)
            if header is None:
                raise _gone(self._key)
            if header.schema != self._schema:
                raise _gone(self._key, "was replaced by one with other columns")
            for number in range(len(header.chunks)):
                data = server.chunk(self._key, header, number)
                if data is None:
                    raise _gone(self._key)
                yield _decoded(self._key, header, data, columns)


def _whole(
    server: CacheServer, key: bytes, columns: Sequence[str] | None, n_rows: int | None
) -> pl.DataFrame | None:
    before = None
    for attempt in range(_TRIES):
        header = server.header(key)
        # The same header again: it is not that the frame was replaced, its chunks are gone.
        if header is None or header.generation == before:
            return None
        wanted = _chosen(header, columns)
        frames = _chunks(server, key, header, wanted, n_rows)
        if frames is not None:
            frame = pl.concat(frames) if len(frames) > 1 else frames[0]
            frame = frame if wanted is None else frame.select(wanted)
            return frame if n_rows is None else frame.head(n_rows)
        before = header.generation
        time.sleep(0.01 * attempt)
    raise DataError(
        f"the cached frame under {shown(key)} was replaced {_TRIES} times while it was read; "
        "read it again, or cache it less often"
    )


def _chunks(
    server: CacheServer, key: bytes, header: Header, columns: list[str] | None, n_rows: int | None
) -> list[pl.DataFrame] | None:
    """Read the chunks that hold the rows; None if one is gone."""
    frames: list[pl.DataFrame] = []
    rows = 0
    for number in range(len(header.chunks)):
        if frames and n_rows is not None and rows >= n_rows:
            break
        data = server.chunk(key, header, number)
        if data is None:
            return None
        frames.append(_decoded(key, header, data, columns))
        rows += header.chunks[number].rows
    return frames


def _decoded(key: bytes, header: Header, data: bytes, columns: list[str] | None) -> pl.DataFrame:
    read: Any = pl.read_ipc if header.format == "ipc" else pl.read_parquet
    # Without any column Polars would forget the number of rows.
    wanted = columns or None
    try:
        return read(data, columns=wanted)  # type: ignore[no-any-return]
    except pl.exceptions.PolarsError as error:
        raise damaged(key, f"Polars cannot read it ({error})") from error


def _chosen(header: Header, columns: Sequence[str] | None) -> list[str] | None:
    if columns is None:
        return None
    wanted = [columns] if isinstance(columns, str) else list(columns)
    for name in wanted:
        if name not in header.schema:
            raise OptionError(
                f"the cached frame has no column {name!r}; it has {header.schema.names()}"
            )
    return wanted


def _gone(key: bytes, what: str = "is gone, or was replaced while it was read") -> DataError:
    error = DataError(f"the cached frame under {shown(key)} {what}; call scan_cached again")
    error.key = key
    return error
