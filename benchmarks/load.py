"""Commands as raw bytes, encoded column by column: for loading, and as ready-made floors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import polars as pl

from benchmarks.data import as_text

if TYPE_CHECKING:
    from benchmarks.floor import Wire

MULTI = b"*1\r\n$5\r\nMULTI\r\n"
EXEC = b"*1\r\n$4\r\nEXEC\r\n"

_BATCH = 5_000


def hset(chunk: pl.DataFrame) -> pl.Series:
    """Encode ``HSET key field value …`` for each row."""
    fields = [name for name in chunk.columns if name != "_key"]
    head = f"*{2 + 2 * len(fields)}\r\n$4\r\nHSET\r\n"
    parts = [pl.lit(head), bulk(pl.col("_key"))]
    for name in fields:
        parts += [pl.lit(f"${len(name.encode())}\r\n{name}\r\n"), bulk(pl.col(name))]
    return as_text(chunk).select(pl.concat_str(parts)).to_series()


def delete(chunk: pl.DataFrame) -> pl.Series:
    """Encode ``DEL key`` for each row."""
    parts = [pl.lit("*2\r\n$3\r\nDEL\r\n"), bulk(pl.col("_key"))]
    return chunk.select(pl.concat_str(parts)).to_series()


def unlink(chunk: pl.DataFrame) -> pl.Series:
    """Encode ``UNLINK key`` for each row."""
    parts = [pl.lit("*2\r\n$6\r\nUNLINK\r\n"), bulk(pl.col("_key"))]
    return chunk.select(pl.concat_str(parts)).to_series()


def rpush(chunk: pl.DataFrame) -> pl.Series:
    """Encode ``RPUSH key element …`` for each key, whose elements are as many rows of texts."""
    lists = chunk.group_by("_key", maintain_order=True).agg(
        n=pl.len() + 2, body=bulk(pl.col("element")).str.join("")
    )
    parts = [
        pl.format("*{}\r\n$5\r\nRPUSH\r\n", "n"), bulk(pl.col("_key")), pl.col("body"),
    ]  # fmt: skip
    return lists.select(pl.concat_str(parts)).to_series()


def set_string(chunk: pl.DataFrame) -> pl.Series:
    """Encode ``SET key value`` for each row."""
    parts = [pl.lit("*3\r\n$3\r\nSET\r\n"), bulk(pl.col("_key")), bulk(pl.col("value"))]
    return as_text(chunk).select(pl.concat_str(parts)).to_series()


def bulk(value: pl.Expr) -> pl.Expr:
    """Encode a text as an argument."""
    return pl.concat_str(
        pl.lit("$"), value.str.len_bytes().cast(pl.String), pl.lit("\r\n"), value, pl.lit("\r\n")
    )


def batches(commands: Iterable[pl.Series]) -> Iterator[bytes]:
    """Join single commands into buffers of some thousand."""
    for series in commands:
        texts = series.to_list()
        for start in range(0, len(texts), _BATCH):
            yield "".join(texts[start : start + _BATCH]).encode()


def transactions(commands: Iterable[pl.Series], rows: int) -> Iterator[bytes]:
    """Join commands into buffers of transactions, each of so many rows."""
    for buffer in _transactions(commands, rows):
        yield b"".join(buffer)


def _transactions(commands: Iterable[pl.Series], rows: int) -> Iterator[list[bytes]]:
    together = max(1, _BATCH // rows)
    for series in commands:
        texts = series.to_list()
        buffer: list[bytes] = []
        for start in range(0, len(texts), rows):
            buffer += [MULTI, "".join(texts[start : start + rows]).encode(), EXEC]
            if len(buffer) >= 3 * together:
                yield buffer
                buffer = []
        if buffer:
            yield buffer


def load(wire: Wire, commands: Iterable[pl.Series]) -> None:
    """Send commands and throw their replies away."""
    wire.send_all(batches(commands))
