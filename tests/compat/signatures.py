"""Signatures of polars-redis 0.1.8 as they were introspected, and the same of the shim.

A line is ``name(arguments)``: names, order, what is by keyword only, and defaults. ``…`` is a
default that a function makes. Types are left out: the shim takes bytes where it took text.
"""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields, is_dataclass


def described(function):
    """Write a function's arguments as the lines have them."""
    if is_dataclass(function):
        return ", ".join(
            each.name
            + (
                "=…"
                if each.default_factory is not MISSING
                else ""
                if each.default is MISSING
                else f"={each.default!r}"
            )
            for each in fields(function)
        )
    words = []
    for each in inspect.signature(function).parameters.values():
        if each.kind is each.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        prefix = "*" if each.kind is each.VAR_POSITIONAL else ""
        default = "" if each.default is each.empty else f"={each.default!r}"
        words.append(f"{prefix}{each.name}{default}")
    return ", ".join(words)


_MESSAGES = (
    "pattern=False, message_format='raw', parser=None, schema=None, include_channel=False, "
    "include_timestamp=False, channel_column='_channel', message_column='message', "
    "timestamp_column='_received_at'"
)
_BATCHES = f"url, channels, *, batch_size=100, batch_timeout_ms=1000, {_MESSAGES}"
_SCAN = "pattern='*', batch_size=…, count_hint=…, n_rows=None"
_KEY = f"{_SCAN}, include_key=True, key_column_name='_key'"
_INDEX = "include_row_index=False, row_index_column_name='_index'"
_TTL = "include_ttl=False, ttl_column_name='_ttl'"

# Of the scans.
_PATTERN = "url, pattern='*'"
_STEPS = "batch_size=1000, count_hint=100"
_THE_KEY = "include_key=True, key_column_name='_key'"
_K_TTL = f"{_THE_KEY}, {_TTL}, {_INDEX}"
_OF_LISTS = (
    f"{_THE_KEY}, element_column_name='element', include_position=False, "
    f"position_column_name='position', {_INDEX}, {_STEPS}"
)
_OF_SETS = f"{_THE_KEY}, member_column_name='member', {_INDEX}, {_STEPS}"
_OF_STREAMS = (
    f"{_THE_KEY}, include_id=True, id_column_name='_id', include_timestamp=True, "
    "timestamp_column_name='_ts', include_sequence=False, sequence_column_name='_seq', "
    f"{_INDEX}, start_id='-', end_id='+', count_per_stream=None, {_STEPS}"
)
_OF_STRINGS = f"value_type=String, {_THE_KEY}, value_column_name='value', {_TTL}, {_STEPS}"
_OF_TIMESERIES = (
    f"{_THE_KEY}, timestamp_column_name='_ts', value_column_name='value', {_INDEX}, start='-', "
    f"end='+', count_per_series=None, aggregation=None, bucket_size_ms=None, {_STEPS}"
)
_OF_ZSETS = (
    f"{_THE_KEY}, member_column_name='member', score_column_name='score', include_rank=False, "
    f"rank_column_name='rank', {_INDEX}, {_STEPS}"
)
_WRITE = "ttl=None, key_prefix='', if_exists='replace'"

