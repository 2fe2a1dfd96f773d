"""Time series as frames: one row a sample, or a bucket of samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from gearframe.exceptions import OptionError, SchemaError
from gearframe.io import glob
from gearframe.io.definition import Column
from gearframe.io.options import ScanOptions, as_bytes, check_whole, columns_of, scan
from gearframe.io.source import collect

if TYPE_CHECKING:
    from gearframe.client import Client

_AGGREGATIONS = (
    "avg", "sum", "min", "max", "range", "count", "first", "last",
    "std.p", "std.s", "var.p", "var.s", "twa",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class TimeSeriesOptions(ScanOptions, total=False):
    """Keyword arguments of ``scan_timeseries``."""

    timestamp_column: str
    value_column: str
    start: str | int | datetime
    end: str | int | datetime
    count: int | None
    aggregation: str | None
    bucket: int | timedelta | None
    labels: Sequence[str] | None
    filters: Sequence[str] | None


def scan_timeseries(
    client: Client | str | None,
    pattern: str | bytes = "*",
    *,
    timestamp_column: str = "_ts",
    value_column: str = "value",
    start: str | int | datetime = "-",
    end: str | int | datetime = "+",
    count: int | None = None,
    aggregation: str | None = None,
    bucket: int | timedelta | None = None,
    labels: Sequence[str] | None = None,
    filters: Sequence[str] | None = None,
    **options: Unpack[ScanOptions],
) -> pl.LazyFrame:
    """Scan time series into a LazyFrame: one row for each sample of each series.

    Needs RedisTimeSeries, which is a part of Redis Stack and of Redis 8, and a module elsewhere. A
    sample that is in its series from the start of a run to its end comes exactly once, or the run
    fails with an error.

    Parameters
    ----------
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``. None starts a new embedded
        server, which has no time series.
    pattern : str or bytes, default "*"
        Redis' glob pattern for the keys.
    timestamp_column : str, default "_ts"
        The name of the column with the times, Datetime in milliseconds, UTC without a zone. Of a
        bucket, the time at which it starts.
    value_column : str, default "value"
        The name of the column with the values, Float64.
    start, end : str, int or datetime, default "-" and "+"
        The first and last time to read, both included: ``"-"`` and ``"+"`` for the ends,
        milliseconds since 1970, or a datetime (without a zone it is taken for UTC).
    count : int, optional
        The most samples or buckets of each series, from its start.
    aggregation : str, optional
        Have the server make one value of each bucket of samples: ``avg``, ``sum``, ``min``,
        ``max``, ``range``, ``count``, ``first``, ``last``, ``std.p``, ``std.s``, ``var.p``,
        ``var.s`` or ``twa``. Buckets start at multiples of their length since 1970, wherever the
        range starts; those without a sample have no row.
    bucket : int or timedelta, optional
        The length of a bucket, as milliseconds or a timedelta; together with ``aggregation``.
    labels : sequence of str, optional
        Labels to have as columns, String; null where a series lacks the label.
    filters : sequence of str, optional
        Read only series with these labels, which the server's index finds without a SCAN: such as
        ``"city=ams"``, ``"city=(ams,ber)"``, ``"kind!=test"``, ``"kind="`` for those without the
        label. All must hold, and one at least must be of the first two forms. The pattern and
        ``keys`` hold as well.
    **options
        ``keys``, ``key_schema``, ``include_key``, ``key_column``, ``key_dtype``, ``include_ttl``,
        ``ttl_column``, ``row_index_name``, ``row_index_offset``, ``on_error``, ``batch_size``,
        ``scan_count``, ``throttle`` and ``progress``, as for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, its parts, the time to live (as far as they were asked for), then
        the time, the value and the labels. The samples of a series come in the order of time.

    Raises
    ------
    GearframeError
        As for `scan_hashes`; `ReplyError` if the server has no time series.

    Notes
    -----
    Sends ``SCAN MATCH COUNT``, or ``TS.QUERYINDEX`` with ``filters``; then ``TS.RANGE COUNT`` for
    each key, up to 1,000 keys at once. A large series is read on after its last sample or bucket
    in pages of up to 4,096. Columns of labels take ``TS.INFO`` for each key. A filter that
    compares the time narrows the range (not with ``count`` or ``aggregation``, which would then
    mean other samples); otherwise pushes down what `scan_hashes` does.

    Examples
    --------
    >>> client = gf.connect()
    >>> lf = gf.scan_timeseries(client, "temp:*", labels=["city"], aggregation="avg", bucket=60_000)
    >>> lf.collect_schema()
    Schema([('_key', String), ('_ts', Datetime(time_unit='ms', time_zone=None)), ('value', \
Float64), ('city', String)])
    """
    if count is not None:
        check_whole("count", count, least=1)
    given: dict[str, tuple[Any, str]] = {
        timestamp_column: (pl.Datetime("ms"), "timestamp"),
        value_column: (pl.Float64, "value"),
    }
    names = _labels(labels)
    every = [timestamp_column, value_column, *names]
    twice = sorted({name for name in names if every.count(name) > 1})
    if twice or timestamp_column == value_column:
        raise SchemaError(
            f"two columns are called {(twice or [value_column])[0]!r}; name a label once, and "
            "rename others with timestamp_column= and value_column="
        )
    columns = columns_of(given | dict.fromkeys(names, (pl.String, "label")), options)
    elements = {
        "start": _bound("start", start, "-"),
        "end": _bound("end", end, "+"),
        "count": count,
        "filters": _filters(filters, pattern),
        **_buckets(aggregation, bucket),
    }
    values = [
        Column(c.name, c.dtype, {"from": "label", "label": c.name}) if c.origin == "label" else c
        for c in columns
    ]
    return scan(client, "timeseries", pattern, values, options, elements=elements)


def _labels(labels: Any) -> list[str]:
    if labels is None:
        return []
    if isinstance(labels, bool):
        raise OptionError(
            f"labels is {labels}; the columns must be known before anything is read: name the "
            "labels, as in labels=['city']. TS.INFO shows those of a series"
        )
    if isinstance(labels, str) or not all(isinstance(name, str) for name in labels):
        raise OptionError(f"labels is {labels!r}; expected names, such as ['city']")
    return list(labels)


def _bound(name: str, bound: Any, extreme: str) -> str:
    """Write a time as TS.RANGE takes it; between two milliseconds, the one inside of the range."""
    if isinstance(bound, datetime):
        aware = bound if bound.tzinfo is not None else bound.replace(tzinfo=UTC)
        moment = (aware - _EPOCH) / _MILLISECOND
        bound = math.ceil(moment) if name == "start" else math.floor(moment)
    if isinstance(bound, int) and not isinstance(bound, bool) and 0 <= bound < 2**63:
        return str(bound)
    is_number = isinstance(bound, str) and bound.isascii() and bound.isdigit()
    if bound == extreme or (is_number and int(bound) < 2**63):
        return str(bound)
    raise OptionError(
        f"{name} is {bound!r}; expected {extreme!r}, a datetime from 1970 on, or milliseconds "
        "since then"
    )


def _buckets(aggregation: Any, bucket: Any) -> dict[str, Any]:
    if aggregation is None and bucket is None:
        return {"aggregation": None, "bucket": None}
    if aggregation is None or bucket is None:
        raise OptionError(
            f"aggregation is {aggregation!r} and bucket is {bucket!r}; give both, such as "
            "aggregation='avg', bucket=timedelta(minutes=1), or neither"
        )
    if not isinstance(aggregation, str) or aggregation.lower() not in _AGGREGATIONS:
        raise OptionError(
            f"aggregation is {aggregation!r}; expected one of {', '.join(_AGGREGATIONS)}"
        )
    if isinstance(bucket, timedelta):
        if bucket % _MILLISECOND:
            raise OptionError(f"bucket is {bucket!r}; expected whole milliseconds")
        bucket //= _MILLISECOND
    if isinstance(bucket, bool) or not isinstance(bucket, int) or not 0 < bucket < 2**63:
        raise OptionError(f"bucket is {bucket!r}; expected a timedelta or milliseconds above 0")
    return {"aggregation": aggregation.lower(), "bucket": bucket}


def _filters(filters: Any, pattern: Any) -> list[str]:
    """Check what TS.QUERYINDEX gets."""
    if filters is None:
        return []
    is_list = isinstance(filters, Sequence) and not isinstance(filters, str | bytes)
    if not is_list or not all(isinstance(text, str) for text in filters):
        raise OptionError(f"filters is {filters!r}; expected a list such as ['city=ams']")
    matchers = 0
    for text in filters:
        label, equals, value = text.partition("=")
        if not equals or not label.removesuffix("!"):
            raise OptionError(
                f"filters has {text!r}; expected 'label=value', 'label=(a,b)', 'label!=value', "
                "'label=' or 'label!='"
            )
        matchers += not label.endswith("!") and bool(value)
    if not matchers:
        raise OptionError(
            f"filters is {list(filters)!r}; one at least must say what a label is, such as "
            "'city=ams' or 'city=(ams,ber)': the index of the server starts from it"
        )
    if isinstance(pattern, str | bytes) and not glob.is_portable(as_bytes(pattern)):
        raise OptionError(
            f"pattern is {pattern!r}; which bytes its [...] holds, only the server knows, and "
            "with filters it is not asked: write the range in ASCII"
        )
    return list(filters)


def read_timeseries(
    client: Client | str | None,
    pattern: str | bytes = "*",
    **options: Unpack[TimeSeriesOptions],
) -> pl.DataFrame:
    """Read time series into a DataFrame: `scan_timeseries`, collected.

    Parameters
    ----------
    client, pattern, **options
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

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.read_timeseries(client, "temp:*").columns
    ['_key', '_ts', 'value']
    """
    return collect(scan_timeseries(client, pattern, **options))
