"""The server forks, reloads and replicates while code of gears runs in it."""

from __future__ import annotations

import pytest
import redis

from tests.module.gears import abort, assert_clean, connect, fill, load, send, status
from tests.servers.fixtures import FreshServer
from tests.servers.patience import wait_until
from tests.servers.server import Server

SERVERS = ("valkey91", "redis82", "stack74")
SIX_THREADS = {"ExecutionThreads": 6}


def info(client: redis.Redis, section: str) -> dict[str, str]:
    text = client.execute_command("INFO", section)
    lines = (
        text
        if isinstance(text, dict)
        else dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)
    )
    return {name: str(value) for name, value in lines.items()}


@pytest.fixture(params=SERVERS)
def own(request: pytest.FixtureRequest, fresh_server: FreshServer) -> Server:
    found = fresh_server(
        request.param, gears=SIX_THREADS, enable_debug_command="yes", enable_module_command="yes"
    )
    with connect(found) as client:
        fill(client, 2000)
    return found


def still_runs(client: redis.Redis, begun: list[str]) -> None:
    """The load goes on, and so does everything else."""
    assert [status(client, name) for name in begun] == ["running"] * len(begun)
    before = int(client.hget("rounds", "walks") or 0)
    wait_until(lambda: int(client.hget("rounds", "walks") or 0) > before, "the load goes on")
    assert send(client, "def f():\n    yield 1\nGB('PythonReader').run(f)") == [[b"1"], []]


def test_saving_in_the_background(own: Server) -> None:
    with connect(own) as client, load(own) as begun:
        for _ in range(5):
            client.bgsave()
            wait_until(lambda: info(client, "persistence")["rdb_bgsave_in_progress"] == "0")
            assert info(client, "persistence")["rdb_last_bgsave_status"] == "ok"
            client.bgrewriteaof()
            wait_until(lambda: info(client, "persistence")["aof_rewrite_in_progress"] == "0")
            assert info(client, "persistence")["aof_last_bgrewrite_status"] == "ok"
        still_runs(client, begun)
    assert_clean(own)


def test_appending_to_a_file_while_it_is_rewritten(own: Server) -> None:
    with connect(own) as client, load(own) as begun:
        client.config_set("appendonly", "yes")
        wait_until(lambda: info(client, "persistence")["aof_rewrite_in_progress"] == "0")
        client.bgrewriteaof()
        wait_until(lambda: info(client, "persistence")["aof_rewrite_in_progress"] == "0")
        assert info(client, "persistence")["aof_last_bgrewrite_status"] == "ok"
        still_runs(client, begun)
    assert_clean(own)


def test_reloading_the_data(own: Server) -> None:
    with connect(own) as client, load(own) as begun:
        for _ in range(3):
            client.execute_command("DEBUG", "RELOAD")
        still_runs(client, begun)
        assert client.exists("key:0") == 1
    assert_clean(own)


def test_flushing_and_swapping_databases(own: Server) -> None:
    with connect(own) as client, load(own) as begun:
        for _ in range(20):
            client.flushall()
            fill(client, 50)
            client.swapdb(0, 1)
        still_runs(client, begun)
    assert_clean(own)


def test_a_replica_attached_under_load(fresh_server: FreshServer, own: Server) -> None:
    name = own.entry.name.removesuffix("_gears")
    replica = fresh_server(name, gears=True)
    with connect(own) as client, connect(replica) as follower, load(own) as begun:
        client.config_set("repl-diskless-sync-delay", 0)
        follower.replicaof("127.0.0.1", own.port)
        wait_until(lambda: info(follower, "replication")["master_link_status"] == "up")
        before = int(follower.hget("rounds", "walks") or 0)
        wait_until(lambda: int(follower.hget("rounds", "walks") or 0) > before)
        still_runs(client, begun)
        for each in begun:
            abort(client, each)
    with connect(own) as client, connect(replica) as follower:
        client.incr("last")
        wait_until(lambda: follower.get("last") == b"1")
        assert follower.hgetall("rounds") == client.hgetall("rounds")
        # The abort may have come between the two commands of a block: those stay, as in any script.
        assert follower.get("block") == client.get("block")
    assert_clean(own)
    assert_clean(replica)


def test_unloading_is_refused_and_the_server_goes_on(own: Server) -> None:
    with connect(own) as client, load(own) as begun:
        with pytest.raises(redis.ResponseError, match=r"(?i)error unloading module"):
            client.execute_command("MODULE", "UNLOAD", "rg")
        still_runs(client, begun)
    # With a client that waits for a gear the server refuses by itself; now it asks the module.
    with connect(own) as client:
        with pytest.raises(redis.ResponseError, match=r"(?i)error unloading module"):
            client.execute_command("MODULE", "UNLOAD", "rg")
        assert "gearframe cannot be unloaded while the server runs" in own.log()
        still_runs(client, begun)
    assert_clean(own)
