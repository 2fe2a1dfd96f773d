"""A write as data: what becomes of which column. Running it is the work of ``run``."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import polars as pl

from gearframe.exceptions import OptionError, SchemaError
from gearframe.io.options import as_bytes
from gearframe.io.write.options import fixed_ttl
from gearframe.io.write.wire import exactly, member_to_wire, to_wire

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from gearframe.io.write.options import IfExists, WriteOptions

Kind: TypeAlias = Literal[
    "hashes", "strings", "json", "sets", "lists", "zsets", "streams", "timeseries"
]

# What scans call the time to live where nothing else was said.
_READ_TTL = "_ttl"

# What the columns that are no fields are called on their way to the native part, so that one
# column can be a key and a field.
_KEY = "__gearframe_key"
_TTL = "__gearframe_ttl"
_FIELD_TTL = "__gearframe_field_ttl_"


@dataclass(frozen=True, kw_only=True)
class WriteDefinition:
    """What is written, and how.

    Attributes
    ----------
    kind : str
        The type of key.
    key : str
        The column with the keys.
    fields : list of str
        The columns with the values, in the order that the kind gives them.
    key_prefix : bytes
        What is put before each key.
    if_exists : str
        What to do with a key that exists.
    ttl_column : str or None
        The column with the times to live of keys.
    ttl_ms : int or None
        The time to live of all keys.
    field_ttls : mapping
        The time to live of fields: milliseconds, or the name of a column.
    settings : mapping
        What the native part is told besides; plain data for JSON.
    """

    kind: Kind
    key: str
    fields: list[str]
    key_prefix: bytes
    if_exists: IfExists
    ttl_column: str | None
    ttl_ms: int | None
    field_ttls: Mapping[str, int | str] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def has_many_rows(self) -> bool:
        """Whether a key may come again."""
        return False

    @property
    def field_ttl_columns(self) -> list[str]:
        """The columns with times to live of fields."""
        return list(dict.fromkeys(ttl for ttl in self.field_ttls.values() if isinstance(ttl, str)))

    @property
    def ttl_columns(self) -> list[str]:
        """The columns with times to live, of keys and of fields."""
        of_keys = [] if self.ttl_column is None else [self.ttl_column]
        return list(dict.fromkeys([*of_keys, *self.field_ttl_columns]))

    @property
    def columns(self) -> list[str]:
        """The columns of the frame that are needed, each once."""
        return list(dict.fromkeys([self.key, *self.fields, *self.ttl_columns]))

    def to_json(self, *, find_duplicates: bool) -> str:
        """Write it down for the native part."""
        return json.dumps(
            {
                "kind": self.kind,
                "key": _KEY,
                "fields": self.fields,
                "key_prefix": list(self.key_prefix),
                "if_exists": self.if_exists,
                "ttl_column": None if self.ttl_column is None else _TTL,
                "ttl_ms": self.ttl_ms,
                "find_duplicates": find_duplicates,
                "field_ttls": [_field_ttl(name, ttl) for name, ttl in self.field_ttls.items()],
                **self.settings,
            }
        )

    def prepare(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Check what only this kind of key asks for, and put rows into the order that it needs."""
        return frame

    def shape(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give a batch as the native part takes it."""
        schema = frame.schema
        columns = [exactly(self.key).alias(_KEY)]
        make = member_to_wire if self.kind == "json" else to_wire
        columns += [make(name, schema[name]) for name in self.fields]
        if self.ttl_column is not None:
            columns.append(_milliseconds(self.ttl_column, schema).alias(_TTL))
        columns += [
            _milliseconds(name, schema).alias(_FIELD_TTL + name) for name in self.field_ttl_columns
        ]
        return frame.select(columns)


def _field_ttl(name: str, ttl: int | str) -> dict[str, object]:
    column = _FIELD_TTL + ttl if isinstance(ttl, str) else None
    return {"field": name, "ms": None if column else ttl, "column": column}


def _milliseconds(name: str, schema: pl.Schema) -> pl.Expr:
    ttl = exactly(name)
    is_duration = isinstance(schema[name], pl.Duration)
    return ttl.dt.total_milliseconds() if is_duration else ttl.cast(pl.Int64) * 1000


def define(
    kind: Kind,
    schema: pl.Schema,
    fields: Sequence[str],
    options: WriteOptions,
    *,
    field_ttls: Mapping[str, int | str] | None = None,
    settings: Mapping[str, object] | None = None,
) -> WriteDefinition:
    """Put together what is written; its columns must be there."""
    key, ttl = options["key"], options["ttl"]
    ttl_column = ttl if isinstance(ttl, str) else None
    definition = WriteDefinition(
        kind=kind,
        key=key,
        fields=list(fields),
        key_prefix=as_bytes(options["key_prefix"]),
        if_exists=options["if_exists"],
        ttl_column=ttl_column,
        ttl_ms=None if ttl is None or ttl_column is not None else fixed_ttl("ttl", ttl),
        field_ttls=field_ttls or {},
        settings=settings or {},
    )
    for name in definition.columns:
        if name not in schema:
            shown = ", ".join(repr(each) for each in list(schema)[:20])
            hint = "; name the column with the keys as key=" if name == key else ""
            raise SchemaError(f"the frame has no column {name!r}; it has {shown or 'none'}{hint}")
    return definition


def schema_of(frame: pl.DataFrame | pl.LazyFrame) -> pl.Schema:
    """Give the columns of either kind of frame."""
    if isinstance(frame, pl.LazyFrame):
        return frame.collect_schema()
    if isinstance(frame, pl.DataFrame):
        return frame.schema
    raise OptionError(f"expected a polars DataFrame or LazyFrame, not {type(frame).__name__}")


def fields_of(
    schema: pl.Schema,
    columns: Sequence[str] | None,
    options: WriteOptions,
    *,
    without: Collection[str] = (),
) -> list[str]:
    """Give the columns that become fields: those that were named, or all but key and ttls."""
    if columns is None:
        others = {options["key"], options["ttl"], *without}
        fields = [name for name in schema if name not in others]
        _refuse_forgotten_ttl(schema, fields)
        return fields
    fields = [columns] if isinstance(columns, str) else list(columns)
    if len(set(fields)) < len(fields):
        raise SchemaError(f"columns has a name twice: {fields}")
    return fields


def _refuse_forgotten_ttl(schema: pl.Schema, fields: Sequence[str]) -> None:
    """Scans name the time to live so: nobody wants it as a field that never changes again."""
    if _READ_TTL in fields and isinstance(schema[_READ_TTL], pl.Duration):
        raise SchemaError(
            f"the frame has the times to live of a scan in column {_READ_TTL!r}, and they would "
            f"be written as values: give ttl={_READ_TTL!r} to make keys expire, leave it out with "
            f"frame.drop({_READ_TTL!r}), or name it in columns to write it all the same"
        )
