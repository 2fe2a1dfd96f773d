"""A gear may do what its client may, and no more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.module.gears import begin, connect, fill, send, status
from tests.servers.fixtures import FreshServer
from tests.servers.patience import wait_until
from tests.servers.server import Server

NOT_HERE = "Can not run gears inside a multi exec, lua, or when blocking is not allowed"
ONE = "def one():\n    yield 1\nGB('PythonReader').map(lambda x: {}).run(one)"


@pytest.fixture
def client(module_server: Server, module_url: str) -> Iterator[redis.Redis]:
    with connect(module_server) as found:
        fill(found, 10, prefix="app:")
        fill(found, 10, prefix="other:")
        found.xadd("stream", {"a": 1})
        found.set("other:text", "secret")
        yield found
        found.execute_command("ACL", "DELUSER", "few")


def user(client: redis.Redis, server: Server, *rules: str) -> redis.Redis:
    client.execute_command("ACL", "SETUSER", "few", "reset", "on", ">pass", *rules)
    return connect(server, username="few", password="pass")


def test_commands_are_admin_and_dangerous_and_nothing_else(
    client: redis.Redis, module_server: Server
) -> None:
    with connect(module_server) as raw:
        raw.response_callbacks.clear()
        names = [
            each for each in raw.execute_command("COMMAND", "LIST") if each.lower()[:3] == b"rg."
        ]
        assert len(names) >= 27
        for found in raw.execute_command("COMMAND", "INFO", *names):
            assert {each.decode().lower() for each in found[6]} == {"@admin", "@dangerous"}
            assert "readonly" not in str(found[2])


def test_a_user_without_the_right_cannot_send_gears(
    client: redis.Redis, module_server: Server
) -> None:
    with user(client, module_server, "~*", "+@all", "-@dangerous") as few:
        with pytest.raises(redis.exceptions.NoPermissionError):
            send(few, "1")
        with pytest.raises(redis.exceptions.NoPermissionError):
            few.execute_command("RG.CONFIGSET", "MaxExecutions", "1")


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("execute('SET', 'app:1', 1)", b"'set'"),
        ("execute('HGETALL', 'other:1')", b"key"),
        ("execute('CONFIG', 'GET', '*')", b"config"),
        ("execute('ACL', 'SETUSER', 'few', '+@all')", b"acl"),
        ("execute('FLUSHALL')", b"flushall"),
        ("execute('DEBUG', 'SLEEP', 0)", b""),
        ("execute('SHUTDOWN')", b""),
        ("execute('EVAL', 'return redis.call(\"get\", \"other:text\")', 0)", b"eval"),
        ("execute('RG.CONFIGSET', 'MaxExecutions', 1)", b""),
        ("[r for r in [execute('GET', 'other:text')]]", b"key"),
    ],
)
def test_execute_is_bound_by_the_clients_rights(
    client: redis.Redis, module_server: Server, call: str, reason: bytes
) -> None:
    with user(client, module_server, "~app:*", "+@read", "+rg.pyexecute") as few:
        results, errors = send(few, ONE.format(call))
        assert results == []
        assert len(errors) == 1
        assert b"NOPERM" in errors[0] or b"ERR" in errors[0] or b"not allowed" in errors[0]
        assert reason in errors[0].lower()
    assert client.get("other:text") == b"secret"


@pytest.mark.parametrize(
    "script",
    [
        "GB().run('*')",
        "GB().map(lambda r: r['value']).run('other:*')",
        "GB().run('other:1', noScan=True)",
        "GB('StreamReader').run('stream')",
    ],
)
def test_readers_give_nothing_that_the_client_may_not_read(
    client: redis.Redis, module_server: Server, script: str
) -> None:
    with user(client, module_server, "~app:*", "+@read", "+rg.pyexecute") as few:
        results, errors = send(few, script)
        assert not any(b"other" in each or b"secret" in each for each in results)
        assert errors
        assert b"NOPERM" in errors[0] or b"may not read" in errors[0]


def test_readers_give_what_the_client_may_read(client: redis.Redis, module_server: Server) -> None:
    with user(client, module_server, "~app:*", "+@read", "+rg.pyexecute") as few:
        assert send(few, "GB().count().run('app:*')") == [[b"10"], []]
        assert send(few, "GB('KeysOnlyReader').count().run('app:*')") == [[b"10"], []]


def test_a_keys_reader_without_the_right_to_scan(
    client: redis.Redis, module_server: Server
) -> None:
    with user(client, module_server, "~app:*", "+rg.pyexecute", "+get") as few:
        _, errors = send(few, "GB('KeysOnlyReader').run('app:*')")
        assert b"NOPERM" in errors[0]


def test_a_user_who_is_deleted_or_changed_while_his_gear_runs(
    client: redis.Redis, module_server: Server
) -> None:
    script = """
def forever():
    while True:
        execute('SET', 'app:round', 1)
        yield 1
