"""Section 1.7: what scripts call."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest
import redis

from tests.module.spec.speaker import Speaker
from tests.servers.fixtures import FreshServer
from tests.servers.patience import wait_until
from tests.servers.server import Server

BAD = b"\xff\x00\xfe"


# -- execute ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "sent"),
    [
        ("'text'", b"text"),
        ("'é'", "é".encode()),
        ("''", b""),
        ("'a\\0b'", b"a\0b"),
        (f"{BAD!r}", BAD),
        (f"bytearray({BAD!r})", BAD),
        ("7", b"7"),
        ("-1.5", b"-1.5"),
        ("1e100", b"1e+100"),
        ("2 ** 70", b"1180591620717411303424"),
        ("True", b"True"),
        ("None", b"None"),
        ("['a', 1]", b"['a', 1]"),
        ("'a\\r\\nb'", b"a\r\nb"),
    ],
)
def test_an_argument(gears: Speaker, argument: str, sent: bytes) -> None:
    assert gears(f"execute('SET', 'k', {argument})") == "OK"
    with redis.Redis.from_url(gears.url) as raw:
        assert raw.get("k") == sent


def test_a_large_argument(gears: Speaker) -> None:
    assert gears.body("execute('SET', 'k', 'x' * 10_000_000); value = execute('STRLEN', 'k')") == (
        10_000_000
    )


def test_no_arguments(gears: Speaker) -> None:
    assert gears.body("value = execute()") == []
    assert gears.body("value = execute('PING')") == "PONG"


def test_the_command_is_a_str(gears: Speaker) -> None:
    assert "must be the name of a command as str" in gears.raised("execute(b'PING')")
    assert "must be the name of a command as str" in gears.raised("execute(1)")


def test_one_function_under_two_names(gears: Speaker) -> None:
    assert gears.body("value = rg.executeCommand('ECHO', 'x')") == "x"


REPLIES = [
    ("'SET', 'a', '1'", "OK"),
    ("'GET', 'a'", "1"),
    ("'GET', 'absent'", None),
    ("'INCR', 'n'", 1),
    ("'SET', 'bad', b'\\xff'", "OK"),
    ("'GET', 'bad'", bytearray(b"\xff")),
    ("'RPUSH', 'l', 'x', b'\\xff'", 2),
    ("'LRANGE', 'l', 0, -1", ["x", bytearray(b"\xff")]),
    ("'LRANGE', 'absent', 0, -1", []),
    ("'HSET', 'h', 'f', 'v'", 1),
    ("'HGETALL', 'h'", ["f", "v"]),
    ("'ZADD', 'z', '1.5', 'm'", 1),
    ("'ZSCORE', 'z', 'm'", "1.5"),
    ("'ZRANGE', 'z', 0, -1, 'WITHSCORES'", ["m", "1.5"]),
    ("'SADD', 's', 'm'", 1),
    ("'SMEMBERS', 's'", ["m"]),
    ("'MGET', 'a', 'absent'", ["1", None]),
]


def test_replies(gears: Speaker) -> None:
    calls = ", ".join(f"execute({call})" for call, _ in REPLIES)
    script = (
        f"value = [{calls}]\nvalue = [bytes(x) if isinstance(x, bytearray) else x for x in value]"
    )
    run = "\nGB('PythonReader').map(lambda _: repr(value)).run(lambda: [1])"
    (line,) = gears.results(script + run)
    found = eval(line)
    expected = [bytes(x) if isinstance(x, bytearray) else x for _, x in REPLIES]
    assert found == expected


def test_what_is_no_text_is_a_bytearray(gears: Speaker) -> None:
    script = "execute('SET', 'k', b'\\xff'); value = type(execute('GET', 'k')).__name__"
    assert gears.body(script) == "bytearray"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("execute('HGETALL', 'h', protocol=3)", {"f": "v"}),
        ("execute('SMEMBERS', 's', protocol=3)", {"m"}),
        ("execute('ZSCORE', 'z', 'm', protocol=3)", 1.5),
        ("execute('ZRANGE', 'z', 0, -1, 'WITHSCORES', protocol=3)", [["m", 1.5]]),
        ("execute('GET', 'absent', protocol=3)", None),
        ("execute('CONFIG', 'GET', 'maxmemory', protocol=3)", {"maxmemory": "0"}),
        ("execute('LATENCY', 'DOCTOR', protocol=3)[:3]", "I'm"),
    ],
)  # fmt: skip
def test_replies_of_the_third_protocol(gears: Speaker, call: str, expected: Any) -> None:
    gears.ask("HSET", "h", "f", "v")
    gears.ask("SADD", "s", "m")
    gears.ask("ZADD", "z", "1.5", "m")
    found = gears.body(f"value = {call}")
    assert found == expected
    assert type(found) is type(expected)


def test_infinite_doubles(gears: Speaker) -> None:
    gears.ask("ZADD", "z", "-inf", "m")
    script = "value = str(execute('ZSCORE', 'z', 'm', protocol=3))"
    assert float(gears.body(script)) == -math.inf


def test_errors_are_raised(gears: Speaker) -> None:
    script = """
