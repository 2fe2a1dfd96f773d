"""The module hosts the other Pythons of this machine as it hosts that of the tests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from tests.module.gears import abort, assert_clean, connect, fill, load, send, status
from tests.module.test_faults import DEEP, STEP
from tests.servers.fixtures import FreshServer
from tests.servers.patience import PATIENCE, wait_until
from tests.servers.pythons import Environment
from tests.servers.server import Server

# The first time, the packages of an environment are fetched.
pytestmark = pytest.mark.timeout(600)

# Two of these wait for each other in pure Python, and neither gives its lock away: with one lock
# between them the second would never begin.
RENDEZVOUS = """
import mmap, sys
def turns():
    me = {me}
    with open({path!r}, 'r+b') as file, mmap.mmap(file.fileno(), 2) as shared:
        sys.setswitchinterval(3600)
        try:
            for turn in range(1, 21):
                shared[me] = turn
                while shared[1 - me] < turn:
                    pass
        finally:
            sys.setswitchinterval(0.005)
    yield 'both ran'
GB('PythonReader').run(turns)
"""


def served(fresh_server: FreshServer, environment: Environment) -> Server:
    return fresh_server("redis82", gears={"Python": str(environment.python), "ExecutionThreads": 6})


def test_they_run_gears(fresh_server: FreshServer, environments: list[Environment]) -> None:
    for environment in environments:
        server = served(fresh_server, environment)
        with connect(server) as client:
            fill(client, 1000)
            for isolation in ("shared", "subinterpreter"):
                options = ("ISOLATION", isolation)
                assert send(client, "GB().count().run()", *options) == [[b"1000"], []]
                script = "GB().map(lambda r: int(execute('HGET', r['key'], 'number')))"
                script += ".accumulate(lambda a, x: (a or 0) + x).run()"
                assert send(client, script, *options) == [[b"499500"], []]
                version = "import sys\ndef one():\n    yield sys.version.split()[0]\n"
                answer = send(client, version + "GB('PythonReader').run(one)", *options)
                assert answer == [[environment.version.encode()], []]
        assert_clean(server)
        server.stop()


def test_code_that_never_ends_is_ended(
    fresh_server: FreshServer, environments: list[Environment]
) -> None:
    for environment in environments:
        server = served(fresh_server, environment)
        with connect(server) as client:
            for isolation in ("shared", "subinterpreter"):
                client.delete("begun")
                script = STEP.format(code="execute('SET', 'begun', 1)\n    while True: pass")
                name = send(client, script, "UNBLOCKING", "ISOLATION", isolation).decode()
                wait_until(lambda client=client: client.exists("begun"))
                abort(client, name)
                assert status(client, name) in ("aborted", None)
        assert_clean(server)
        server.stop()


def test_deep_recursion_is_an_error(
    fresh_server: FreshServer, environments: list[Environment]
) -> None:
    for environment in environments:
        server = served(fresh_server, environment)
        with connect(server) as client:
            for isolation in ("shared", "subinterpreter"):
                for name, code in DEEP.items():
                    results, errors = send(client, STEP.format(code=code), "ISOLATION", isolation)
                    told = results == [b"None"] or any(
                        word in errors[0] for word in (b"RecursionError", b"MemoryError", b"nested")
                    )
                    assert told, (environment.version, isolation, name, errors)
        assert_clean(server)
        server.stop()


def test_a_server_under_load_ends(
    fresh_server: FreshServer, environments: list[Environment]
) -> None:
    for environment in environments:
        server = served(fresh_server, environment)
        with connect(server) as client:
            fill(client, 1000)
            name = send(
                client,
                STEP.format(code="while True: pass"),
                "UNBLOCKING",
                "ISOLATION",
                "subinterpreter",
            )
        server.may_end()
        with load(server), connect(server) as client:
            assert name
            try:
                client.execute_command("SHUTDOWN", "NOSAVE")
            except redis.ConnectionError:
                assert server._process is not None
                assert server._process.wait(PATIENCE) == 0
        assert_clean(server)
        server.stop()


def test_two_sessions_with_their_own_locks_compute_at_the_same_time(
    fresh_server: FreshServer, environments: list[Environment], tmp_path: Path
) -> None:
    for environment in environments:
        server = served(fresh_server, environment)
        file = tmp_path / environment.minor
        file.write_bytes(bytes(2))

        def compute(me: int, server: Server = server, file: Path = file) -> object:
            with connect(server) as client:
                script = RENDEZVOUS.format(me=me, path=str(file))
                return send(client, script, "ISOLATION", "subinterpreter")

        with ThreadPoolExecutor() as pool:
            assert list(pool.map(compute, (0, 1))) == [[[b"both ran"], []]] * 2
        assert_clean(server)
        server.stop()


def test_libraries_that_refuse_are_named(
    fresh_server: FreshServer, environments: list[Environment]
) -> None:
    for environment in environments:
        server = served(fresh_server, environment)
        with connect(server) as client:
            for library in ("numpy", "polars"):
                script = f"import {library}"
                try:
                    answer = send(client, script, "ISOLATION", "subinterpreter")
                except redis.ResponseError as error:
                    text = str(error)
                    assert library in text, text
                    assert "ISOLATION shared" in text, text
                else:
                    raise AssertionError(f"{library} was imported: {answer!r}")
            for library in ("numpy", "polars"):
                assert send(client, f"import {library}", "ISOLATION", "shared") == b"OK"
        assert_clean(server)
        server.stop()
