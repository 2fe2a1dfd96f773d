"""The functions that read data, as methods of a client.

Reading knows the client, not the other way: each function is imported when it is first used.
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
    from gearframe.io.lists import ListOptions
    from gearframe.io.options import ScanOptions
    from gearframe.io.sets import SetOptions
    from gearframe.io.streams import StreamOptions
    from gearframe.io.strings import StringOptions
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
