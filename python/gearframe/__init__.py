"""Ask questions of live Redis and Valkey data from Python, as DataFrames.

>>> import gearframe as gf
>>> import polars as pl
>>> client = gf.connect()
>>> gf.scan_hashes(client, "user:*", {"name": pl.String, "age": pl.Int64}).collect().height
0
"""

from typing import TYPE_CHECKING

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
    from gearframe.client import Client, connect
    from gearframe.exceptions import (
        AuthenticationError,
        DataError,
        EmbeddedServerError,
        GearframeError,
        GearsError,
        GearsFlatError,
        GearsForceStopped,
        GearsRunError,
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
    from gearframe.gears.backends.result import GearsResult
    from gearframe.gears.builder import GearsBuilder
    from gearframe.infer.infer import infer_schema
    from gearframe.infer.result import InferredColumn, InferredSchema
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
    from gearframe.version import __version__ as __version__

__all__ = [
    "AsyncStreamConsumer",
    "AuthenticationError",
    "Client",
    "DataError",
    "EmbeddedServerError",
    "GearframeError",
    "GearsBuilder",
    "GearsError",
    "GearsFlatError",
    "GearsForceStopped",
    "GearsResult",
    "GearsRunError",
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

# Everything is imported when it is first used. A program that writes frames then never waits for
# redis-py, and code that runs inside a server, in an interpreter that refuses Polars, can import
# `gearframe.gears` without it.
_LATER = {
    "AsyncStreamConsumer": "gearframe.streams",
    "AuthenticationError": "gearframe.exceptions",
    "Client": "gearframe.client",
    "DataError": "gearframe.exceptions",
    "EmbeddedServerError": "gearframe.exceptions",
    "GearframeError": "gearframe.exceptions",
    "GearsBuilder": "gearframe.gears.builder",
    "GearsError": "gearframe.exceptions",
    "GearsFlatError": "gearframe.exceptions",
    "GearsForceStopped": "gearframe.exceptions",
    "GearsResult": "gearframe.gears.backends.result",
    "GearsRunError": "gearframe.exceptions",
    "InferredColumn": "gearframe.infer.result",
    "InferredSchema": "gearframe.infer.result",
    "KeyChangedError": "gearframe.exceptions",
    "OptionError": "gearframe.exceptions",
    "PermissionDeniedError": "gearframe.exceptions",
    "ProtocolError": "gearframe.exceptions",
    "ReplicationDestination": "gearframe.streams",
    "ReplicationPipeline": "gearframe.streams",
    "ReplyError": "gearframe.exceptions",
    "ScanReport": "gearframe.io.report",
    "SchemaError": "gearframe.exceptions",
    "ServerBusyError": "gearframe.exceptions",
    "ServerConnectionError": "gearframe.exceptions",
    "ServerLoadingError": "gearframe.exceptions",
    "ServerOutOfMemoryError": "gearframe.exceptions",
    "ServerReadOnlyError": "gearframe.exceptions",
    "ServerTimeoutError": "gearframe.exceptions",
    "StreamConsumer": "gearframe.streams",
    "UrlError": "gearframe.exceptions",
    "WriteError": "gearframe.exceptions",
    "WriteReport": "gearframe.io.report",
    "__version__": "gearframe.version",
    "ack_entries": "gearframe.streams",
    "cache_dataframe": "gearframe.cache",
    "cache_exists": "gearframe.cache",
    "cache_info": "gearframe.cache",
    "cache_ttl": "gearframe.cache",
    "connect": "gearframe.client",
    "delete_cached": "gearframe.cache",
    "explain": "gearframe.io.explain",
    "get_cached_dataframe": "gearframe.cache",
    "infer_schema": "gearframe.infer.infer",
    "iter_stream": "gearframe.streams",
    "iter_stream_async": "gearframe.streams",
    "read_hashes": "gearframe.io.hashes",
    "read_json": "gearframe.io.json",
    "read_keys": "gearframe.io.keys",
    "read_lists": "gearframe.io.lists",
    "read_sets": "gearframe.io.sets",
    "read_stream": "gearframe.streams",
    "read_streams": "gearframe.io.streams",
    "read_strings": "gearframe.io.strings",
    "read_timeseries": "gearframe.io.timeseries",
    "read_vectors": "gearframe.io.vectors",
    "read_zsets": "gearframe.io.zsets",
    "reports": "gearframe.io.explain",
    "scan_cached": "gearframe.cache",
    "scan_hashes": "gearframe.io.hashes",
    "scan_json": "gearframe.io.json",
    "scan_keys": "gearframe.io.keys",
    "scan_lists": "gearframe.io.lists",
    "scan_sets": "gearframe.io.sets",
    "scan_streams": "gearframe.io.streams",
    "scan_strings": "gearframe.io.strings",
    "scan_timeseries": "gearframe.io.timeseries",
    "scan_vectors": "gearframe.io.vectors",
    "scan_zsets": "gearframe.io.zsets",
    "write_hashes": "gearframe.io.write.hashes",
    "write_json": "gearframe.io.write.json",
    "write_lists": "gearframe.io.write.lists",
    "write_sets": "gearframe.io.write.sets",
    "write_streams": "gearframe.io.write.streams",
    "write_strings": "gearframe.io.write.strings",
    "write_timeseries": "gearframe.io.write.timeseries",
    "write_zsets": "gearframe.io.write.zsets",
}

_PARTS = (
    "cache",
    "cli",
    "client",
    "compat",
    "control",
    "dtypes",
    "embedded",
    "exceptions",
    "gears",
    "infer",
    "io",
    "options",
    "schema",
    "streams",
    "url",
)

if not TYPE_CHECKING:  # a checker would take every name for a right one
    __getattr__, __dir__ = _lazy(__name__, _LATER, _PARTS)
