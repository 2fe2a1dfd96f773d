"""A scan as data: what is asked of the server, and why.

``ScanDefinition`` is what a person wrote; ``ScanPlan`` is what one run of a query makes of it.
Both are frozen; running a plan is the work of ``source``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from gearframe.io.key_choice import choose_keys
from gearframe.io.pushdown import KeyFilter
from gearframe.schema import column_type

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS_COLUMN = "__gearframe_rows"
"""A column of no width that no frame shows: Polars asks for it, as the cheapest, to count rows."""

Kind = Literal["hashes", "strings"]
OnError = Literal["raise", "null", "skip"]

# What Polars counts rows in: 64 bits in its build for more than 4 billion rows.
_INDEX_DTYPE = pl.DataFrame(schema={}).with_row_index().schema["index"]

_BATCH_BYTES = 16 << 20
_PIPELINE_KEYS = 1000


@dataclass(frozen=True, kw_only=True)
class ScanDefinition:
    """What is to be scanned; the parameters of ``scan_hashes`` and ``scan_strings``."""

    kind: Kind
    pattern: bytes
    keys: tuple[bytes, ...] | None
    values: pl.Schema
    key_column: str | None
    key_dtype: pl.DataType
    ttl_column: str | None
    row_index_name: str | None
    row_index_offset: int
    on_error: OnError
    batch_size: int
    scan_count: int
    throttle: float | None

    @property
    def schema(self) -> pl.Schema:
        """The columns of the frame, in order."""
        schema: dict[str, pl.DataType] = {}
        if self.row_index_name is not None:
            schema[self.row_index_name] = _INDEX_DTYPE
        if self.key_column is not None:
            schema[self.key_column] = self.key_dtype
        if self.ttl_column is not None:
            schema[self.ttl_column] = pl.Duration("ms")
        return pl.Schema({**schema, **self.values})

    def source_of(self, name: str) -> dict[str, Any]:
        """Where the values of a column come from, as the native part reads it."""
        if name == self.key_column:
            return {"from": "key"}
        if name == self.ttl_column:
            return {"from": "ttl"}
        if name == ROWS_COLUMN:
            return {"from": "nothing"}
        return {"from": "field", "field": name} if self.kind == "hashes" else {"from": "value"}


@dataclass(frozen=True, kw_only=True)
class ScanPlan:
    """One run of a scan: the keys, the columns, and what was pushed down.

    Attributes
    ----------
    pattern
        What SCAN's MATCH gets; None when keys are named.
    keys
        Keys that are fetched without a SCAN.
    columns
        Columns to fetch and decode, in order.
    limit
        The most rows.
    pushed, kept
        Parts of the query that the server answers, and parts that each batch is filtered by,
        the latter with the reason.
    """

    definition: ScanDefinition
    pattern: bytes | None
    keys: tuple[bytes, ...] | None
    columns: tuple[str, ...]
    limit: int | None
    pushed: tuple[str, ...] = ()
    kept: tuple[str, ...] = field(default=())

    @property
    def is_empty(self) -> bool:
        """Whether no key can match, so that nothing is asked of the server."""
        return self.keys == () or self.limit == 0

    def to_json(self) -> str:
        """Write the plan for the native part, without the keys."""
        schema = self.definition.schema
        native = [name for name in self.columns if name != self.definition.row_index_name]
        columns = [
            {
                "name": name,
                "source": self.definition.source_of(name),
                "dtype": column_type(schema.get(name, pl.Binary())),
            }
            for name in native or [ROWS_COLUMN]
        ]
        request = {
            "kind": self.definition.kind,
            "columns": columns,
            "limit": self.limit,
            "on_error": self.definition.on_error,
            "batch_rows": self.definition.batch_size,
            "batch_bytes": _BATCH_BYTES,
            "scan_count": self.definition.scan_count,
            "pipeline_keys": _PIPELINE_KEYS,
            "throttle": self.definition.throttle,
        }
        return json.dumps(request)

    def commands(self) -> list[str]:
        """Name the commands that a run sends, for ``explain``."""
        if self.is_empty:
            return ["none: no key can match"]
        definition = self.definition
        sources = [definition.source_of(name)["from"] for name in self.columns]
        fields = [name for name in self.columns if definition.source_of(name)["from"] == "field"]
        fields = [name for name in fields if name != definition.row_index_name]
        type_name = {"hashes": "hash", "strings": "string"}[definition.kind]
        fetches = bool(fields) or "value" in sources
        found: list[str] = []
        if self.keys is None:
            pattern = (self.pattern or b"*").decode("utf-8", "backslashreplace")
            by_type = "" if fetches else f" TYPE {type_name}"
            found.append(f"SCAN MATCH {pattern} COUNT {definition.scan_count}{by_type}")
        elif not fetches:
            found.append(f"TYPE of {len(self.keys):,} keys")
        if "ttl" in sources:
            found.append("PTTL for each key")
        if fields:
            names = " ".join(fields)
            found.append(
                f"HMGET {names} for each key (HGETALL where a sample shows no other fields)"
            )
        elif "value" in sources:
            found.append(f"MGET of up to {_PIPELINE_KEYS:,} keys at once")
        return found


_SKIP_JUDGES_ALL = ("columns: on_error='skip' judges a row by all of them",)


def make_plan(
    definition: ScanDefinition,
    columns: Sequence[str] | None,
    where: KeyFilter,
    n_rows: int | None,
) -> ScanPlan:
    """Decide what to ask of the server for one run."""
    schema = definition.schema
    wanted = tuple(columns) if columns is not None else (*schema, ROWS_COLUMN)
    judges_all = definition.on_error == "skip" and not set(schema) <= set(wanted)
    if judges_all:
        # Which rows are left out must not depend on the columns that a query uses.
        wanted = tuple(dict.fromkeys([*schema, *wanted]))
    chosen = choose_keys(
        definition.pattern,
        definition.keys,
        where,
        numbers_rows=definition.row_index_name in wanted,
    )
    pushed = list(chosen.pushed)
    if len(wanted) < len(schema):
        shown = [name for name in wanted if name != ROWS_COLUMN]
        pushed.append(f"columns {', '.join(shown)}" if shown else "a row count: no values")
    if n_rows is not None:
        pushed.append(f"the first {n_rows:,} rows")
    values = [f"{text}: only keys can be asked for, values have no index" for text in where.kept]
    return ScanPlan(
        definition=definition,
        pattern=chosen.pattern,
        keys=chosen.keys,
        columns=wanted,
        limit=n_rows,
        pushed=tuple(pushed),
        kept=(*values, *chosen.kept, *(_SKIP_JUDGES_ALL if judges_all else ())),
    )
