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
from gearframe.compat.polars_redis._consumer import StreamConsumer
from gearframe.compat.polars_redis._replication import (
    Destination,
    MultiWriteResult,
    ReplicationDestination,
    ReplicationPipeline,
    write_hashes_multi,
    write_json_multi,
)
from gearframe.compat.polars_redis._streams import (
    ack_entries,
    iter_stream,
    iter_stream_async,
    read_stream,
    scan_stream,
)
from gearframe.streams import BatchResult, ConsumerStats, DestinationResult, ReplicationStats

__all__ = [
    "BatchResult",
    "CachedFunction",
    "CheckpointStore",
    "ConsumerStats",
    "Destination",
    "DestinationResult",
    "FileCheckpointStore",
    "MemoryCheckpointStore",
    "MultiWriteResult",
    "RedisCheckpointStore",
    "ReplicationDestination",
    "ReplicationPipeline",
    "ReplicationStats",
    "StreamConsumer",
    "ack_entries",
    "cache",
    "cache_dataframe",
    "cache_exists",
    "cache_info",
    "cache_lazy",
    "cache_ttl",
    "delete_cached",
    "get_cached_dataframe",
    "iter_stream",
    "iter_stream_async",
    "read_stream",
    "scan_cached",
    "scan_stream",
    "write_hashes_multi",
    "write_json_multi",
]
