"""What is asked of ``gearframe scan``: a kind of keys, and options that only some kinds have."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import polars as pl
from cyclopts import Group, Parameter

from gearframe.dtypes import parse_schema
from gearframe.exceptions import OptionError
from gearframe.io.options import pattern_of

if TYPE_CHECKING:
    from gearframe.client import Client

Kind: TypeAlias = Literal[
    "hashes",
    "fields",
    "strings",
    "sets",
    "lists",
    "zsets",
    "streams",
    "json",
    "timeseries",
    "vectors",
    "keys",
]

TYPES: dict[Kind, str] = {
    "hashes": "hash",
    "fields": "hash",
    "strings": "string",
    "sets": "set",
    "lists": "list",
    "zsets": "zset",
    "streams": "stream",
    "json": "ReJSON-RL",
    "timeseries": "TSDB-TYPE",
    "vectors": "vectorset",
}
"""What ``TYPE`` answers for the keys of a kind; ``keys`` are of all types."""

_INFERRED = ("hashes", "strings", "streams", "json")
_RANGES: tuple[Kind, ...] = ("lists", "zsets", "streams", "timeseries")
_TAKEN_BY: dict[str, tuple[Kind, ...]] = {
    "start": _RANGES,
    "end": _RANGES,
    "position": ("lists",),
    "rank": ("zsets",),
    "field_ttl": ("hashes", "fields"),
    "labels": ("timeseries",),
    "aggregation": ("timeseries",),
    "bucket": ("timeseries",),
}


@Parameter(name="*", group=Group("Of some kinds", sort_key=2))
@dataclass(frozen=True, kw_only=True)
class Elements:
    """What only some kinds of keys have."""

    start: str | None = None
    """The first element of each key: a place in lists and a rank in zsets, below 0 from the end;
    an id or a time in streams; a time in timeseries. Times: 2024-02-29T10:00 or milliseconds."""
    end: str | None = None
    """The last element, itself included."""
    position: Annotated[bool, Parameter(negative="")] = False
    """lists: have a column position."""
    rank: Annotated[bool, Parameter(negative="")] = False
    """zsets: have a column rank."""
    field_ttl: Annotated[bool, Parameter(negative="")] = False
    """hashes, fields: have columns with the times to live of fields."""
    labels: str | None = None
    """timeseries: have these labels as columns, separated by commas."""
    aggregation: str | None = None
    """timeseries: one value of each bucket, such as avg, min, max, sum or count."""
    bucket: str | None = None
    """timeseries: the length of a bucket, such as 30s, 15m or 1h."""

    def given(self) -> list[str]:
        """Name the options that are not as they are by default."""
        return [each.name for each in fields(self) if getattr(self, each.name) != each.default]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Keys of one kind, and how they are to be read."""

    client: Client
    pattern: str
    kind: Kind
    schema: str | None
    elements: Elements
    options: dict[str, Any]
    """What all scans take."""

    def check(self, *, keys_only: bool) -> None:
        """Refuse options that this kind does not have."""
        given = self.elements.given()
        for name in given:
            if self.kind not in _TAKEN_BY[name]:
                takers = " and ".join(_TAKEN_BY[name])
                raise OptionError(f"{_option(name)} is for --kind {takers}, not {self.kind}")
        if keys_only and (given or self.schema is not None):
            what = _option(given[0]) if given else "--schema"
            raise OptionError(
                f"--keys-only reads no value, and {what} is about values; give one of them"
            )
        if self.schema == "infer" and self.kind not in _INFERRED:
            raise OptionError(
                f"--schema infer is for --kind {', '.join(_INFERRED)}, not {self.kind}"
            )

    @property
    def keys(self) -> str | bytes:
        """The pattern, or that of the keys' parts."""
        return pattern_of(self.pattern, self.options)  # type: ignore[arg-type]

    def columns(self) -> Any:
        """Read --schema; it has been given."""
        return self.schema if self.schema in (None, "infer") else parse_schema(self.schema)

    def column(self, name: str) -> tuple[str, pl.DataType]:
        """Read --schema where there is one column; by default it has this name and is String."""
        columns = {name: pl.String()} if self.schema is None else parse_schema(self.schema)
        if len(columns) != 1:
            raise OptionError(
                f"--schema names {len(columns)} columns; {self.kind} have one: "
                f"--schema {name}=Int64"
            )
        [column] = columns.items()
        return column

    def place(self, name: str) -> int | None:
        """Read --start or --end where it is a place."""
        text = getattr(self.elements, name)
        if text is not None and not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
            raise OptionError(
                f"--{name} is {text!r}; of {self.kind} a whole number, below 0 from the end"
            )
        return None if text is None else int(text)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
