"""One run of a scan as data: what is asked of the server, and why.

A plan is made of a ``ScanDefinition`` and of what a query needs; running it is the work of
``source``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gearframe.io.commands import PIPELINE_KEYS, commands_of
from gearframe.io.definition import ROWS_COLUMN, Column, ScanDefinition
from gearframe.io.key_choice import choose_keys, narrow_by_parts
from gearframe.io.narrowing import narrow
from gearframe.io.pushdown import KeyFilter
from gearframe.schema import column_type

if TYPE_CHECKING:
    from collections.abc import Sequence

_BATCH_BYTES = 16 << 20


@dataclass(frozen=True, kw_only=True)
class ScanPlan:
    """One run of a scan: the keys, the columns, and what was pushed down.

    Attributes
    ----------
    pattern
        What SCAN's MATCH gets; None when keys are named.
    keys
        Keys that are fetched without a SCAN.
    range
        Which of each key's elements.
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
    range: Mapping[str, Any]
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
        definition = self.definition
        request = {
            "kind": {"of": definition.kind, **self.range},
            "key_literals": definition.key_literals,
            "columns": [
                {
                    "name": column.name,
                    "source": dict(column.source),
                    "dtype": column_type(column.dtype),
                }
                for column in self.native_columns()
            ],
            "limit": self.limit,
            "on_error": definition.on_error,
            "on_change": definition.on_change,
            "batch_rows": definition.batch_size,
            "batch_bytes": _BATCH_BYTES,
            "scan_count": definition.scan_count,
            "pipeline_keys": PIPELINE_KEYS,
            "throttle": definition.throttle,
        }
        return json.dumps(request)

    def native_columns(self) -> list[Column]:
        """Give the columns that the native part makes: all but the row index, one at least."""
        definition = self.definition
        names = [name for name in self.columns if name != definition.row_index_name]
        return [definition.column(name) for name in names or [ROWS_COLUMN]]

    def commands(self) -> list[str]:
        """Name the commands that a run sends, for ``explain``."""
        if self.is_empty:
            return ["none: no key can match"]
        pattern = None if self.keys is not None else (self.pattern or b"*")
        keys = len(self.keys) if self.keys is not None else None
        return commands_of(self.definition, self.native_columns(), self.range, pattern, keys)


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
    numbers_rows = definition.row_index_name in wanted
    # A row's number counts the rows before it, so none of them may be missing.
    parts = narrow_by_parts(definition, KeyFilter() if numbers_rows else where)
    chosen = choose_keys(parts.pattern, definition.keys, where, numbers_rows=numbers_rows)
    named = chosen.pattern is None
    narrowed = narrow(definition, where, numbers_rows=numbers_rows, named=named)
    pushed = [*parts.pushed, *chosen.pushed, *narrowed.pushed]
    if len(wanted) < len(schema):
        shown = [name for name in wanted if name != ROWS_COLUMN]
        pushed.append(f"columns {', '.join(shown)}" if shown else "a row count: no values")
    if n_rows is not None:
        pushed.append(f"the first {n_rows:,} rows")
    values = [
        f"{text}: only keys can be asked for, values have no index"
        for text in where.kept
        if text not in narrowed.texts and text not in parts.texts
    ]
    return ScanPlan(
        definition=definition,
        pattern=chosen.pattern,
        keys=chosen.keys,
        range=narrowed.range,
        columns=wanted,
        limit=n_rows,
        pushed=tuple(pushed),
        kept=(*values, *chosen.kept, *narrowed.kept, *(_SKIP_JUDGES_ALL if judges_all else ())),
    )
