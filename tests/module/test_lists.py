"""Lists, which are read in place and in pieces: what is read, and how much in one hold."""

from __future__ import annotations

import threading

import pytest

from tests.module.gears import connect, send
from tests.servers.server import Server

LENGTH = 6000

READ = """
def check(r):
    numbers = [int(x) for x in r['value']]
    return numbers == list(range(numbers[0], numbers[0] - len(numbers), -1))
GB().map(check).run('capped')
"""


def test_a_capped_list_is_read_as_it_was_at_one_moment(
    module_server: Server, module_url: str
) -> None:
    over = threading.Event()

    def push() -> None:
        number = LENGTH
        with connect(module_server) as client:
            while not over.is_set():
                pipeline = client.pipeline(transaction=True)
                pipeline.lpush("capped", number).ltrim("capped", 0, LENGTH - 1).execute()
                number += 1

    with connect(module_server) as client:
        client.lpush("capped", *range(LENGTH))
        writer = threading.Thread(target=push)
        writer.start()
        try:
            for _ in range(20):
                assert send(client, READ) == [[b"True"], []]
        finally:
            over.set()
            writer.join()


HOLDS = """
import _gearframe_host as host
def holds(key):
    options = {'pattern': key.encode(), 'user': 'default', 'db': 0, 'read_value': True}
    options |= {'no_scan': True, 'need': 'value', 'fields': None}
    walk, elements = host.walk_open(options), []
    while (found := host.walk_next(walk)) is not None:
        elements += found[0][0]['value']
    return [len(elements), sum(map(len, elements)), host.walk_close(walk)['holds']]
GB('PythonReader').map(holds).run(lambda: iter(['long']), convertToStr=False)
"""

LONG = 100_000
PIECE = 128 << 10
"""What a hold reads of a list before it stops behind an element."""


@pytest.mark.parametrize("short", [0, 4, 33, 900, 2000], ids="{} short ones first".format)
@pytest.mark.parametrize("long", [20, 300])
def test_a_hold_ends_when_it_has_read_enough_whatever_came_before(
    module_server: Server, module_url: str, short: int, long: int
) -> None:
    with connect(module_server) as client:
        if short:
            client.rpush("long", *["x"] * short)
        for _ in range(long):
            client.rpush("long", "x" * LONG)
        [[elements, size, holds]], errors = send(client, HOLDS)
        assert errors == []
        assert (elements, size) == (short + long, short + long * LONG)
        assert holds >= size / (PIECE + LONG)


def test_a_short_list_is_read_in_one_hold(module_server: Server, module_url: str) -> None:
    with connect(module_server) as client:
        client.rpush("long", *["x" * 400] * 1000)
        # One finds the key, one reads it.
        assert send(client, HOLDS) == [[[1000, 400_000, 2]], []]


@pytest.mark.parametrize("size", [1, 128, 1000, 1001, 3000, 5000])
@pytest.mark.parametrize("length", [0, 10, 600])
def test_lists_of_all_sizes_are_read_as_they_are(
    module_server: Server, module_url: str, size: int, length: int
) -> None:
    elements = [f"{number:{length}}".encode() if length else b"" for number in range(size)]
    elements[-1] = b"\xff\x00"
    whole = "r['value'] == execute('LRANGE', 'list', 0, -1)"
    script = f"GB().map(lambda r: ({whole}, len(r['value']))).map(str).run('list')"
    with connect(module_server) as client:
        client.rpush("list", *elements)
        assert send(client, script) == [[b"(True, %d)" % size], []]


def test_lists_that_the_server_compresses(module_server: Server, module_url: str) -> None:
    with connect(module_server) as client:
        client.config_set("list-compress-depth", 1)
        try:
            client.rpush("long", *["x" * LONG] * 20)
            [[elements, size, holds]], errors = send(client, HOLDS)
            assert errors == []
            assert (elements, size) == (20, 20 * LONG)
            assert holds >= size / (PIECE + LONG)
            assert client.lrange("long", 0, -1) == [b"x" * LONG] * 20
        finally:
            client.config_set("list-compress-depth", 0)


def test_a_user_who_may_not_read_lists(module_server: Server, module_url: str) -> None:
    with connect(module_server) as client:
        client.rpush("short", "secret")
        client.rpush("long", *["x" * 1000] * 2000)
        rules = ("reset", "on", ">pass", "~*", "+@all", "-lrange")
        client.execute_command("ACL", "SETUSER", "few", *rules)
        with connect(module_server, username="few", password="pass") as few:
            for key in ("short", "long"):
                script = f"GB().map(lambda r: len(r['value'])).run('{key}', noScan=True)"
                client.execute_command("ACL", "SETUSER", "few", "-lrange")
                results, [error] = send(few, script)
                assert results == []
                assert b"NOPERM" in error
                assert b"lrange" in error
                client.execute_command("ACL", "SETUSER", "few", "+lrange")
                assert send(few, script)[1] == []
        client.execute_command("ACL", "DELUSER", "few")
