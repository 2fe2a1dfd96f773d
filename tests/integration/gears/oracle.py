"""Keys of every type, and the records that they make, read one by one with redis-py."""

from __future__ import annotations

from typing import Any

import redis


def fill(client: redis.Redis) -> None:
    """Make keys of all types, small ones and large ones, some of them not UTF-8."""
    client.set("string", "text")
    client.set("string:é", "é")
    client.set("string:empty", "")
    client.set("string:raw", b"\xff\x00")
    client.set(b"raw:\xff", "value")
    client.hset("hash", mapping={"a": "1", "b": b"\xff", b"\xfe": "raw name", "": "no name"})
    client.hset("big:h", mapping={f"f{i}": i for i in range(6_000)})
    client.rpush("list", "a", "a", b"\xff")
    client.rpush("big:l", *range(30_000))
    client.sadd("set", "a", b"\xff")
    client.sadd("big:s", *range(6_000))
    client.zadd("zset", {"b": 1, "a": 1, "c": -0.5, b"\xff": 2, "inf": float("inf")})
    client.zadd("big:z", {f"m{i}": -i for i in range(6_000)})
    for i in range(250):
        client.xadd("stream", {"n": i, f"f{i}": b"\xff"}, id=f"{i + 1}-1")
    client.xadd("stream:empty", {"a": 1}, id="1-1")
    client.xdel("stream:empty", "1-1")


def naive_records(client: redis.Redis, pattern: str) -> dict[Any, dict[str, Any]]:
    """Read all keys that match, a command each; RESP2 and no decoding in the client."""
    records = {}
    for key in client.scan_iter(match=pattern, count=1000):
        kind = client.type(key).decode()
        value = _VALUES[kind](client, key) if kind in _VALUES else None
        name = _name(key)
        shown = kind if kind in _VALUES else "module"
        records[name] = {"key": name, "value": value, "type": shown, "event": None}
    return records


def _name(raw: bytes) -> Any:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _text(raw: bytes) -> Any:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return bytearray(raw)


_VALUES: dict[str, Any] = {
    "string": lambda client, key: _text(client.get(key)),
    "hash": lambda client, key: {_name(f): _text(v) for f, v in client.hgetall(key).items()},
    "list": lambda client, key: [_text(each) for each in client.lrange(key, 0, -1)],
    "set": lambda client, key: {_name(each) for each in client.smembers(key)},
    "zset": lambda client, key: {
        _name(member): score for member, score in client.zrange(key, 0, -1, withscores=True)
    },
    "stream": lambda client, key: [
        {"id": entry.decode(), "value": {_name(f): _text(v) for f, v in fields.items()}}
        for entry, fields in client.xrange(key)
    ],
}
