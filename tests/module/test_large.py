"""Values that are read in several holds of the server's lock."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import redis

from tests.module.gears import connect, fill, send
from tests.servers.patience import PATIENCE, wait_until
from tests.servers.server import Server

ELEMENTS = 5000

MAKE: dict[str, Callable[[redis.Redis, str], object]] = {
    "set": lambda client, key: client.sadd(key, *range(ELEMENTS)),
    "zset": lambda client, key: client.zadd(key, {str(n): n for n in range(ELEMENTS)}),
    "hash": lambda client, key: client.hset(key, mapping={str(n): n for n in range(ELEMENTS)}),
    "list": lambda client, key: client.rpush(key, *range(ELEMENTS)),
    "stream": lambda client, key: send(client, STREAM % (ELEMENTS, key)),
}
STREAM = "for n in range(%d): execute('XADD', '%s', f'{n + 1}-0', 'n', n)"

LENGTHS = "GB().map(lambda r: [r['type'], len(r['value'])]).run('part:*', convertToStr=False)"


def test_a_key_that_goes_away_while_it_is_read_leaves_no_part_of_itself(
    module_server: Server, module_url: str
) -> None:
    with connect(module_server) as client:
        for kind, make in MAKE.items():
            make(client, f"whole:{kind}")
    over = threading.Event()

    def come_and_go() -> None:
        with connect(module_server) as client:
            while not over.is_set():
                for kind in MAKE:
                    # Each in one command: there is all of it, or nothing.
                    client.copy(f"whole:{kind}", f"part:{kind}", replace=True)
                    client.delete(f"part:{kind}")

    writer = threading.Thread(target=come_and_go)
    writer.start()
    try:
        with connect(module_server) as client:
            for _ in range(60):
                found, errors = send(client, LENGTHS)
                assert errors == []
                assert all(length == ELEMENTS for _, length in found), found
    finally:
        over.set()
        writer.join(PATIENCE)


CHECK = """
import hashlib
def digest(r):
    value = r['value']
    if isinstance(value, dict):
        value = sorted(value.items())
    if isinstance(value, set):
        value = sorted(value)
    return hashlib.sha256(repr(value).encode()).hexdigest() + ' ' + type(r['value']).__name__
