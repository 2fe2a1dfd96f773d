"""What a server has to withstand of scripts, with each of the Pythons."""

from __future__ import annotations

import pytest
import redis

from tests.module.gears import abort, assert_clean, begin, connect, send, status
from tests.servers.fixtures import FreshServer
from tests.servers.patience import wait_until
from tests.servers.pythons import Environment

# The first time, the packages of an environment are fetched.
pytestmark = pytest.mark.timeout(600)

FUNCTION = """
import contextlib
def spin():
    while True: pass
def bare(record):
    while True:
        try:
            while True: pass
        except BaseException: pass
def deep(record):
    while True:
        try:
            with contextlib.suppress(BaseException): spin()
        except: continue
        finally: continue
"""


@pytest.mark.parametrize("isolation", ["shared", "subinterpreter"])
def test_code_that_swallows_everything_is_aborted(
    fresh_server: FreshServer, environments: list[Environment], isolation: str
) -> None:
    for each in environments:
        server = fresh_server("valkey91", gears={"Python": str(each.python)})
        with connect(server) as client:
            for name in ("bare", "deep"):
                text = f"{FUNCTION}GB('PythonReader').map({name}).run(lambda: iter([1]))"
                execution = begin(client, text, "ISOLATION", isolation)
                abort(client, execution)
                assert status(client, execution) == "aborted"
            with pytest.raises(redis.ResponseError, match="division by zero"):
                send(client, "1/0")
            wait_until(
                lambda: send(client, "GB('PythonReader').run(lambda: iter([1]))")[0] == [b"1"]
            )
        server.stop()


@pytest.mark.parametrize("isolation", ["shared", "subinterpreter"])
def test_the_frames_of_other_interpreters_are_not_to_be_had(
    fresh_server: FreshServer, environments: list[Environment], isolation: str
) -> None:
    """A frame of another interpreter, made and freed here, has ended the server."""
    for each in environments:
        server = fresh_server("valkey91", gears={"Python": str(each.python)})
        with connect(server) as client:
            for name in ("_current_frames", "_current_exceptions"):
                with pytest.raises(redis.ResponseError, match="frames of other threads"):
                    send(client, f"import sys\nsys.{name}()", "ISOLATION", isolation)
        server.stop()


@pytest.mark.parametrize("isolation", ["shared", "subinterpreter"])
def test_coroutines_that_a_script_leaves_behind(
    fresh_server: FreshServer, environments: list[Environment], isolation: str
) -> None:
    script = """
async def poll():
    while True:
        execute('INCR', 'polls')
        await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0.001))
runCoroutine(poll())
"""
    for each in environments:
        server = fresh_server("valkey91", gears={"Python": str(each.python)})
        with connect(server) as client:
            options = ("ID", "poller", "UPGRADE", "ISOLATION", isolation)
            assert send(client, script, *options) == b"OK"
            wait_until(lambda client=client: int(client.get("polls") or 0) > 10)
            assert client.execute_command("RG.PYDUMPSESSIONS")[0][1] == b"poller"
            assert send(client, "1", *options) == b"OK"
            wait_until(lambda ask=client.execute_command: ask("RG.PYDUMPSESSIONS", "DEAD") == [])
            assert client.execute_command("RG.PYDUMPSESSIONS") == []
        assert_clean(server)
        server.stop()
