"""Scans of what has times: streams and time series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from gearframe.compat.polars_redis._scan_arguments import fields_of, finish, settle, shared
from gearframe.compat.polars_redis._server import open_client
from gearframe.compat.polars_redis.options import StreamScanOptions, TimeSeriesScanOptions
from gearframe.io.streams import scan_streams as real_scan_streams
from gearframe.io.timeseries import scan_timeseries as real_scan_timeseries


def scan_streams(
    url: str,
    pattern: str = "*",
    *,
    schema: Mapping[str, Any] | None = None,
    options: StreamScanOptions | None = None,
    include_key: bool = True,
    key_column_name: str = "_key",
    include_id: bool = True,
    id_column_name: str = "_id",
    include_timestamp: bool = True,
    timestamp_column_name: str = "_ts",
    include_sequence: bool = False,
    sequence_column_name: str = "_seq",
    include_row_index: bool = False,
    row_index_column_name: str = "_index",
    start_id: str = "-",
    end_id: str = "+",
    count_per_stream: int | None = None,
    batch_size: int = 1000,
    count_hint: int = 100,
) -> pl.LazyFrame:
    """Scan streams; see :func:`gearframe.scan_streams`.

    Parameters
    ----------
    schema : dict of str to dtype, optional
        The fields and their dtypes; without it none.
    options : StreamScanOptions, optional
        The same as one object, with ``n_rows`` and ``fields`` besides: which fields to read, Utf8
        where the schema has no dtype for one.
    include_id, id_column_name
        The column with the id, Utf8.
    include_timestamp, timestamp_column_name
        The column with the time in the id, Datetime("ms"), UTC without a zone.
    include_sequence, sequence_column_name
        A column with the number behind the time, UInt64.
    start_id, end_id : str, default "-" and "+"
        The first and last id, both included.
    count_per_stream : int, optional
        The most entries of each stream, from its start.
    url, pattern, include_key, key_column_name, include_row_index, row_index_column_name, \
batch_size, count_hint
        As for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, the id, the time, the sequence number, then the fields.

    Raises
    ------
    SchemaError, OptionError, ServerConnectionError, DataError, ReplyError
        As `scan_hashes`.

    Notes
    -----
    Sends what :func:`gearframe.scan_streams` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = client.execute("XADD", "temp:ams", "1000-0", "celsius", 20.5)
    >>> lf = redis.scan_streams(client.url, "temp:*", schema={"celsius": pl.Float64})
    >>> lf.select("_id", "celsius").collect().rows()
    [('1000-0', 20.5)]
    """
    given = {
        "pattern": pattern,
        "include_key": include_key,
        "key_column_name": key_column_name,
        "include_id": include_id,
        "id_column_name": id_column_name,
        "include_timestamp": include_timestamp,
        "timestamp_column_name": timestamp_column_name,
        "include_sequence": include_sequence,
        "sequence_column_name": sequence_column_name,
        "include_row_index": include_row_index,
        "row_index_column_name": row_index_column_name,
        "start_id": start_id,
        "end_id": end_id,
        "count_per_stream": count_per_stream,
        "batch_size": batch_size,
        "count_hint": count_hint,
    }
    asked = settle(StreamScanOptions, options, given)
    fields = fields_of({} if schema is None else schema)
    if asked.get("fields") is not None:
        fields = {name: fields.get(name, pl.String) for name in asked["fields"]}
    lf = real_scan_streams(
        open_client(url),
        asked["pattern"],
        fields,
        include_id=asked["include_id"],
        id_column=asked["id_column_name"],
        include_timestamp=asked["include_timestamp"],
        timestamp_column=asked["timestamp_column_name"],
        include_sequence=asked["include_sequence"],
        sequence_column=asked["sequence_column_name"],
        start=asked["start_id"],
        end=asked["end_id"],
        count=asked["count_per_stream"],
        **shared(asked),
    )
    return finish(lf, asked)


def scan_timeseries(
    url: str,
    pattern: str = "*",
    *,
    options: TimeSeriesScanOptions | None = None,
    include_key: bool = True,
    key_column_name: str = "_key",
    timestamp_column_name: str = "_ts",
    value_column_name: str = "value",
    include_row_index: bool = False,
    row_index_column_name: str = "_index",
    start: str = "-",
    end: str = "+",
    count_per_series: int | None = None,
    aggregation: str | None = None,
    bucket_size_ms: int | None = None,
    batch_size: int = 1000,
    count_hint: int = 100,
) -> pl.LazyFrame:
    """Scan time series; see :func:`gearframe.scan_timeseries`.

    Parameters
    ----------
    options : TimeSeriesScanOptions, optional
        The same as one object, with ``n_rows`` besides.
    timestamp_column_name : str, default "_ts"
        The column with the times, Datetime("ms"), UTC without a zone.
    value_column_name : str, default "value"
        The column with the values, Float64.
    start, end : str, default "-" and "+"
        The first and last time, both included: milliseconds since 1970.
    count_per_series : int, optional
        The most samples of each series, from its start.
    aggregation, bucket_size_ms
        Such as ``"avg"``, and the length of its buckets; both or neither.
    url, pattern, include_key, key_column_name, include_row_index, row_index_column_name, \
batch_size, count_hint
        As for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, the time, then the value.

    Raises
    ------
    SchemaError, OptionError, ServerConnectionError, ReplyError
        As `scan_hashes`; a server without time series is a `ReplyError`.

    Notes
    -----
    Sends what :func:`gearframe.scan_timeseries` sends.
    """
    given = {
        "pattern": pattern,
        "include_key": include_key,
        "key_column_name": key_column_name,
        "timestamp_column_name": timestamp_column_name,
        "value_column_name": value_column_name,
        "include_row_index": include_row_index,
        "row_index_column_name": row_index_column_name,
        "start": start,
        "end": end,
        "count_per_series": count_per_series,
        "aggregation": aggregation,
        "bucket_size_ms": bucket_size_ms,
        "batch_size": batch_size,
        "count_hint": count_hint,
    }
    asked = settle(TimeSeriesScanOptions, options, given)
    lf = real_scan_timeseries(
        open_client(url),
        asked["pattern"],
        timestamp_column=asked["timestamp_column_name"],
        value_column=asked["value_column_name"],
        start=asked["start"],
        end=asked["end"],
        count=asked["count_per_series"],
        aggregation=asked["aggregation"],
        bucket=asked["bucket_size_ms"],
        **shared(asked),
    )
    return finish(lf, asked)
