"""Loading that fails, and loading again."""

from __future__ import annotations

import pytest
import redis

from gearframe.embedded.module import load_arguments
from tests.module.gears import assert_clean, connect, send
from tests.servers.fixtures import FreshServer


@pytest.mark.parametrize("name", ["valkey91", "redis82", "stack74"])
def test_a_refused_load_leaves_nothing_behind(fresh_server: FreshServer, name: str) -> None:
    server = fresh_server(name, enable_module_command="yes")
    with connect(server) as client:
        path = load_arguments()[0]
        for _ in range(3):
            with pytest.raises(redis.ResponseError):
                client.execute_command("MODULE", "LOADEX", path, "CONFIG", "rg.isolation", "none")
            with pytest.raises(redis.ResponseError):
                client.execute_command("MODULE", "LOAD", path, "MaxExecutions", "many")
        client.execute_command(
            "MODULE",
            "LOADEX",
            path,
            "CONFIG",
            "rg.maxexecutions",
            "7",
            "ARGS",
            "ExecutionThreads",
            "2",
        )
        assert client.execute_command("RG.CONFIGGET", "MaxExecutions", "ExecutionThreads") == [
            b"7",
            b"2",
        ]
        assert send(client, "GB('ShardsIDReader').count().run()") == [[b"1"], []]
        assert client.info("rg_python_stats")
    assert_clean(server)


@pytest.mark.parametrize("name", ["valkey91", "redis82", "stack74"])
def test_a_load_that_the_server_takes_back_leaves_nothing_behind(
    fresh_server: FreshServer, name: str
) -> None:
    server = fresh_server(name, enable_module_command="yes")
    with connect(server) as client:
        path = load_arguments()[0]
        # The module loads; then the server finds a setting that nobody has, and unloads it.
        for _ in range(3):
            with pytest.raises(redis.ResponseError):
                client.execute_command("MODULE", "LOADEX", path, "CONFIG", "rg.nonsense", "1")
        assert b"rg" not in {module[b"name"] for module in client.module_list()}
        client.execute_command("MODULE", "LOAD", path)
        assert send(client, "GB('ShardsIDReader').count().run()") == [[b"1"], []]
        with pytest.raises(redis.ResponseError):
            client.execute_command("MODULE", "UNLOAD", "rg")
        assert send(client, "GB('ShardsIDReader').count().run()") == [[b"1"], []]
    assert_clean(server)
