"""Users of some databases alone, which Valkey has from 9.1 on: no gear shows them another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from tests.module.gears import connect, fill, send
from tests.servers.fixtures import FreshServer
from tests.servers.server import Server

pytestmark = pytest.mark.servers("valkey91_gears")

OTHER = 3
"""The database that belongs to somebody else, with keys of all kinds in it."""

REFUSED = b"NOPERM No permissions to access database"

MAKE: dict[str, Callable[[redis.Redis, str], object]] = {
    "hash": lambda client, key: client.hset(key, mapping={"number": 1, "text": "secret"}),
    "hash:many": lambda client, key: client.hset(key, mapping={f"f{n}": n for n in range(2000)}),
    "hash:long": lambda client, key: client.hset(
        key, mapping={f"f{n}": "x" * 20_000 for n in range(50)}
    ),
    "string": lambda client, key: client.set(key, "secret"),
    "string:long": lambda client, key: client.set(key, "x" * 1_000_000),
    "list": lambda client, key: client.rpush(key, "secret"),
    "list:long": lambda client, key: client.rpush(key, *range(2000)),
    "set": lambda client, key: client.sadd(key, "secret"),
    "set:long": lambda client, key: client.sadd(key, *range(2000)),
    "zset": lambda client, key: client.zadd(key, {"secret": 1}),
    "zset:long": lambda client, key: client.zadd(key, {str(n): n for n in range(2000)}),
    "stream": lambda client, key: client.xadd(key, {"text": "secret"}),
}

READ = "GB().map(lambda r: len(r['value']) if r['value'] else None).run({!r}, noScan=True)"

ELSEWHERE = [
    *(READ.format(key) for key in MAKE),
    "GB().run('*')",
    "GB().run('hash')",
    "GB().count().run('*')",
    "GB().count().run('nothing:*')",
    "GB().map(lambda r: r['key']).run('*')",
    "GB().map(lambda r: r['type']).run('*')",
    "GB().map(lambda r: r['key']).run('hash', noScan=True)",
    "GB().map(lambda r: r['type']).run('nothing', noScan=True)",
    "GB().map(lambda r: r['value']['number']).run('hash')",
    "GB().map(lambda r: r['value']['number']).run('hash', noScan=True)",
    "GB().run('*', readValue=False)",
    "GB('KeysOnlyReader').run('*')",
    "GB('KeysOnlyReader').run('hash', noScan=True)",
    "GB('StreamReader').run('stream')",
    "GB('PythonReader').map(lambda x: execute('DBSIZE')).run(lambda: iter([1]))",
    "GB('PythonReader').flatmap(lambda x: [execute('HGETALL', 'hash')]).run(lambda: iter([1]))",
]


def few(client: redis.Redis, server: Server, db: int, *rules: str) -> redis.Redis:
    """A client in a database that has become the user ``few`` there."""
    client.execute_command("ACL", "SETUSER", "few", "reset", "on", ">pass", *rules)
    found = connect(server, db=db, single_connection_client=True)
    found.execute_command("AUTH", "few", "pass")
    return found


@pytest.fixture
def client(module_server: Server, module_url: str) -> Iterator[redis.Redis]:
    with connect(module_server, db=OTHER) as found:
        for key, make in MAKE.items():
            make(found, key)
        yield found
        found.execute_command("ACL", "DELUSER", "few")


@pytest.mark.parametrize("script", ELSEWHERE)
def test_nothing_of_another_database_is_read(
    client: redis.Redis, module_server: Server, script: str
) -> None:
    with few(client, module_server, OTHER, "~*", "+@all", "db=0") as user:
        with pytest.raises(redis.exceptions.NoPermissionError):
            user.hgetall("hash")
        results, errors = send(user, script)
        assert results == []
        assert errors
        assert REFUSED in errors[0]
    with few(client, module_server, OTHER, "~*", "+@all", f"db={OTHER}") as user:
        assert send(user, script)[1] == []


@pytest.mark.parametrize("script", ["GB().run('*')", "GB('KeysOnlyReader').run('*')"])
def test_nor_by_scripts_and_executions_inside_of_others(
    client: redis.Redis, module_server: Server, script: str
) -> None:
    inner = f"""
async def inner(x):
    return await {script}
