"""Scans of keys that are one row each, collected; without ``options`` and ``parallel``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from gearframe.compat.polars_redis._scans import scan_hashes, scan_json, scan_strings
from gearframe.io.source import collect


def read_hashes(
    url: str,
    pattern: str = "*",
    schema: Mapping[str, Any] | None = None,
    *,
    include_key: bool = True,
    key_column_name: str = "_key",
    include_ttl: bool = False,
    ttl_column_name: str = "_ttl",
    include_row_index: bool = False,
    row_index_column_name: str = "_index",
    batch_size: int = 1000,
    count_hint: int = 100,
) -> pl.DataFrame:
    """Read hashes: `scan_hashes`, collected.

    Parameters
    ----------
    url, pattern, schema, include_key, key_column_name, include_ttl, ttl_column_name, \
include_row_index, row_index_column_name, batch_size, count_hint
        As for `scan_hashes`.

    Returns
    -------
    polars.DataFrame
        As for `scan_hashes`.

    Raises
    ------
    GearframeError
        As for `scan_hashes`.

    Notes
    -----
    Sends what `scan_hashes` sends.
    """
    return collect(
        scan_hashes(
            url,
            pattern,
            schema,
            include_key=include_key,
            key_column_name=key_column_name,
            include_ttl=include_ttl,
            ttl_column_name=ttl_column_name,
            include_row_index=include_row_index,
            row_index_column_name=row_index_column_name,
            batch_size=batch_size,
            count_hint=count_hint,
        )
    )


def read_json(
    url: str,
    pattern: str = "*",
    schema: Mapping[str, Any] | None = None,
    *,
    include_key: bool = True,
    key_column_name: str = "_key",
    include_ttl: bool = False,
    ttl_column_name: str = "_ttl",
    include_row_index: bool = False,
    row_index_column_name: str = "_index",
    batch_size: int = 1000,
    count_hint: int = 100,
) -> pl.DataFrame:
    """Read JSON documents: `scan_json`, collected.

    Parameters
    ----------
    url, pattern, schema, include_key, key_column_name, include_ttl, ttl_column_name, \
include_row_index, row_index_column_name, batch_size, count_hint
        As for `scan_json`.

    Returns
    -------
    polars.DataFrame
        As for `scan_json`.

    Raises
    ------
    GearframeError
        As for `scan_json`.

    Notes
    -----
    Sends what `scan_json` sends.
    """
    return collect(
        scan_json(
            url,
            pattern,
            schema,
            include_key=include_key,
            key_column_name=key_column_name,
            include_ttl=include_ttl,
            ttl_column_name=ttl_column_name,
            include_row_index=include_row_index,
            row_index_column_name=row_index_column_name,
            batch_size=batch_size,
            count_hint=count_hint,
        )
    )


def read_strings(
    url: str,
    pattern: str = "*",
    *,
    value_type: Any = pl.Utf8,
    include_key: bool = True,
    key_column_name: str = "_key",
    value_column_name: str = "value",
    include_ttl: bool = False,
    ttl_column_name: str = "_ttl",
    batch_size: int = 1000,
    count_hint: int = 100,
) -> pl.DataFrame:
    """Read strings: `scan_strings`, collected.

    Parameters
    ----------
    url, pattern, value_type, include_key, key_column_name, value_column_name, include_ttl, \
ttl_column_name, batch_size, count_hint
        As for `scan_strings`.

    Returns
    -------
    polars.DataFrame
        As for `scan_strings`.

    Raises
    ------
    GearframeError
        As for `scan_strings`.

    Notes
    -----
    Sends what `scan_strings` sends.
    """
    return collect(
        scan_strings(
            url,
            pattern,
            value_type=value_type,
            include_key=include_key,
            key_column_name=key_column_name,
            value_column_name=value_column_name,
            include_ttl=include_ttl,
            ttl_column_name=ttl_column_name,
            batch_size=batch_size,
            count_hint=count_hint,
        )
    )