execute('SET', 'k', 'v')
value = []
for call in (('LPUSH', 'k', 'x'), ('NOSUCH',), ('GET',), ('SET', 'k')):
    try:
        execute(*call)
    except rg.GearsError as error:
        value.append(str(error).split(',')[0])
"""
    wrong, unknown, *arity = gears.body(script)
    assert wrong == "WRONGTYPE Operation against a key holding the wrong kind of value"
    assert unknown.lower().startswith("err unknown command")
    assert all("wrong number of arguments" in each for each in arity)


def test_an_error_of_a_step(gears: Speaker) -> None:
    script = "GB('PythonReader').map(lambda x: execute('INCR', 'k')).run(lambda: [1])"
    gears.ask("SET", "k", "text")
    (error,) = gears(script)[1]
    assert error.rstrip().endswith("ERR value is not an integer or out of range")


def test_commands_of_gears(gears: Speaker) -> None:
    assert gears.body("value = execute('RG.CONFIGGET', 'MaxExecutions')") == ["1000"]
    assert gears.body("value = execute('rg.dumpregistrations')") == []
    assert gears.body("value = execute('RG.INFOCLUSTER')") == "no cluster mode"
    assert gears.body("value = len(execute('RG.PYSTATS'))") == 6
    assert gears.raised("execute('RG.GETRESULTS', 'x')").endswith("execution plan does not exist")
    assert gears.step("execute('RG.REFRESHCLUSTER')") == "OK"
    inner = "GB('PythonReader').run(lambda: [7])"
    assert gears.body(f"value = execute('RG.PYEXECUTE', {inner!r})") == [["7"], []]


def test_commands_run_as_the_client(gears: Speaker) -> None:
    gears.ask("ACL", "SETUSER", "ann", "on", "nopass", "+@all", "resetkeys", "~own:*")
    ann = Speaker(gears.url)
    try:
        with ann.client:
            ann.ask("AUTH", "ann", "x")
            assert ann("execute('SET', 'own:1', 'v')") == "OK"
            assert "NOPERM" in ann.raised("execute('SET', 'other', 'v')")
            gears.ask("SET", "other", "v")
            (error,) = ann.errors("GB('KeysReader').run('other', noScan=True)")
            assert error == 'NOPERM the user "ann" may not read the key "other"'
    finally:
        gears.ask("ACL", "DELUSER", "ann")


# -- atomic ----------------------------------------------------------------------------------------


def test_an_atomic_block(gears: Speaker) -> None:
    script = """
value = [isInAtomicBlock()]
with atomic():
    value.append(isInAtomicBlock())
    execute('SET', 'a', '1')
    value.append(execute('INCR', 'a'))
value.append(isInAtomicBlock())
value.append(type(atomic()).__name__)
with rg.atomicCtx():
    value.append(rg.isInAtomicBlock())
