"""Coroutines of sessions that run at the same time: each interpreter has a loop of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tests.module.gears import assert_clean, connect, send
from tests.servers.fixtures import FreshServer
from tests.servers.patience import wait_until
from tests.servers.server import Server

# The fast part of asyncio in Python 3.11 has one "running loop" for all interpreters.
FAST = """
import sys, asyncio
def fast():
    yield '_asyncio' in sys.modules and sys.version_info < (3, 13)
GB('PythonReader').run(fast)
"""

BUSY = """
async def step(x):
    for _ in range(40):
        await asyncio.sleep(0)
        await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0.0001))
    return x
GB('PythonReader').map(step).count().run(lambda: iter(range(5)))
"""


def test_a_sub_interpreter_does_without_what_is_of_the_process(module_client: redis.Redis) -> None:
    assert send(module_client, FAST, "ISOLATION", "subinterpreter") == [[b"False"], []]


def test_loops_of_interpreters_do_not_meet(fresh_server: FreshServer) -> None:
    server = fresh_server("valkey91", gears=True)
    with ThreadPoolExecutor() as pool:
        isolations = ["shared", "subinterpreter", "subinterpreter"] * 3
        answers = list(pool.map(lambda each: _run(server, each), isolations))
    assert answers == [[[b"5"], []]] * len(isolations)
    assert_clean(server)


def _run(server: Server, isolation: str) -> object:
    with connect(server, socket_timeout=60) as client:
        return send(client, BUSY, "ISOLATION", isolation)


POLLER = """
async def poll():
    while True:
        execute('INCR', 'polls:{name}')
        await asyncio.sleep(0.001)
runCoroutine(poll())
"""


@pytest.mark.parametrize("isolation", ["shared", "subinterpreter"])
def test_coroutines_that_a_script_leaves_behind_keep_its_session(
    module_client: redis.Redis, isolation: str
) -> None:
    script = """
async def later():
    while execute('GET', 'go') is None:
        await asyncio.sleep(0.01)
    execute('SET', 'went', 1)
runCoroutine(later())
"""
    client = module_client
    assert send(client, script, "ID", "later", "ISOLATION", isolation) == b"OK"
    assert b"later" in sessions(client)
    client.set("go", 1)
    wait_until(lambda: client.exists("went"))
    wait_until(lambda: b"later" not in sessions(client))


@pytest.mark.parametrize("isolation", ["shared", "subinterpreter"])
def test_an_upgrade_ends_the_coroutines_of_what_it_replaces(
    module_client: redis.Redis, isolation: str
) -> None:
    client = module_client
    for name in ("one", "two"):
        options = ("ID", "poller", "UPGRADE", "ISOLATION", isolation)
        assert send(client, POLLER.format(name=name), *options) == b"OK"
        wait_until(lambda name=name: client.exists(f"polls:{name}"))
    wait_until(lambda: b"poller" not in sessions(client, "DEAD"))
    polls, before = client.mget("polls:one", "polls:two")
    wait_until(lambda: client.get("polls:two") != before)
    assert client.get("polls:one") == polls
    assert send(client, "1", "ID", "poller", "UPGRADE") == b"OK"
    wait_until(lambda: b"poller" not in sessions(client) + sessions(client, "DEAD"))


def test_coroutines_of_a_script_that_fails_end(module_client: redis.Redis) -> None:
    script = POLLER.format(name="lost") + "1 / 0"
    with pytest.raises(redis.ResponseError, match="division by zero"):
        send(module_client, script, "ID", "lost")
    wait_until(lambda: b"lost" not in sessions(module_client, "DEAD"))


def sessions(client: redis.Redis, *options: str) -> list[bytes]:
    return [each[1] for each in client.execute_command("RG.PYDUMPSESSIONS", *options)]
