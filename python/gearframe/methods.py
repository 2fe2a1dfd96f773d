"""The functions that read and write data, as methods of a client.

The functions know the client, not the other way: each is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack, cast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import polars as pl

    from gearframe.client import Client
    from gearframe.infer.fetch import Kind
    from gearframe.infer.result import InferredSchema
    from gearframe.io.hashes import HashOptions
    from gearframe.io.json import JsonOptions
    from gearframe.io.lists import ListOptions
    from gearframe.io.options import ScanOptions
    from gearframe.io.report import WriteReport
    from gearframe.io.sets import SetOptions
    from gearframe.io.streams import StreamOptions
    from gearframe.io.strings import StringOptions
    from gearframe.io.timeseries import TimeSeriesOptions
    from gearframe.io.vectors import VectorOptions
    from gearframe.io.write.hashes import HashWriteOptions
    from gearframe.io.write.json import JsonWriteOptions
    from gearframe.io.write.lists import ListWriteOptions
    from gearframe.io.write.sets import SetWriteOptions
    from gearframe.io.write.streams import StreamWriteOptions
    from gearframe.io.write.strings import StringWriteOptions
    from gearframe.io.write.timeseries import TimeSeriesWriteOptions
    from gearframe.io.write.zsets import ZsetWriteOptions
    from gearframe.io.zsets import ZsetOptions


class ReadMethods:
    """What `Client` can read; each method is the function of the same name."""

    def _client(self) -> Client:
        return cast("Client", self)

    def scan_hashes(
        self, pattern: str | bytes = "*", schema: Any = None, **options: Unpack[HashOptions]
    ) -> pl.LazyFrame:
        """Scan hashes into a LazyFrame; see :func:`gearframe.scan_hashes`."""
        from gearframe.io.hashes import scan_hashes

        return scan_hashes(self._client(), pattern, schema, **options)

    def read_hashes(
        self, pattern: str | bytes = "*", schema: Any = None, **options: Unpack[HashOptions]
    ) -> pl.DataFrame:
        """Read hashes into a DataFrame; see :func:`gearframe.read_hashes`."""
        from gearframe.io.hashes import read_hashes

        return read_hashes(self._client(), pattern, schema, **options)

    def scan_strings(
        self, pattern: str | bytes = "*", dtype: Any = str, **options: Unpack[StringOptions]
    ) -> pl.LazyFrame:
        """Scan strings into a LazyFrame; see :func:`gearframe.scan_strings`."""
        from gearframe.io.strings import scan_strings

        return scan_strings(self._client(), pattern, dtype, **options)

    def read_strings(
        self, pattern: str | bytes = "*", dtype: Any = str, **options: Unpack[StringOptions]
    ) -> pl.DataFrame:
        """Read strings into a DataFrame; see :func:`gearframe.read_strings`."""
        from gearframe.io.strings import read_strings

        return read_strings(self._client(), pattern, dtype, **options)

    def scan_sets(
        self, pattern: str | bytes = "*", dtype: Any = str, **options: Unpack[SetOptions]
    ) -> pl.LazyFrame:
        """Scan sets into a LazyFrame; see :func:`gearframe.scan_sets`."""
        from gearframe.io.sets import scan_sets

        return scan_sets(self._client(), pattern, dtype, **options)

    def read_sets(
        self, pattern: str | bytes = "*", dtype: Any = str, **options: Unpack[SetOptions]
    ) -> pl.DataFrame:
        """Read sets into a DataFrame; see :func:`gearframe.read_sets`."""
        from gearframe.io.sets import read_sets

        return read_sets(self._client(), pattern, dtype, **options)

    def scan_lists(
        self, pattern: str | bytes = "*", dtype: Any = str, **options: Unpack[ListOptions]
    ) -> pl.LazyFrame:
        """Scan lists into a LazyFrame; see :func:`gearframe.scan_lists`."""
        from gearframe.io.lists import scan_lists

        return scan_lists(self._client(), pattern, dtype, **options)

    def read_lists(
        self, pattern: str | bytes = "*", dtype: Any = str, **options: Unpack[ListOptions]
    ) -> pl.DataFrame:
        """Read lists into a DataFrame; see :func:`gearframe.read_lists`."""
        from gearframe.io.lists import read_lists

        return read_lists(self._client(), pattern, dtype, **options)

    def scan_zsets(
        self, pattern: str | bytes = "*", dtype: Any = str, **options: Unpack[ZsetOptions]
    ) -> pl.LazyFrame:
        """Scan sorted sets into a LazyFrame; see :func:`gearframe.scan_zsets`."""
        from gearframe.io.zsets import scan_zsets

        return scan_zsets(self._client(), pattern, dtype, **options)

    def read_zsets(
        self, pattern: str | bytes = "*", dtype: Any = str, **options: Unpack[ZsetOptions]
    ) -> pl.DataFrame:
        """Read sorted sets into a DataFrame; see :func:`gearframe.read_zsets`."""
        from gearframe.io.zsets import read_zsets

        return read_zsets(self._client(), pattern, dtype, **options)

    def scan_streams(
        self, pattern: str | bytes = "*", schema: Any = None, **options: Unpack[StreamOptions]
    ) -> pl.LazyFrame:
        """Scan streams into a LazyFrame; see :func:`gearframe.scan_streams`."""
        from gearframe.io.streams import scan_streams

        return scan_streams(self._client(), pattern, schema, **options)

    def read_streams(
        self, pattern: str | bytes = "*", schema: Any = None, **options: Unpack[StreamOptions]
    ) -> pl.DataFrame:
        """Read streams into a DataFrame; see :func:`gearframe.read_streams`."""
        from gearframe.io.streams import read_streams

        return read_streams(self._client(), pattern, schema, **options)

    def scan_timeseries(
        self, pattern: str | bytes = "*", **options: Unpack[TimeSeriesOptions]
    ) -> pl.LazyFrame:
        """Scan time series into a LazyFrame; see :func:`gearframe.scan_timeseries`."""
        from gearframe.io.timeseries import scan_timeseries

        return scan_timeseries(self._client(), pattern, **options)

    def read_timeseries(
        self, pattern: str | bytes = "*", **options: Unpack[TimeSeriesOptions]
    ) -> pl.DataFrame:
        """Read time series into a DataFrame; see :func:`gearframe.read_timeseries`."""
        from gearframe.io.timeseries import read_timeseries

        return read_timeseries(self._client(), pattern, **options)

    def scan_vectors(
        self, pattern: str | bytes, dim: int, **options: Unpack[VectorOptions]
    ) -> pl.LazyFrame:
        """Scan vector sets into a LazyFrame; see :func:`gearframe.scan_vectors`."""
        from gearframe.io.vectors import scan_vectors

        return scan_vectors(self._client(), pattern, dim, **options)

    def read_vectors(
        self, pattern: str | bytes, dim: int, **options: Unpack[VectorOptions]
    ) -> pl.DataFrame:
        """Read vector sets into a DataFrame; see :func:`gearframe.read_vectors`."""
        from gearframe.io.vectors import read_vectors

        return read_vectors(self._client(), pattern, dim, **options)

    def scan_keys(self, pattern: str | bytes = "*", **options: Unpack[ScanOptions]) -> pl.LazyFrame:
        """Scan the keyspace into a LazyFrame; see :func:`gearframe.scan_keys`."""
        from gearframe.io.keys import scan_keys

        return scan_keys(self._client(), pattern, **options)

    def read_keys(self, pattern: str | bytes = "*", **options: Unpack[ScanOptions]) -> pl.DataFrame:
        """Read the keyspace into a DataFrame; see :func:`gearframe.read_keys`."""
        from gearframe.io.keys import read_keys

        return read_keys(self._client(), pattern, **options)

    def infer_schema(
        self,
        pattern: str | bytes = "*",
        kind: Kind | None = None,
        *,
        sample: int = 1000,
        seed: int | None = None,
        keys: Iterable[str | bytes] | None = None,
        reserved: Collection[str] | None = None,
    ) -> InferredSchema:
        """Infer a schema from a sample of keys; see :func:`gearframe.infer_schema`."""
        from gearframe.infer.infer import infer_schema

        return infer_schema(
            self._client(), pattern, kind, sample=sample, seed=seed, keys=keys, reserved=reserved
        )

    def scan_json(
        self, pattern: str | bytes = "*", schema: Any = None, **options: Unpack[JsonOptions]
    ) -> pl.LazyFrame:
        """Scan JSON documents into a LazyFrame; see :func:`gearframe.scan_json`."""
        from gearframe.io.json import scan_json

        return scan_json(self._client(), pattern, schema, **options)

    def read_json(
        self, pattern: str | bytes = "*", schema: Any = None, **options: Unpack[JsonOptions]
    ) -> pl.DataFrame:
        """Read JSON documents into a DataFrame; see :func:`gearframe.read_json`."""
        from gearframe.io.json import read_json

        return read_json(self._client(), pattern, schema, **options)


class WriteMethods:
    """What `Client` can write; each method is the function of the same name."""

    def write_hashes(
        self, frame: pl.DataFrame | pl.LazyFrame, **options: Unpack[HashWriteOptions]
    ) -> WriteReport:
        """Write a frame as hashes; see :func:`gearframe.write_hashes`."""
        from gearframe.io.write.hashes import write_hashes

        return write_hashes(frame, cast("Client", self), **options)

    def write_strings(
        self, frame: pl.DataFrame | pl.LazyFrame, **options: Unpack[StringWriteOptions]
    ) -> WriteReport:
        """Write a frame as strings; see :func:`gearframe.write_strings`."""
        from gearframe.io.write.strings import write_strings

        return write_strings(frame, cast("Client", self), **options)

    def write_json(
        self, frame: pl.DataFrame | pl.LazyFrame, **options: Unpack[JsonWriteOptions]
    ) -> WriteReport:
        """Write a frame as JSON documents; see :func:`gearframe.write_json`."""
        from gearframe.io.write.json import write_json

        return write_json(frame, cast("Client", self), **options)

    def write_lists(
        self, frame: pl.DataFrame | pl.LazyFrame, **options: Unpack[ListWriteOptions]
    ) -> WriteReport:
        """Write a frame as lists; see :func:`gearframe.write_lists`."""
        from gearframe.io.write.lists import write_lists

        return write_lists(frame, cast("Client", self), **options)

    def write_sets(
        self, frame: pl.DataFrame | pl.LazyFrame, **options: Unpack[SetWriteOptions]
    ) -> WriteReport:
        """Write a frame as sets; see :func:`gearframe.write_sets`."""
        from gearframe.io.write.sets import write_sets

        return write_sets(frame, cast("Client", self), **options)

    def write_streams(
        self, frame: pl.DataFrame | pl.LazyFrame, **options: Unpack[StreamWriteOptions]
    ) -> WriteReport:
        """Write a frame as streams; see :func:`gearframe.write_streams`."""
        from gearframe.io.write.streams import write_streams

        return write_streams(frame, cast("Client", self), **options)

    def write_timeseries(
        self, frame: pl.DataFrame | pl.LazyFrame, **options: Unpack[TimeSeriesWriteOptions]
    ) -> WriteReport:
        """Write a frame as time series; see :func:`gearframe.write_timeseries`."""
        from gearframe.io.write.timeseries import write_timeseries

        return write_timeseries(frame, cast("Client", self), **options)

    def write_zsets(
        self, frame: pl.DataFrame | pl.LazyFrame, **options: Unpack[ZsetWriteOptions]
    ) -> WriteReport:
        """Write a frame as sorted sets; see :func:`gearframe.write_zsets`."""
        from gearframe.io.write.zsets import write_zsets

        return write_zsets(frame, cast("Client", self), **options)
