"""Coroutines of sessions that run at the same time: each interpreter has a loop of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import redis

from tests.module.gears import assert_clean, connect, send
from tests.servers.fixtures import FreshServer
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
    for _ in range(100):
        await asyncio.sleep(0)
        await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0.0001))
    return x
GB('PythonReader').map(step).count().run(lambda: iter(range(10)))
"""


def test_a_sub_interpreter_does_without_what_is_of_the_process(module_client: redis.Redis) -> None:
    assert send(module_client, FAST, "ISOLATION", "subinterpreter") == [[b"False"], []]


def test_loops_of_interpreters_do_not_meet(fresh_server: FreshServer) -> None:
    server = fresh_server("valkey91", gears=True)
    with ThreadPoolExecutor() as pool:
        isolations = ["shared", "subinterpreter", "subinterpreter"] * 3
        answers = list(pool.map(lambda each: _run(server, each), isolations))
    assert answers == [[[b"10"], []]] * len(isolations)
    assert_clean(server)


def _run(server: Server, isolation: str) -> object:
    with connect(server, socket_timeout=60) as client:
        return send(client, BUSY, "ISOLATION", isolation)
