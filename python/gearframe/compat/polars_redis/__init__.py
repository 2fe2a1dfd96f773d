"""The names of polars-redis over gearframe; docs/moving_from_polars_redis.md says what differs.

``from gearframe.compat import polars_redis as redis`` takes the place of
``import polars_redis as redis``.
"""

from gearframe.cache import CachedFunction
from gearframe.compat.polars_redis._cache import (
    cache,
    cache_dataframe,
    cache_exists,
    cache_info,
    cache_lazy,
    cache_ttl,
    delete_cached,
    get_cached_dataframe,
    scan_cached,
)
from gearframe.compat.polars_redis._checkpoints import (
    CheckpointStore,
    FileCheckpointStore,
    MemoryCheckpointStore,
    RedisCheckpointStore,
)
from gearframe.compat.polars_redis._confidence import (
    SchemaConfidence,
)
from gearframe.compat.polars_redis._consumer import StreamConsumer
from gearframe.compat.polars_redis._delete import (
    DeleteResult,
    delete_keys,
    delete_keys_from_column,
    delete_keys_pattern,
)
from gearframe.compat.polars_redis._geo import (
    GeoAddResult,
    geo_add,
    geo_add_from_dataframe,
    geo_radius,
    geo_radius_by_member,
)
from gearframe.compat.polars_redis._geo_members import (
    geo_dist,
    geo_dist_matrix,
    geo_hash,
    geo_pos,
)
from gearframe.compat.polars_redis._inference import (
    infer_hash_schema,
    infer_hash_schema_with_confidence,
    infer_hash_schema_with_overwrite,
    infer_json_schema,
    infer_json_schema_with_overwrite,
)
from gearframe.compat.polars_redis._keys import (
    RenameResult,
    TtlResult,
    persist_keys,
    rename_keys,
    rename_keys_from_columns,
    set_ttl,
    set_ttl_from_column,
)
from gearframe.compat.polars_redis._keyspace import (
    exists_keys,
    get_ttl,
    key_info,
    scan_keys,
)
from gearframe.compat.polars_redis._pipeline import (
    Pipeline,
    Transaction,
)
from gearframe.compat.polars_redis._pubsub import (
    collect_pubsub,
    iter_pubsub,
    iter_pubsub_async,
)
from gearframe.compat.polars_redis._read_elements import (
    read_lists,
    read_sets,
    read_zsets,
)
from gearframe.compat.polars_redis._read_entries import (
    read_streams,
    read_timeseries,
)
from gearframe.compat.polars_redis._reads import (
    read_hashes,
    read_json,
    read_strings,
)
from gearframe.compat.polars_redis._replication import (
    Destination,
    MultiWriteResult,
    ReplicationDestination,
    ReplicationPipeline,
    write_hashes_multi,
    write_json_multi,
)
from gearframe.compat.polars_redis._results import (
    CommandResult,
    PipelineResult,
)
from gearframe.compat.polars_redis._scan_elements import (
    scan_lists,
    scan_sets,
    scan_zsets,
)
from gearframe.compat.polars_redis._scan_entries import (
    scan_streams,
    scan_timeseries,
)
from gearframe.compat.polars_redis._scans import (
    scan_hashes,
    scan_json,
    scan_strings,
)
from gearframe.compat.polars_redis._streams import (
    ack_entries,
    iter_stream,
    iter_stream_async,
    read_stream,
    scan_stream,
)
from gearframe.compat.polars_redis._write_collections import (
    write_lists,
    write_sets,
    write_zsets,
)
from gearframe.compat.polars_redis._write_outcome import (
    WriteResult,
)
from gearframe.compat.polars_redis._writes import (
    write_hashes,
    write_hashes_detailed,
    write_json,
    write_strings,
)
from gearframe.compat.polars_redis.options import (
    HashScanOptions,
    JsonScanOptions,
    ListScanOptions,
    ScanOptions,
    SetScanOptions,
    StreamScanOptions,
    StringScanOptions,
    TimeSeriesScanOptions,
    ZSetScanOptions,
    get_default_batch_size,
    get_default_count_hint,
    get_default_timeout_ms,
)
from gearframe.compat.polars_redis.query import (
    Expr,
    MultiFieldExpr,
    col,
    cols,
    match_all,
    match_none,
    raw,
)
from gearframe.streams import BatchResult, ConsumerStats, DestinationResult, ReplicationStats

__all__ = [
    "BatchResult",
    "CachedFunction",
    "CheckpointStore",
    "CommandResult",
    "ConsumerStats",
    "DeleteResult",
    "Destination",
    "DestinationResult",
    "Expr",
    "FileCheckpointStore",
    "GeoAddResult",
    "HashScanOptions",
    "JsonScanOptions",
    "ListScanOptions",
    "MemoryCheckpointStore",
    "MultiFieldExpr",
    "MultiWriteResult",
    "Pipeline",
    "PipelineResult",
    "RedisCheckpointStore",
    "RenameResult",
    "ReplicationDestination",
    "ReplicationPipeline",
    "ReplicationStats",
    "ScanOptions",
    "SchemaConfidence",
    "SetScanOptions",
    "StreamConsumer",
    "StreamScanOptions",
    "StringScanOptions",
    "TimeSeriesScanOptions",
    "Transaction",
    "TtlResult",
    "WriteResult",
    "ZSetScanOptions",
    "ack_entries",
    "cache",
    "cache_dataframe",
    "cache_exists",
    "cache_info",
    "cache_lazy",
    "cache_ttl",
    "col",
    "collect_pubsub",
    "cols",
    "delete_cached",
    "delete_keys",
    "delete_keys_from_column",
    "delete_keys_pattern",
    "exists_keys",
    "geo_add",
    "geo_add_from_dataframe",
    "geo_dist",
    "geo_dist_matrix",
    "geo_hash",
    "geo_pos",
    "geo_radius",
    "geo_radius_by_member",
    "get_cached_dataframe",
    "get_default_batch_size",
    "get_default_count_hint",
    "get_default_timeout_ms",
    "get_ttl",
    "infer_hash_schema",
    "infer_hash_schema_with_confidence",
    "infer_hash_schema_with_overwrite",
    "infer_json_schema",
    "infer_json_schema_with_overwrite",
    "iter_pubsub",
    "iter_pubsub_async",
    "iter_stream",
    "iter_stream_async",
    "key_info",
    "match_all",
    "match_none",
    "persist_keys",
    "raw",
    "read_hashes",
    "read_json",
    "read_lists",
    "read_sets",
    "read_stream",
    "read_streams",
    "read_strings",
    "read_timeseries",
    "read_zsets",
    "rename_keys",
    "rename_keys_from_columns",
    "scan_cached",
    "scan_hashes",
    "scan_json",
    "scan_keys",
    "scan_lists",
    "scan_sets",
    "scan_stream",
    "scan_streams",
    "scan_strings",
    "scan_timeseries",
    "scan_zsets",
    "set_ttl",
    "set_ttl_from_column",
    "write_hashes",
    "write_hashes_detailed",
    "write_hashes_multi",
    "write_json",
    "write_json_multi",
    "write_lists",
    "write_sets",
    "write_strings",
    "write_zsets",
]
