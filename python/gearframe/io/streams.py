"""Streams as frames: one row an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from gearframe.exceptions import OptionError
from gearframe.io.inferred import with_schema
from gearframe.io.narrowing import is_part_of_id
from gearframe.io.options import (
    ScanOptions,
    check_distinct,
    check_whole,
    columns_of,
    field_columns,
    scan,
)
from gearframe.io.source import collect

if TYPE_CHECKING:
    from gearframe.client import Client


class StreamOptions(ScanOptions, total=False):
    """Keyword arguments of ``scan_streams``."""

    include_id: bool
    id_column: str
    include_timestamp: bool
    timestamp_column: str
    include_sequence: bool
    sequence_column: str
    start: str
    end: str
    count: int | None


def scan_streams(
    client: Client | str | None,
    pattern: str | bytes = "*",
    schema: Any = None,
    *,
    include_id: bool = True,
    id_column: str = "_id",
    include_timestamp: bool = True,
    timestamp_column: str = "_ts",
    include_sequence: bool = False,
    sequence_column: str = "_seq",
    start: str = "-",
    end: str = "+",
    count: int | None = None,
    **options: Unpack[ScanOptions],
) -> pl.LazyFrame:
    """Scan streams into a LazyFrame: one row for each entry of each stream.

    An entry that is in its stream from the start of a run to its end comes exactly once, or the
    run fails with an error.

    Parameters
    ----------
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``. None starts a new embedded
        server, which is empty and stays until the program ends.
    pattern : str or bytes, default "*"
        Redis' glob pattern for the keys.
    schema : mapping of str to dtype, or "infer", optional
        The fields to read and their dtypes, as for `scan_hashes`; without it no fields. Of a
        field that an entry has twice, the last counts.
    include_id : bool, default True
        Have a column with the id of each entry, String.
    id_column : str, default "_id"
        Its name.
    include_timestamp : bool, default True
        Have a column with the time in the id, Datetime in milliseconds, UTC without a zone.
    timestamp_column : str, default "_ts"
        Its name.
    include_sequence : bool, default False
        Have a column with the number behind the time in the id, UInt64.
    sequence_column : str, default "_seq"
        Its name.
    start, end : str, default "-" and "+"
        The first and last id to read, both included, as ``XRANGE`` takes them: ``"-"`` and
        ``"+"`` for the ends, ``"1700000000000"`` for a time, ``"(1700000000000-0"`` for what
        comes after.
    count : int, optional
        The most entries of each stream, from its start.
    **options
        ``keys``, ``key_schema``, ``include_key``, ``key_column``, ``key_dtype``, ``include_ttl``,
        ``ttl_column``, ``row_index_name``, ``row_index_offset``, ``on_error``, ``batch_size``,
        ``scan_count``, ``throttle`` and ``progress``, as for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, its parts, the time to live, the id, the time and the sequence (as
        far as they were asked for), then the fields. A field that an entry lacks is null.

    Raises
    ------
    GearframeError
        As for `scan_hashes`.

    Notes
    -----
    Sends ``SCAN MATCH COUNT`` and ``XRANGE COUNT`` for each key, up to 1,000 keys at once; a
    large stream is read on after the last id in pages of up to 4,096 entries, up to the entry that
    ``XREVRANGE`` names as the last when that begins. A filter that
    compares the time, or names an id, narrows the range (not with ``count``, which takes the first
    entries of the range); otherwise pushes down what `scan_hashes` does.

    Examples
    --------
    >>> client = gf.connect()
    >>> for id, celsius in ("1000-0", 20.5), ("2000-0", 21.0):
    ...     client.execute("XADD", "temp:ams", id, "celsius", celsius)
    b'1000-0'
    b'2000-0'
    >>> lf = gf.scan_streams(client, "temp:*", {"celsius": pl.Float64})
    >>> lf.select("_id", "celsius").collect().rows()
    [('1000-0', 20.5), ('2000-0', 21.0)]
    """
    if count is not None:
        check_whole("count", count, least=1)
    names = [(include_id, id_column), (include_timestamp, timestamp_column)]
    names.append((include_sequence, sequence_column))
    check_distinct(*(name for included, name in names if included))
    given: dict[str, tuple[Any, str]] = {}
    if include_id:
        given[id_column] = (pl.String, "id")
    if include_timestamp:
        given[timestamp_column] = (pl.Datetime("ms"), "timestamp")
    if include_sequence:
        given[sequence_column] = (pl.UInt64, "sequence")
    columns = columns_of(given, options)
    schema = schema if schema is not None else {}
    client, schema, options = with_schema(client, pattern, "streams", schema, options, given)
    fields = field_columns(schema, options, given)
    elements = {"start": _bound("start", start), "end": _bound("end", end), "count": count}
    return scan(client, "streams", pattern, [*columns, *fields], options, elements=elements)


def _bound(name: str, bound: str) -> str:
    """Check an id as XRANGE takes it."""
    if isinstance(bound, str):
        time, _, sequence = bound.removeprefix("(").partition("-")
        numbers = [time, sequence] if sequence else [time]
        if bound in ("-", "+") or all(is_part_of_id(number) for number in numbers):
            return bound
    raise OptionError(
        f"{name} is {bound!r}; expected '-', '+', a time in milliseconds, or an id such as "
        "'1700000000000-0'"
    )


def read_streams(
    client: Client | str | None,
    pattern: str | bytes = "*",
    schema: Any = None,
    **options: Unpack[StreamOptions],
) -> pl.DataFrame:
    """Read streams into a DataFrame: `scan_streams`, collected.

    Parameters
    ----------
    client, pattern, schema, **options
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

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.read_streams(client, "temp:*", {"celsius": pl.Float64}).columns
    ['_key', '_id', '_ts', 'celsius']
    """
    return collect(scan_streams(client, pattern, schema, **options))
