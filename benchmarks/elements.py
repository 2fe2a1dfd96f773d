"""Keys of ten elements each, out of a seed, and the commands that make them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from benchmarks.load import bulk

PER_KEY = 10
"""Elements of a key; a benchmark of a million rows reads 100,000 keys."""

FIELDS = {"name": pl.String(), "visits": pl.Int64()}
"""The fields of a stream's entry."""

DOCUMENT = {f"{kind}{i}": dtype for i in range(2) for kind, dtype in {
    "text": pl.String(), "count": pl.Int64(), "score": pl.Float64(), "flag": pl.Boolean(),
    "big": pl.Int64(),
}.items()}  # fmt: skip
"""The fields of a JSON document."""

_FIRST_MS = 1_700_000_000_000
_CHUNK = 10_000


def rows(keys: int, seed: int) -> Iterator[pl.DataFrame]:
    """Make chunks of ``_key``, ``i`` within the key, and some random values."""
    for start in range(0, keys, _CHUNK):
        # A seed for each chunk, so that a longer run begins with the keys of a shorter one.
        random = np.random.default_rng([seed, start])
        n = min(_CHUNK, keys - start)
        numbers = np.arange(start, start + n).repeat(PER_KEY)
        visits = random.integers(0, 1_000_000, n * PER_KEY)
        yield pl.DataFrame({
            "_key": pl.Series([f"key:{i}" for i in numbers]),
            "i": np.tile(np.arange(PER_KEY), n),
            "visits": visits,
            "score": (random.random(n * PER_KEY) * 1000).round(3),
        })  # fmt: skip


def texts(keys: int, seed: int, name: str) -> Iterator[pl.DataFrame]:
    """Make ``_key`` and an element of that name: a short text, once in its key."""
    for chunk in rows(keys, seed):
        yield chunk.select("_key", pl.format("{}-name{}", "i", "visits").alias(name))


def scored(keys: int, seed: int) -> Iterator[pl.DataFrame]:
    """Make ``_key``, ``member`` and ``score``."""
    for chunk in rows(keys, seed):
        yield chunk.select("_key", pl.format("{}-name{}", "i", "visits").alias("member"), "score")


def entries(keys: int, seed: int, per_key: int = PER_KEY) -> Iterator[pl.DataFrame]:
    """Make ``_key``, ``_id`` and ``_ts`` of a stream's entries, and their fields."""
    for chunk in rows(keys, seed):
        ms = _FIRST_MS + pl.col("i")
        yield chunk.filter(pl.col("i") < per_key).select(
            "_key",
            pl.format("{}-0", ms).alias("_id"),
            ms.cast(pl.Datetime("ms")).alias("_ts"),
            pl.format("name{}", "visits").alias("name"),
            "visits",
        )


def documents(keys: int, seed: int) -> Iterator[pl.DataFrame]:
    """Make ``_key`` and the fields of a document."""
    for chunk in rows(keys, seed):
        fields = {
            "text": pl.format("name{}", "visits"),
            "count": pl.col("visits"),
            "score": pl.col("score"),
            "flag": pl.col("visits") % 2 == 0,
            "big": pl.col("visits") * 1_000_000_007,
        }
        made = chunk.select("_key", "i", **fields)
        two = [made.filter(pl.col("i") == i).drop("i", "_key") for i in range(2)]
        named = [each.rename(lambda name, i=i: f"{name}{i}") for i, each in enumerate(two)]  # type: ignore[misc]
        key = made.filter(pl.col("i") == 0).select("_key")
        yield pl.concat([key, *named], how="horizontal").select("_key", *DOCUMENT)


def grouped(name: str, chunk: pl.DataFrame) -> pl.Series:
    """Encode ``NAME key value … value …``: all rows of a key in one command."""
    values = [column for column in chunk.columns if column != "_key"]
    head = f"*{2 + PER_KEY * len(values)}\r\n${len(name)}\r\n{name}\r\n"
    row = pl.concat_str([bulk(pl.col(value).cast(pl.String)) for value in values]).str.join("")
    of_key = chunk.group_by("_key", maintain_order=True).agg(row.alias("row"))
    return of_key.select(pl.concat_str(pl.lit(head), bulk(pl.col("_key")), "row")).to_series()


def xadd(chunk: pl.DataFrame) -> pl.Series:
    """Encode ``XADD key id field value …`` for each row."""
    parts = [pl.lit(f"*{3 + 2 * len(FIELDS)}\r\n$4\r\nXADD\r\n"), bulk(pl.col("_key"))]
    parts.append(bulk(pl.col("_id")))
    for name in FIELDS:
        parts += [bulk(pl.lit(name)), bulk(pl.col(name).cast(pl.String))]
    return chunk.select(pl.concat_str(parts)).to_series()


def json_set(chunk: pl.DataFrame) -> pl.Series:
    """Encode ``JSON.SET key $ document`` for each row."""
    text = chunk.select("_key", text=pl.struct(*DOCUMENT).struct.json_encode())
    head = pl.lit("*4\r\n$8\r\nJSON.SET\r\n")
    parts = [head, bulk(pl.col("_key")), bulk(pl.lit("$")), bulk(pl.col("text"))]
    return text.select(pl.concat_str(parts)).to_series()
