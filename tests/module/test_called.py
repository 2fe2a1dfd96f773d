"""RG.* commands that another module runs: there is no client that could wait."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import redis

from tests.module.gears import assert_clean, connect, send
from tests.servers.fixtures import FreshServer

NOT_HERE = "Can not run gears inside a multi exec, lua, or when blocking is not allowed"

# Of RM_Call: nothing, errors as replies, as the user of the context, with the rules for scripts,
# the called command may block, and both of these.
FLAGS = ("", "E", "C", "CES", "K", "CK")


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module whose command CALLER.CALL runs another one."""
    library = tmp_path_factory.mktemp("caller") / "caller.so"
    source = Path(__file__).with_name("caller.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


@pytest.mark.parametrize("name", ["valkey91", "redis82", "stack74"])
def test_another_module_gets_an_answer_or_an_error(
    fresh_server: FreshServer, caller: Path, name: str
) -> None:
    server = fresh_server(name, gears=True, modules=[str(caller)])
    with connect(server) as client:
        for flags in FLAGS:
            call = ("CALLER.CALL", flags)
            assert client.execute_command(*call, "RG.CONFIGGET", "MaxExecutions") == [b"1000"]
            for command in (("RG.PYEXECUTE", "GB().count().run()"), ("RG.PYSTATS",)):
                with pytest.raises(redis.ResponseError, match=NOT_HERE):
                    client.execute_command(*call, *command)
        assert send(client, "GB('ShardsIDReader').count().run()") == [[b"1"], []]
    assert_clean(server)


def test_where_the_right_of_a_user_is_asked_for(fresh_server: FreshServer, caller: Path) -> None:
    """On Redis 7.0 the module itself asks for the right of a user, and here is none."""
    server = fresh_server("redis70", gears=True, modules=[str(caller)])
    with connect(server) as client:
        for flags in FLAGS[:-2]:
            for command in (("RG.CONFIGGET", "MaxExecutions"), ("RG.PYSTATS",)):
                with pytest.raises(redis.ResponseError, match="LASTSAVE"):
                    client.execute_command("CALLER.CALL", flags, *command)
        assert send(client, "GB('ShardsIDReader').count().run()") == [[b"1"], []]
    assert_clean(server)
