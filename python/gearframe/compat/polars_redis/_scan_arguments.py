"""What all scans share: their arguments put together, and the columns as polars-redis has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import polars as pl

from gearframe.exceptions import OptionError, SchemaError

if TYPE_CHECKING:
    from gearframe.compat.polars_redis.options import ScanOptions
    from gearframe.io.options import ScanOptions as RealScanOptions

DEFAULTS: Mapping[str, Any] = {
    "pattern": "*",
    "include_key": True,
    "key_column_name": "_key",
    "include_ttl": False,
    "ttl_column_name": "_ttl",
    "include_row_index": False,
    "row_index_column_name": "_index",
    "batch_size": 1000,
    "count_hint": 100,
    "parallel": None,
    "value_column_name": "value",
    "value_type": pl.String,
    "member_column_name": "member",
    "element_column_name": "element",
    "include_position": False,
    "position_column_name": "position",
    "score_column_name": "score",
    "include_rank": False,
    "rank_column_name": "rank",
    "include_id": True,
    "id_column_name": "_id",
    "include_timestamp": True,
    "timestamp_column_name": "_ts",
    "include_sequence": False,
    "sequence_column_name": "_seq",
    "start_id": "-",
    "end_id": "+",
    "count_per_stream": None,
    "start": "-",
    "end": "+",
    "count_per_series": None,
    "aggregation": None,
    "bucket_size_ms": None,
}
"""The defaults of the scans' signatures: each name has the same everywhere."""

# A batch of 1,000 rows was what it took there when nobody had said anything; here it is more.
_USUAL_BATCH = 50_000
# Fewer keys in a step of SCAN are round trips without a use.
_LEAST_COUNT = 1000

# What a column that is left out is called: its usual name stays free for a field.
_NO_KEY, _NO_TTL = "__compat_key", "__compat_ttl"


def settle(
    kind: type[ScanOptions], options: ScanOptions | None, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Put the arguments of a call and its options together; both count."""
    if options is None:
        names = {each.name for each in fields(kind)}
        own = {name: value for name, value in given.items() if name in names}
        return {**given, **kind(**own).to_scan_arguments()}
    if not isinstance(options, kind):
        raise OptionError(f"options is {options!r}; expected {kind.__name__}(…)")
    changed = {name: value for name, value in given.items() if value != DEFAULTS[name]}
    return {**given, **options.to_scan_arguments(changed)}


def shared(asked: Mapping[str, Any]) -> RealScanOptions:
    """Give the options that all scans of gearframe take."""
    index = asked["row_index_column_name"] if asked.get("include_row_index") else None
    batch_size = asked["batch_size"]
    return {
        "include_key": asked["include_key"],
        "key_column": asked["key_column_name"] if asked["include_key"] else _NO_KEY,
        "include_ttl": asked.get("include_ttl", False),
        "ttl_column": asked["ttl_column_name"] if asked.get("include_ttl") else _NO_TTL,
        "row_index_name": index,
        "row_index_offset": asked.get("row_index_offset", 0),
        "batch_size": _USUAL_BATCH if batch_size == DEFAULTS["batch_size"] else batch_size,
        "scan_count": max(asked["count_hint"], _LEAST_COUNT),
    }


def finish(lf: pl.LazyFrame, asked: Mapping[str, Any]) -> pl.LazyFrame:
    """Give the columns their dtypes there, and keep as many rows as were asked for."""
    if asked.get("n_rows") is not None:
        lf = lf.head(asked["n_rows"])
    columns = []
    if asked.get("include_row_index"):
        columns.append(pl.col(asked["row_index_column_name"]).cast(pl.UInt64))
    if asked.get("include_ttl"):
        # As TTL rounds; without an expiry it is -1.
        milliseconds = pl.col(asked["ttl_column_name"]).dt.total_milliseconds()
        columns.append(((milliseconds + 500) // 1000).fill_null(-1))
    return lf.with_columns(columns) if columns else lf


def projected(function: str, schema: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields to read, each with its dtype."""
    if schema is None:
        raise SchemaError(
            f"schema is required for {function}: give the fields and their dtypes, such as "
            "{'name': pl.Utf8}, or what infer_hash_schema or infer_json_schema finds"
        )
    found = fields_of(schema)
    wanted = asked.get("projection")
    if wanted is None:
        return found
    others = {asked[name] for name in asked if name.endswith("_column_name")}
    unknown = [name for name in wanted if name not in found and name not in others]
    if unknown:
        raise SchemaError(
            f"projection names {unknown[0]!r}, which the schema lacks; it has {list(found)}"
        )
    return {name: dtype for name, dtype in found.items() if name in wanted}


def fields_of(schema: Any) -> dict[str, Any]:
    """Give a schema as a dict."""
    if not isinstance(schema, Mapping):
        raise SchemaError(f"schema is {schema!r}; expected a dict such as {{'name': pl.Utf8}}")
    return dict(schema)