"""
    assert gears.body(script) == [False, True, 2, False, "PyAtomic", True]


def test_no_block_in_a_block(gears: Speaker) -> None:
    script = "with atomic():\n    with atomic():\n        pass"
    assert gears.raised(script).endswith("Already inside an atomic block")
    assert gears.ask("PING") == "PONG"


def test_a_block_is_left_by_an_exception(gears: Speaker) -> None:
    script = "with atomic():\n    execute('SET', 'a', '1')\n    raise ValueError('so')"
    assert gears.raised(script).endswith("ValueError: so")
    assert gears.ask("GET", "a") == "1"  # it is no transaction


def test_nobody_gets_in_between(gears: Speaker) -> None:
    """Another client counts as fast as it can, and must not be seen in the block."""
    end = threading.Event()

    def count() -> None:
        with redis.Redis.from_url(gears.url) as client:
            while not end.is_set():
                client.incr("n")

    thread = threading.Thread(target=count)
    thread.start()
    try:
        script = """
def look(_):
    with atomic():
        seen = [execute('GET', 'n') for _ in range(200)]
    return len(set(seen))
GB('PythonReader').map(look).run(lambda: iter(range(10)))
"""
        wait_until(lambda: gears.ask("GET", "n"))
        with gears.setting("AtomicTimeLimit", "0"):
            assert gears.results(script) == ["1"] * 10
    finally:
        end.set()
        thread.join(60)


def test_no_gears_commands_in_a_block(gears: Speaker) -> None:
    raised = gears.raised("with atomic():\n    execute('RG.DUMPEXECUTIONS')")
    assert "can not be called inside an atomic block" in raised


def test_nothing_waits_in_a_block(gears: Speaker) -> None:
    script = "def f(x):\n    with atomic():\n        value = isAsyncAllow()\n    return value\n"
    assert gears.objects(script + "GB('PythonReader').map(f).run(lambda: [1])") == [False]


def test_a_block_has_a_time_limit(gears: Speaker) -> None:
    with gears.setting("AtomicTimeLimit", "50"):
        raised = gears.raised("with atomic():\n    while True: pass")
    assert "an atomic block held the server up for more than 50 ms (AtomicTimeLimit)" in raised
    assert gears("x = 1") == "OK"


@pytest.mark.parametrize("name", ["valkey91", "redis82", "stack74"])
def test_a_block_arrives_together_at_a_replica(fresh_server: FreshServer, name: str) -> None:
    main = fresh_server(name, gears=True, repl_diskless_sync_delay="0")
    copy = fresh_server(name)
    script = """
execute('SET', 'alone', '1')
with atomic():
    execute('SET', 'a', '1')
    execute('GET', 'a')
    execute('HSET', 'h', 'f', 'v')
