"""Scans of keys that are one row each: hashes, JSON documents, strings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from gearframe.compat.polars_redis._json_texts import with_texts
from gearframe.compat.polars_redis._scan_arguments import finish, projected, settle, shared
from gearframe.compat.polars_redis._server import open_client
from gearframe.compat.polars_redis.options import (
    HashScanOptions,
    JsonScanOptions,
    StringScanOptions,
)
from gearframe.io.hashes import scan_hashes as real_scan_hashes
from gearframe.io.strings import scan_strings as real_scan_strings


def scan_hashes(
    url: str,
    pattern: str = "*",
    schema: Mapping[str, Any] | None = None,
    *,
    options: HashScanOptions | None = None,
    include_key: bool = True,
    key_column_name: str = "_key",
    include_ttl: bool = False,
    ttl_column_name: str = "_ttl",
    include_row_index: bool = False,
    row_index_column_name: str = "_index",
    batch_size: int = 1000,
    count_hint: int = 100,
    parallel: int | None = None,
) -> pl.LazyFrame:
    """Scan hashes; see :func:`gearframe.scan_hashes`.

    Parameters
    ----------
    url : str
        The server.
    pattern : str, default "*"
        Redis' glob pattern for the keys.
    schema : dict of str to dtype
        The fields and their dtypes: all that :func:`gearframe.scan_hashes` takes. Required.
    options : HashScanOptions, optional
        The same as one object, with ``n_rows``, ``projection`` and ``row_index_offset`` besides.
    include_key, key_column_name
        The column with the key, and its name.
    include_ttl, ttl_column_name
        A column with the seconds to live, Int64; -1 without an expiry.
    include_row_index, row_index_column_name
        A first column that numbers the rows, UInt64.
    batch_size : int, default 1000
        The most rows in a batch; the default leaves it to gearframe.
    count_hint : int, default 100
        COUNT of SCAN, and at least 1,000.
    parallel : int, optional
        Without effect.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, the time to live, then the fields in the order of the schema.

    Raises
    ------
    SchemaError
        Without a schema, and as :func:`gearframe.scan_hashes`.
    OptionError, ServerConnectionError
        At the call, for what cannot be used, and a server that is not reached.
    DataError, ReplyError
        When the query runs, as :func:`gearframe.scan_hashes`.

    Notes
    -----
    Sends what :func:`gearframe.scan_hashes` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = client.execute("HSET", "user:1", "name", "Ann", "age", 41)
    >>> lf = redis.scan_hashes(client.url, "user:*", {"name": pl.Utf8, "age": pl.Int64})
    >>> lf.filter(pl.col("age") > 40).collect().rows()
    [('user:1', 'Ann', 41)]
    """
    given = {
        "pattern": pattern,
        "include_key": include_key,
        "key_column_name": key_column_name,
        "include_ttl": include_ttl,
        "ttl_column_name": ttl_column_name,
        "include_row_index": include_row_index,
        "row_index_column_name": row_index_column_name,
        "batch_size": batch_size,
        "count_hint": count_hint,
    }
    asked = settle(HashScanOptions, options, given)
    fields = projected("scan_hashes", schema, asked)
    lf = real_scan_hashes(open_client(url), asked["pattern"], fields, **shared(asked))
    return finish(lf, asked)


def scan_json(
    url: str,
    pattern: str = "*",
    schema: Mapping[str, Any] | None = None,
    *,
    options: JsonScanOptions | None = None,
    include_key: bool = True,
    key_column_name: str = "_key",
    include_ttl: bool = False,
    ttl_column_name: str = "_ttl",
    include_row_index: bool = False,
    row_index_column_name: str = "_index",
    batch_size: int = 1000,
    count_hint: int = 100,
    parallel: int | None = None,
) -> pl.LazyFrame:
    """Scan JSON documents; see :func:`gearframe.scan_json`.

    Parameters
    ----------
    schema : dict of str to dtype
        Members of the document and their dtypes. A Utf8 column has the text of a string, and the
        JSON text of any other value. Required.
    options : JsonScanOptions, optional
        The same as one object, with ``n_rows``, ``projection``, ``row_index_offset`` and ``path``
        besides: a JSONPath of the object that has the members, such as ``"$.address"``.
    url, pattern, include_key, key_column_name, include_ttl, ttl_column_name, include_row_index, \
row_index_column_name, batch_size, count_hint, parallel
        As for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, the time to live, then the members in the order of the schema.

    Raises
    ------
    SchemaError, OptionError, ServerConnectionError, DataError, ReplyError
        As `scan_hashes`; a server without a JSON module is a `ReplyError`.

    Notes
    -----
    Sends what :func:`gearframe.scan_json` sends. A query that uses a Utf8 column gets whole
    documents, for only they tell a text from a number: ``gearframe.scan_json`` gets the members.
    """
    given = {
        "pattern": pattern,
        "include_key": include_key,
        "key_column_name": key_column_name,
        "include_ttl": include_ttl,
        "ttl_column_name": ttl_column_name,
        "include_row_index": include_row_index,
        "row_index_column_name": row_index_column_name,
        "batch_size": batch_size,
        "count_hint": count_hint,
    }
    asked = settle(JsonScanOptions, options, given)
    members = projected("scan_json", schema, asked)
    lf = with_texts(
        open_client(url), asked["pattern"], members, asked.get("path") or "$", shared(asked)
    )
    return finish(lf, asked)


def scan_strings(
    url: str,
    pattern: str = "*",
    *,
    options: StringScanOptions | None = None,
    value_type: Any = pl.Utf8,
    include_key: bool = True,
    key_column_name: str = "_key",
    value_column_name: str = "value",
    include_ttl: bool = False,
    ttl_column_name: str = "_ttl",
    batch_size: int = 1000,
    count_hint: int = 100,
    parallel: int | None = None,
) -> pl.LazyFrame:
    """Scan strings; see :func:`gearframe.scan_strings`.

    Parameters
    ----------
    options : StringScanOptions, optional
        The same as one object, with ``n_rows``, ``include_row_index``, ``row_index_column_name``
        and ``row_index_offset`` besides.
    value_type : dtype, default polars.Utf8
        What the values are.
    value_column_name : str, default "value"
        The column with them.
    url, pattern, include_key, key_column_name, include_ttl, ttl_column_name, batch_size, \
count_hint, parallel
        As for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, the time to live, then the value.

    Raises
    ------
    SchemaError, OptionError, ServerConnectionError, DataError, ReplyError
        As `scan_hashes`.

    Notes
    -----
    Sends what :func:`gearframe.scan_strings` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = client.execute("SET", "hits:a", 3)
    >>> redis.scan_strings(client.url, "hits:*", value_type=pl.Int64).collect().rows()
    [('hits:a', 3)]
    """
    given = {
        "pattern": pattern,
        "include_key": include_key,
        "key_column_name": key_column_name,
        "value_column_name": value_column_name,
        "include_ttl": include_ttl,
        "ttl_column_name": ttl_column_name,
        "batch_size": batch_size,
        "count_hint": count_hint,
    }
    asked = settle(StringScanOptions, options, given)
    lf = real_scan_strings(
        open_client(url),
        asked["pattern"],
        value_type,
        value_column=asked["value_column_name"],
        **shared(asked),
    )
    return finish(lf, asked)
