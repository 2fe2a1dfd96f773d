"""Columns of a caller's frame as lists, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from gearframe.compat.polars_redis._server import encoded
from gearframe.exceptions import OptionError, SchemaError


def key_list(frame: pl.DataFrame, name: str) -> list[bytes]:
    """Give a String or Binary column without nulls as bytes."""
    column = _column(frame, name)
    if column.dtype not in (pl.String, pl.Binary, pl.Categorical, pl.Enum):
        raise SchemaError(f"column {name!r} is {column.dtype}; expected String or Binary")
    values = column.to_list() if column.dtype == pl.Binary else column.cast(pl.String).to_list()
    _no_null(column)
    return [encoded(value, f"column {name!r}") for value in values]


def number_list(frame: pl.DataFrame, name: str) -> list[float]:
    """Give a column of numbers without nulls."""
    column = _column(frame, name)
    if not column.dtype.is_numeric():
        raise SchemaError(f"column {name!r} is {column.dtype}; expected numbers")
    _no_null(column)
    return column.cast(pl.Float64).to_list()


def milliseconds_list(frame: pl.DataFrame, name: str) -> list[int]:
    """Give a column of seconds or of Duration as milliseconds."""
    column = _column(frame, name)
    _no_null(column)
    if column.dtype == pl.Duration:
        return column.dt.total_milliseconds().to_list()
    if not column.dtype.is_integer():
        raise SchemaError(
            f"column {name!r} is {column.dtype}; expected whole seconds, or a Duration"
        )
    seconds: Sequence[int] = column.to_list()
    return [1000 * number for number in seconds]


def _column(frame: pl.DataFrame, name: str) -> pl.Series:
    if not isinstance(frame, pl.DataFrame):
        raise OptionError(f"df is a {type(frame).__name__}; expected a polars.DataFrame")
    if name not in frame.columns:
        raise SchemaError(f"there is no column {name!r}; the frame has {frame.columns}")
    return frame.get_column(name)


def _no_null(column: pl.Series) -> None:
    row = column.is_null().arg_max()
    if column.null_count():
        raise OptionError(f"column {column.name!r} is null in row {row}; drop such rows before")
