"""What scripts find: global variables, the module redisgears, the functions of the runtime."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gearframe.exceptions import GearsForceStopped
from tests.unit.shard.conftest import Running

GLOBALS = [
    "redisgears", "rg", "copy", "cProfile", "pstats", "io", "asyncio", "Future", "Thread",
    "execute", "call_next", "get_command", "override_reply", "atomic", "hashtag", "registerTE",
    "gearsCtx", "gearsFuture", "log", "setGearsSession", "getGearsSession",
    "registerGearsThread", "isInAtomicBlock", "configGet", "gearsConfigGet", "isAsyncAllow",
    "flat_error", "createFuture", "setFutureResults", "setFutureException", "runCoroutine",
    "createKeysOnlyReader", "shardReaderCallback", "profilerCreate", "profileStart",
    "profileStop", "profileGetInfo", "createDecorator", "genDeprecated", "GearsBuilder", "GB",
    "GearsSession", "GearsFuture", "PyFlatExecution", "loop", "t", "k", "f", "Log", "ConfigGet",
    "GearsConfigGet",
]  # fmt: skip
MODULE = [
    "gearsCtx", "registerGearsThread", "getGearsSession", "setGearsSession", "isInAtomicBlock",
    "gearsFutureCtx", "atomicCtx", "_saveGlobals", "executeCommand", "log", "config_get",
    "getMyHashTag", "registerTimeEvent", "callNext", "getCommand", "overrideReply",
    "isAsyncAllow", "flatError", "PyExecutionSession", "PyFlatExecution", "PyAtomic",
    "PyFuture", "GearsError", "GearsForceStopped", "GearsFlatError",
]  # fmt: skip


def fine(worker: Running, text: str, **options: object) -> None:
    """Run a script that must not fail."""
    worker.script(text, **options)
    assert worker.receive() == ("no_execution", 1)


def test_every_name_is_there(worker: Running) -> None:
    fine(worker, f"for name in {GLOBALS}: eval(name)")
    fine(worker, f"from redisgears import {', '.join(MODULE)}")
    fine(worker, "import redisgears as r; assert r is redisgears is rg")
    fine(worker, "assert __name__ != '__main__' and loop.is_running() and t.is_alive()")


def test_execute(worker: Running) -> None:
    worker.host.commands[b"SET"] = lambda *given: "OK"
    fine(worker, "assert execute('set', 'a', 1, b'\\xff', bytearray(b'x'), 1.5, 'é') == 'OK'")
    argv = [b"set", b"a", b"1", b"\xff", b"x", b"1.5", "é".encode()]
    assert worker.host.called == [("ann", 3, 2, argv)]
    fine(worker, "execute('set', 'a', protocol=3)")
    assert worker.host.called[-1][2] == 3
    fine(worker, "assert execute() == []")
    assert "must be the name of a command as str" in worker.failure("execute(b'SET', 'a')")
    fine(
        worker,
        "try: execute('NOPE')\nexcept redisgears.GearsError as e: assert 'unknown' in str(e)",
    )


def test_commands_of_gears_go_to_the_control_plane(worker: Running) -> None:
    worker.script("assert execute('rg.getresults', 'x') == ['a', None, 3]")
    kind, box, name, arguments, client = worker.receive()
    assert (kind, name, arguments) == ("command", "RG.GETRESULTS", [b"x"])
    assert client["user"] == "ann"
    assert (client["db"], client["protocol"], client["execution"]) == (3, 2, "e1")
    worker.host.post(box, ("reply", [b"a", None, 3]))
    assert worker.receive() == ("no_execution", 1)
    worker.host.commands[b"RG.CONFIGGET"] = lambda name: [name]
    fine(worker, "assert execute('rg.configget', 'x') == [b'x']")
    worker.script("execute('RG.UNREGISTER', 'x')")
    worker.host.post(worker.receive()[1], ("reply", ("error", "ERR no such thing")))
    assert "GearsError: ERR no such thing" in worker.receive()[2]
    error = worker.failure("with atomic(): execute('RG.DUMPEXECUTIONS')")
    assert "can not be called inside an atomic block" in error


def test_a_script_that_waits_for_the_control_plane_is_aborted(worker: Running) -> None:
    worker.script("execute('rg.dumpexecutions')")
    kind, box, *_ = worker.receive()
    assert kind == "command"
    worker.send("abort", "e1")
    told = worker.receive()
    assert told == ("disconnected", -box)
    while told == ("disconnected", -box):  # again where an interrupt came just then
        told = worker.receive()
    assert told == ("failed", 1, "execution was aborted")
    assert len(worker.host.boxes) == 2


@pytest.mark.parametrize("function", ["post", "close_box"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupt_behind_another_leaves_no_command_behind(
    worker: Running, monkeypatch: pytest.MonkeyPatch, function: str, when: str
) -> None:
    """They come one after the other, so the next may cut short what the first has begun."""
    left = threading.Event()
    original = getattr(worker.host, function)

    def cut(*given: Any) -> Any:
        first = not left.is_set() and threading.current_thread().name == "gears-0"
        if not first or (function == "post" and given[1][0] != "disconnected"):
            return original(*given)
        left.set()
        if when == "after":
            original(*given)
        raise GearsForceStopped

    monkeypatch.setattr(worker.host, function, cut)
    worker.script("execute('rg.dumpexecutions')")
    _, box, *_ = worker.receive()
    worker.send("abort", "e1")
    told = [worker.receive()]
    while told[-1][0] == "disconnected":
        told.append(worker.receive())
    assert left.is_set()
    assert told[0] == ("disconnected", -box)
    assert told[-1] == ("failed", 1, "execution was aborted")
    assert len(worker.host.boxes) == 2


def test_atomic(worker: Running) -> None:
    text = "assert not isInAtomicBlock() and isAsyncAllow()\nwith atomic():\n"
    fine(worker, text + "    assert isInAtomicBlock() and not isAsyncAllow()\n")
    fine(worker, "c = redisgears.atomicCtx(); c.__enter__(); c.__exit__()")
    error = worker.failure("with atomic():\n    with atomic(): pass")
    assert "Already inside an atomic block" in error
    assert worker.host.is_free()


def test_await_in_an_atomic_block(worker: Running) -> None:
    text = "async def f(x):\n    with atomic():\n        await asyncio.sleep(1)\n"
    told = worker.outcome(text + "GB('PythonReader').map(f).run(lambda: iter([1]))")
    assert "await is not allow inside atomic block" in told["errors"][0]
    assert worker.host.is_free()


def test_log_and_print(worker: Running) -> None:
    fine(worker, "log('a'); log('b', 'warning'); log('c', level='debug'); Log('d')")
    assert worker.host.logged[:3] == [
        ("notice", "GEARS: a"),
        ("warning", "GEARS: b"),
        ("debug", "GEARS: c"),
    ]
    assert worker.host.logged[3] == ("warning", "GEARS: Log is deprecated, use log")
    worker.host.logged.clear()
    fine(worker, "log('warning', 'old')")
    assert worker.host.logged[1] == ("warning", "GEARS: old")
    assert "unknown log level 'loud'" in worker.failure("log('a', 'loud')")
    assert "must be a str, not int" in worker.failure("log(1)")


def test_settings(worker: Running) -> None:
    fine(worker, "assert configGet('ExecutionThreads') == '2' and configGet('no') is None")
    fine(worker, "assert gearsConfigGet('no', 5) == 5 and ConfigGet('ExecutionThreads') == '2'")
    fine(worker, "assert hashtag() == '06S' and list(shardReaderCallback()) == ['1']")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("call_next()", "Can not get CommandHook ctx"),
        ("get_command()", "Can not get CommandHook ctx"),
        ("override_reply(1)", "Can not get CommandHook ctx"),
        ("registerTE(1, print)", "triggers are not in this version"),
        ("GB().register()", "not in this version"),
        ("gearsCtx('KeysReader').register('x')", "not in this version"),
        ("gearsFuture()", "Future object can only be created inside certain execution steps"),
        ("GB('Nope')", "reader does not exists"),
        ("setGearsSession(1)", "int is no session"),
    ],
)
def test_what_is_not_possible_says_so(worker: Running, call: str, text: str) -> None:
    assert text in worker.failure(call)


def test_records(worker: Running) -> None:
    worker.host.records = [
        {"key": "a", "value": "1", "type": "string", "event": None},
        {"key": "b", "value": '{"n": 123456789012345678901}', "type": "module", "event": None},
        {"key": "c", "value": "[" * 100_000, "type": "module", "event": None},
        {"key": "d", "value": "1" * 5000, "type": "module", "event": None},
        {"key": "xe", "value": None, "type": "module", "event": None},
    ]
    text = "GB().map(lambda r: [r['key'], str(r['value'])[:30]]).run('?', convertToStr=False)"
    assert sorted(worker.results(text)) == [
        ["a", "1"],
        ["b", "{'n': 123456789012345678901}"],
        ["c", "[" * 30],
        ["d", "1" * 30],
    ]
    assert worker.host.walks == {}


def test_the_low_level_builder(worker: Running) -> None:
    text = "gearsCtx('PythonReader', 'd').map(lambda x: [x]).run(lambda: iter([1]))"
    assert worker.results(text) == [[1]]


def test_sessions_in_threads_and_coroutines(worker: Running) -> None:
    worker.host.commands[b"INCR"] = lambda key: len(worker.host.called)
    threads = """
