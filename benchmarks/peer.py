"""The peer: redis-py with hiredis, used as its documentation says, into the same typed frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import redis

from benchmarks.data import FIELDS

_PAGE = 1000


def read_hashes(client: redis.Redis) -> pl.DataFrame:
    """Pipelined HMGET by pages of 1,000 keys; columns of bytes, cast once at the end."""
    names = list(FIELDS)
    keys: list[bytes] = []
    columns: list[list[bytes | None]] = [[] for _ in names]
    for page in _pages(client):
        pipeline = client.pipeline(transaction=False)
        for key in page:
            pipeline.hmget(key, names)
        keys += page
        for column, values in zip(columns, zip(*pipeline.execute(), strict=True), strict=True):
            column += values
    return _typed({"_key": keys, **dict(zip(names, columns, strict=True))}, FIELDS)


def read_strings(client: redis.Redis) -> pl.DataFrame:
    """MGET by pages of 1,000 keys."""
    keys: list[bytes] = []
    values: list[bytes | None] = []
    for page in _pages(client):
        keys += page
        values += client.mget(page)
    return _typed({"_key": keys, "value": values}, {"value": pl.Int64()})


def write_hashes(client: redis.Redis, frame: pl.DataFrame) -> None:
    """DEL and HSET by transactions of 1,000 rows."""
    for part in frame.iter_slices(_PAGE):
        pipeline = client.pipeline(transaction=True)
        for row in part.with_columns(pl.col("active").cast(pl.String)).iter_rows(named=True):
            key = row.pop("_key")
            pipeline.delete(key)
            pipeline.hset(key, mapping=row)
        pipeline.execute()


def write_lists(client: redis.Redis, frame: pl.DataFrame) -> None:
    """DEL and RPUSH by transactions of 1,000 lists; ``element`` holds all elements of a key."""
    for part in frame.iter_slices(_PAGE):
        pipeline = client.pipeline(transaction=True)
        for key, elements in part.iter_rows():
            pipeline.delete(key)
            pipeline.rpush(key, *elements)
        pipeline.execute()


def _pages(client: redis.Redis) -> Iterator[list[bytes]]:
    cursor = -1
    while cursor != 0:
        cursor, page = client.scan(max(cursor, 0), match="*", count=_PAGE)
        if page:
            yield page


def _typed(columns: dict[str, Any], dtypes: dict[str, pl.DataType]) -> pl.DataFrame:
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Binary))
    return frame.select(pl.all().cast(pl.String)).with_columns(
        pl.col(name) == "true" if dtype == pl.Boolean else pl.col(name).cast(dtype)
        for name, dtype in dtypes.items()
    )
