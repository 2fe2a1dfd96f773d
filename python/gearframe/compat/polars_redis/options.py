"""Options of the scans as objects, as polars-redis has them.

Each has a ``with_`` method for each setting, which changes the object and gives it back, and
``to_scan_arguments``, through which the scans read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gearframe.compat.polars_redis._option_arguments import ScanArguments, number_of_environment
from gearframe.compat.polars_redis._option_builders import (
    WithKey,
    WithMember,
    WithPages,
    WithProjection,
    WithRowIndex,
    WithRowIndexFrom,
    WithTtl,
    WithValue,
)

if TYPE_CHECKING:
    from typing import Self


def get_default_batch_size() -> int:
    """Give the batch size of options that set none.

    Returns
    -------
    int
        ``POLARS_REDIS_BATCH_SIZE`` of the environment, or 1000.

    Raises
    ------
    OptionError
        If the variable is no whole number from 1.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.get_default_batch_size()
    1000
    """
    return number_of_environment("POLARS_REDIS_BATCH_SIZE", 1000)


def get_default_count_hint() -> int:
    """Give COUNT of SCAN for options that set none.

    Returns
    -------
    int
        ``POLARS_REDIS_COUNT_HINT`` of the environment, or 100.

    Raises
    ------
    OptionError
        If the variable is no whole number from 1.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.get_default_count_hint()
    100
    """
    return number_of_environment("POLARS_REDIS_COUNT_HINT", 100)


def get_default_timeout_ms() -> int:
    """Give the time-out that the environment names.

    Returns
    -------
    int
        ``POLARS_REDIS_TIMEOUT_MS`` of the environment, or 30000. Nothing uses it, as in
        polars-redis: the time-out of a connection is ``read_timeout`` of its URL, such as
        ``redis://localhost?read_timeout=30``.

    Raises
    ------
    OptionError
        If the variable is no whole number from 1.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.get_default_timeout_ms()
    30000
    """
    return number_of_environment("POLARS_REDIS_TIMEOUT_MS", 30_000)


@dataclass
class ScanOptions(WithPages, ScanArguments):
    """What all scans share.

    Parameters
    ----------
    pattern : str, default "*"
        Redis' glob pattern for the keys.
    batch_size : int
        The most rows in a batch; see `get_default_batch_size`.
    count_hint : int
        COUNT of SCAN; see `get_default_count_hint`.
    n_rows : int, optional
        The most rows of all.
    """

    pattern: str = "*"
    batch_size: int = field(default_factory=get_default_batch_size)
    count_hint: int = field(default_factory=get_default_count_hint)
    n_rows: int | None = None


@dataclass
class HashScanOptions(WithKey, WithTtl, WithRowIndexFrom, WithProjection, ScanOptions):
    """Options of ``scan_hashes``; ``projection`` names the fields to read."""

    include_key: bool = True
    key_column_name: str = "_key"
    include_ttl: bool = False
    ttl_column_name: str = "_ttl"
    include_row_index: bool = False
    row_index_column_name: str = "_index"
    row_index_offset: int = 0
    projection: list[str] | None = None


@dataclass
class JsonScanOptions(WithKey, WithTtl, WithRowIndexFrom, WithProjection, ScanOptions):
    """Options of ``scan_json``; ``path`` is where in the document the fields are."""

    include_key: bool = True
    key_column_name: str = "_key"
    include_ttl: bool = False
    ttl_column_name: str = "_ttl"
    include_row_index: bool = False
    row_index_column_name: str = "_index"
    row_index_offset: int = 0
    path: str | None = None
    projection: list[str] | None = None

    def with_path(self, path: str) -> Self:
        """Set the JSONPath of the object with the fields."""
        self.path = path
        return self


@dataclass
class StringScanOptions(WithKey, WithValue, WithTtl, WithRowIndexFrom, ScanOptions):
    """Options of ``scan_strings``."""

    include_key: bool = True
    key_column_name: str = "_key"
    value_column_name: str = "value"
    include_ttl: bool = False
    ttl_column_name: str = "_ttl"
    include_row_index: bool = False
    row_index_column_name: str = "_index"
    row_index_offset: int = 0


@dataclass
class SetScanOptions(WithKey, WithMember, WithRowIndex, ScanOptions):
    """Options of ``scan_sets``."""

    include_key: bool = True
    key_column_name: str = "_key"
    member_column_name: str = "member"
    include_row_index: bool = False
    row_index_column_name: str = "_index"


@dataclass
class ListScanOptions(WithKey, WithRowIndex, ScanOptions):
    """Options of ``scan_lists``."""

    include_key: bool = True
    key_column_name: str = "_key"
    element_column_name: str = "element"
    include_position: bool = False
    position_column_name: str = "position"
    include_row_index: bool = False
    row_index_column_name: str = "_index"

    def with_element_column_name(self, name: str) -> Self:
        """Set the name of the column with the element."""
        self.element_column_name = name
        return self

    def with_position(self, include: bool = True, name: str | None = None) -> Self:
        """Set whether there is a column with the position, and its name."""
        self.include_position = include
        if name is not None:
            self.position_column_name = name
        return self


@dataclass
class ZSetScanOptions(WithKey, WithMember, WithRowIndex, ScanOptions):
    """Options of ``scan_zsets``."""

    include_key: bool = True
    key_column_name: str = "_key"
    member_column_name: str = "member"
    score_column_name: str = "score"
    include_rank: bool = False
    rank_column_name: str = "rank"
    include_row_index: bool = False
    row_index_column_name: str = "_index"

    def with_score_column_name(self, name: str) -> Self:
        """Set the name of the column with the score."""
        self.score_column_name = name
        return self

    def with_rank(self, include: bool = True, name: str | None = None) -> Self:
        """Set whether there is a column with the rank, and its name."""
        self.include_rank = include
        if name is not None:
            self.rank_column_name = name
        return self


@dataclass
class StreamScanOptions(WithKey, WithRowIndex, ScanOptions):
    """Options of ``scan_streams``; ``fields`` names the fields to read."""

    include_key: bool = True
    key_column_name: str = "_key"
    include_id: bool = True
    include_timestamp: bool = True
    include_sequence: bool = False
    include_row_index: bool = False
    row_index_column_name: str = "_index"
    start_id: str = "-"
    end_id: str = "+"
    count_per_stream: int | None = None
    fields: list[str] | None = None

    def with_id(self, include: bool = True) -> Self:
        """Set whether there is a column with the entry's ID."""
        self.include_id = include
        return self

    def with_timestamp(self, include: bool = True) -> Self:
        """Set whether there is a column with the entry's time."""
        self.include_timestamp = include
        return self

    def with_sequence(self, include: bool = True) -> Self:
        """Set whether there is a column with the entry's sequence number."""
        self.include_sequence = include
        return self

    def with_range(self, start_id: str = "-", end_id: str = "+") -> Self:
        """Set the first and the last ID."""
        self.start_id, self.end_id = start_id, end_id
        return self

    def with_count_per_stream(self, count: int) -> Self:
        """Set the most entries of each stream."""
        self.count_per_stream = count
        return self

    def with_fields(self, fields: list[str]) -> Self:
        """Set the fields to read."""
        self.fields = fields
        return self


@dataclass
class TimeSeriesScanOptions(WithKey, WithValue, WithRowIndex, ScanOptions):
    """Options of ``scan_timeseries``."""

    include_key: bool = True
    key_column_name: str = "_key"
    timestamp_column_name: str = "_ts"
    value_column_name: str = "value"
    include_row_index: bool = False
    row_index_column_name: str = "_index"
    start: str = "-"
    end: str = "+"
    count_per_series: int | None = None
    aggregation: str | None = None
    bucket_size_ms: int | None = None

    def with_timestamp_column_name(self, name: str) -> Self:
        """Set the name of the column with the time."""
        self.timestamp_column_name = name
        return self

    def with_range(self, start: str = "-", end: str = "+") -> Self:
        """Set the first and the last time."""
        self.start, self.end = start, end
        return self

    def with_count_per_series(self, count: int) -> Self:
        """Set the most samples of each series."""
        self.count_per_series = count
        return self

    def with_aggregation(self, agg_type: str, bucket_size_ms: int) -> Self:
        """Set the aggregation, such as ``avg``, and the width of its buckets."""
        self.aggregation, self.bucket_size_ms = agg_type, bucket_size_ms
        return self
