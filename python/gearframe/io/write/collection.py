"""Writes of many rows a key: what they share beyond one key a row.

What one row is belongs to ``sets``, ``lists``, ``zsets``, ``streams`` and ``timeseries``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from gearframe.exceptions import OptionError, SchemaError
from gearframe.io.write.definition import WriteDefinition, define
from gearframe.io.write.wire import check_dtype, exactly, to_wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gearframe.io.write.definition import Kind
    from gearframe.io.write.options import WriteOptions


@dataclass(frozen=True, kw_only=True)
class CollectionDefinition(WriteDefinition):
    """What is written, where a key has many rows.

    Attributes
    ----------
    casts : mapping of str to Expr
        What columns are sent as, where it is not what they are.
    extras : mapping of str to str
        Columns that are no fields, by the name that the native part knows them by.
    moments : list of str
        Columns of times that are sent as milliseconds.
    """

    casts: Mapping[str, pl.Expr] = field(default_factory=dict)
    extras: Mapping[str, str] = field(default_factory=dict)
    moments: Sequence[str] = ()

    @property
    def has_many_rows(self) -> bool:
        """Whether a key may come again."""
        return True

    @property
    def columns(self) -> list[str]:
        """The columns of the frame that are needed, each once."""
        return list(dict.fromkeys([*super().columns, *self.extras.values()]))

    def prepare(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Check times, and put rows of one key next to each other; their order stays."""
        for name in self.moments:
            _check_moments(frame, self.key, name)
        # A Series finds itself by its name, and takes one for a pattern too.
        keys = frame[self.key].alias("key")
        if keys.is_empty() or keys.rle_id().item(-1) + 1 == keys.n_unique():
            return frame
        return frame.sort(exactly(self.key), maintain_order=True)

    def shape(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give a batch as the native part takes it."""
        schema = frame.schema
        own = [self.casts[name].alias(name) for name in self.fields if name in self.casts]
        for wire, name in self.extras.items():
            own.append(self.casts.get(name, to_wire(name, schema[name])).alias(wire))
        shaped = super().shape(frame)
        return shaped.with_columns(frame.select(own)) if own else shaped


def define_collection(
    kind: Kind,
    schema: pl.Schema,
    fields: list[str],
    options: WriteOptions,
    settings: Mapping[str, object] | None = None,
    *,
    casts: Mapping[str, pl.Expr] | None = None,
    extras: Mapping[str, str] | None = None,
    moments: Sequence[str] = (),
) -> CollectionDefinition:
    """Put together what is written; its columns must be there, and be different."""
    for name in fields:
        if fields.count(name) > 1:
            raise SchemaError(f"the column {name!r} cannot be two things at once")
    plain = define(kind, schema, fields, options, settings=settings)
    for name in (extras or {}).values():
        if name not in schema:
            shown = ", ".join(repr(each) for each in list(schema)[:20])
            raise SchemaError(f"the frame has no column {name!r}; it has {shown or 'none'}")
        check_dtype(name, schema[name])
    own = {name: getattr(plain, name) for name in WriteDefinition.__dataclass_fields__}
    return replace(
        CollectionDefinition(**own), casts=casts or {}, extras=extras or {}, moments=moments
    )


def as_double(name: str, schema: pl.Schema, what: str) -> dict[str, pl.Expr]:
    """Say how a number is sent that the server keeps as a double; none for the usual dtypes."""
    dtype = schema.get(name)
    if dtype is None or (dtype.is_integer() and not isinstance(dtype, pl.Int128 | pl.UInt128)):
        return {}
    if isinstance(dtype, pl.Float32):
        return {name: exactly(name).cast(pl.Float64)}
    if not isinstance(dtype, pl.Float64):
        raise SchemaError(
            f"the {what} in column {name!r} is {dtype}; expected integers or floats: "
            f"pl.col({name!r}).cast(pl.Float64)"
        )
    return {}


def as_milliseconds(name: str) -> pl.Expr:
    """Give a Datetime as milliseconds since 1970, rounded down."""
    return exactly(name).dt.cast_time_unit("ms").to_physical()


def _check_moments(frame: pl.DataFrame, key: str, name: str) -> None:
    """Refuse times with a part below a millisecond: the server would not keep it."""
    dtype = frame.schema[name]
    if not isinstance(dtype, pl.Datetime) or dtype.time_unit == "ms":
        return
    per_millisecond = 1_000 if dtype.time_unit == "us" else 1_000_000
    wrong = frame.select(exactly(name).to_physical() % per_millisecond != 0).to_series()
    row = wrong.arg_true().to_list()[:1]
    if row:
        raise OptionError(
            f"row {row[0]}: the key {frame[key][row[0]]!r} has the time {frame[name][row[0]]} in "
            f"column {name!r}, and the server keeps milliseconds; round it: "
            f"pl.col({name!r}).dt.round('1ms')"
        )
