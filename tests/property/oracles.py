"""What is true, found the slow way: one redis-py command after the other, in plain loops.

One function for each type gives the frame that the scan of that type must give, in any order of
keys. Keys are bytes. Nothing of gearframe is used here, so that the two cannot share a mistake.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import polars as pl
import redis

OnError = Literal["null", "skip"]
Row = list[Any]

_BINARY = pl.Binary()
KEY = {"_key": _BINARY}
_FLOAT = re.compile(rb"[+-]?(\d+(\.\d*)?([eE][+-]?\d+)?|(?P<word>nan|inf|infinity))", re.IGNORECASE)


class MisfitError(Exception):
    """A text that is no value of its dtype."""


# -- values ------------------------------------------------------------------------------------


def convert(raw: bytes | None, dtype: pl.DataType) -> Any:
    """Read a text strictly; docs/values.md says how."""
    if raw is None or dtype == pl.Binary:
        return raw
    return _READERS[type(dtype)](raw)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MisfitError from None


def _integer(raw: bytes) -> int:
    if re.fullmatch(rb"[+-]?\d+", raw) is None or not -(2**63) <= int(raw) < 2**63:
        raise MisfitError
    return int(raw)


def _float(raw: bytes) -> float:
    found = _FLOAT.fullmatch(raw)
    if found is None or (found["word"] is None and math.isinf(float(raw))):
        raise MisfitError
    return float(raw)


def _boolean(raw: bytes) -> bool:
    if raw.lower() not in (b"true", b"false", b"1", b"0"):
        raise MisfitError
    return raw.lower() in (b"true", b"1")


_READERS: dict[type[pl.DataType], Callable[[bytes], Any]] = {
    pl.String: _text,
    pl.Int64: _integer,
    pl.Float64: _float,
    pl.Boolean: _boolean,
}


def _frame(
    rows: Iterator[Row], schema: Mapping[str, pl.DataType], texts: int, on_error: OnError
) -> pl.DataFrame:
    """Make a frame of rows whose last ``texts`` values are still bytes."""
    dtypes = list(schema.values())
    made = []
    for row in rows:
        first = len(row) - texts
        values, fits = row[:first], True
        for raw, dtype in zip(row[first:], dtypes[first:], strict=True):
            try:
                values.append(convert(raw, dtype))
            except MisfitError:
                values.append(None)
                fits = False
        if fits or on_error == "null":
            made.append(values)
    columns: list[list[Any]] = [list(column) for column in zip(*made, strict=True)]
    columns = columns or [[] for _ in schema]
    series = [
        pl.Series(name, values, dtype=pl.Int64, strict=True).cast(dtype)
        if isinstance(dtype, pl.Datetime | pl.Duration)
        else pl.Series(name, values, dtype=dtype, strict=True)
        for (name, dtype), values in zip(schema.items(), columns, strict=True)
    ]
    return pl.DataFrame(series)


def _keys(client: redis.Redis, pattern: bytes | str, kind: str) -> Iterator[bytes]:
    for key in client.keys(pattern):
        if client.type(key) == kind.encode():
            yield key


# -- types -------------------------------------------------------------------------------------


def strings(
    client: redis.Redis, pattern: bytes | str, dtype: pl.DataType, on_error: OnError = "null"
) -> pl.DataFrame:
    rows = ([key, client.get(key)] for key in _keys(client, pattern, "string"))
    return _frame(rows, {**KEY, "value": dtype}, 1, on_error)


def hashes(
    client: redis.Redis,
    pattern: bytes | str,
    schema: Mapping[str, pl.DataType],
    on_error: OnError = "null",
) -> pl.DataFrame:
    def rows() -> Iterator[Row]:
        for key in _keys(client, pattern, "hash"):
            yield [key, *(client.hget(key, name) for name in schema)]

    return _frame(rows(), {**KEY, **schema}, len(schema), on_error)


def fields(
    client: redis.Redis,
    pattern: bytes | str,
    dtype: pl.DataType,
    on_error: OnError = "null",
    *,
    names: pl.DataType = _BINARY,
) -> pl.DataFrame:
    """Read hashes in long format."""

    def rows() -> Iterator[Row]:
        for key in _keys(client, pattern, "hash"):
            for name, value in client.hgetall(key).items():
                yield [key, name, value]

    return _frame(rows(), {**KEY, "field": names, "value": dtype}, 2, on_error)


def sets(
    client: redis.Redis, pattern: bytes | str, dtype: pl.DataType, on_error: OnError = "null"
) -> pl.DataFrame:
    def rows() -> Iterator[Row]:
        for key in _keys(client, pattern, "set"):
            for member in client.smembers(key):
                yield [key, member]

    return _frame(rows(), {**KEY, "member": dtype}, 1, on_error)


def lists(
    client: redis.Redis,
    pattern: bytes | str,
    dtype: pl.DataType,
    on_error: OnError = "null",
    *,
    start: int = 0,
    end: int = -1,
) -> pl.DataFrame:
    """Read lists with positions, which count from the front whatever the range is."""

    def rows() -> Iterator[Row]:
        for key in _keys(client, pattern, "list"):
            length = client.llen(key)
            first = max(0, start + length if start < 0 else start)
            last = end + length if end < 0 else end
            for position in range(first, min(last, length - 1) + 1):
                yield [key, position, client.lindex(key, position)]

    return _frame(rows(), {**KEY, "position": pl.UInt64(), "element": dtype}, 1, on_error)


def zsets(
    client: redis.Redis,
    pattern: bytes | str,
    dtype: pl.DataType,
    on_error: OnError = "null",
    *,
    ranks: tuple[int, int] = (0, -1),
    scores: tuple[float, float] = (-math.inf, math.inf),
) -> pl.DataFrame:
    """Read sorted sets with ranks, which count from the lowest score whatever the range is."""

    def rows() -> Iterator[Row]:
        for key in _keys(client, pattern, "zset"):
            members = client.zrange(key, 0, -1, withscores=True)
            first, last = (rank + len(members) if rank < 0 else rank for rank in ranks)
            for rank, (member, score) in enumerate(members):
                if first <= rank <= last and scores[0] <= score <= scores[1]:
                    yield [key, rank, score, member]

    schema = {**KEY, "rank": pl.UInt64(), "score": pl.Float64(), "member": dtype}
    return _frame(rows(), schema, 1, on_error)


def streams(
    client: redis.Redis,
    pattern: bytes | str,
    schema: Mapping[str, pl.DataType],
    on_error: OnError = "null",
    *,
    start: str = "-",
    end: str = "+",
    count: int | None = None,
) -> pl.DataFrame:
    """Read streams; of a field that an entry has twice, the last value counts."""

    def rows() -> Iterator[Row]:
        for key in _keys(client, pattern, "stream"):
            for entry_id, values in client.xrange(key, start, end, count):
                ms, sequence = map(int, entry_id.split(b"-"))
                named = [values.get(name.encode()) for name in schema]
                yield [key, entry_id.decode(), ms, sequence, *named]

    head = {"_id": pl.String(), "_ts": pl.Datetime("ms"), "_seq": pl.UInt64()}
    return _frame(rows(), {**KEY, **head, **schema}, len(schema), on_error)


def json_documents(
    client: redis.Redis, pattern: bytes | str, schema: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """Read the fields of JSON documents, which must fit; one without fields gives nulls."""

    def rows() -> Iterator[Row]:
        for key in _keys(client, pattern, "ReJSON-RL"):
            document = json.loads(client.execute_command("JSON.GET", key))
            found = document if isinstance(document, dict) else {}
            yield [key, *(found.get(name) for name in schema)]

    return _frame(rows(), {**KEY, **schema}, 0, "null")


def timeseries(
    client: redis.Redis,
    pattern: bytes | str,
    *,
    labels: Sequence[str] = (),
    arguments: Sequence[str | int] = ("-", "+"),
    only: Callable[[Mapping[str, str]], bool] = lambda labels: True,
) -> pl.DataFrame:
    """Read series; ``arguments`` follow the key in TS.RANGE, ``only`` chooses by labels."""

    def rows() -> Iterator[Row]:
        for key in _keys(client, pattern, "TSDB-TYPE"):
            info = client.execute_command("TS.INFO", key)
            pairs = info[info.index(b"labels") + 1]
            named = {name.decode(): value.decode() for name, value in pairs}
            if only(named):
                for ms, value in client.execute_command("TS.RANGE", key, *arguments):
                    yield [key, ms, float(value), *(named.get(label) for label in labels)]

    head = {"_ts": pl.Datetime("ms"), "value": pl.Float64()}
    named = {label: pl.String() for label in labels}
    return _frame(rows(), {**KEY, **head, **named}, 0, "null")


def keys(client: redis.Redis, pattern: bytes | str) -> pl.DataFrame:
    """Read the keyspace: type, encoding, memory and length of each key."""
    lengths = {
        b"string": client.strlen,
        b"hash": client.hlen,
        b"list": client.llen,
        b"set": client.scard,
        b"zset": client.zcard,
        b"stream": client.xlen,
    }

    def rows() -> Iterator[Row]:
        for key in client.keys(pattern):
            kind, ttl = client.type(key), client.pttl(key)
            encoding, memory = client.object("encoding", key), client.memory_usage(key)
            length = lengths[kind](key)
            yield [key, kind.decode(), ttl if ttl >= 0 else None, encoding.decode(), memory, length]

    head = {"type": pl.String(), "ttl": pl.Duration("ms"), "encoding": pl.String()}
    return _frame(rows(), {**KEY, **head, "memory": pl.Int64(), "length": pl.Int64()}, 0, "null")


# -- what goes with every type -----------------------------------------------------------------


def with_key_parts(
    frame: pl.DataFrame, form: bytes, parts: Mapping[str, pl.DataType], on_error: OnError = "null"
) -> pl.DataFrame:
    """Keep the keys of a form, and put its groups behind the key as columns."""
    found = [re.fullmatch(form, key, re.DOTALL) for key in frame["_key"]]
    rows = ([row, *match.groups()] for row, match in enumerate(found) if match is not None)
    made = _frame(rows, {"row": pl.UInt32(), **parts}, len(parts), on_error)
    kept = frame[made["row"].to_list()].hstack(made.drop("row"))
    return kept.select("_key", *parts, pl.exclude("_key", *parts))


def times_to_live(client: redis.Redis, frame: pl.DataFrame) -> list[int | None]:
    """Ask for the time to live of each row's key, in milliseconds; None where it has none."""
    found = (client.pttl(key) for key in frame["_key"])
    return [ttl if ttl >= 0 else None for ttl in found]
