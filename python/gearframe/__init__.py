"""Ask questions of live Redis and Valkey data from Python, as DataFrames.

>>> import gearframe as gf
>>> import polars as pl
>>> client = gf.connect()
>>> gf.scan_hashes(client, "user:*", {"name": pl.String, "age": pl.Int64}).collect().height
0
"""

from importlib.metadata import version as _version

from gearframe.client import Client, connect
from gearframe.exceptions import (
    AuthenticationError,
    DataError,
    EmbeddedServerError,
    GearframeError,
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
from gearframe.io.hashes import read_hashes, scan_hashes, write_hashes
from gearframe.io.keys import read_keys, scan_keys
from gearframe.io.lists import read_lists, scan_lists
from gearframe.io.report import ScanReport, WriteReport
from gearframe.io.sets import read_sets, scan_sets
from gearframe.io.streams import read_streams, scan_streams
from gearframe.io.strings import read_strings, scan_strings, write_strings
from gearframe.io.timeseries import read_timeseries, scan_timeseries
from gearframe.io.vectors import read_vectors, scan_vectors
from gearframe.io.zsets import read_zsets, scan_zsets

__version__ = _version("gearframe")

__all__ = [
    "AuthenticationError",
    "Client",
    "DataError",
    "EmbeddedServerError",
    "GearframeError",
    "OptionError",
    "PermissionDeniedError",
    "ProtocolError",
    "ReplyError",
    "ScanReport",
    "SchemaError",
    "ServerBusyError",
    "ServerConnectionError",
    "ServerLoadingError",
    "ServerOutOfMemoryError",
    "ServerReadOnlyError",
    "ServerTimeoutError",
    "UrlError",
    "WriteError",
    "WriteReport",
    "connect",
    "explain",
    "read_hashes",
    "read_keys",
    "read_lists",
    "read_sets",
    "read_streams",
    "read_strings",
    "read_timeseries",
    "read_vectors",
    "read_zsets",
    "reports",
    "scan_hashes",
    "scan_keys",
    "scan_lists",
    "scan_sets",
    "scan_streams",
    "scan_strings",
    "scan_timeseries",
    "scan_vectors",
    "scan_zsets",
    "write_hashes",
    "write_strings",
]
