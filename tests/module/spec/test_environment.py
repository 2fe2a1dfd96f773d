"""Section 1.1: what a script finds."""

from __future__ import annotations

import pytest

from tests.module.spec.speaker import Speaker
from tests.servers.patience import wait_until

MODULES = ("redisgears", "rg", "copy", "cProfile", "pstats", "io", "asyncio")
CLASSES = (
    ["Future", "Thread", "GearsBuilder", "GB", "GearsSession", "GearsFuture", "PyFlatExecution"]
)  # fmt: skip
FUNCTIONS = [
    "execute", "call_next", "get_command", "override_reply", "atomic", "hashtag", "registerTE",
    "gearsCtx", "gearsFuture", "log", "setGearsSession", "getGearsSession",
    "registerGearsThread", "isInAtomicBlock", "configGet", "gearsConfigGet", "isAsyncAllow",
    "flat_error", "createFuture", "setFutureResults", "setFutureException", "runCoroutine",
    "createKeysOnlyReader", "shardReaderCallback", "profilerCreate", "profileStart",
    "profileStop", "profileGetInfo", "createDecorator", "genDeprecated", "Log", "ConfigGet",
    "GearsConfigGet", "f",
]  # fmt: skip
OF_THE_MODULE = [
    "gearsCtx", "registerGearsThread", "getGearsSession", "setGearsSession", "isInAtomicBlock",
    "gearsFutureCtx", "atomicCtx", "_saveGlobals", "executeCommand", "log", "config_get",
    "getMyHashTag", "registerTimeEvent", "callNext", "getCommand", "overrideReply",
    "isAsyncAllow", "flatError", "PyExecutionSession", "PyFlatExecution", "PyAtomic",
    "PyFuture", "GearsError", "GearsForceStopped", "GearsFlatError",
]  # fmt: skip


def test_modules_are_there(gears: Speaker) -> None:
    script = f"value = [type(globals()[n]).__name__ for n in {MODULES!r}]"
    assert gears.body(script) == ["module"] * len(MODULES)


def test_classes_are_there(gears: Speaker) -> None:
    assert gears.body(f"value = [isinstance(globals()[n], type) for n in {CLASSES!r}]") == [
        True
    ] * len(CLASSES)


def test_functions_are_there(gears: Speaker) -> None:
    assert gears.body(f"value = [n for n in {FUNCTIONS!r} if not callable(globals()[n])]") == []


def test_they_are_seen_in_steps(gears: Speaker) -> None:
    names = (*MODULES, *CLASSES, *FUNCTIONS, "loop", "t", "k")
    assert gears.step(f"[n for n in {names!r} if n not in globals()]") == []


def test_the_module_has_all_its_names(gears: Speaker) -> None:
    assert gears.body(f"value = [n for n in {OF_THE_MODULE!r} if not hasattr(rg, n)]") == []


def test_the_module_can_be_imported(gears: Speaker) -> None:
    script = "import redisgears as a, sys; value = (a is rg, sys.modules['redisgears'] is rg)"
    assert gears.body(script) == (True, True)
    names = "executeCommand as execute, getMyHashTag as hashtag, log, atomicCtx, config_get"
    assert gears.body(f"from redisgears import {names}; value = execute('ping')") == "PONG"


def test_a_script_is_not_main(gears: Speaker) -> None:
    assert gears.body("value = __name__ == '__main__'") is False


def test_aliases_are_the_same(gears: Speaker) -> None:
    assert gears.body("value = (redisgears is rg, GB is GearsBuilder)") == (True, True)


def test_the_loop_and_its_thread(gears: Speaker) -> None:
    value = (
        "value = (loop.is_running(), t.is_alive(), isinstance(t, __import__('threading').Thread))"
    )
    assert gears.body(value) == (True, True, True)
    assert gears.body(
        "value = createFuture().get_loop() is loop is loop.create_future().get_loop()"
    )
    assert gears.body("value = isinstance(loop.create_future(), GearsFuture)") is True
    assert gears.body("value = issubclass(GearsFuture, Future)") is True


