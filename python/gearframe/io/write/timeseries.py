"""Frames written as time series: one sample a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, Unpack

import polars as pl

from gearframe.exceptions import OptionError, SchemaError
from gearframe.io.write.collection import as_double, as_milliseconds, define_collection
from gearframe.io.write.definition import schema_of
from gearframe.io.write.options import WriteOptions, complete, fixed_ttl
from gearframe.io.write.run import write

if TYPE_CHECKING:
    from datetime import timedelta

    from gearframe.client import Client
    from gearframe.io.report import WriteReport

DuplicatePolicy: TypeAlias = Literal["block", "first", "last", "min", "max", "sum"]
_POLICIES = ("block", "first", "last", "min", "max", "sum")


class TimeSeriesWriteOptions(WriteOptions, total=False):
    """Keyword arguments of ``write_timeseries``."""

    timestamp: str
    value: str
    labels: Mapping[str, str] | Sequence[str] | None
    retention: int | timedelta | None
    duplicate_policy: DuplicatePolicy | None


def write_timeseries(
    frame: pl.DataFrame | pl.LazyFrame,
    client: Client | str | None,
    *,
    timestamp: str = "_ts",
    value: str = "value",
    labels: Mapping[str, str] | Sequence[str] | None = None,
    retention: int | timedelta | None = None,
    duplicate_policy: DuplicatePolicy | None = None,
    **options: Unpack[WriteOptions],
) -> WriteReport:
    """Write a frame as time series: one sample for each row, one key for all rows that name it.

    The server must have the module for time series: Redis Stack, or Redis from version 8 on.

    Parameters
    ----------
    frame : polars.DataFrame or polars.LazyFrame
        What to write, as for `write_lists`.
    client : Client or str or None
        As for `write_hashes`.
    timestamp : str, default "_ts"
        The column with the times: Datetime in whole milliseconds, or integers, milliseconds since
        1970. A Datetime without a zone counts as UTC.
    value : str, default "value"
        The column with the values, integers or floats. The server takes neither NaN nor
        infinities. A null fails its key.
    labels : mapping of str to str, or sequence of str, optional
        Labels of new series: the same for all, or the columns whose value is the label of the
        column's name. Rows of one key with different labels fail it; a null makes no label.
    retention : int or timedelta, optional
        How long samples of new series are kept, in seconds; for ever if not given.
    duplicate_policy : {"block", "first", "last", "min", "max", "sum"}, optional
        What new series do with a second sample of one time; the server's own setting, "block" as
        a rule, if not given.
    **options
        ``key``, ``key_prefix``, ``if_exists``, ``ttl``, ``on_failure``, ``batch_size`` and
        ``progress``, as for `write_lists`. With ``if_exists="append"`` samples are
        added; a series that exists keeps its own labels, retention and policy.

    Returns
    -------
    WriteReport
        How many keys were written, and how many samples as ``elements``; which failed, and why.
        The reason names the time of the first sample that was refused.

    Raises
    ------
    SchemaError, OptionError, ServerConnectionError, PermissionDeniedError, WriteError
        As for `write_lists`; `OptionError` also for a time with a part below a millisecond.
    ReplyError
        If the server has no time series. Before anything is written.

    Notes
    -----
    Sends for "append" ``TS.CREATE``, ``TS.MADD`` of up to 1,024 samples, and once that has gone
    well ``PEXPIRE``: samples that are refused are missing, the others are there. For "replace"
    and "fail" each series is built aside like a long list, for a sample can be refused when the
    old series would be gone already; "replace" needs the right to ``EVAL``, as it takes the old
    series away and renames the new one in a script. Compaction rules are not kept.

    Examples
    --------
    On a server with the module:

    >>> samples = pl.DataFrame({"_key": ["t:1", "t:1"], "_ts": [1000, 2000], "value": [20.5, 21.0]})
    >>> gf.write_timeseries(samples, gf.connect(), labels={"room": "1"})
    Traceback (most recent call last):
    ...
    gearframe.exceptions.ReplyError: ... has no time series: it does not know TS.MADD; ...
    """
    own = ("timestamp", "value", "labels", "retention", "duplicate_policy")
    given = complete("write_timeseries", options, own=own)
    schema = schema_of(frame)
    constant, named = _labels(labels)
    definition = define_collection(
        "timeseries",
        schema,
        [timestamp, value],
        given,
        {
            "create": _create(retention, duplicate_policy),
            "labels": constant,
            "label_columns": named,
        },
        casts=as_double(value, schema, "value") | _times(timestamp, schema),
        extras={name: name for name in named},
        moments=[timestamp],
    )
    return write(frame, client, definition, given)


def _times(name: str, schema: pl.Schema) -> dict[str, pl.Expr]:
    dtype = schema.get(name)
    if isinstance(dtype, pl.Datetime):
        return {name: as_milliseconds(name)}
    if dtype is not None and not dtype.is_integer():
        raise SchemaError(
            f"the timestamp column {name!r} is {dtype}; expected Datetime, or integers "
            "(milliseconds since 1970)"
        )
    return {}


def _labels(
    labels: Mapping[str, str] | Sequence[str] | None,
) -> tuple[list[tuple[str, str]], list[str]]:
    """Give those that are the same for all, and the columns of the others."""
    if labels is None:
        return [], []
    if isinstance(labels, Mapping):
        for name, value in labels.items():
            if not isinstance(name, str) or not isinstance(value, str):
                raise OptionError(f"labels has {name!r}: {value!r}; expected texts")
        return list(labels.items()), []
    names = [labels] if isinstance(labels, str) else labels
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise OptionError(
            f"labels is {labels!r}; expected a mapping such as {{'room': '1'}}, or names of columns"
        )
    return [], list(names)


def _create(
    retention: int | timedelta | None, duplicate_policy: DuplicatePolicy | None
) -> list[str]:
    """Give the options of TS.CREATE."""
    words = []
    if retention is not None:
        words += ["RETENTION", str(fixed_ttl("retention", retention))]
    if duplicate_policy is not None:
        if duplicate_policy not in _POLICIES:
            raise OptionError(
                f"duplicate_policy is {duplicate_policy!r}; expected one of {', '.join(_POLICIES)}"
            )
        words += ["DUPLICATE_POLICY", duplicate_policy.upper()]
    return words
