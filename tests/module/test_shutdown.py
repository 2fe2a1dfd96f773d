"""The server ends while code of gears runs in it: no hang, no crash, nothing in the log."""

from __future__ import annotations

import signal
import subprocess

import pytest
import redis

from tests.module.gears import assert_clean, connect, fill, load
from tests.servers.fixtures import FreshServer
from tests.servers.patience import PATIENCE
from tests.servers.server import Server

SERVERS = ("valkey91", "redis82", "stack74")
SIX_THREADS = {"ExecutionThreads": 6}


def wait_for_end(server: Server) -> int:
    """Wait until the process is over; its exit code."""
    process = server._process
    assert process is not None
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        pytest.fail("the server does not end")


def shut_down(server: Server, *how: str) -> None:
    with connect(server) as client, pytest.raises(redis.ConnectionError):
        client.execute_command("SHUTDOWN", *how)


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_under_load_ends_when_it_is_told_to(fresh_server: FreshServer, name: str) -> None:
    server = fresh_server(name, gears=SIX_THREADS)
    for turn in range(20):
        if turn:
            server.start()
        server.may_end()
        with connect(server) as client:
            fill(client, 2000)
        with load(server):
            if turn % 3 == 2:
                assert server._process is not None
                server._process.send_signal(signal.SIGTERM)
            else:
                shut_down(server, "SAVE" if turn % 3 else "NOSAVE")
            assert wait_for_end(server) == 0, server.log()
        assert_clean(server)
