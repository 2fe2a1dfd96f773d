"""Which dtypes can be written, and what the native part gets where Arrow has no type for one."""

from __future__ import annotations

import polars as pl
from polars.selectors import by_name

from gearframe.exceptions import SchemaError

_SCALARS = (
    pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128,
    pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.UInt128,
    pl.Float32, pl.Float64, pl.Boolean, pl.String, pl.Categorical, pl.Enum,
    pl.Date, pl.Time, pl.Datetime, pl.Duration, pl.Decimal, pl.Null,
)  # fmt: skip
_WIDE = (pl.Int128, pl.UInt128)

# The levels that the parsers of JSON modules take, the document's own among them.
_DEEPEST = 127


def check_dtype(name: str, dtype: pl.DataType) -> None:
    """Refuse a column that cannot be written.

    Parameters
    ----------
    name : str
        The column's name, for the message.
    dtype : pl.DataType
        Its dtype.

    Raises
    ------
    SchemaError
        For Object, Float16 and others that have no text, and Binary inside of nested dtypes.

    Examples
    --------
    >>> from gearframe.io.write.wire import check_dtype
    >>> check_dtype("n", pl.Int64())
    >>> check_dtype("o", pl.Object())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    gearframe.exceptions.SchemaError: column 'o': Object cannot be written; ...
    """
    if isinstance(dtype, pl.Binary):
        return
    wrong = _unwritable(dtype)
    if isinstance(wrong, pl.Binary):
        raise SchemaError(
            f"column {name!r}: Binary inside of {dtype} cannot be written, for JSON has no bytes; "
            "encode it, for instance with .bin.encode('base64')"
        )
    if wrong is not None:
        inside = "" if wrong is dtype else f" inside of {dtype}"
        raise SchemaError(
            f"column {name!r}: {wrong}{inside} cannot be written; cast it to String or Float64"
        )


def check_member_dtype(name: str, dtype: pl.DataType) -> None:
    """Refuse a column that cannot be a member of a JSON document.

    Raises
    ------
    SchemaError
        As in `check_dtype`; for Binary too, and for more than 127 levels.
    """
    if isinstance(dtype, pl.Binary):
        raise SchemaError(
            f"column {name!r}: Binary cannot be written as JSON, which has no bytes; "
            "encode it, for instance with .bin.encode('base64')"
        )
    check_dtype(name, dtype)
    if _depth(dtype) >= _DEEPEST:
        raise SchemaError(
            f"column {name!r} has {_depth(dtype)} levels; a JSON document has at most {_DEEPEST}"
        )


def _depth(dtype: pl.DataType) -> int:
    is_nested = isinstance(dtype, pl.List | pl.Array | pl.Struct)
    return int(is_nested) + max(map(_depth, _inner(dtype)), default=0)


def _unwritable(dtype: pl.DataType) -> pl.DataType | None:
    for inner in _inner(dtype):
        wrong = _unwritable(inner)
        if wrong is not None:
            return wrong
    is_nested = isinstance(dtype, pl.List | pl.Array | pl.Struct)
    return None if is_nested or isinstance(dtype, _SCALARS) else dtype


def _inner(dtype: pl.DataType) -> list[pl.DataType]:
    match dtype:
        case pl.List() | pl.Array():
            return [_instance(dtype.inner)]
        case pl.Struct():
            return [_instance(field.dtype) for field in dtype.fields]
        case _:
            return []


def _instance(dtype: object) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype  # type: ignore[return-value]


def exactly(name: str) -> pl.Expr:
    """Give the column of this name; `pl.col` takes ``*`` and ``^…$`` for patterns."""
    return by_name(name).as_expr()


def to_wire(name: str, dtype: pl.DataType) -> pl.Expr:
    """Give a column in a dtype that Arrow has too: 128-bit integers become their digits.

    Inside of lists and structs the digits are Binary, which the native part puts into the JSON
    text without quotes. Null becomes String: the native part refuses the buffer that Polars gives
    with a column of that dtype.
    """
    column = exactly(name)
    if isinstance(dtype, (*_WIDE, pl.Null)):
        return column.cast(pl.String)
    if not _needs_cast(dtype):
        return column
    return column.cast(_with_wide(dtype, pl.String())).cast(_with_wide(dtype, pl.Binary()))


def member_to_wire(name: str, dtype: pl.DataType) -> pl.Expr:
    """Like `to_wire`, for a column that becomes a member of a JSON document as a whole."""
    wire = to_wire(name, dtype)
    return wire.cast(pl.Binary) if isinstance(dtype, _WIDE) else wire


def _needs_cast(dtype: pl.DataType) -> bool:
    is_cast = isinstance(dtype, (*_WIDE, pl.Null))
    return is_cast or any(_needs_cast(inner) for inner in _inner(dtype))


def _with_wide(dtype: pl.DataType, digits: pl.DataType) -> pl.DataType:
    """Put another dtype in the place of 128-bit integers, and String in the place of Null."""
    match dtype:
        case pl.Int128() | pl.UInt128():
            return digits
        case pl.Null():
            return pl.String()
        case pl.List():
            return pl.List(_with_wide(_instance(dtype.inner), digits))
        case pl.Array():
            return pl.Array(_with_wide(_instance(dtype.inner), digits), dtype.size)
        case pl.Struct():
            fields = {f.name: _with_wide(_instance(f.dtype), digits) for f in dtype.fields}
            return pl.Struct(fields)
        case _:
            return dtype
