"""The options that all scans share, and the checks that writes have too."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import polars as pl

from gearframe.client import as_client
from gearframe.exceptions import OptionError, SchemaError
from gearframe.io.definition import (
    ROWS_COLUMN,
    Column,
    Kind,
    OnChange,
    OnError,
    ScanDefinition,
)
from gearframe.io.key_schema import parse_key_schema
from gearframe.io.source import ScanSource
from gearframe.schema import check_characters, normalize_schema

if TYPE_CHECKING:
    from gearframe.client import Client


class ScanOptions(TypedDict, total=False):
    """Keyword arguments that every scan takes; ``scan_hashes`` says what each means."""

    keys: Iterable[str | bytes] | None
    key_schema: str | None
    include_key: bool
    key_column: str
    key_dtype: Any
    include_ttl: bool
    ttl_column: str
    row_index_name: str | None
    row_index_offset: int
    on_error: OnError
    batch_size: int
    scan_count: int
    throttle: float | None
    progress: bool


_DEFAULTS = ScanOptions(
    keys=None,
    key_schema=None,
    include_key=True,
    key_column="_key",
    key_dtype=pl.String,
    include_ttl=False,
    ttl_column="_ttl",
    row_index_name=None,
    row_index_offset=0,
    on_error="raise",
    batch_size=50_000,
    scan_count=1000,
    throttle=None,
    progress=False,
)

# The keyword arguments that a scan takes of its own, for messages.
_HASHES = "format, field_column, field_dtype, value_column, field_ttl"
_OWN: dict[Kind, str] = {
    "hashes": _HASHES,
    "fields": _HASHES,
    "strings": "value_column",
    "sets": "member_column",
    "lists": "element_column, include_position, position_column, start, end, on_change",
    "zsets": "member_column, score_column, include_rank, rank_column, min_score, max_score, "
    "min_rank, max_rank, on_change",
    "streams": "include_id, id_column, include_timestamp, timestamp_column, include_sequence, "
    "sequence_column, start, end, count",
    "json": "paths, document_column",
    "timeseries": "timestamp_column, value_column, start, end, count, aggregation, bucket, labels, "
    "filters",
    "vectors": "member_column, member_dtype, vector_column",
}

# What both SCAN's COUNT and Polars' row index take on every build.
_MOST = 2**31 - 1
_SLOWEST = 0.001


def reserved_names(options: ScanOptions) -> set[str]:
    """Give the names that a schema's columns may not have."""
    given: Any = {**_DEFAULTS, **options}
    names = {given["key_column"], given["ttl_column"], ROWS_COLUMN}
    if given["row_index_name"] is not None:
        names.add(given["row_index_name"])
    if given["key_schema"] is not None:
        names |= {
            part.name for part in parse_key_schema(given["key_schema"], reserved=names).columns
        }
    return names


def pattern_of(pattern: str | bytes, options: ScanOptions) -> str | bytes:
    """Give the pattern of a scan: that of its keys' parts, if they are all that is said."""
    key_schema = options.get("key_schema")
    if key_schema is None or pattern not in ("*", b"*"):
        return pattern
    return parse_key_schema(key_schema, reserved=()).pattern


def field_columns(schema: Any, options: ScanOptions, others: Collection[str] = ()) -> list[Column]:
    """Make the columns of fields out of a schema; ``others`` are names that are taken too."""
    fields = normalize_schema(schema, reserved=reserved_names(options) | set(others))
    return [Column(name, dtype, {"from": "field", "field": name}) for name, dtype in fields.items()]


def check_distinct(*names: object) -> None:
    """Refuse names of columns of which two are the same."""
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise SchemaError(f"two columns are called {twice[0]!r}; give each its own name")


def columns_of(given: Mapping[str, tuple[Any, str]], options: ScanOptions) -> list[Column]:
    """Make columns out of names, each with its dtype and what it comes from."""
    dtypes = [(name, dtype) for name, (dtype, _) in given.items()]
    schema = normalize_schema(dtypes, reserved=reserved_names(options))
    return [Column(name, dtype, {"from": given[name][1]}) for name, dtype in schema.items()]


def scan(
    client: Client | str | None,
    kind: Kind,
    pattern: str | bytes,
    values: Sequence[Column],
    options: ScanOptions,
    *,
    elements: Mapping[str, Any] | None = None,
    on_change: OnChange = "raise",
) -> pl.LazyFrame:
    """Check the options of a scan and make its LazyFrame.

    Parameters
    ----------
    client, pattern, options
        As the caller of the public function gave them.
    kind
        Which type of key, and how its rows are made.
    values
        The columns after the key and its time to live.
    elements
        Which of each key's elements, as the native part reads it with the kind.
    on_change
        What to do with a key that changes while it is read in pieces.
    """
    return scan_source(
        client, kind, pattern, values, options, elements=elements, on_change=on_change
    ).lazy()


