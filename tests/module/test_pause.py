"""Paused clients: the data set stands still, for scripts as for everybody."""

from __future__ import annotations

import pytest

from tests.module.gears import begin, connect, status
from tests.servers.fixtures import FreshServer
from tests.servers.patience import wait_until

WRITES = """
import time
def writes():
    while execute('GET', 'stop') is None:
        execute('INCR', 'written')
        with atomic():
            execute('INCR', 'atomic')
    yield 'stopped'
GB('PythonReader').run(writes)
"""


@pytest.mark.parametrize("name", ["valkey91", "redis82", "stack74"])
def test_a_script_writes_nothing_while_clients_are_paused(
    fresh_server: FreshServer, name: str
) -> None:
    # The append-only file makes the server insist: it ends itself when something is written.
    server = fresh_server(name, gears=True, appendonly="yes")
    with connect(server) as client:
        execution = begin(client, WRITES)
        wait_until(lambda: int(client.get("written") or 0) > 100, "the script writes")
        client.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
        before = client.mget("written", "atomic")
        for _ in range(200):
            assert client.mget("written", "atomic") == before
        client.execute_command("CLIENT", "UNPAUSE")
        wait_until(lambda: int(client.get("written")) > int(before[0]) + 100, "the script goes on")
        client.set("stop", 1)
        wait_until(lambda: status(client, execution) == "done")