GB('PythonReader').map(inner).run(lambda: iter([1]), convertToStr=False)
"""
    nested = f"""
def nested(x):
    return execute('RG.PYEXECUTE', {script!r})
GB('PythonReader').map(nested).run(lambda: iter([1]), convertToStr=False)
"""
    with few(client, module_server, OTHER, "~*", "+@all", "db=0") as user:
        for each in (inner, nested):
            [[results, [error]]], errors = send(user, each)
            assert errors == []
            assert results == []
            assert REFUSED in (error if isinstance(error, bytes) else error.encode())


def test_a_refusal_stands_in_the_log_of_the_server(
    client: redis.Redis, module_server: Server
) -> None:
    with few(client, module_server, OTHER, "~*", "+@all", "db=0") as user:
        client.execute_command("ACL", "LOG", "RESET")
        send(user, "GB().run('hash', noScan=True)")
        [entry] = client.acl_log()
        assert (entry["reason"], entry["context"]) == ("database", "module")
        assert entry["username"] == "few"


def test_a_user_of_no_database_at_all(client: redis.Redis, module_server: Server) -> None:
    with few(client, module_server, OTHER, "~*", "+@all", "resetdbs") as user:
        results, [error] = send(user, "GB().run('*')")
        assert results == []
        assert REFUSED in error
        assert send(user, "GB('PythonReader').run(lambda: iter([1]))") == [[b"1"], []]


def test_a_user_without_the_right_to_ask(client: redis.Redis, module_server: Server) -> None:
    rules = ("~*", "+rg.pyexecute", f"db={OTHER}")
    with few(client, module_server, OTHER, *rules) as user:
        assert send(user, "GB().map(lambda r: len(r['value'])).run('hash')") == [[b"2"], []]
    with few(client, module_server, 0, *rules) as user:
        assert REFUSED in send(user, "GB().run('*')")[1][0]


def test_a_database_that_is_taken_away_while_it_is_read(
    client: redis.Redis, module_server: Server
) -> None:
    fill(client, 20_000)
    script = """
def resign(r):
    execute('ACL', 'SETUSER', 'few', 'resetdbs', 'db=0')
GB().foreach(resign).count().run('key:*')
"""
    with few(client, module_server, OTHER, "~*", "+@all", "alldbs") as user:
        results, [error] = send(user, script)
        assert REFUSED in error
        assert results == [] or int(results[0]) < 20_000


ONE = "GB().map(lambda r: len(r['value'])).run('{}0', noScan=True)"
FIELD = "GB().map(lambda r: r['value'].get('number')).run('{}0', noScan=True)"
ALL = "GB().map(lambda r: len(r['value'])).run('{}*')"
MIXED = [
    *(
        (kind, script)
        for kind in ("hash", "hash:many", "hash:long")
        for script in (ONE, FIELD, ALL)
    ),
    *((kind, script) for kind in ("string", "list", "set:long") for script in (ONE, ALL)),
]


@pytest.mark.parametrize(("kind", "script"), MIXED)
def test_rights_to_keys_are_those_of_the_database(
    client: redis.Redis, module_server: Server, kind: str, script: str
) -> None:
    for owner in ("mine", "theirs"):
        for number in range(3):
            MAKE[kind](client, f"{owner}:{number}")
    rules = ("~theirs:*", "+@all", "db=0", f"(~mine:* +@all db={OTHER})")
    with few(client, module_server, OTHER, *rules) as user:
        results, errors = send(user, script.format("mine:"))
        assert errors == []
        assert len(results) == (3 if script == ALL else 1)
        results, [error] = send(user, script.format("theirs:"))
        assert results == []
        assert b"NOPERM" in error


def test_a_server_that_calls_its_commands_by_other_names(fresh_server: FreshServer) -> None:
    server = fresh_server("valkey91", gears=True, rename_command=["DBSIZE", "HOWMANY"])
    script = "GB().count().run('*')"
    with connect(server) as client:
        fill(client, 10)
        with few(client, server, 0, "~*", "+@all", "db=0") as user:
            assert send(user, script) == [[b"10"], []]
        with few(client, server, 1, "~*", "+@all", "db=0") as user:
            results, [error] = send(user, script)
            assert results == []
            assert REFUSED in error