GB().map(digest).run('large', noScan=True)
"""

READ = {
    "string": "execute('GET', 'large')",
    "bytes": "execute('GET', 'large')",
    "hash": "execute('HGETALL', 'large')",
    "list": "execute('LRANGE', 'large', 0, -1)",
    "set": "set(execute('SMEMBERS', 'large'))",
    "zset": "execute('ZRANGE', 'large', 0, -1, 'WITHSCORES')",
}
AS_RECORD = {
    "hash": "dict(zip(value[::2], value[1::2]))",
    "zset": "{m: float(s) for m, s in zip(value[::2], value[1::2])}",
}
LONG = 20_000
LARGE: dict[str, Callable[[redis.Redis], object]] = {
    "string": lambda client: client.set("large", "é" + "x" * 3_000_000),
    "bytes": lambda client: client.set("large", b"\xff" + b"x" * 3_000_000),
    "hash": lambda client: client.hset(
        "large", mapping={f"f{n}": f"{n}" * LONG for n in range(99)}
    ),
    "list": lambda client: client.rpush("large", *[f"{n}" * LONG for n in range(99)]),
    "set": lambda client: client.sadd("large", *[f"{n}" * LONG for n in range(99)]),
    "zset": lambda client: client.zadd("large", {f"{n}" * LONG: n / 2 for n in range(99)}),
}


@pytest.mark.parametrize("kind", LARGE)
def test_few_long_elements_are_read_as_they_are(
    module_server: Server, module_url: str, kind: str
) -> None:
    with connect(module_server) as client:
        LARGE[kind](client)
        whole = AS_RECORD.get(kind, "value")
        direct = f"value = {READ[kind]}\ndef one():\n    yield {{'value': {whole}}}\n"
        direct += CHECK.replace("GB()", "GB('PythonReader')").replace(
            "run('large', noScan=True)", "run(one)"
        )
        assert send(client, CHECK) == send(client, direct)


def test_few_long_entries_of_a_stream_are_read_as_they_are(
    module_server: Server, module_url: str
) -> None:
    with connect(module_server) as client:
        for number in range(99):
            client.xadd("large", {"text": f"{number}" * LONG}, id=f"{number + 1}-0")
        script = (
            "GB().map(lambda r: [e['value']['text'][:2] for e in r['value']])"
            ".map(str).run('large', noScan=True)"
        )
        expected = str([f"{number}{number}"[:2] for number in range(99)])
        assert send(client, script) == [[expected.encode()], []]


def test_a_stream_without_entries_is_there(module_server: Server, module_url: str) -> None:
    with connect(module_server) as client:
        client.xadd("stream", {"a": 1}, id="1-1")
        client.xdel("stream", "1-1")
        assert send(client, "GB().map(lambda r: r['value']).run('stream')") == [[b"[]"], []]


def test_a_string_that_changes_is_read_as_it_was_at_one_moment(
    module_server: Server, module_url: str
) -> None:
    over = threading.Event()
    size = 2_000_000

    def change() -> None:
        with connect(module_server) as client:
            number = 0
            while not over.is_set():
                client.set("text", chr(65 + number % 26) * (size + number % 3 * 300_000))
                number += 1

    script = "GB().map(lambda r: [len(set(r['value'])), len(r['value'])]).run('text')"
    with connect(module_server) as client:
        writer = threading.Thread(target=change)
        writer.start()
        try:
            wait_until(lambda: client.exists("text"))
            for _ in range(20):
                [answer], errors = send(client, script)
                assert errors == []
                assert answer in [b"[1, %d]" % (size + more * 300_000) for more in range(3)]
        finally:
            over.set()
            writer.join(PATIENCE)


def test_what_a_user_may_not_run_is_refused_for_long_values_too(
    module_server: Server, module_url: str
) -> None:
    with connect(module_server) as client:
        client.set("long:text", "x" * 1_000_000)
        client.hset("long:hash", mapping={f"f{n}": n for n in range(2000)})
        fill(client, 1, prefix="long:small")
        rules = ("reset", "on", ">pass", "~long:*", "+rg.pyexecute")
        for key, command in (("long:text", "get"), ("long:hash", "hscan")):
            client.execute_command("ACL", "SETUSER", "few", *rules)
            script = f"GB().map(lambda r: len(r['value'])).run('{key}', noScan=True)"
            with connect(module_server, username="few", password="pass") as few:
                results, [error] = send(few, script)
                assert results == []
                assert b"NOPERM" in error
                assert command.encode() in error
                client.execute_command("ACL", "SETUSER", "few", f"+{command}")
                assert send(few, script)[1] == []
        client.execute_command("ACL", "DELUSER", "few")


@pytest.mark.servers("valkey91_gears")
def test_a_user_of_one_database_reads_long_values_there(
    module_server: Server, module_url: str
) -> None:
    with connect(module_server) as client:
        client.set("long:text", "x" * 1_000_000)
        client.hset("long:hash", mapping={f"f{n}": n for n in range(2000)})
        client.execute_command(
            "ACL", "SETUSER", "few", "reset", "on", ">pass", "~*", "+@all", "db=0"
        )
        with connect(module_server, username="few", password="pass") as few:
            for key, length in (("long:text", b"1000000"), ("long:hash", b"2000")):
                script = f"GB().map(lambda r: len(r['value'])).run('{key}', noScan=True)"
                assert send(few, script) == [[length], []]
        client.execute_command("ACL", "DELUSER", "few")


def test_a_user_of_smembers_alone_reads_sets_unnoticed(
    module_server: Server, module_url: str
) -> None:
    with connect(module_server) as client:
        client.sadd("long:set", *range(100))
        rules = ("reset", "on", ">pass", "~long:*", "+rg.pyexecute", "+smembers")
        client.execute_command("ACL", "SETUSER", "few", *rules)
        client.execute_command("ACL", "LOG", "RESET")
        with connect(module_server, username="few", password="pass") as few:
            script = "GB().map(lambda r: len(r['value'])).run('long:set', noScan=True)"
            assert send(few, script) == [[b"100"], []]
        assert "srandmember" not in str(client.execute_command("ACL", "LOG"))
        client.execute_command("ACL", "DELUSER", "few")