def scan_source(
    client: Client | str | None,
    kind: Kind,
    pattern: str | bytes,
    values: Sequence[Column],
    options: ScanOptions,
    *,
    elements: Mapping[str, Any] | None = None,
    on_change: OnChange = "raise",
) -> ScanSource:
    """Check the options of a scan and make its source, for who reads it without Polars' engines.

    Parameters
    ----------
    client, kind, pattern, values, options, elements, on_change
        As for `scan`.
    """
    unknown = options.keys() - _DEFAULTS.keys()
    if unknown:
        function = "scan_hashes" if kind == "fields" else f"scan_{kind}"
        names = [_OWN[kind]] if kind in _OWN else []
        raise TypeError(
            f"unexpected keyword argument {sorted(unknown)[0]!r}; {function} takes "
            f"{', '.join([*names, *_DEFAULTS])}"
        )
    given: Any = {**_DEFAULTS, **options}
    check_pattern(pattern)
    _check(given)
    if on_change not in ("raise", "keep"):
        raise OptionError(f"on_change is {on_change!r}; expected 'raise' or 'keep'")
    parts = None
    if given["key_schema"] is not None:
        taken = {column.name for column in values}
        parts = parse_key_schema(given["key_schema"], reserved=taken)
        pattern = pattern_of(pattern, options)
    columns = []
    if given["include_key"]:
        columns.append(Column(given["key_column"], _key_dtype(given["key_dtype"]), {"from": "key"}))
    columns += parts.columns if parts is not None else ()
    if given["include_ttl"]:
        columns.append(Column(given["ttl_column"], pl.Duration("ms"), {"from": "ttl"}))
    definition = ScanDefinition(
        kind=kind,
        range=dict(elements or {}),
        pattern=as_bytes(pattern),
        keys=_keys(given["keys"]),
        columns=(*columns, *values),
        key_column=given["key_column"] if given["include_key"] else None,
        key_literals=parts.literals if parts is not None else (),
        row_index_name=given["row_index_name"],
        row_index_offset=given["row_index_offset"],
        on_error=given["on_error"],
        on_change=on_change,
        batch_size=given["batch_size"],
        scan_count=given["scan_count"],
        throttle=given["throttle"],
    )
    if not definition.schema:
        raise SchemaError("the frame would have no column: name a field, or leave include_key on")
    return ScanSource(as_client(client), definition, progress=given["progress"])


def as_bytes(text: str | bytes) -> bytes:
    """Encode a text as UTF-8; bytes stay."""
    try:
        return text.encode() if isinstance(text, str) else bytes(text)
    except UnicodeEncodeError as error:
        raise OptionError(
            f"{text!r} cannot be encoded as UTF-8 ({error.reason}); give bytes"
        ) from None


def check_pattern(pattern: object) -> None:
    """Refuse what is no pattern; often it is a schema, for patterns come before schemas."""
    if not isinstance(pattern, str | bytes):
        hint = "; a schema comes behind it, or as schema=" if isinstance(pattern, Mapping) else ""
        raise OptionError(
            f"pattern is {pattern!r}; expected a text or bytes such as 'user:*'{hint}"
        )


def check_whole(name: str, number: object, *, least: int) -> None:
    """Refuse what is no number of rows or keys."""
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= _MOST:
        raise OptionError(
            f"{name} is {number!r}; expected a whole number from {least} to {_MOST:,}"
        )


def check_place(name: str, place: object) -> None:
    """Refuse what is no place in a list, from its start or its end."""
    if isinstance(place, bool) or not isinstance(place, int) or not -(2**63) <= place < 2**63:
        raise OptionError(
            f"{name} is {place!r}; expected a whole number of 64 bits; below 0 from the end"
        )


def _check(given: dict[str, Any]) -> None:
    for name, least in (("batch_size", 1), ("scan_count", 1), ("row_index_offset", 0)):
        check_whole(name, given[name], least=least)
    for name in ("include_key", "include_ttl", "progress"):
        if not isinstance(given[name], bool):
            raise OptionError(f"{name} is {given[name]!r}; expected True or False")
    if given["on_error"] not in ("raise", "null", "skip"):
        raise OptionError(f"on_error is {given['on_error']!r}; expected 'raise', 'null' or 'skip'")
    throttle = given["throttle"]
    is_rate = isinstance(throttle, int | float) and not isinstance(throttle, bool)
    if throttle is not None and not (is_rate and _SLOWEST <= throttle < math.inf):
        raise OptionError(
            f"throttle is {throttle!r}; expected keys a second from {_SLOWEST}, or None"
        )
    columns = [
        given["key_column"] if given["include_key"] else None,
        given["ttl_column"] if given["include_ttl"] else None,
        given["row_index_name"],
    ]
    names = [name for name in columns if name is not None]
    if len(set(names)) < len(names):
        raise SchemaError(f"the columns {names} share a name; give each its own")
    for name in names:
        if not isinstance(name, str) or name == ROWS_COLUMN:
            raise SchemaError(f"a column cannot be called {name!r}; choose another name")
        check_characters(name)


def _keys(keys: Iterable[str | bytes] | None) -> tuple[bytes, ...] | None:
    if keys is None:
        return None
    if isinstance(keys, str | bytes) or not isinstance(keys, Iterable):
        raise OptionError(f"keys is {keys!r}; expected a list of keys: [{keys!r}]")
    found = []
    for key in keys:
        if not isinstance(key, str | bytes):
            raise OptionError(f"keys has {key!r}; expected texts or bytes")
        found.append(as_bytes(key))
    return tuple(dict.fromkeys(found))


def _key_dtype(dtype: Any) -> pl.DataType:
    if dtype not in (pl.String, pl.Binary, str, bytes):
        raise SchemaError(f"key_dtype is {dtype!r}; expected pl.String or pl.Binary")
    return pl.String() if dtype in (pl.String, str) else pl.Binary()
