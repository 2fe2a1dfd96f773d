"""Hashes as frames: one row a key, one column a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack

import polars as pl

from gearframe.exceptions import OptionError, SchemaError
from gearframe.io.definition import Column
from gearframe.io.inferred import with_schema
from gearframe.io.options import ScanOptions, check_distinct, columns_of, field_columns, scan
from gearframe.io.source import collect

if TYPE_CHECKING:
    from gearframe.client import Client


class HashOptions(ScanOptions, total=False):
    """Keyword arguments of ``scan_hashes``."""

    format: Literal["wide", "long"]
    field_column: str
    field_dtype: Any
    value_column: str
    field_ttl: bool | Sequence[str]


def scan_hashes(
    client: Client | str | None,
    pattern: str | bytes = "*",
    schema: Any = None,
    *,
    format: Literal["wide", "long"] = "wide",
    field_column: str = "field",
    field_dtype: Any = pl.String,
    value_column: str = "value",
    field_ttl: bool | Sequence[str] = False,
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
    schema : mapping of str to dtype, or "infer"
        The fields to read and their dtypes: integers, Float32, Float64, Boolean, String, Binary,
        Categorical, Enum, Date, Time, Datetime, Duration, Decimal, and List, Array and Struct out
        of JSON text. ``{}`` reads keys only. ``"infer"`` looks at 1,000 keys, at once and not when
        the query runs; `infer_schema` shows what it finds, and its result is a schema too. In
        long format one dtype for all values, String if not given.
    format : {"wide", "long"}, default "wide"
        One row for each hash with a column for each field of the schema; or one row for each
        field of each hash, whatever its name, for hashes with many fields or unknown ones.
    field_column, value_column : str, default "field" and "value"
        In long format, the names of the columns with the fields' names and values.
    field_dtype : dtype, default polars.String
        In long format, ``polars.Binary`` reads names that are not UTF-8.
    field_ttl : bool or sequence of str, default False
        Have columns with the time to live of single fields (Redis 7.4, Valkey 9): Duration in
        milliseconds, null where there is none. In wide format ``<field>_ttl`` for the fields
        named, or with True for those of the schema; in long format ``field_ttl``. They are asked
        for beside the values, not in the same step.
    keys : iterable of str or bytes, optional
        Read these keys instead of those that match the pattern; no SCAN is sent. A key that does
        not exist makes no row; one that is named twice makes one.
    key_schema : str, optional
        What keys are made of, to have the parts as columns: ``"user:{id:Int64}:{region}"`` gives
        the columns ``id`` and ``region``, and narrows MATCH to ``user:*:*`` if ``pattern`` is
        ``"*"``. A part is the shortest text before what follows it, the last reaches to the end;
        its dtype is String if none is named. A key of another form does not fit (``on_error``).
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
        The most keys a second; elements of large keys count as keys.
    progress : bool, default False
        Show a progress bar on standard error, with an estimate from ``DBSIZE``.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, its parts, the time to live (as far as they were asked for), then
        the fields of the schema in its order, and their times to live. A field that a hash lacks
        is null. In long format the name, the value and the time to live of the field.

    Raises
    ------
    SchemaError
        For an unsupported dtype, or a name that is used twice or reserved; for ``"infer"`` without
        a hash to infer from.
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
    without them from a key that has vanished. Times to live of fields take ``HPTTL`` for each key.
    In long format ``HSCAN`` for each key: small hashes at once, large ones in pieces of up to
    4,096 fields.

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
    if format == "long":
        check_distinct(field_column, value_column, *(["field_ttl"] if field_ttl else ()))
        if not isinstance(field_ttl, bool):
            raise OptionError(
                f"field_ttl is {field_ttl!r}; in long format all fields come, so expected True "
                "or False; filter by the name of the field"
            )
        given: dict[str, tuple[Any, str]] = {field_column: (_name_dtype(field_dtype), "name")}
        given[value_column] = (pl.String if schema is None else _one_dtype(schema), "value")
        if field_ttl:
            given["field_ttl"] = (pl.Duration("ms"), "field_ttl")
        return scan(client, "fields", pattern, columns_of(given, options), options)
    if format != "wide":
        raise OptionError(f"format is {format!r}; expected 'wide' or 'long'")
    if schema is None:
        raise SchemaError(
            "schema is missing; expected the fields and their dtypes, such as "
            "{'name': pl.String, 'age': pl.Int64}, or {} for the keys alone"
        )
    client, schema, options = with_schema(client, pattern, "hashes", schema, options)
    values = field_columns(schema, options)
    names = [column.name for column in values] if field_ttl is True else field_ttl
    times = {f"{name}_ttl": name for name in _names(names)}
    columns_of({name: (pl.Duration("ms"), "field_ttl") for name in times}, options)
    taken = sorted(times.keys() & {column.name for column in values})
    if taken:
        raise SchemaError(f"field_ttl: the schema has a column {taken[0]!r} already; rename it")
    ttls = [
        Column(column, pl.Duration("ms"), {"from": "field_ttl", "field": name})
        for column, name in times.items()
    ]
    return scan(client, "hashes", pattern, [*values, *ttls], options)


def _names(field_ttl: bool | Sequence[str]) -> list[str]:
    if isinstance(field_ttl, bool):
        return []
    is_names = isinstance(field_ttl, Sequence) and not isinstance(field_ttl, str)
    if not is_names or not all(isinstance(name, str) for name in field_ttl):
        raise OptionError(f"field_ttl is {field_ttl!r}; expected True, or names of fields")
    return list(field_ttl)


def _name_dtype(dtype: Any) -> Any:
    if dtype not in (pl.String, pl.Binary, str, bytes):
        raise SchemaError(f"field_dtype is {dtype!r}; expected pl.String or pl.Binary")
    return dtype


def _one_dtype(schema: Any) -> Any:
    if isinstance(schema, Mapping | list | tuple):
        raise SchemaError(
            f"schema is {schema!r}; in long format all values share one dtype, such as pl.Float64"
        )
    return schema


def read_hashes(
    client: Client | str | None,
    pattern: str | bytes = "*",
    schema: Any = None,
    **options: Unpack[HashOptions],
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