execute('SET', 'end', '1')
"""
    with redis.Redis.from_url(copy.url, decode_responses=True) as replica:
        replica.replicaof("127.0.0.1", main.port)
        wait_until(lambda: replica.info("replication")["master_link_status"] == "up")
        with replica.monitor() as monitor:
            speaker = Speaker(main.url)
            with speaker.client:
                assert speaker(script) == "OK"
            seen: list[str] = []
            while "SET end 1" not in seen:
                seen.append(monitor.next_command()["command"])
    written = [each for each in seen if each.split()[0] in ("SET", "HSET", "MULTI", "EXEC")]
    assert written == ["SET alone 1", "MULTI", "SET a 1", "HSET h f v", "EXEC", "SET end 1"]


# -- services --------------------------------------------------------------------------------------


def test_the_hashtag(gears: Speaker) -> None:
    assert gears.body("value = (hashtag(), rg.getMyHashTag())") == ("06S", "06S")
    assert gears.step("hashtag()") == "06S"


@pytest.mark.parametrize("level", ["debug", "verbose", "notice", "warning"])
def test_levels_of_the_log(gears: Speaker, module_server: Server, level: str) -> None:
    before = gears.client.config_get("loglevel")["loglevel"]
    gears.ask("CONFIG", "SET", "loglevel", "debug")
    try:
        assert gears(f"log('a line at {level}', level={level!r})") == "OK"
        wait_until(lambda: f"GEARS: a line at {level}" in module_server.log())
    finally:
        gears.ask("CONFIG", "SET", "loglevel", before)
    marks = {"debug": ".", "verbose": "-", "notice": "*", "warning": "#"}
    (line,) = [each for each in module_server.log().splitlines() if f"a line at {level}" in each]
    assert f" {marks[level]} " in line


def test_the_log(gears: Speaker, module_server: Server) -> None:
    gears("log('as it is')\nrg.log('of the module')\nprint('printed')")
    for text in ("GEARS: as it is", "GEARS: of the module", "GEARS: printed"):
        wait_until(lambda text=text: text in module_server.log())
    gears("log('warning', 'in the old order')")
    wait_until(lambda: "GEARS: in the old order" in module_server.log())
    assert "log(level, message) is deprecated" in module_server.log()


def test_what_cannot_be_logged(gears: Speaker) -> None:
    assert "a log message must be a str" in gears.raised("log(1)")
    assert "unknown log level 'loud'" in gears.raised("log('x', level='loud')")


def test_settings(gears: Speaker) -> None:
    assert gears.body("value = configGet('MaxExecutions')") == "1000"
    assert gears.body("value = rg.config_get('ExecutionThreads')") == "3"
    assert gears.body("value = configGet('NoSuch')") is None
    assert gears.body("value = (gearsConfigGet('NoSuch'), gearsConfigGet('NoSuch', 5))") == (
        None,
        5,
    )
    assert gears.body("value = gearsConfigGet('MaxExecutions', 5)") == "1000"
    gears.ask("RG.CONFIGSET", "MyOwn", "kept")
    assert gears.body("value = (configGet('MyOwn'), configGet('myown'))") == ("kept", None)


def test_flat_errors(gears: Speaker) -> None:
    assert gears.raised("flat_error('just this')") == "just this"
    assert gears.raised("rg.flatError('just this')") == "just this"
    script = "try:\n    flat_error('x')\nexcept rg.GearsFlatError as error:\n    value = str(error)"
    assert gears.body(script) == "x"


# -- results ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "reply"),
    [
        ("5", 5),
        ("True", 1),
        ("False", 0),
        ("-(2 ** 63)", -(2**63)),
        ("2 ** 64", "18446744073709551616"),
        ("1.5", "1.500000"),
        ("-0.1", "-0.100000"),
        ("1e-9", "0.000000"),
        ("'text'", "text"),
        ("''", ""),
        ("'+'", "+"),
        ("'-'", "-"),
        ("'+OK'", "OK"),
        ("'-5'", "-5"),
        ("'-1.5e3'", "-1.5e3"),
        ("b'raw'", "raw"),
        ("b'-raw'", "-raw"),
        ("[1, ['a', [2.5]], []]", [1, ["a", ["2.500000"]], []]),
        ("{'a': 1}", "PY RECORD"),
        ("(1, 2)", "PY RECORD"),
        ("None", "PY RECORD"),
        ("bytearray(b'x')", "PY RECORD"),
        ("{1}", "PY RECORD"),
        ("[None, {}]", ["PY RECORD", "PY RECORD"]),
    ],
)
def test_a_result(both: Speaker, result: str, reply: Any) -> None:
    script = f"GB('PythonReader').map(lambda x: {result}).run(lambda: [1], convertToStr=False)"
    assert both(script) == [[reply], []]


def test_a_result_that_is_an_error(both: Speaker) -> None:
    script = "GB('PythonReader').map(lambda x: '-ERR no').run(lambda: [1], convertToStr=False)"
    ((found,), _) = both(script)
    assert isinstance(found, redis.ResponseError)
    assert str(found) == "no"


def test_negative_numbers_are_no_errors(both: Speaker) -> None:
    assert both("GB('PythonReader').run(lambda: [-5, -1.5])") == [["-5", "-1.5"], []]