def test_sessions_do_not_see_each_other(gears: Speaker) -> None:
    gears("GB = 1; mine = 2", "ID", "one")
    assert gears.body("value = ('mine' in globals(), callable(GB))") == (False, True)


def test_a_change_of_a_shared_class_stays_in_its_session(gears: Speaker) -> None:
    gears("def own(x): return x\nlog = own")
    assert gears.body("value = log.__name__") == "log"


def test_steps_of_a_session_share_its_globals(gears: Speaker) -> None:
    script = """
counter = 0
def count(record):
    global counter
    counter += 1
    return record
GB('PythonReader').map(count).map(lambda record: (record, counter)).run(lambda: iter(range(3)))
"""
    assert gears.objects(script) == [(0, 3), (1, 3), (2, 3)]


def test_each_script_begins_anew(gears: Speaker) -> None:
    script = "counter = globals().get('counter', 0) + 1; value = counter"
    assert [gears.body(script) for _ in range(2)] == [1, 1]


def test_old_names_warn(gears: Speaker) -> None:
    script = (
        "Log('by the old name')\nvalue = (ConfigGet('MaxExecutions'), GearsConfigGet('no', 'd'))"
    )
    assert gears.body(script) == ("1000", "d")


@pytest.mark.parametrize(
    ("old", "call"),
    [
        ("Log", "Log('x')"),
        ("ConfigGet", "ConfigGet('x')"),
        ("GearsConfigGet", "GearsConfigGet('x')"),
    ],
)
def test_old_names_are_logged(gears: Speaker, module_server: object, old: str, call: str) -> None:
    gears(call)
    line = f"GEARS: {old} is deprecated"
    wait_until(lambda: line in module_server.log())  # type: ignore[attr-defined]


def test_gears_ctx_is_the_builder_below(gears: Speaker) -> None:
    script = "gearsCtx('PythonReader', 'what for').map(lambda x: {}).run(lambda: [1])"
    assert gears(script) == [["PY RECORD"], []]
    assert gears.body("value = type(rg.gearsCtx()).__name__") == "PyFlatExecution"


def test_names_left_over(gears: Speaker) -> None:
    assert gears.body("value = (type(k).__name__, callable(f))") == ("str", True)


def test_decorators_can_be_made(gears: Speaker) -> None:
    script = """
seen = []
class Box:
    gearsCtx = 'the context'
Box.note = createDecorator(lambda ctx, *args: seen.append((ctx, args)))
Box().note(1).note(2)
value = seen
"""
    assert gears.body(script) == [("the context", (1,)), ("the context", (2,))]
    assert gears.body("value = genDeprecated('Old', 'new', lambda x: x + 1)(1)") == 2


def test_profiling_by_hand(gears: Speaker) -> None:
    script = """
p = profilerCreate()
profileStart(p)
sorted([3, 2])
profileStop(p)
value = 'sorted' in profileGetInfo(p)
"""
    assert gears.body(script) is True


def test_readers_made_by_hand(gears: Speaker) -> None:
    gears.client.mset({"a": 1, "b": 2})
    assert gears.body("value = sorted(createKeysOnlyReader('[ab]')())") == ["a", "b"]
    assert gears.body("value = list(createKeysOnlyReader('a', noScan=True)())") == ["a"]
    assert gears.body("value = list(shardReaderCallback())") == ["1"]


@pytest.mark.parametrize(
    "call",
    ["call_next('get', 'x')", "get_command()", "override_reply('x')",
     "rg.callNext('x')", "rg.getCommand()", "rg.overrideReply('x')"],
)  # fmt: skip
def test_what_only_a_hook_can_do(gears: Speaker, call: str) -> None:
    assert gears.raised(call).endswith("Can not get CommandHook ctx")


def test_time_events_come_with_the_triggers(gears: Speaker) -> None:
    assert "not in this version" in gears.raised("registerTE(1, lambda: 1)")
    assert "not in this version" in gears.raised("GB().register()")


def test_errors_are_exceptions(gears: Speaker) -> None:
    script = "value = [issubclass(e, Exception) for e in (rg.GearsError, rg.GearsFlatError)]"
    assert gears.body(script) == [True, True]
    assert gears.body("value = issubclass(rg.GearsForceStopped, BaseException)") is True
