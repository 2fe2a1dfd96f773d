"""How much of a key is read in one hold of the server's lock, and how much ahead of Python."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.module.gears import connect, send
from tests.servers.server import Server

WALK = """
import _gearframe_host as host
def walk(pattern, no_scan):
    options = {'pattern': pattern.encode(), 'user': 'default', 'db': 0, 'read_value': True}
    return host.walk_open(options | {'no_scan': no_scan, 'need': 'value', 'fields': None})
"""

HOLDS = f"""{WALK}
def size(value):
    if isinstance(value, dict):
        return sum(map(len, value)) + sum(len(v) for v in value.values() if isinstance(v, str))
    return sum(size(v['value']) if isinstance(v, dict) else len(v) for v in value)
def holds(key):
    number, found = walk(key, True), []
    while (batch := host.walk_next(number)) is not None:
        found += batch[0]
    [record] = found
    value = record['value']
    return [len(value), size(value), host.walk_close(number)['holds']]
GB('PythonReader').map(holds).run(lambda: iter(['key']), convertToStr=False)
"""

LONG = 100_000
PIECE = 128 << 10
"""What a hold reads before it stops behind an element."""

AT_A_TIME = {"list": 1, "stream": 1}
"""What a step of a cursor gives is up to the server: all of a place in its table, a handful."""


def _list(client: redis.Redis, start: int, texts: list[str]) -> None:
    client.rpush("key", *texts)


def _stream(client: redis.Redis, start: int, texts: list[str]) -> None:
    pipeline = client.pipeline(transaction=False)
    for number, text in enumerate(texts, start + 1):
        pipeline.xadd("key", {"": text}, id=f"{number}-0")
    pipeline.execute()


ADD: dict[str, Callable[[redis.Redis, int, list[str]], object]] = {
    "list": _list,
    "set": lambda client, start, texts: client.sadd("key", *texts),
    "zset": lambda client, start, texts: client.zadd(
        "key", {text: number for number, text in enumerate(texts, start)}
    ),
    "hash": lambda client, start, texts: client.hset("key", mapping=dict.fromkeys(texts, "")),
    "stream": _stream,
}


def add(client: redis.Redis, kind: str, start: int, number: int, length: int) -> int:
    """Add elements, each another one; how many bytes they have."""
    for first in range(start, start + number, 100):
        numbers = range(first, min(first + 100, start + number))
        ADD[kind](client, first, [f"{each:06}".ljust(length, "x") for each in numbers])
    return number * length


@pytest.mark.parametrize("short", [0, 4, 33, 400, 2000], ids="{} short ones first".format)
@pytest.mark.parametrize("long", [20, 90])
@pytest.mark.parametrize("kind", ADD)
def test_a_hold_ends_when_it_has_read_enough_whatever_came_before(
    module_server: Server, module_url: str, kind: str, short: int, long: int
) -> None:
    with connect(module_server) as client:
        size = add(client, kind, 0, short, 6) + add(client, kind, short, long, LONG)
        [[elements, read, holds]], errors = send(client, HOLDS)
        assert errors == []
        assert (elements, read) == (short + long, size)
        assert holds >= size / (PIECE + AT_A_TIME.get(kind, 14) * LONG)


@pytest.mark.parametrize("kind", ADD)
def test_a_short_key_is_read_in_one_hold(module_server: Server, module_url: str, kind: str) -> None:
    with connect(module_server) as client:
        size = add(client, kind, 0, 400, 400)
        # One finds the key, one reads it.
        holds = 1 if kind == "hash" else 2
        assert send(client, HOLDS) == [[[400, size, holds]], []]


def test_lists_that_the_server_compresses(module_server: Server, module_url: str) -> None:
    with connect(module_server) as client:
        client.config_set("list-compress-depth", 1)
        try:
            size = add(client, "list", 0, 20, LONG)
            before = client.lrange("key", 0, -1)
            [[elements, read, holds]], errors = send(client, HOLDS)
            assert errors == []
            assert (elements, read) == (20, size)
            assert holds >= size / (PIECE + LONG)
            assert client.lrange("key", 0, -1) == before
        finally:
            client.config_set("list-compress-depth", 0)


def test_long_elements_are_not_read_far_ahead(module_server: Server, module_url: str) -> None:
    script = f"""{WALK}
def keys(x):
    number = walk('ahead:*', False)
    records, _ = host.walk_next(number)
    return [len(records), host.walk_close(number)['keys']]
GB('PythonReader').map(keys).run(lambda: iter([1]), convertToStr=False)
"""
    with connect(module_server) as client:
        for number in range(60):
            client.rpush(f"ahead:{number}", *["x" * 2000] * 600)
        # Batches of one list each: the first, the few that may wait, and one that is ready.
        [[records, keys]], errors = send(client, script)
        assert errors == []
        assert records == 1
        assert keys < 30
