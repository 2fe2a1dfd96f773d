"""What is wrong with a frame, found before it is sent: dtypes, null keys, repeated keys, times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from gearframe.exceptions import OptionError, SchemaError
from gearframe.io.write.options import (
    FIELD_TTL_RANGE,
    LONGEST_FIELD_TTL_MS,
    LONGEST_TTL_MS,
    TTL_RANGE,
)
from gearframe.io.write.wire import check_dtype, check_member_dtype, exactly

if TYPE_CHECKING:
    from gearframe.io.write.definition import WriteDefinition


def check_schema(schema: pl.Schema, definition: WriteDefinition) -> None:
    """Refuse columns whose dtypes cannot be keys, times to live or values."""
    dtype = schema[definition.key]
    if dtype not in (pl.String, pl.Binary):
        raise SchemaError(
            f"the key column {definition.key!r} is {dtype}; expected String or Binary: "
            f"pl.col({definition.key!r}).cast(pl.String)"
        )
    for name in definition.ttl_columns:
        dtype = schema[name]
        if not dtype.is_integer() and not isinstance(dtype, pl.Duration):
            raise SchemaError(
                f"the ttl column {name!r} is {dtype}; expected integers (seconds) or Duration"
            )
    check = check_member_dtype if definition.kind == "json" else check_dtype
    for name in definition.fields:
        check(name, schema[name])


def check_values(frame: pl.DataFrame, definition: WriteDefinition) -> None:
    """Find null keys and times to live that cannot be."""
    # A Series finds itself by its name, and takes one for a pattern too.
    keys = frame[definition.key].alias("key")
    if keys.null_count():
        row = keys.is_null().arg_max()
        raise OptionError(f"row {row}: the key in column {definition.key!r} is null")
    for name in definition.ttl_columns:
        ttls = frame[name]
        of_field = name in definition.field_ttl_columns
        longest = LONGEST_FIELD_TTL_MS if of_field else LONGEST_TTL_MS
        wrong = frame.select(_ttl_is_wrong(name, ttls.dtype, longest).fill_null(False))
        row = wrong.to_series().arg_max()
        if row is not None and wrong.item(row, 0):
            raise OptionError(
                f"row {row}: the key {_shown(keys[row])} has the time to live {ttls[row]} in "
                f"column {name!r}; expected {FIELD_TTL_RANGE if of_field else TTL_RANGE}, "
                "or null for no expiry"
            )


def _ttl_is_wrong(name: str, dtype: pl.DataType, longest_ms: int) -> pl.Expr:
    column, longest = exactly(name), longest_ms // 1000
    if isinstance(dtype, pl.Duration):
        column, longest = column.dt.total_milliseconds(), longest_ms
    wrong = column <= 0
    # Of narrow integers none is too large, and the limit would not fit their dtype.
    if isinstance(dtype, pl.Int8 | pl.Int16 | pl.Int32 | pl.UInt8 | pl.UInt16 | pl.UInt32):
        return wrong
    return wrong | (column > longest)


def check_duplicates(frame: pl.DataFrame, key: str) -> None:
    """Refuse a frame with a key that comes twice."""
    keys = frame[key].alias("key")
    if keys.n_unique() == len(keys):
        return
    repeated = keys.filter(~keys.is_first_distinct())
    raise OptionError(
        f"the key {_shown(repeated[0])} is there more than once, and {len(repeated) - 1:,} more "
        f"rows repeat a key; keep one row a key: frame.unique({key!r}, keep='last')"
    )


def _shown(key: str | bytes) -> str:
    return repr(key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else key)
