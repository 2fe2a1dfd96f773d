"""Section 1.7: EVAL and its kin by execute, which run on the server's main thread."""

from __future__ import annotations

import threading

import pytest
import redis

from tests.module.spec.speaker import Speaker
from tests.servers.catalog import WITH_GEARS
from tests.servers.fixtures import FreshServer
from tests.servers.patience import wait_until

pytestmark = pytest.mark.servers(*WITH_GEARS, "redis70_gears", "valkey80_gears")

LIBRARY = """#!lua name=mylib
local function put(keys, args) return redis.call('SET', keys[1], args[1]) end
local function look(keys) return redis.call('GET', keys[1]) end
redis.register_function('put', put)
redis.register_function{function_name='look', callback=look, flags={'no-writes'}}
"""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("return {1, {2, {'x'}}, false}", [1, [2, ["x"]], None]),
        ("return {1, {err='ERR inner'}}", [1, "ERR inner"]),
        ("return {ok='fine'}", "fine"),
        ("return redis.call('GET', KEYS[1])", "v"),
    ],
)
def test_a_script(gears: Speaker, script: str, expected: object) -> None:
    gears.ask("SET", "k", "v")
    assert gears.body(f"value = execute('EVAL', {script!r}, 1, 'k')") == expected
    assert gears.step(f"execute('eval', {script!r}, 1, 'k')") == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("return true", True),
        ("return false", False),
        ("return {double=0.1}", 0.1),
        ('return {big_number="123456789012345678901234567890"}', 123456789012345678901234567890),
        ('return {verbatim_string={format="txt",string="as it is"}}', "as it is"),
        ("return {map={a=1}}", {"a": 1}),
        ("return {set={a=true}}", {"a"}),
        ("return {map={a={map={b={double=2.5}}}}}", {"a": {"b": 2.5}}),
        ("return {1, {err='ERR inner'}}", [1, "ERR inner"]),
    ],
)
def test_replies_of_the_third_protocol(gears: Speaker, script: str, expected: object) -> None:
    whole = f"redis.setresp(3); {script}"
    found = gears.body(f"value = execute('EVAL', {whole!r}, 0, protocol=3)")
    assert found == expected
    assert type(found) is type(expected)


def test_functions(gears: Speaker) -> None:
    gears.ask("FUNCTION", "LOAD", "REPLACE", LIBRARY)
    script = "value = [execute('FCALL', 'put', 1, 'k', 'v'), execute('FCALL_RO', 'look', 1, 'k')]"
    assert gears.body(script) == ["OK", "v"]


def test_a_script_by_its_hash(gears: Speaker) -> None:
    digest = gears.body("value = execute('SCRIPT', 'LOAD', 'return 7')")
    assert gears.body(f"value = execute('SCRIPT', 'EXISTS', {digest!r})") == [1]
    assert gears.body(f"value = execute('EVALSHA', {digest!r}, 0)") == 7
    assert "NOSCRIPT" in gears.raised(f"execute('EVALSHA', {'0' * 40!r}, 0)")


def test_a_script_that_fails(gears: Speaker) -> None:
    assert "so it is" in gears.raised("execute('EVAL', 'return {err=\"ERR so it is\"}', 0)")
    assert "compiling script" in gears.raised("execute('EVAL', 'x y', 0)")
    assert gears.ask("PING") == "PONG"


def test_scripts_of_threads_and_coroutines(gears: Speaker) -> None:
    script = """
async def later(n):
    return execute('EVAL', "return redis.call('INCRBY', 'n', ARGV[1])", 0, n)
GB('PythonReader').map(later).count().run(lambda: iter(range(500)))
"""
    assert gears(script) == [["500"], []]
    assert gears.ask("GET", "n") == str(sum(range(500)))


def test_no_scripts_in_an_atomic_block(gears: Speaker) -> None:
    raised = gears.raised("with atomic():\n    execute('EVAL', 'return 1', 0)")
    assert "EVAL can not be called inside an atomic block" in raised


def test_the_database_of_the_client(gears: Speaker) -> None:
    other = Speaker(gears.url, db=2)
    with other.client:
        put = "return redis.call('SET', 'k', 'in2')"
        assert other(f"execute('EVAL', {put!r}, 0)") == "OK"
        assert (other.ask("GET", "k"), gears.ask("GET", "k")) == ("in2", None)


def test_the_rights_of_the_client(gears: Speaker) -> None:
    """Also in the script: what it calls is checked for the client's user."""
    gears.ask("ACL", "SETUSER", "ann", "on", ">secret", "+@all", "resetkeys", "~own:*")
    ann = Speaker(gears.url)
    try:
        with ann.client:
            ann.ask("AUTH", "ann", "secret")
            call = "execute('EVAL', \"return redis.call('SET', ARGV[1], '1')\", 0, {!r})"
            assert ann(call.format("own:1")) == "OK"
            assert "GearsError" in ann.raised(call.format("other"))
            gears.ask("ACL", "SETUSER", "ann", "-eval")
            assert "GearsError" in ann.raised(call.format("own:2"))
    finally:
        gears.ask("ACL", "DELUSER", "ann")
    assert gears.client.mget("own:1", "own:2", "other") == ["1", None, None]


def test_a_script_that_takes_long(gears: Speaker) -> None:
    """The server says that it is busy, and can be told to end the script."""
    limit = "lua-time-limit"
    before = gears.client.config_get(limit)[limit]
    gears.ask("CONFIG", "SET", limit, "5")
    raised: list[str] = []
    speaker = Speaker(gears.url)
    try:
        with speaker.client, redis.Redis.from_url(gears.url, retry=None) as other:
            loop = "execute('EVAL', 'while true do end', 0)"
            thread = threading.Thread(target=lambda: raised.append(speaker.raised(loop)))
            thread.start()
            wait_until(lambda: _is_busy(other))
            other.script_kill()
            thread.join(60)
            assert other.ping()
    finally:
        gears.ask("CONFIG", "SET", limit, before)
    assert "killed" in raised[0].lower()
    assert gears("x = 1") == "OK"


def _is_busy(client: redis.Redis) -> bool:
    try:
        client.ping()
    except redis.ResponseError as error:
        return str(error).startswith("BUSY") or "busy" in str(error).lower()
    return False


@pytest.mark.parametrize("name", ["valkey91", "redis82", "stack74"])
def test_what_a_script_writes_reaches_the_replica(fresh_server: FreshServer, name: str) -> None:
    main = fresh_server(name, gears=True, repl_diskless_sync_delay="0")
    copy = fresh_server(name)
    put = "redis.call('SET', 'a', '1'); return redis.call('SET', 'b', '2')"
    with redis.Redis.from_url(copy.url, decode_responses=True) as replica:
        replica.replicaof("127.0.0.1", main.port)
        wait_until(lambda: replica.info("replication")["master_link_status"] == "up")
        speaker = Speaker(main.url)
        with speaker.client:
            assert speaker(f"execute('EVAL', {put!r}, 0)") == "OK"
        wait_until(lambda: replica.mget("a", "b") == ["1", "2"])
