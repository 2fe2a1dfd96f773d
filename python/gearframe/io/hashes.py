"""Hashes as frames: one row a key, one column a field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from gearframe.exceptions import SchemaError
from gearframe.io.options import ScanOptions, reserved_names, scan
from gearframe.io.source import collect
from gearframe.schema import normalize_schema

if TYPE_CHECKING:
    import polars as pl

    from gearframe.client import Client


def scan_hashes(
    client: Client | str | None,
    pattern: str | bytes = "*",
    schema: Any = None,
    **options: Unpack[ScanOptions],
) -> pl.LazyFrame:
    """Scan hashes into a LazyFrame: one row for each key, one column for each field.

    Every key that exists from the start of a run to its end comes exactly once, or the run fails
    with an error.

    Parameters
    ----------
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``. None starts a new embedded
        server, which is empty and stays until the program ends.
    pattern : str or bytes, default "*"
        Redis' glob pattern for the keys.
    schema : mapping of str to dtype
        The fields to read and their dtypes: integers, Float32, Float64, Boolean, String, Binary,
        Categorical, Enum, Date, Time, Datetime, Duration, Decimal, and List, Array and Struct out
        of JSON text. ``{}`` reads keys only.
    keys : iterable of str or bytes, optional
        Read these keys instead of those that match the pattern; no SCAN is sent. A key that does
        not exist makes no row; one that is named twice makes one.
    include_key : bool, default True
        Have a column with the key.
    key_column : str, default "_key"
        Its name.
    key_dtype : dtype, default polars.String
        ``polars.Binary`` reads keys that are not UTF-8.
    include_ttl : bool, default False
        Have a column with the time to live: Duration in milliseconds, null where there is none.
    ttl_column : str, default "_ttl"
        Its name. It is asked for just before the values, not in the same step.
    row_index_name : str, optional
        Have a first column of this name that numbers the rows in the order of the scan, which is
        not the same each time.
    row_index_offset : int, default 0
        Its first number.
    on_error : {"raise", "null", "skip"}, default "raise"
        What to do with a value that does not fit its dtype: raise a `DataError` that names it,
        make it null, or leave the row out. The report counts the last two. With "raise" and
        "null" the columns that a query does not use are not read, so nothing in them is judged;
        "skip" reads all columns, so that every query leaves out the same rows.
    batch_size : int, default 50,000
        The most rows in a batch that Polars gets; a batch also ends at 16 MiB of text. Memory is
        bounded by a few batches, and some 20 bytes for each key that SCAN returns.
    scan_count : int, default 1,000
        COUNT of SCAN: how many buckets the server looks at in one step. More stalls other clients
        for longer; fewer is slower and gentler.
    throttle : float, optional
        The most keys a second.
    progress : bool, default False
        Show a progress bar on standard error, with an estimate from ``DBSIZE``.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, the time to live (as far as they were asked for), then the fields
        of the schema in its order. A field that a hash lacks is null.

    Raises
    ------
    SchemaError
        For an unsupported dtype, or a name that is used twice or reserved.
    OptionError
        For an option that cannot be used.
    ServerConnectionError
        If the server cannot be reached; here for a URL, and again when the query runs.
    DataError
        When the query runs: for a value that does not fit (``on_error="raise"``), or a key that is
        not UTF-8.
    ReplyError, ProtocolError
        When the query runs: if the server refuses a command, or answers something else than RESP.

    Notes
    -----
    Sends ``SCAN MATCH COUNT`` and for each key ``HMGET`` with the fields that the query uses, or
    ``HGETALL`` where a sample of the hashes (``HLEN`` and ``HGETALL`` of 16) has no other fields:
    some 3 µs of server time a key with six short fields. With the time to live also ``PTTL`` for
    each key. A query that uses no field sends ``SCAN … TYPE hash`` alone, or for named keys
    ``TYPE`` of each. Where all of a key's fields are null, ``MULTI PTTL HMGET EXEC`` tells a hash
    without them from a key that has vanished.

    Pushed down: columns, ``head``, and of a filter ``_key ==`` and ``_key.is_in`` (fetched without
    SCAN) and ``_key.str.starts_with`` (a narrower MATCH). A filter on values reads all keys of the
    pattern; with ``head(n)`` behind it the scan stops after a few batches (the first has 1,024
    rows, each later one twice as many), not after n rows.

    Text that is not exactly a value of its dtype is an error: ``"1.9"`` is no Int64. Datetimes are
    ISO 8601; an offset counts: a column without zone gets UTC.

    Keys of other types are left out; the report counts them.

    Examples
    --------
    >>> client = gf.connect()
    >>> users = pl.DataFrame(
    ...     {"_key": ["user:1", "user:2"], "name": ["Ann", "Bob"], "age": [41, 37]}
    ... )
    >>> gf.write_hashes(users, client).written
    2
    >>> lf = gf.scan_hashes(client, "user:*", {"name": pl.String, "age": pl.Int64})
    >>> lf.filter(pl.col("age") > 40).collect()
    shape: (1, 3)
    ┌────────┬──────┬─────┐
    │ _key   ┆ name ┆ age │
    │ ---    ┆ ---  ┆ --- │
    │ str    ┆ str  ┆ i64 │
    ╞════════╪══════╪═════╡
    │ user:1 ┆ Ann  ┆ 41  │
    └────────┴──────┴─────┘
    """
    if schema is None:
        raise SchemaError(
            "schema is missing; expected the fields and their dtypes, such as "
            "{'name': pl.String, 'age': pl.Int64}, or {} for the keys alone"
        )
    values = normalize_schema(schema, reserved=reserved_names(options))
    return scan(client, "hashes", pattern, values, options)


def read_hashes(
    client: Client | str | None,
    pattern: str | bytes = "*",
    schema: Any = None,
    **options: Unpack[ScanOptions],
) -> pl.DataFrame:
    """Read hashes into a DataFrame: `scan_hashes`, collected.

    Parameters
    ----------
    client, pattern, schema, **options
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
    Sends what `scan_hashes` sends for all columns.

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.read_hashes(client, "user:*", {"name": pl.String}).schema
    Schema([('_key', String), ('name', String)])
    """
    return collect(scan_hashes(client, pattern, schema, **options))
