"""Keyspaces for differential tests: strategies that think of them, and what writes them.

Values stand on edges: binary, empty, long, numbers that just fit. Collections stay small; the
servers of these tests have low limits instead (``LIMITS``), so that five elements make a hash
table, a skiplist or a quicklist of several nodes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl
import redis
from hypothesis import settings
from hypothesis import strategies as st

LIMITS = {
    "hash-max-listpack-entries": 4,
    "set-max-listpack-entries": 4,
    "set-max-intset-entries": 4,
    "zset-max-listpack-entries": 4,
    "list-max-listpack-size": 4,
    "stream-node-max-entries": 3,
}
"""Elements that a small encoding takes."""

Expiry = Literal["none", "past", "later"]
LATER_MS = 10_000_000


@dataclass(frozen=True)
class Key:
    """What a key holds: redis' name of the type, and the elements in Python's own types."""

    kind: str
    value: Any
    expiry: Expiry


Keyspace = Mapping[bytes, Key]

EDGES = [
    b"", b"0", b"-0", b"007", b"+7", b"-7", b"9223372036854775807", b"9223372036854775808",
    b"-9223372036854775808", b"-9223372036854775809", b"1.5", b"-2e10", b"1e400", b"nan", b"inf",
    b"-inf", b"5e-324", b"true", b"FALSE", b"yes", b"null", b"\xff", b"\xc3", b"\r\n", b"$-1\r\n",
    "żółw 🦀".encode(), b"x" * 65, b"y" * 600,
]  # fmt: skip
LONG_NAME = "n" * 512
NAMES = ["f", "g", "ż", LONG_NAME]
"""Names of fields that schemas ask for."""

KEY_FORM = "user:{id:Int64}:{region}"
KEY_REGEX = rb"user:(.*?):(.*)"
KEY_PARTS = {"id": pl.Int64(), "region": pl.String()}

keys = st.binary(max_size=5) | st.sampled_from([
    b"", b"a", b"b", b"user:1:eu", b"user:2:us", b"user:-9223372036854775808:", b"user:007:eu",
    b"user:9223372036854775808:eu", b"user:x:eu", b"user::eu", b"user:1:eu:west", b"user:1",
    b"user:3:\xff", b"user:\n:\n", b"\xff\xfe", b"*", b"[a]", b"k\r\n", "żółw:🦀".encode(),
])  # fmt: skip
texts = st.sampled_from(EDGES) | st.binary(max_size=6)
names = st.sampled_from([*(name.encode() for name in NAMES), b"", b"\xff", b"_key"]) | st.binary(
    max_size=3
)
scores = (
    st.sampled_from([math.inf, -math.inf, 0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1, 2.0**53])
    | st.integers(-3, 3).map(float)
    | st.floats(allow_nan=False)
)
_milliseconds = st.sampled_from([0, 1, 5, 1_700_000_000_000, 253_402_300_799_999])
_sequences = st.integers(0, 3) | st.just(2**64 - 1)
_ids = st.tuples(_milliseconds, _sequences).filter(lambda pair: pair != (0, 0))
# Pairs, not a dict: an entry may have a field twice.
_entries = st.dictionaries(
    _ids, st.lists(st.tuples(names, texts), min_size=1, max_size=4), max_size=9
)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": texts,
    "hash": st.dictionaries(names, texts, min_size=1, max_size=8),
    "list": st.lists(texts, min_size=1, max_size=12),
    "set": st.sets(texts | st.integers(-3, 9).map(lambda n: b"%d" % n), min_size=1, max_size=9),
    "zset": st.dictionaries(texts, scores, min_size=1, max_size=9),
    "stream": _entries.map(lambda entries: sorted(entries.items())),
}
"""Strategies of what a key of a type holds."""

checked = settings(max_examples=40)
on_errors = st.sampled_from(["null", "skip"])
how = st.fixed_dictionaries(
    {"batch_size": st.sampled_from([1, 3, 50_000]), "scan_count": st.sampled_from([1, 1000])}
)
"""Options that must not change what a scan gives."""


def keyspaces(kind: str | None = None) -> st.SearchStrategy[Keyspace]:
    """Think of keyspaces: keys of one type, with some of the others in between."""
    every = [_key(each) for each in VALUES]
    some = st.one_of(every) if kind is None else st.one_of(_key(kind), _key(kind), *every)
    return st.dictionaries(keys, some, max_size=8)


def _key(kind: str) -> st.SearchStrategy[Key]:
    expiries: Sequence[Expiry] = ("none", "none", "later", "past")
    return st.builds(Key, st.just(kind), VALUES[kind], st.sampled_from(expiries))


def fill(client: redis.Redis, keyspace: Keyspace) -> None:
    """Make the server hold these keys and nothing else; return when the expired have expired."""
    pipeline = client.pipeline(transaction=False)
    pipeline.flushall()
    for key, content in keyspace.items():
        for command in _COMMANDS[content.kind](key, content.value):
            pipeline.execute_command(*command)
        if content.expiry != "none":
            pipeline.pexpire(key, 1 if content.expiry == "past" else LATER_MS)
    pipeline.execute()
    if any(content.expiry == "past" for content in keyspace.values()):
        expired = _microseconds(client) + 3000
        while _microseconds(client) < expired:
            continue


def _microseconds(client: redis.Redis) -> int:
    seconds, rest = client.time()
    return int(seconds) * 1_000_000 + int(rest)


Command = tuple[Any, ...]


def _set(key: bytes, value: bytes) -> list[Command]:
    return [("SET", key, value)]


def _hset(key: bytes, value: Mapping[bytes, bytes]) -> list[Command]:
    return [("HSET", key, *(part for pair in value.items() for part in pair))]


def _rpush(key: bytes, value: Sequence[bytes]) -> list[Command]:
    return [("RPUSH", key, *value)]


def _sadd(key: bytes, value: set[bytes]) -> list[Command]:
    return [("SADD", key, *sorted(value))]


def _zadd(key: bytes, value: Mapping[bytes, float]) -> list[Command]:
    return [("ZADD", key, *(part for m, score in value.items() for part in (repr(score), m)))]


def _xadd(
    key: bytes, value: Sequence[tuple[tuple[int, int], list[tuple[bytes, bytes]]]]
) -> list[Command]:
    commands: list[Command] = []
    for (ms, sequence), pairs in value:
        flat = (part for pair in pairs for part in pair)
        commands.append(("XADD", key, f"{ms}-{sequence}", *flat))
    # A stream can be there without an entry.
    return commands or [("XADD", key, "1-1", "gone", ""), ("XDEL", key, "1-1")]


_COMMANDS = {
    "string": _set, "hash": _hset, "list": _rpush, "set": _sadd, "zset": _zadd, "stream": _xadd,
}  # fmt: skip
