"""Elements of lists, sets, sorted sets and streams, read in place: what the commands give."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
import redis

from tests.module.gears import connect, send
from tests.servers.server import Server


def _stream(client: redis.Redis, elements: Iterable[bytes]) -> None:
    pipeline = client.pipeline(transaction=False)
    for number, element in enumerate(elements, 1):
        # Some entries have other fields than the first, of which the server keeps the names once.
        more = {"more": element} if number % 3 == 0 else {}
        pipeline.xadd("key", {"text": element, **more}, id=f"{number}-{number}")
    pipeline.execute()


MAKE: dict[str, Callable[[redis.Redis, list[bytes]], object]] = {
    "list": lambda client, elements: client.rpush("key", *elements),
    "set": lambda client, elements: client.sadd("key", *elements),
    "zset": lambda client, elements: client.zadd(
        "key", {element: number / 7 - 50 for number, element in enumerate(elements)}
    ),
    "stream": _stream,
}
READ = {
    "list": "execute('LRANGE', 'key', 0, -1)",
    "set": "set(map(hashable, execute('SMEMBERS', 'key')))",
    "zset": "pairs(execute('ZRANGE', 'key', 0, -1, 'WITHSCORES'), float)",
    "stream": "[{'id': id, 'value': dict(pairs(f, same))} for id, f in "
    "execute('XRANGE', 'key', '-', '+')]",
}
ELEMENTS: dict[str, Callable[[int], bytes]] = {
    "numbers": lambda number: b"%d" % number,
    "short": lambda number: b"element %d" % number,
    "long": lambda number: b"%d " % number + b"x" * 600,
    "no text": lambda number: b"\xff\x00%d" % number,
}
CHECK = """
def same(x):
    return x
def hashable(x):
    return bytes(x) if isinstance(x, bytearray) else x
def pairs(flat, value):
    return [(hashable(m), value(v)) for m, v in zip(flat[::2], flat[1::2])]
def check(r):
    value = list(r['value'].items()) if r['type'] == 'zset' else r['value']
    return [r['type'], value == READ, len(value)]
GB().map(check).run('key', convertToStr=False)
"""


@pytest.mark.parametrize("size", [1, 128, 500, 1001, 3000])
@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("kind", MAKE)
def test_keys_of_all_sizes_are_read_as_they_are(
    module_server: Server, module_url: str, kind: str, element: str, size: int
) -> None:
    with connect(module_server) as client:
        MAKE[kind](client, [ELEMENTS[element](number) for number in range(size)])
        expected = [kind.encode(), 1, size]
        assert send(client, CHECK.replace("READ", READ[kind])) == [[expected], []]


def test_scores_without_an_end(module_server: Server, module_url: str) -> None:
    script = "GB().map(lambda r: str([r['value'][m] for m in 'abc'])).run('key*')"
    with connect(module_server) as client:
        scores = {"a": "-inf", "b": 0.1, "c": "+inf"}
        client.zadd("key:short", scores)
        client.zadd("key:long", {f"member {number}": number for number in range(3000)} | scores)
        assert send(client, script) == [[b"[-inf, 0.1, inf]"] * 2, []]


@pytest.mark.parametrize(
    ("kind", "small", "large"),
    [
        ("list", "lrange", "lrange"),
        ("set", "smembers", "sscan"),
        ("zset", "zrange", "zscan"),
        ("stream", "xrange", "xrange"),
    ],
)
def test_a_user_who_may_not_run_what_would_read_them(
    module_server: Server, module_url: str, kind: str, small: str, large: str
) -> None:
    script = "GB().map(lambda r: len(r['value'])).run('key', noScan=True)"
    rules = ("reset", "on", ">pass", "~*", "+@all")
    with connect(module_server) as client:
        for size, command in ((1, small), (3000, large)):
            client.delete("key")
            MAKE[kind](client, [b"%d" % number for number in range(size)])
            client.execute_command("ACL", "SETUSER", "few", *rules, f"-{command}")
            with connect(module_server, username="few", password="pass") as few:
                results, [error] = send(few, script)
                assert results == []
                assert b"NOPERM" in error
                assert command.encode() in error
                client.execute_command("ACL", "SETUSER", "few", "-@all", f"+{command}")
                client.execute_command("ACL", "SETUSER", "few", "+rg.pyexecute")
                assert send(few, script) == [[b"%d" % size], []]
        client.execute_command("ACL", "DELUSER", "few")
