"""The cache by the names of polars-redis."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.compat import polars_redis as shim

LARGE = pl.DataFrame({"n": range(400_000)})
SMALL = pl.DataFrame({"n": [1, 2, 3]})


@pytest.mark.parametrize("format", ["ipc", "parquet"])
@pytest.mark.parametrize("chunk_size_mb", [None, 0, 1])
def test_a_small_frame_takes_the_place_of_a_large_one(
    url: str, format: Any, chunk_size_mb: int | None
) -> None:
    """B12: it had 400,000 rows when it was read back."""
    shim.cache_dataframe(LARGE, url, "k", chunk_size_mb=chunk_size_mb)
    info = shim.cache_info(url, "k")
    assert info is not None
    assert info["is_chunked"] == (chunk_size_mb == 1)
    assert (info["rows"], info["columns"], info["ttl"]) == (400_000, ["n"], None)
    shim.cache_dataframe(SMALL, url, "k", format=format, compression="uncompressed", ttl=600)
    # B12: Parquet was not read without being told.
    assert SMALL.equals(shim.get_cached_dataframe(url, "k"))  # type: ignore[arg-type]
    assert shim.get_cached_dataframe(url, "k", format=format, columns=["n"], n_rows=1) is not None
    ttl = shim.cache_ttl(url, "k")
    assert ttl is not None
    assert 500 < ttl <= 600
    assert shim.scan_cached(url, "k").collect().equals(SMALL)  # type: ignore[union-attr]
    assert shim.cache_exists(url, "k")
    assert shim.delete_cached(url, "k")
    assert shim.cache_info(url, "k") is None
    assert shim.cache_ttl(url, "k") is None


def test_decorators(url: str, redis_client: redis.Redis) -> None:
    ran = []

    @shim.cache(url, ttl=60, compression="lz4", chunk_size_mb=1)
    def load(frame: pl.DataFrame) -> pl.DataFrame:
        """Load it."""
        ran.append(frame.height)
        return frame.select(pl.col("n").sum())

    @shim.cache_lazy(url)
    def lazily(n: int) -> pl.LazyFrame:
        ran.append(n)
        return pl.LazyFrame({"n": range(n)})

    # B12: a DataFrame as argument was a TypeError.
    assert load(SMALL)["n"].item() == load(SMALL)["n"].item() == 6
    assert load(SMALL, _cache_skip=True)["n"].item() == 6
    assert lazily(7).collect().height == lazily(7).collect().height == 7
    assert ran == [3, 3, 7]
    assert load.is_cached(SMALL)
    assert load.cache_key_for(SMALL).startswith("polars_redis:cache:")
    assert load.invalidate(SMALL)
    with pytest.raises(gf.OptionError, match="returned int"):
        shim.cache(url)(lambda: 1)()  # type: ignore[arg-type, return-value]