import threading
out = []
def inherits(): out.append(execute('INCR', 'a'))
def without():
    try: execute('INCR', 'a')
    except redisgears.GearsError: out.append('none')
def joins(s):
    registerGearsThread()
    with GearsSession(s): out.append(execute('INCR', 'a'))
    out.append(getGearsSession())
for thread in (Thread(target=inherits), threading.Thread(target=without),
               threading.Thread(target=joins, args=[getGearsSession()])):
    thread.start(); thread.join()
assert out == [1, 'none', 2, None], out
"""
    fine(worker, threads)
    coroutine = """
async def c(x):
    await asyncio.sleep(0)
    return execute('INCR', 'a')
GB('PythonReader').map(c).run(lambda: iter([0]), convertToStr=False)
"""
    assert worker.results(coroutine) == [3]
    future = """
def go(future, session):
    with GearsSession(session): future.continueRun(execute('INCR', 'a'))
def parks(x):
    future = gearsFuture()
    threading.Thread(target=go, args=[future, getGearsSession()]).start()
    return future
GB('PythonReader').map(parks).run(lambda: iter([0]), convertToStr=False)
"""
    assert worker.results(future) == [4]
    later = """
done = threading.Event()
async def c():
    out.append(execute('INCR', 'a')); done.set()
runCoroutine(c(), s=getGearsSession()); done.wait(60)
assert out[-1] == 5
"""
    fine(worker, later)


def test_keys_only_reader(worker: Running) -> None:
    pages = {b"0": ["7", ["a", "b"]], b"7": ["0", ["c"]]}
    worker.host.commands[b"SCAN"] = lambda cursor, *rest: pages[cursor]
    worker.host.commands[b"EXISTS"] = lambda key: int(key == b"a")
    fine(worker, "assert list(createKeysOnlyReader()()) == ['a', 'b', 'c']")
    fine(worker, "assert list(createKeysOnlyReader('a', noScan=True)()) == ['a']")
    generator = "assert list(createKeysOnlyReader(patternGenerator=lambda: ('x', True))()) == []"
    fine(worker, generator)


def test_profiling_by_hand(worker: Running) -> None:
    text = "p = profilerCreate(); profileStart(p); sorted([1]); profileStop(p)\n"
    fine(worker, text + "assert 'sorted' in profileGetInfo(p)")


def test_warnings_of_a_dataclass_and_pickle(worker: Running) -> None:
    text = "import dataclasses, cloudpickle\n@dataclasses.dataclass\nclass A:\n    x: int\n"
    fine(worker, text + "assert cloudpickle.loads(cloudpickle.dumps(A(3))).x == 3")
