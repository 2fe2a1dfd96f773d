"""A thousand executions leave nothing behind: no memory, no thread, no file."""

from __future__ import annotations

import sys

import pytest
import redis

from tests.module.gears import (
    assert_clean,
    connect,
    files_of,
    fill,
    names_of_threads,
    resident,
    send,
    threads_of,
)
from tests.servers.fixtures import FreshServer
from tests.servers.patience import wait_until
from tests.servers.pythons import Environment
from tests.servers.server import Server

SHARED = (
    "GB().map(lambda r: r['value']['number']).run('key:*')",
    "GB('PythonReader').flatmap(lambda x: ['text'] * 100).run(lambda: iter([1]))",
    "def one():\n    yield execute('HGETALL', 'key:1')\nGB('PythonReader').run(one)",
    "with atomic():\n    execute('INCR', 'count')",
    "raise ValueError('x' * 1000)",
    "async def wait(r):\n    await asyncio.sleep(0)\n    return r\nGB().map(wait).run('key:1*')",
    "class A: pass\na = A(); a.a = a\nx = ['y' * 1000 for _ in range(100)]",
)

# What 1,000 executions may cost for good: pools of malloc that are fragmented, not what they hold.
# An execution that leaked its records (100 of them, 30 kB) would leave 30 MB.
MOST = 10 << 20


def current(client: redis.Redis) -> int:
    found = client.execute_command("RG.PYSTATS")
    return int(dict(zip(found[::2], found[1::2], strict=True))[b"CurrAllocated"])


def run_all(client: redis.Redis, rounds: int, *options: str) -> None:
    for number in range(rounds):
        script = SHARED[number % len(SHARED)]
        if script.startswith("raise"):
            with pytest.raises(redis.ResponseError, match="ValueError"):
                send(client, script, *options)
        else:
            send(client, script, *options)


def test_a_thousand_executions(module_server: Server, module_url: str) -> None:
    with connect(module_server) as client:
        fill(client, 100)
        run_all(client, 210)  # what is made once is made
        before, memory = current(client), resident(module_server)
        threads, files = threads_of(module_server), files_of(module_server)
        run_all(client, 1000)
        # The worker starts its threads (ExecutionThreads, 3) as they are needed, and keeps them.
        wait_until(lambda: threads_of(module_server) <= threads + 3, "threads end")
        wait_until(lambda: files_of(module_server) <= files, "files are closed")
        # Cycles are found by the collector; it looks when there is something new.
        send(client, "import gc; gc.collect()")
        assert current(client) - before < MOST
        assert resident(module_server) - memory < 2 * MOST


def test_sessions_in_interpreters_of_their_own(
    fresh_server: FreshServer, environments: list[Environment]
) -> None:
    # CPython 3.12 and 3.13 do not give an interpreter's arenas back if a single block of it is
    # left, as its own modules always leave some: some 10 MB for each interpreter with its own GIL.
    pythons = [("3.11", sys.executable, 30, MOST)]
    pythons += [
        (each.minor, str(each.python), 10, 10 * (12 << 20))
        for each in environments
        if each.minor != "3.11"
    ]
    for minor, python, sessions, most in pythons:
        server = fresh_server("valkey91", gears={"Python": python})
        with connect(server) as client:
            fill(client, 100)
            run_all(client, 14, "ISOLATION", "subinterpreter")
            wait_until(lambda server=server: interpreters_ended(server), "interpreters end")
            before, memory = current(client), resident(server)
            threads, files = threads_of(server), files_of(server)
            run_all(client, sessions, "ISOLATION", "subinterpreter")
            wait_until(lambda server=server, n=threads: threads_of(server) <= n, "threads end")
            wait_until(lambda server=server, n=files: files_of(server) <= n, "files are closed")
            assert current(client) - before < most, minor
            assert resident(server) - memory < most + MOST, minor
        assert_clean(server)
        server.stop()


def interpreters_ended(server: Server) -> bool:
    """Only the threads of the shared worker are left."""
    return not any("session" in name for name in names_of_threads(server))
