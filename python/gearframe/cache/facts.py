"""What is known of cached frames without reading their rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from gearframe.cache.header import key_of
from gearframe.cache.server import on_server

if TYPE_CHECKING:
    from gearframe.client import Client


def cache_exists(client: Client | str | None, key: str | bytes) -> bool:
    """Tell whether there is a cached frame under a key.

    Parameters
    ----------
    client : Client or str
        The server, or its URL.
    key : str or bytes
        The key of the frame.

    Returns
    -------
    bool

    Raises
    ------
    DataError
        If the key holds something else.
    ReplyError, ServerConnectionError
        If the server refuses or is gone.

    Notes
    -----
    Sends ``GETRANGE`` and ``GET`` for the header, and ``EXISTS`` for its chunks; reads no rows.

    Examples
    --------
    >>> gf.cache_exists(gf.connect(), "report")
    False
    """
    with on_server(client) as server:
        return server.whole(key_of(key)) is not None


def cache_ttl(client: Client | str | None, key: str | bytes) -> float | None:
    """Tell how long a cached frame will stay.

    Parameters
    ----------
    client : Client or str
        The server, or its URL.
    key : str or bytes
        The key of the frame.

    Returns
    -------
    float or None
        Seconds, to the millisecond. None if it stays for ever, or there is none.

    Raises
    ------
    ReplyError, ServerConnectionError
        If the server refuses or is gone.

    Notes
    -----
    Sends ``PTTL``.

    Examples
    --------
    >>> client = gf.connect()
    >>> _ = gf.cache_dataframe(pl.DataFrame({"n": [1]}), client, "numbers", ttl=60)
    >>> 59 < gf.cache_ttl(client, "numbers") <= 60
    True
    """
    with on_server(client) as server:
        left: Any = server.control.pttl(key_of(key))
    return left / 1000 if left >= 0 else None


@dataclass(frozen=True, kw_only=True)
class CacheInfo:
    """What is known of a cached frame without reading it.

    Attributes
    ----------
    format, compression : str
        How its rows are kept.
    rows : int
        Rows of the frame.
    schema : polars.Schema
        Its columns.
    size_bytes : int
        Bytes of its chunks.
    chunks : int
        How many there are.
    created : datetime
        When it was cached, in UTC by the writer's clock.
    ttl : float or None
        Seconds that it will stay; None is for ever.
    """

    format: str
    compression: str
    rows: int
    schema: pl.Schema
    size_bytes: int
    chunks: int
    created: datetime
    ttl: float | None


def cache_info(client: Client | str | None, key: str | bytes) -> CacheInfo | None:
    """Describe a cached frame without reading its rows.

    Parameters
    ----------
    client : Client or str
        The server, or its URL.
    key : str or bytes
        The key of the frame.

    Returns
    -------
    CacheInfo or None
        None if there is none.

    Raises
    ------
    DataError
        If the key holds something else.
    ReplyError, ServerConnectionError
        If the server refuses or is gone.

    Notes
    -----
    Sends ``GETRANGE`` and ``GET`` for the header, and ``PTTL``.

    Examples
    --------
    >>> client = gf.connect()
    >>> _ = gf.cache_dataframe(pl.DataFrame({"n": [1, 2, 3]}), client, "numbers")
    >>> gf.cache_info(client, "numbers").rows
    3
    """
    name = key_of(key)
    with on_server(client) as server:
        header = server.header(name)
        left: Any = server.control.pttl(name)
    if header is None:
        return None
    return CacheInfo(
        format=header.format,
        compression=header.compression,
        rows=header.rows,
        schema=header.schema,
        size_bytes=header.size,
        chunks=len(header.chunks),
        created=datetime.fromtimestamp(header.created, UTC),
        ttl=left / 1000 if left >= 0 else None,
    )
