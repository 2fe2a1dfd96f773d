"""The rows that are measured, out of a seed: the same seed gives the same rows everywhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

FIELDS = {
    "name": pl.String(),
    "country": pl.String(),
    "age": pl.Int64(),
    "score": pl.Float64(),
    "visits": pl.Int64(),
    "active": pl.Boolean(),
}
"""Six short fields: a server keeps such a hash as one listpack."""

CHUNK = 100_000
"""Rows that are made, encoded and sent at once."""

_COUNTRIES = ["AT", "BR", "DE", "FR", "JP", "KE", "NO", "US"]


def hashes(rows: int, seed: int) -> Iterator[pl.DataFrame]:
    """Make the rows of hashes in chunks: ``_key``, then the fields."""
    for start in range(0, rows, CHUNK):
        # A seed for each chunk, so that a longer run begins with the rows of a shorter one.
        random = np.random.default_rng([seed, start])
        n = min(CHUNK, rows - start)
        number = pl.Series(range(start, start + n), dtype=pl.Int64)
        visits = random.integers(0, 1_000_000, n)
        yield pl.DataFrame(
            {
                "_key": pl.Series([f"user:{i}" for i in number]),
                "name": pl.Series([f"name{v}" for v in visits ^ 0x5A5A]),
                "country": pl.Series(
                    np.take(_COUNTRIES, random.integers(0, 8, n)), dtype=pl.String
                ),
                "age": random.integers(18, 90, n),
                "score": (random.random(n) * 100).round(2),
                "visits": visits,
                "active": random.random(n) < 0.5,
            }
        )


def strings(rows: int, seed: int) -> Iterator[pl.DataFrame]:
    """Make the rows of strings in chunks: ``_key`` and ``value``, an integer."""
    for chunk in hashes(rows, seed):
        yield chunk.select("_key", value="visits")


def lists(rows: int, seed: int) -> Iterator[pl.DataFrame]:
    """Make the rows of lists in chunks: ``_key``, ten neighbours alike, and ``element``, a text."""
    for start, chunk in zip(range(0, rows, CHUNK), hashes(rows, seed), strict=True):
        number = pl.int_range(start, start + pl.len()) // 10
        yield chunk.select(_key=pl.format("list:{}", number), element="name")


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Write every value as the server keeps it."""
    return frame.select(pl.all().cast(pl.String))
