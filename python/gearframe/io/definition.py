"""A scan as a person wrote it: which keys, which columns, and where each column comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

ROWS_COLUMN = "__gearframe_rows"
"""A column of no width that no frame shows: Polars asks for it, as the cheapest, to count rows."""

Kind = Literal[
    "hashes", "fields", "strings", "sets", "lists", "zsets", "streams", "timeseries", "vectors",
    "keys", "json",
]  # fmt: skip
ROW_A_KEY: frozenset[Kind] = frozenset(("hashes", "strings", "keys", "json"))
"""The kinds of which each key is one row."""

OnError = Literal["raise", "null", "skip"]
OnChange = Literal["raise", "keep"]

# What Polars counts rows in: 64 bits in its build for more than 4 billion rows.
_INDEX_DTYPE = pl.DataFrame(schema={}).with_row_index().schema["index"]


@dataclass(frozen=True)
class Column:
    """One column of a scan.

    Attributes
    ----------
    name, dtype
        As the frame has them.
    source
        Where its values come from, as the native part reads it: its ``Source``.
    """

    name: str
    dtype: pl.DataType
    source: Mapping[str, Any]

    @property
    def origin(self) -> str:
        """The kind of source, such as ``key`` or ``field``."""
        return str(self.source["from"])


@dataclass(frozen=True, kw_only=True)
class ScanDefinition:
    """What is to be scanned.

    Attributes
    ----------
    kind
        Which type of key, and how its rows are made.
    range
        Which of a key's elements, as the native part reads it with the kind.
    pattern, keys
        Which keys: MATCH of SCAN, or the names.
    columns
        All columns but the row index, in order.
    key_column
        The name of the column with the keys, or None.
    key_literals
        What stands around the parts of keys; empty where keys are not taken apart.
    """

    kind: Kind
    range: Mapping[str, Any]
    pattern: bytes
    keys: tuple[bytes, ...] | None
    columns: tuple[Column, ...]
    key_column: str | None
    key_literals: tuple[str, ...]
    row_index_name: str | None
    row_index_offset: int
    on_error: OnError
    on_change: OnChange
    batch_size: int
    scan_count: int
    throttle: float | None

    @property
    def schema(self) -> pl.Schema:
        """The columns of the frame, in order."""
        schema: dict[str, pl.DataType] = {}
        if self.row_index_name is not None:
            schema[self.row_index_name] = _INDEX_DTYPE
        return pl.Schema({**schema, **{column.name: column.dtype for column in self.columns}})

    def column(self, name: str) -> Column:
        """Give a column by its name; of the row count or row index, one without values."""
        for column in self.columns:
            if column.name == name:
                return column
        return Column(name, pl.Binary(), {"from": "nothing"})
