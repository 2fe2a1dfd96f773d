"""Streams read once, followed, consumed by groups, and copied to other servers."""

from gearframe.streams.checkpoints import (
    CheckpointStore,
    FileCheckpointStore,
    MemoryCheckpointStore,
    RedisCheckpointStore,
)
from gearframe.streams.consumer import AsyncStreamConsumer, StreamConsumer
from gearframe.streams.consuming import ConsumerStats
from gearframe.streams.destinations import (
    Destination,
    DestinationResult,
    MultiWriteResult,
    write_hashes_multi,
    write_json_multi,
)
from gearframe.streams.iterate import iter_stream, iter_stream_async
from gearframe.streams.read import ack_entries, read_stream
from gearframe.streams.replication import (
    BatchResult,
    ReplicationDestination,
    ReplicationPipeline,
    ReplicationStats,
)

__all__ = [
    "AsyncStreamConsumer",
    "BatchResult",
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
    "iter_stream",
    "iter_stream_async",
    "read_stream",
    "write_hashes_multi",
    "write_json_multi",
]
