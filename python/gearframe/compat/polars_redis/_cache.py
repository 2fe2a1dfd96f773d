"""Frames on a server under the names of polars-redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import polars as pl

from gearframe import cache as frames
from gearframe.cache import CachedFunction

Format = Literal["ipc", "parquet"]

_MEGABYTE = 1024 * 1024
_ONE_CHUNK = 2**31 - 1


def cache_dataframe(
    df: pl.DataFrame,
    url: str,
    key: str,
    *,
    format: Format = "ipc",
    compression: str | None = None,
    compression_level: int | None = None,
    ttl: int | None = None,
    chunk_size_mb: int | None = None,
) -> int:
    """Keep a frame on a server; see :func:`gearframe.cache_dataframe`.

    Parameters
    ----------
    df, url, key, format, compression_level, ttl
        As for :func:`gearframe.cache_dataframe`.
    compression : str, optional
        Zstandard if it is not given; ``"uncompressed"`` for none.
    chunk_size_mb : int, optional
        About how many megabytes the rows of a chunk take; 0 is one chunk.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    OptionError, ReplyError, ServerConnectionError
        As :func:`gearframe.cache_dataframe`.

    Notes
    -----
    Sends what :func:`gearframe.cache_dataframe` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = redis.cache_dataframe(pl.DataFrame({"n": [1, 2]}), client.url, "numbers", ttl=60)
    >>> redis.get_cached_dataframe(client.url, "numbers")["n"].to_list()
    [1, 2]
    """
    return frames.cache_dataframe(
        df, url, key, compression_level=compression_level,
        **_options(format, compression, ttl, chunk_size_mb),
    )  # fmt: skip


def get_cached_dataframe(
    url: str,
    key: str,
    *,
    format: Format | None = None,
    columns: list[str] | None = None,
    n_rows: int | None = None,
) -> pl.DataFrame | None:
    """Read a cached frame; see :func:`gearframe.get_cached_dataframe`.

    Parameters
    ----------
    url, key, columns, n_rows
        As for :func:`gearframe.get_cached_dataframe`.
    format : str, optional
        Without meaning: the entry knows its format.

    Returns
    -------
    polars.DataFrame or None

    Raises
    ------
    DataError, OptionError, ReplyError, ServerConnectionError
        As :func:`gearframe.get_cached_dataframe`.

    Notes
    -----
    Sends what :func:`gearframe.get_cached_dataframe` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.get_cached_dataframe(gf.connect().url, "numbers") is None
    True
    """
    return frames.get_cached_dataframe(url, key, columns=columns, n_rows=n_rows)


def scan_cached(url: str, key: str, *, format: Format | None = None) -> pl.LazyFrame | None:
    """Make a LazyFrame of a cached frame; see :func:`gearframe.scan_cached`.

    Parameters
    ----------
    url, key
        As for :func:`gearframe.scan_cached`.
    format : str, optional
        Without meaning: the entry knows its format.

    Returns
    -------
    polars.LazyFrame or None

    Raises
    ------
    DataError, ReplyError, ServerConnectionError
        As :func:`gearframe.scan_cached`.

    Notes
    -----
    Sends what :func:`gearframe.scan_cached` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.scan_cached(gf.connect().url, "numbers") is None
    True
    """
    return frames.scan_cached(url, key)


def delete_cached(url: str, key: str) -> bool:
    """Delete a cached frame; see :func:`gearframe.delete_cached`.

    Parameters
    ----------
    url, key
        As for :func:`gearframe.delete_cached`.

    Returns
    -------
    bool
        Whether there was one.

    Raises
    ------
    DataError, ReplyError, ServerConnectionError
        As :func:`gearframe.delete_cached`.

    Notes
    -----
    Sends what :func:`gearframe.delete_cached` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.delete_cached(gf.connect().url, "numbers")
    False
    """
    return frames.delete_cached(url, key)


def cache_exists(url: str, key: str) -> bool:
    """Tell whether there is a cached frame; see :func:`gearframe.cache_exists`.

    Parameters
    ----------
    url, key
        As for :func:`gearframe.cache_exists`.

    Returns
    -------
    bool

    Raises
    ------
    DataError, ReplyError, ServerConnectionError
        As :func:`gearframe.cache_exists`.

    Notes
    -----
    Sends what :func:`gearframe.cache_exists` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.cache_exists(gf.connect().url, "numbers")
    False
    """
    return frames.cache_exists(url, key)


def cache_ttl(url: str, key: str) -> int | None:
    """Tell how many seconds a cached frame will stay; see :func:`gearframe.cache_ttl`.

    Parameters
    ----------
    url, key
        As for :func:`gearframe.cache_ttl`.

    Returns
    -------
    int or None
        Whole seconds, rounded as ``TTL`` rounds. None if it stays for ever, or there is none.

    Raises
    ------
    ReplyError, ServerConnectionError
        As :func:`gearframe.cache_ttl`.

    Notes
    -----
    Sends ``PTTL``.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.cache_ttl(gf.connect().url, "numbers") is None
    True
    """
    return _seconds(frames.cache_ttl(url, key))


def cache_info(url: str, key: str) -> dict[str, Any] | None:
    """Describe a cached frame without reading it; see :func:`gearframe.cache_info`.

    Parameters
    ----------
    url, key
        As for :func:`gearframe.cache_info`.

    Returns
    -------
    dict or None
        ``format``, ``compression``, ``rows``, ``columns``, ``size_bytes``, ``is_chunked``,
        ``num_chunks`` and ``ttl``.

    Raises
    ------
    DataError, ReplyError, ServerConnectionError
        As :func:`gearframe.cache_info`.

    Notes
    -----
    Sends what :func:`gearframe.cache_info` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = redis.cache_dataframe(pl.DataFrame({"n": [1, 2]}), client.url, "numbers")
    >>> redis.cache_info(client.url, "numbers")["rows"]
    2
    """
    found = frames.cache_info(url, key)
    if found is None:
        return None
    return {
        "format": found.format,
        "compression": found.compression,
        "rows": found.rows,
        "columns": found.schema.names(),
        "size_bytes": found.size_bytes,
        "is_chunked": found.chunks > 1,
        "num_chunks": found.chunks,
        "ttl": _seconds(found.ttl),
    }


def cache(
    url: str,
    *,
    ttl: int | None = None,
    key_prefix: str = "polars_redis:cache",
    key_fn: Callable[..., str] | None = None,
    format: Format = "ipc",
    compression: str | None = None,
    chunk_size_mb: int | None = None,
) -> Callable[[Callable[..., pl.DataFrame]], CachedFunction[pl.DataFrame]]:
    """Keep the DataFrames that a function returns; see :func:`gearframe.cache.cache`.

    Parameters
    ----------
    url, ttl, key_prefix, key_fn, format
        As for :func:`gearframe.cache.cache`.
    compression, chunk_size_mb
        As for :func:`cache_dataframe`.

    Returns
    -------
    decorator

    Raises
    ------
    OptionError
        When it is called, as :func:`gearframe.cache.cache`.

    Notes
    -----
    The keys are not those that polars-redis made: nothing that it has cached is found.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> @redis.cache(client.url, ttl=60)
    ... def numbers(n):
    ...     return pl.DataFrame({"n": range(n)})
    >>> numbers(2).height, numbers.is_cached(2)
    (2, True)
    """
    options = _options(format, compression, ttl, chunk_size_mb)
    return frames.cache(url, key_prefix=key_prefix, key_fn=key_fn, **options)


def cache_lazy(
    url: str,
    *,
    ttl: int | None = None,
    key_prefix: str = "polars_redis:cache",
    key_fn: Callable[..., str] | None = None,
    format: Format = "ipc",
    compression: str | None = None,
    chunk_size_mb: int | None = None,
) -> Callable[[Callable[..., pl.LazyFrame]], CachedFunction[pl.LazyFrame]]:
    """Keep results of LazyFrames; see :func:`gearframe.cache.cache_lazy`.

    Parameters
    ----------
    url, ttl, key_prefix, key_fn, format, compression, chunk_size_mb
        As for :func:`cache`.

    Returns
    -------
    decorator

    Raises
    ------
    OptionError
        When it is called, as :func:`gearframe.cache.cache_lazy`.

    Notes
    -----
    As :func:`cache`.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> @redis.cache_lazy(client.url)
    ... def numbers(n):
    ...     return pl.LazyFrame({"n": range(n)})
    >>> numbers(2).collect().height
    2
    """
    options = _options(format, compression, ttl, chunk_size_mb)
    return frames.cache_lazy(url, key_prefix=key_prefix, key_fn=key_fn, **options)


def _options(
    format: Format, compression: str | None, ttl: int | None, chunk_size_mb: int | None
) -> dict[str, Any]:
    options: dict[str, Any] = {"format": format, "compression": compression or "zstd", "ttl": ttl}
    if chunk_size_mb is not None:
        options["chunk_bytes"] = chunk_size_mb * _MEGABYTE or _ONE_CHUNK
    return options


def _seconds(left: float | None) -> int | None:
    return None if left is None else int(left + 0.5)
