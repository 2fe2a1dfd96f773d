"""Ask questions of live Redis and Valkey data from Python, as DataFrames.

>>> import gearframe as gf
>>> import polars as pl
>>> client = gf.connect()
>>> gf.scan_hashes(client, "user:*", {"name": pl.String, "age": pl.Int64}).collect().height
0
"""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING

from gearframe.client import Client, connect
from gearframe.exceptions import (
    AuthenticationError,
    DataError,
    EmbeddedServerError,
    GearframeError,
    KeyChangedError,
    OptionError,
    PermissionDeniedError,
    ProtocolError,
    ReplyError,
    SchemaError,
    ServerBusyError,
    ServerConnectionError,
    ServerLoadingError,
    ServerOutOfMemoryError,
    ServerReadOnlyError,
    ServerTimeoutError,
    UrlError,
    WriteError,
)
from gearframe.io.explain import explain, reports
from gearframe.io.hashes import read_hashes, scan_hashes
from gearframe.io.json import read_json, scan_json
from gearframe.io.keys import read_keys, scan_keys
from gearframe.io.lists import read_lists, scan_lists
from gearframe.io.report import ScanReport, WriteReport
from gearframe.io.sets import read_sets, scan_sets
from gearframe.io.streams import read_streams, scan_streams
from gearframe.io.strings import read_strings, scan_strings
from gearframe.io.timeseries import read_timeseries, scan_timeseries
from gearframe.io.vectors import read_vectors, scan_vectors
from gearframe.io.write.hashes import write_hashes
from gearframe.io.write.json import write_json
from gearframe.io.write.lists import write_lists
from gearframe.io.write.sets import write_sets
from gearframe.io.write.streams import write_streams
from gearframe.io.write.strings import write_strings
from gearframe.io.write.timeseries import write_timeseries
from gearframe.io.write.zsets import write_zsets
from gearframe.io.zsets import read_zsets, scan_zsets
from gearframe.lazy import lazy as _lazy

if TYPE_CHECKING:
    from gearframe.cache import (
        cache_dataframe,
        cache_exists,
        cache_info,
        cache_ttl,
        delete_cached,
        get_cached_dataframe,
        scan_cached,
    )
    from gearframe.infer.infer import infer_schema
    from gearframe.infer.result import InferredColumn, InferredSchema
    from gearframe.streams import (
        AsyncStreamConsumer,
        ReplicationDestination,
        ReplicationPipeline,
        StreamConsumer,
        ack_entries,
        iter_stream,
        iter_stream_async,
        read_stream,
    )

__version__ = _version("gearframe")

__all__ = [
    "AsyncStreamConsumer",
    "AuthenticationError",
    "Client",
    "DataError",
    "EmbeddedServerError",
    "GearframeError",
    "InferredColumn",
    "InferredSchema",
    "KeyChangedError",
    "OptionError",
    "PermissionDeniedError",
    "ProtocolError",
    "ReplicationDestination",
    "ReplicationPipeline",
    "ReplyError",
    "ScanReport",
    "SchemaError",
    "ServerBusyError",
    "ServerConnectionError",
    "ServerLoadingError",
    "ServerOutOfMemoryError",
    "ServerReadOnlyError",
    "ServerTimeoutError",
    "StreamConsumer",
    "UrlError",
    "WriteError",
    "WriteReport",
    "ack_entries",
    "cache_dataframe",
    "cache_exists",
    "cache_info",
    "cache_ttl",
    "connect",
    "delete_cached",
    "explain",
    "get_cached_dataframe",
    "infer_schema",
    "iter_stream",
    "iter_stream_async",
    "read_hashes",
    "read_json",
    "read_keys",
    "read_lists",
    "read_sets",
    "read_stream",
    "read_streams",
    "read_strings",
    "read_timeseries",
    "read_vectors",
    "read_zsets",
    "reports",
    "scan_cached",
    "scan_hashes",
    "scan_json",
    "scan_keys",
    "scan_lists",
    "scan_sets",
    "scan_streams",
    "scan_strings",
    "scan_timeseries",
    "scan_vectors",
    "scan_zsets",
    "write_hashes",
    "write_json",
    "write_lists",
    "write_sets",
    "write_streams",
    "write_strings",
    "write_timeseries",
    "write_zsets",
]

# What needs redis-py is imported when it is first used: it takes its time, and most programs only
# read and write frames.
_LATER = {
    "AsyncStreamConsumer": "gearframe.streams",
    "InferredColumn": "gearframe.infer.result",
    "InferredSchema": "gearframe.infer.result",
    "ReplicationDestination": "gearframe.streams",
    "ReplicationPipeline": "gearframe.streams",
    "StreamConsumer": "gearframe.streams",
    "ack_entries": "gearframe.streams",
    "cache_dataframe": "gearframe.cache",
    "cache_exists": "gearframe.cache",
    "cache_info": "gearframe.cache",
    "cache_ttl": "gearframe.cache",
    "delete_cached": "gearframe.cache",
    "get_cached_dataframe": "gearframe.cache",
    "infer_schema": "gearframe.infer.infer",
    "iter_stream": "gearframe.streams",
    "iter_stream_async": "gearframe.streams",
    "read_stream": "gearframe.streams",
    "scan_cached": "gearframe.cache",
}

if not TYPE_CHECKING:  # a checker would take every name for a right one
    __getattr__, __dir__ = _lazy(__name__, _LATER, ("cache", "infer", "streams"))