GB('PythonReader').filter(lambda x: False).run(forever)
"""
    for change in (("SETUSER", "few", "-set"), ("DELUSER", "few")):
        with user(client, module_server, "~app:*", "+@all") as few:
            name = begin(few, script)
            wait_until(lambda: client.exists("app:round"))
            client.execute_command("ACL", *change)
            wait_until(lambda name=name: status(client, name) == "done")
            _, errors = client.execute_command("RG.GETRESULTS", name)
            assert b"NOPERM" in errors[0]
        client.delete("app:round")


def test_a_user_whose_name_is_no_text(client: redis.Redis, module_server: Server) -> None:
    name = b"h\xff"
    # Whoever reads the name as a text, and puts a sign in the place of what is none, comes to this.
    other = name.decode("utf-8", "replace")
    for each in (name, other):
        client.execute_command("ACL", "SETUSER", each, "on", ">pass", "~app:*", "+@all")
    try:
        with connect(module_server) as strange:
            strange.execute_command("AUTH", name, "pass")
            for script in ("1", "GB().run('app:*')", "execute('SET', 'app:1', 1)"):
                with pytest.raises(redis.ResponseError, match="name of this ACL user is not UTF-8"):
                    send(strange, script)
            assert strange.execute_command("RG.CONFIGGET", "MaxExecutions") == [b"1000"]
            strange.execute_command("AUTH", other, "pass")
            assert send(strange, "execute('ACL', 'WHOAMI')") == b"OK"
            who = "def one():\n    yield execute('ACL', 'WHOAMI')\nGB('PythonReader').run(one)"
            assert send(strange, who) == [[other.encode()], []]
    finally:
        client.execute_command("ACL", "DELUSER", name, other)


def test_not_in_transactions_and_scripts(client: redis.Redis) -> None:
    pipeline = client.pipeline(transaction=True)
    pipeline.execute_command("RG.PYEXECUTE", "1")
    pipeline.execute_command("RG.CONFIGGET", "MaxExecutions")
    pipeline.execute_command("RG.CONFIGSET", "MaxExecutions", "1000")
    first, second, third = pipeline.execute(raise_on_error=False)
    assert NOT_HERE in str(first)
    assert (second, third) == ([b"1000"], [b"OK"])
    with pytest.raises(redis.ResponseError, match=NOT_HERE):
        client.eval("return redis.call('RG.PYEXECUTE', '1')", 0)
    # As a gear's own command: the control plane answers, the server is not asked.
    answer = send(client, ONE.format("execute('RG.PYEXECUTE', 'GB()')"))
    assert answer[1] == [] or b"ERR" in answer[1][0] or b"Error" in answer[1][0]


def test_a_replica_reads_and_does_not_write(fresh_server: FreshServer) -> None:
    primary = fresh_server("redis82")
    replica = fresh_server("redis82", gears=True)
    with connect(primary) as writer, connect(replica) as client:
        fill(writer, 10, prefix="app:")
        client.replicaof("127.0.0.1", primary.port)
        wait_until(lambda: client.dbsize() == 10)
        assert send(client, "GB().count().run('app:*')") == [[b"10"], []]
        assert send(client, ONE.format("execute('HGET', 'app:1', 'number')")) == [[b"1"], []]
        _, errors = send(client, ONE.format("execute('SET', 'app:1', 1)"))
        assert b"READONLY" in errors[0]
        script = "def f(x):\n    with atomic():\n        execute('DEL', 'app:1')\n" + ONE.format(
            "f(x)"
        )
        _, errors = send(client, script)
        assert b"READONLY" in errors[0]
        assert client.dbsize() == 10


def test_a_server_that_is_full_refuses_writes(fresh_server: FreshServer) -> None:
    server = fresh_server("valkey91", gears=True)
    with connect(server) as client:
        client.set("a", "x")
        client.config_set("maxmemory", "1mb")
        client.config_set("maxmemory-policy", "noeviction")
        _, errors = send(client, ONE.format("execute('SET', 'b', 'x' * 2000000)"))
        assert b"OOM" in errors[0]
        assert send(client, ONE.format("execute('GET', 'a')")) == [[b"x"], []]


def test_the_clients_database_is_the_gears(client: redis.Redis, module_server: Server) -> None:
    with connect(module_server, db=3) as third:
        third.set("only:here", 1)
        assert send(third, ONE.format("execute('GET', 'only:here')")) == [[b"1"], []]
        assert send(third, "GB().map(lambda r: r['key']).run('only:*')") == [[b"only:here"], []]
        assert send(third, "GB('KeysOnlyReader').run('only:*')") == [[b"only:here"], []]
        send(third, "execute('SET', 'from:body', 1)")
        assert third.get("from:body") == b"1"
    assert client.get("from:body") is None
    assert send(client, "GB().count().run('only:*')") == [[], []]
    # SELECT within a gear does not change what others see.
    send(client, "execute('SELECT', 5) if False else None")
