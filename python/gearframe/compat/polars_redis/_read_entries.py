"""Scans of streams and time series, collected; without ``options`` and ``parallel``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from gearframe.compat.polars_redis._scan_entries import scan_streams, scan_timeseries
from gearframe.io.source import collect


def read_streams(
    url: str,
    pattern: str = "*",
    *,
    schema: Mapping[str, Any] | None = None,
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
) -> pl.DataFrame:
    """Read streams: `scan_streams`, collected.

    Parameters
    ----------
    url, pattern, schema, include_key, key_column_name, include_id, id_column_name, \
include_timestamp, timestamp_column_name, include_sequence, sequence_column_name, \
include_row_index, row_index_column_name, start_id, end_id, count_per_stream, batch_size, \
count_hint
        As for `scan_streams`.

    Returns
    -------
    polars.DataFrame
        As for `scan_streams`.

    Raises
    ------
    GearframeError
        As for `scan_streams`.

    Notes
    -----
    Sends what `scan_streams` sends.
    """
    return collect(
        scan_streams(
            url,
            pattern,
            schema=schema,
            include_key=include_key,
            key_column_name=key_column_name,
            include_id=include_id,
            id_column_name=id_column_name,
            include_timestamp=include_timestamp,
            timestamp_column_name=timestamp_column_name,
            include_sequence=include_sequence,
            sequence_column_name=sequence_column_name,
            include_row_index=include_row_index,
            row_index_column_name=row_index_column_name,
            start_id=start_id,
            end_id=end_id,
            count_per_stream=count_per_stream,
            batch_size=batch_size,
            count_hint=count_hint,
        )
    )


def read_timeseries(
    url: str,
    pattern: str = "*",
    *,
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
) -> pl.DataFrame:
    """Read time series: `scan_timeseries`, collected.

    Parameters
    ----------
    url, pattern, include_key, key_column_name, timestamp_column_name, value_column_name, \
include_row_index, row_index_column_name, start, end, count_per_series, aggregation, \
bucket_size_ms, batch_size, count_hint
        As for `scan_timeseries`.

    Returns
    -------
    polars.DataFrame
        As for `scan_timeseries`.

    Raises
    ------
    GearframeError
        As for `scan_timeseries`.

    Notes
    -----
    Sends what `scan_timeseries` sends.
    """
    return collect(
        scan_timeseries(
            url,
            pattern,
            include_key=include_key,
            key_column_name=key_column_name,
            timestamp_column_name=timestamp_column_name,
            value_column_name=value_column_name,
            include_row_index=include_row_index,
            row_index_column_name=row_index_column_name,
            start=start,
            end=end,
            count_per_series=count_per_series,
            aggregation=aggregation,
            bucket_size_ms=bucket_size_ms,
            batch_size=batch_size,
            count_hint=count_hint,
        )
    )
