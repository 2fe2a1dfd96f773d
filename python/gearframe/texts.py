"""Texts that are in memory already, parsed with the grammar that scans use.

For what does not come through a scan: entries of a consumer group, cached values, samples.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Sequence
from typing import Literal

import polars as pl

from gearframe import _native
from gearframe.exceptions import DataError, OptionError
from gearframe.schema import cast_frame, column_type

_SHOWN_BYTES = 200


def parse_texts(
    values: Sequence[bytes | None],
    dtype: pl.DataType,
    *,
    name: str,
    on_error: Literal["raise", "null"] = "raise",
) -> pl.Series:
    """Parse texts as a scan parses the values of keys; docs/values.md has the grammar.

    Parameters
    ----------
    values : sequence of bytes or None
        One text a row; None is null.
    dtype : pl.DataType
        A dtype out of `gearframe.schema.normalize_schema`.
    name : str
        The name of the series, for messages too.
    on_error : {'raise', 'null'}
        What to do with a text that does not fit.

    Returns
    -------
    pl.Series
        As long as `values`, with the dtype.

    Raises
    ------
    DataError
        For the first text that does not fit, with ``on_error="raise"``. Its `key` is None: the
        caller knows where the text comes from.
    OptionError
        For another `on_error`.
    SchemaError
        If the dtype is not supported.

    Notes
    -----
    Sends nothing. Other threads run meanwhile.

    Examples
    --------
    >>> import polars as pl
    >>> from gearframe.texts import parse_texts
    >>> parse_texts([b"7", None, b"-1"], pl.Int64(), name="n").to_list()
    [7, None, -1]
    >>> parse_texts([b"7", b"x"], pl.Int64(), name="n", on_error="null").to_list()
    [7, None]
    >>> parse_texts([b"7", b"x"], pl.Int64(), name="n")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    gearframe.exceptions.DataError: row 1 of column 'n' is "x", which is not Int64: ...
    """
    if on_error not in ("raise", "null"):
        raise OptionError(f"on_error: expected 'raise' or 'null', not {on_error!r}")
    batch, mismatches = _native.parse_texts(values, json.dumps(column_type(dtype)))
    if mismatches and on_error == "raise":
        row, reason = mismatches[0]
        raise _data_error(name, row, values[row] or b"", dtype, reason)
    frame = pl.DataFrame(batch).rename({"value": name})
    return cast_frame(frame, pl.Schema({name: dtype})).to_series()


def mismatches(values: Sequence[bytes | None], dtype: pl.DataType) -> list[tuple[int, str]]:
    """Name the texts that a scan would refuse in a column of a dtype.

    Parameters
    ----------
    values, dtype
        As for `parse_texts`.

    Returns
    -------
    list of (int, str)
        The row of each, and the reason.

    Examples
    --------
    >>> import polars as pl
    >>> from gearframe.texts import mismatches
    >>> mismatches([b"7", None, b""], pl.Int64())
    [(2, 'is empty')]
    """
    return _native.parse_texts(values, json.dumps(column_type(dtype)))[1]


def _data_error(name: str, row: int, value: bytes, dtype: pl.DataType, reason: str) -> DataError:
    error = DataError(
        f"row {row} of column {name!r} is {_quoted(value)}, which is not {dtype}: {reason}; "
        'declare another dtype, or choose on_error="null"'
    )
    error.field = name
    error.value = value[:_SHOWN_BYTES]
    error.dtype = str(dtype)
    return error


def _quoted(value: bytes) -> str:
    """Show the beginning of a value as the messages of a scan do: text, or bytes with escapes."""
    shown = value[:_SHOWN_BYTES]
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        # A character that the cut divides is left out.
        return json.dumps(decoder.decode(shown, final=shown == value), ensure_ascii=False)
    except UnicodeDecodeError:
        escaped = shown.decode("latin-1").encode("unicode_escape").decode()
        return 'b"' + escaped.replace('"', '\\"') + '"'
