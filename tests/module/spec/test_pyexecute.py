"""Section 2.1: RG.PYEXECUTE and its options, in both protocols."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.module.spec.speaker import Speaker, pairs
from tests.servers.catalog import WITH_GEARS
from tests.servers.fixtures import FreshServer
from tests.servers.patience import wait_until

ONE = "GB('PythonReader').run(lambda: [1])"
LOOP = "def f(x):\n    while True: pass\nGB('PythonReader').foreach(f).run(lambda: [1])"
NOT_HERE = "Can not run gears inside a multi exec, lua, or when blocking is not allowed"


def sessions(gears: Speaker, *options: str) -> dict[str, dict[str, object]]:
    found = map(pairs, gears.ask("RG.PYDUMPSESSIONS", *options))
    return {each["ID"]: each for each in found}


def test_without_an_execution(both: Speaker) -> None:
    assert both("x = 1") == "OK"
    assert both("") == "OK"
    assert both("GB()") == "OK"


def test_with_an_execution(both: Speaker) -> None:
    assert both(ONE) == [["1"], []]
    assert both("GB('PythonReader').map(lambda x: flat_error('no')).run(lambda: [1])") == [
        [],
        ["no"],
    ]


def test_that_is_not_waited_for(both: Speaker) -> None:
    name = both(ONE, "UNBLOCKING")
    shard, _, number = name.rpartition("-")
    assert shard == "0" * 40
    assert number.isdigit()
    assert both.ask("RG.GETRESULTSBLOCKING", name) == [["1"], []]
    assert both("x = 1", "UNBLOCKING") == "OK"


def test_that_is_waited_for_leaves_nothing(both: Speaker) -> None:
    both(ONE)
    assert both.ask("RG.DUMPEXECUTIONS") == []
    assert sessions(both) == {}


def test_a_script_that_raises(both: Speaker) -> None:
    raised = both.raised("def f():\n    raise ValueError('so')\nf()", "ID", "mine")
    assert raised.startswith("Traceback (most recent call last):")
    assert "line 2, in f" in raised
    assert raised.endswith("ValueError: so")
    assert sessions(both) == {}


def test_a_script_that_raises_after_run(both: Speaker) -> None:
    assert both.raised(ONE + "\nraise ValueError('so')").endswith("ValueError: so")
    assert both.ask("RG.DUMPEXECUTIONS") == []


@pytest.mark.parametrize(
    ("script", "last"),
    [
        ("x = (", "SyntaxError: '(' was never closed"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("raise KeyboardInterrupt()", "KeyboardInterrupt"),
        ("import nosuchmodule", "ModuleNotFoundError: No module named 'nosuchmodule'"),
        ("def f(): f()\nf()", "RecursionError: maximum recursion depth exceeded"),
        ("x = 1\n\0", "null bytes"),
        ("return 1", "SyntaxError: 'return' outside function"),
    ],
)
def test_what_a_script_raises(gears: Speaker, script: str, last: str) -> None:
    assert last in gears.raised(script)
    assert gears("x = 1") == "OK"


@pytest.mark.parametrize(
    "options",
    [
        ["ID", "a", "DESCRIPTION", "what for", "UNBLOCKING"],
        ["UNBLOCKING", "DESCRIPTION", "what for", "ID", "a"],
        ["unblocking", "description", "what for", "id", "a"],
        ["Description", "what for", "Unblocking", "upgrade", "Id", "a"],
        ["FORCE_REINSTALL_REQUIREMENTS", "UNBLOCKING", "ID", "a", "DESCRIPTION", "what for"],
        ["ID", "a", "DESCRIPTION", "what for", "UNBLOCKING", "REQUIREMENTS"],
        ["ID", "a", "DESCRIPTION", "what for", "UNBLOCKING", "requirements", "cloudpickle"],
    ],
    ids=" ".join,
)
def test_options_in_any_order(gears: Speaker, options: list[str]) -> None:
    name = gears(ONE, *options)
    assert gears.ask("RG.GETRESULTSBLOCKING", name) == [["1"], []]
    assert sessions(gears)["a"]["sessionDescription"] == "what for"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["ID"], "ID is missing"),
        (["REPLACE_WITH"], "REPLACE_WITH is missing"),
        (["DESCRIPTION"], "DESCRIPTION is missing"),
        (["NOSUCH"], "Unknown arguments were given: NOSUCH"),
        (["UNBLOCKING", "x", "y"], "Unknown arguments were given: x"),
        (["ID", "a b"], "ID must be compose of: "),
        (["ID", ""], "ID must be compose of: "),
        (["ID", "é"], "ID must be compose of: "),
        (["REPLACE_WITH", "a"], "Can not replace with a, session does not exists."),
        (["ISOLATION", "none"], "expected shared or subinterpreter"),
    ],
)
def test_options_that_are_wrong(both: Speaker, options: list[str], text: str) -> None:
    assert text in both.raised(ONE, *options)
    assert sessions(both) == {}


def test_the_script_is_needed(both: Speaker) -> None:
    assert "wrong number of arguments" in both.refusal("RG.PYEXECUTE")


def test_an_id_of_all_characters(gears: Speaker) -> None:
    gears(ONE, "UNBLOCKING", "ID", "aZ09_-")
    assert list(sessions(gears)) == ["aZ09_-"]


def test_no_id(gears: Speaker) -> None:
    gears(ONE, "UNBLOCKING")
    (name,) = sessions(gears)
    assert len(name) == 40
    assert int(name, 16) >= 0


def test_an_id_that_is_taken(both: Speaker) -> None:
    name = both(LOOP, "UNBLOCKING", "ID", "a")
    assert both.raised(ONE, "ID", "a") == "Session a already exists"
    assert both(ONE, "ID", "a", "UPGRADE") == [["1"], []]
    both.ask("RG.ABORTEXECUTION", name)


def test_an_upgrade_that_fails_leaves_the_old(gears: Speaker) -> None:
    gears(LOOP, "UNBLOCKING", "ID", "a", "DESCRIPTION", "old")
    assert gears.raised("raise ValueError('so')", "ID", "a", "UPGRADE").endswith("so")
    assert sessions(gears)["a"]["sessionDescription"] == "old"
    assert gears.raised(ONE, "ID", "a") == "Session a already exists"


def test_a_session_in_place_of_another(gears: Speaker) -> None:
    first = gears(ONE, "UNBLOCKING", "ID", "a")
    gears(ONE, "UNBLOCKING", "ID", "b")
    text = "Can not replace an existing session b with a"
    assert gears.raised(ONE, "ID", "b", "REPLACE_WITH", "a") == text
    gears(ONE, "UNBLOCKING", "ID", "c", "REPLACE_WITH", "a")
    assert sorted(sessions(gears)) == ["b", "c"]
    assert list(sessions(gears, "DEAD")) == ["a"]
    assert gears.ask("RG.GETRESULTSBLOCKING", first) == [["1"], []]


def test_a_second_run(both: Speaker) -> None:
    text = "Can not run more then 1 executions in a single script"
    assert both.raised(f"{ONE}\n{ONE}").endswith(text)


def test_in_multi(both: Speaker) -> None:
    with both.client.pipeline(transaction=True) as pipe:
        pipe.execute_command("RG.PYEXECUTE", ONE)
        pipe.execute_command("PING")
        refused, pong = pipe.execute(raise_on_error=False)
    assert isinstance(refused, redis.ResponseError)
    assert str(refused) == NOT_HERE
    assert pong in ("PONG", True)


def test_in_lua(both: Speaker) -> None:
    """The server refuses it, as it refuses all commands of administrators in scripts."""
    script = "return redis.call('RG.PYEXECUTE', ARGV[1])"
    refused = both.refusal("EVAL", script, "0", ONE)
    assert NOT_HERE in refused or "not allowed from script" in refused


def test_requirements_that_cannot_be_had(gears: Speaker) -> None:
    text = "Could not satisfy requirements (look at redis log file for more information)"
    absent = "file:///nonexistent/absent-1.0-py3-none-any.whl"
    assert gears.raised(ONE, "REQUIREMENTS", absent) == text
    assert "is no requirement" in gears.raised(ONE, "REQUIREMENTS", "--index-url=x")


def test_requirements_that_are_there(gears: Speaker) -> None:
    assert gears(ONE, "REQUIREMENTS", "cloudpickle", "cloudpickle>=2") == [["1"], []]


@pytest.mark.parametrize(
    "script",
    [
        "\ufeffx = 'é'",
        "# -*- coding: latin-1 -*-\nx = 'é'",
        "x = 'é'\r\nif x:\r\n    pass\r\n",
        "from __future__ import annotations\nx: nonsense = 'é'",
    ],
    ids=["mark", "declaration", "line ends", "future"],
)
def test_texts_of_scripts(gears: Speaker, script: str) -> None:
    assert gears(f"{script}\nassert len(x) == 1\n") == "OK"


def test_scripts_of_scripts(gears: Speaker) -> None:
    """More than there are threads for: those that wait do not keep others from running."""
    inner = "GB('PythonReader').run(lambda: [1])"
    outer = f"GB('PythonReader').map(lambda _: execute('RG.PYEXECUTE', {inner!r})).run(lambda: [1])"
    names = [gears(outer, "UNBLOCKING") for _ in range(8)]
    for name in names:
        assert gears.ask("RG.GETRESULTSBLOCKING", name) == [["[['1'], []]"], []]


def test_a_script_that_is_no_text(gears: Speaker) -> None:
    assert gears.raised(b"x = '\xff'").startswith("the script is not UTF-8 text")


@pytest.fixture
def bob(gears: Speaker) -> Iterator[Speaker]:
    """A user who may do all that is not dangerous."""
    gears.ask("ACL", "SETUSER", "bob", "on", ">secret", "+@all", "-@dangerous", "~*")
    found = Speaker(gears.url)
    with found.client:
        found.ask("AUTH", "bob", "secret")
        yield found
    gears.ask("ACL", "DELUSER", "bob")


@pytest.mark.servers(*WITH_GEARS, "redis70_gears", "valkey80_gears")
def test_it_is_dangerous(gears: Speaker, bob: Speaker) -> None:
    for command in (["RG.PYEXECUTE", "x = 1"], ["RG.CONFIGGET", "x"], ["RG.DUMPEXECUTIONS"]):
        assert "permission" in bob.refusal(*command) or "the right to LASTSAVE" in bob.refusal(
            *command
        )
    gears.ask("ACL", "SETUSER", "bob", "+rg.pyexecute", "+lastsave")
    assert bob("x = 1") == "OK"


def test_its_categories_and_flags(gears: Speaker) -> None:
    ((name, _, flags, _, _, _, categories, *_),) = gears.ask("COMMAND", "INFO", "rg.pyexecute")
    assert name.lower() == "rg.pyexecute"
    assert "readonly" not in flags
    assert sorted(categories) == ["@admin", "@dangerous"]


@pytest.mark.parametrize("command", ["RG.PYEXECUTEREMOTE", "RG.PYFREEINTERPRETER"])
def test_commands_of_the_past(both: Speaker, command: str) -> None:
    assert "not longer supported" in both.refusal(command, "x")


def test_a_switch_turns_it_off(gears: Speaker) -> None:
    with gears.setting("ExecutionEnabled", "0"):
        assert "switched off" in gears.raised(ONE)
    assert gears(ONE) == [["1"], []]


def test_large_scripts_and_results(gears: Speaker) -> None:
    script = f"x = {'a' * 5_000_000!r}\nGB('PythonReader').map(lambda _: x).run(lambda: [1])"
    assert gears(script) == [["a" * 5_000_000], []]


@pytest.mark.parametrize("isolation", ["shared", "subinterpreter"])
def test_isolation(gears: Speaker, isolation: str) -> None:
    assert gears(ONE, "ISOLATION", isolation) == [["1"], []]
    names = gears.body("import sys; sys.modules['own'] = 1; value = 1")
    assert names == 1
    other = "GB('PythonReader').map(lambda _: 'own' in __import__('sys').modules).run(lambda: [1])"
    assert gears(other, "ISOLATION", isolation) == [[str(isolation == "shared")], []]
    gears("import sys; del sys.modules['own']")


def test_many_at_once(gears: Speaker) -> None:
    names = [gears(ONE, "UNBLOCKING") for _ in range(50)]
    replies = [gears.ask("RG.GETRESULTSBLOCKING", name) for name in names]
    assert replies == [[["1"], []]] * 50
    wait_until(lambda: len(gears.ask("RG.DUMPEXECUTIONS")) == 50)


@pytest.mark.parametrize("name", ["valkey91", "redis82", "stack74"])
def test_on_a_replica(fresh_server: FreshServer, name: str) -> None:
    """It runs, and reads; what it writes is refused."""
    main = fresh_server(name, repl_diskless_sync_delay="0")
    copy = fresh_server(name, gears=True)
    with redis.Redis.from_url(main.url) as client:
        client.set("k", "v")
    gears = Speaker(copy.url)
    with gears.client:
        gears.client.replicaof("127.0.0.1", main.port)
        wait_until(lambda: gears.client.info("replication")["master_link_status"] == "up")
        assert gears.results("GB().map(lambda r: r['value']).run()") == ["v"]
        assert "READONLY" in gears.raised("execute('SET', 'k', 'w')")
        put = "return redis.call('SET', KEYS[1], 'w')"
        assert "READONLY" in gears.raised(f"execute('EVAL', {put!r}, 1, 'k')")
        assert gears.ask("GET", "k") == "v"