OF_THE_PREDECESSOR = {
    "scan_keys": "connection_url, pattern, count=10",
    "key_info": "url, pattern, *, include_memory=False",
    "set_ttl": "url, keys, ttl_seconds",
    "set_ttl_from_column": "url, df, key_column, ttl_column",
    "delete_keys": "url, keys",
    "delete_keys_pattern": "url, pattern",
    "delete_keys_from_column": "url, df, key_column",
    "rename_keys": "url, renames",
    "rename_keys_from_columns": "url, df, old_key_column, new_key_column",
    "persist_keys": "url, keys",
    "exists_keys": "url, keys",
    "get_ttl": "url, keys",
    "TtlResult": "succeeded, failed, errors",
    "RenameResult": "succeeded, failed, errors",
    "collect_pubsub": f"url, channels, *, count=None, timeout_ms=None, window_seconds=None, "
    f"{_MESSAGES}",
    "iter_pubsub": _BATCHES,
    "iter_pubsub_async": _BATCHES,
    "geo_add": "url, key, locations",
    "geo_add_from_dataframe": "url, key, df, member_column, longitude_column, latitude_column",
    "geo_radius": "url, key, longitude, latitude, radius, unit='km', *, count=None, sort=None",
    "geo_radius_by_member": "url, key, member, radius, unit='km', *, count=None, sort=None",
    "geo_dist": "url, key, member1, member2, unit='km'",
    "geo_pos": "url, key, members",
    "geo_dist_matrix": "url, key, members, unit='km'",
    "geo_hash": "url, key, members",
    "GeoAddResult": "added, updated",
    "Pipeline": "url",
    "Transaction": "url",
    "get_default_batch_size": "",
    "get_default_count_hint": "",
    "get_default_timeout_ms": "",
    "ScanOptions": _SCAN,
    "HashScanOptions": f"{_KEY}, {_TTL}, {_INDEX}, row_index_offset=0, projection=None",
    "JsonScanOptions": f"{_KEY}, {_TTL}, {_INDEX}, row_index_offset=0, path=None, projection=None",
    "ListScanOptions": f"{_KEY}, element_column_name='element', include_position=False, "
    f"position_column_name='position', {_INDEX}",
    "SetScanOptions": f"{_KEY}, member_column_name='member', {_INDEX}",
    "StringScanOptions": f"{_KEY}, value_column_name='value', {_TTL}, {_INDEX}, row_index_offset=0",
    "StreamScanOptions": f"{_KEY}, include_id=True, include_timestamp=True, "
    f"include_sequence=False, {_INDEX}, start_id='-', end_id='+', count_per_stream=None, "
    "fields=None",
    "TimeSeriesScanOptions": f"{_KEY}, timestamp_column_name='_ts', value_column_name='value', "
    f"{_INDEX}, start='-', end='+', count_per_series=None, aggregation=None, bucket_size_ms=None",
    "ZSetScanOptions": f"{_KEY}, member_column_name='member', score_column_name='score', "
    f"include_rank=False, rank_column_name='rank', {_INDEX}",
    "scan_hashes": f"{_PATTERN}, schema=None, *, options=None, {_K_TTL}, {_STEPS}, parallel=None",
    "scan_json": f"{_PATTERN}, schema=None, *, options=None, {_K_TTL}, {_STEPS}, parallel=None",
    "scan_lists": f"{_PATTERN}, *, options=None, {_OF_LISTS}",
    "scan_sets": f"{_PATTERN}, *, options=None, {_OF_SETS}",
    "scan_streams": f"{_PATTERN}, *, schema=None, options=None, {_OF_STREAMS}",
    "scan_strings": f"{_PATTERN}, *, options=None, {_OF_STRINGS}, parallel=None",
    "scan_timeseries": f"{_PATTERN}, *, options=None, {_OF_TIMESERIES}",
    "scan_zsets": f"{_PATTERN}, *, options=None, {_OF_ZSETS}",
    "read_hashes": f"{_PATTERN}, schema=None, *, {_K_TTL}, {_STEPS}",
    "read_json": f"{_PATTERN}, schema=None, *, {_K_TTL}, {_STEPS}",
    "read_lists": f"{_PATTERN}, *, {_OF_LISTS}",
    "read_sets": f"{_PATTERN}, *, {_OF_SETS}",
    "read_streams": f"{_PATTERN}, *, schema=None, {_OF_STREAMS}",
    "read_strings": f"{_PATTERN}, *, {_OF_STRINGS}",
    "read_timeseries": f"{_PATTERN}, *, {_OF_TIMESERIES}",
    "read_zsets": f"{_PATTERN}, *, {_OF_ZSETS}",
    "write_hashes": f"df, url, key_column='_key', {_WRITE}",
    "write_hashes_detailed": f"df, url, key_column='_key', {_WRITE}",
    "write_json": f"df, url, key_column='_key', {_WRITE}",
    "write_lists": "df, url, key_column='_key', element_column='element', index_column=None, "
    + _WRITE,
    "write_sets": f"df, url, key_column='_key', member_column='member', {_WRITE}",
    "write_strings": f"df, url, key_column='_key', value_column='value', {_WRITE}",
    "write_zsets": "df, url, key_column='_key', member_column='member', score_column='score', "
    + _WRITE,
    "WriteResult": "result_dict",
    "infer_hash_schema": f"{_PATTERN}, *, sample_size=100, type_inference=True",
    "infer_json_schema": f"{_PATTERN}, *, sample_size=100",
    "infer_hash_schema_with_overwrite": f"{_PATTERN}, *, schema_overwrite=None, sample_size=100, "
    "type_inference=True",
    "infer_json_schema_with_overwrite": f"{_PATTERN}, *, schema_overwrite=None, sample_size=100",
    "infer_hash_schema_with_confidence": f"{_PATTERN}, *, sample_size=100",
    "SchemaConfidence": "result",
    "col": "name",
    "cols": "*names",
    "raw": "query",
}

METHODS = {
    "WriteResult": "is_complete_success",
    "SchemaConfidence": "average_confidence all_confident low_confidence_fields",
    "ScanOptions": "with_pattern with_batch_size with_count_hint with_n_rows",
    "HashScanOptions": "with_key with_ttl with_row_index with_projection",
    "JsonScanOptions": "with_key with_ttl with_row_index with_path with_projection",
    "ListScanOptions": "with_key with_element_column_name with_position with_row_index",
    "SetScanOptions": "with_key with_member_column_name with_row_index",
    "StringScanOptions": "with_key with_value_column_name with_ttl with_row_index",
    "StreamScanOptions": "with_key with_id with_timestamp with_sequence with_row_index "
    "with_range with_count_per_stream with_fields",
    "TimeSeriesScanOptions": "with_key with_timestamp_column_name with_value_column_name "
    "with_row_index with_range with_count_per_series with_aggregation",
    "ZSetScanOptions": "with_key with_member_column_name with_score_column_name with_rank "
    "with_row_index",
    "Pipeline": "is_empty clear set set_ex get mget incr incrby decr hset hmset hget hgetall hdel "
    "hincrby lpush rpush lrange llen sadd smembers sismember scard zadd zrange zscore zcard "
    "delete exists expire ttl rename key_type raw execute",
    "Transaction": "is_empty discard set set_ex get mget incr incrby decr hset hmset hget hgetall "
    "hdel hincrby lpush rpush lrange llen sadd smembers sismember scard zadd zrange zscore zcard "
    "delete exists expire ttl rename key_type raw execute",
    "PipelineResult": "succeeded failed all_succeeded get",
    "CommandResult": "is_ok is_error is_nil",
}
