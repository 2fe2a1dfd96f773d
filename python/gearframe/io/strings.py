"""Strings as frames: one row a key, one value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from gearframe.io.inferred import with_dtype
from gearframe.io.options import ScanOptions, columns_of, scan
from gearframe.io.source import collect

if TYPE_CHECKING:
    from gearframe.client import Client


class StringOptions(ScanOptions, total=False):
    """Keyword arguments of ``scan_strings``."""

    value_column: str


def scan_strings(
    client: Client | str | None,
    pattern: str | bytes = "*",
    dtype: Any = pl.String,
    *,
    value_column: str = "value",
    **options: Unpack[ScanOptions],
) -> pl.LazyFrame:
    """Scan strings into a LazyFrame: one row for each key.

    Every key that exists from the start of a run to its end comes exactly once, or the run fails
    with an error.

    Parameters
    ----------
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``. None starts a new embedded
        server, which is empty and stays until the program ends.
    pattern : str or bytes, default "*"
        Redis' glob pattern for the keys.
    dtype : dtype or "infer", default polars.String
        What the values are; the same dtypes and the same strictness as in `scan_hashes`.
        ``"infer"`` looks at 1,000 keys, at once and not when the query runs.
    value_column : str, default "value"
        The name of the column with the values.
    **options
        ``keys``, ``key_schema``, ``include_key``, ``key_column``, ``key_dtype``, ``include_ttl``,
        ``ttl_column``, ``row_index_name``, ``row_index_offset``, ``on_error``, ``batch_size``,
        ``scan_count``, ``throttle`` and ``progress``, as for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, its parts, the time to live (as far as they were asked for), then
        the value.

    Raises
    ------
    GearframeError
        As for `scan_hashes`; `SchemaError` also for ``"infer"`` without a string to infer from.

    Notes
    -----
    Sends ``SCAN MATCH COUNT`` and ``MGET`` of up to 1,000 keys at once (some 1 µs of server time
    a key); without the value column ``SCAN … TYPE string`` alone. Where MGET answers null, ``TYPE``
    tells a key of another type from one that has vanished. Pushes down what `scan_hashes` does.

    Examples
    --------
    >>> client = gf.connect()
    >>> client.execute("MSET", "hits:a", "3", "hits:b", "4")
    b'OK'
    >>> gf.scan_strings(client, "hits:*", pl.Int64).select(pl.col("value").sum()).collect().item()
    7
    """
    client, dtype, options = with_dtype(client, pattern, dtype, options)
    values = columns_of({value_column: (dtype, "value")}, options)
    return scan(client, "strings", pattern, values, options)


def read_strings(
    client: Client | str | None,
    pattern: str | bytes = "*",
    dtype: Any = pl.String,
    **options: Unpack[StringOptions],
) -> pl.DataFrame:
    """Read strings into a DataFrame: `scan_strings`, collected.

    Parameters
    ----------
    client, pattern, dtype, **options
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

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.read_strings(client, "hits:*", pl.Int64).schema
    Schema([('_key', String), ('value', Int64)])
    """
    return collect(scan_strings(client, pattern, dtype, **options))
