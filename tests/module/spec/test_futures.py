"""Section 1.6: futures and coroutines."""

from __future__ import annotations

import pytest

from tests.module.spec.speaker import Speaker
from tests.servers.patience import wait_until

ONE = "GB('PythonReader').{}.run(lambda: iter({}))"


def park(how: str) -> str:
    """A function that returns a future, which a thread of its own continues."""
    return f"""
import threading
def park(record, *others):
    future = gearsFuture()
    def later():
        {how}
    threading.Thread(target=later).start()
    return future
"""


@pytest.mark.parametrize(
    ("steps", "value", "expected"),
    [
        ("map(park)", "record * 10", [0, 10, 20]),
        ("filter(park)", "record % 2", [1]),
        ("foreach(park)", "'ignored'", [0, 1, 2]),
        ("flatmap(park)", "[record, record]", [0, 0, 1, 1, 2, 2]),
        ("flatmap(park)", "(record, record)", [(0, 0), (1, 1), (2, 2)]),
        ("flatmap(park)", "[]", []),
        ("map(park).map(lambda x: x + 1)", "record", [1, 2, 3]),
        ("map(park).filter(park).count()", "1", [3]),
    ],
)
def test_records_that_wait(gears: Speaker, steps: str, value: str, expected: list[object]) -> None:
    found = gears.objects(park(f"future.continueRun({value})") + ONE.format(steps, "range(3)"))
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_accumulators_that_wait(gears: Speaker) -> None:
    how = "future.continueRun((record or 0) + others[0])"
    assert gears.objects(park(how) + ONE.format("accumulate(park)", "range(4)")) == [6]


@pytest.mark.parametrize("operation", ["groupby", "localgroupby"])
def test_reducers_that_wait(gears: Speaker, operation: str) -> None:
    how = "future.continueRun((others[0] or 0) + others[1])"
    script = park(how) + ONE.format(f"{operation}(lambda x: x % 2, park)", "range(5)")
    found = sorted(gears.objects(script), key=lambda each: str(each["key"]))
    assert found == [{"key": "0", "value": 6}, {"key": "1", "value": 4}]


@pytest.mark.parametrize("given", ["'no more'", "ValueError('no more')"])
def test_records_that_fail_later(gears: Speaker, given: str) -> None:
    script = park(f"future.continueFailed({given})") + ONE.format("map(park)", "[1, 2]")
    results, errors = gears(script)
    assert results == []
    assert len(errors) == 2
    assert all(each.endswith("no more") for each in errors)


def test_more_than_a_thousand_in_flight(gears: Speaker) -> None:
    """One thread continues each batch of a thousand, as late as it can."""
    script = """
import queue, threading
waiting = queue.Queue()
most = 0
def park(record):
    future = gearsFuture()
    waiting.put((future, record))
    return future
def work():
    global most
    for n in range(3000):
        future, record = waiting.get()
        most = max(most, waiting.qsize())
        future.continueRun(record)
threading.Thread(target=work).start()
GB('PythonReader').map(park).count().map(lambda n: (n, most <= 1000)).run(lambda: iter(range(3000)))
"""
    assert gears.objects(script) == [(3000, True)]


def test_a_thousand_wait_at_once(gears: Speaker) -> None:
    script = """
import threading
all = []
def park(record):
    future = gearsFuture()
    all.append((future, record))
    if len(all) == 1000:
        threading.Thread(target=lambda: [f.continueRun(r) for f, r in all]).start()
    return future
GB('PythonReader').map(park).count().run(lambda: iter(range(1000)))
"""
    assert gears.objects(script) == [1000]


def test_a_future_has_to_be_in_a_step(gears: Speaker) -> None:
    text = "Future object can only be created inside certain execution steps"
    assert gears.raised("gearsFuture()").endswith(text)
    assert gears.raised("rg.gearsFutureCtx()").endswith(text)
    for step in (
        "groupby(lambda x: gearsFuture(), lambda k, a, r: 1)",
        "batchgroupby(lambda x: 'k', lambda k, r: gearsFuture())",
        "repartition(lambda x: gearsFuture())",
    ):
        assert gears.errors(ONE.format(step, "[1]"))[0].endswith(text), step


def test_one_future_for_a_record(gears: Speaker) -> None:
    script = "def f(x):\n    one = gearsFuture()\n    return gearsFuture()\n"
    (error,) = gears.errors(script + ONE.format("map(f)", "[1]"))
    assert error.endswith("Can not create async record twice on the same step")


def test_a_future_is_returned_before_it_goes_on(gears: Speaker) -> None:
    for call in ("continueRun(1)", "continueFailed('x')"):
        script = f"def f(x):\n    f = gearsFuture()\n    f.{call}\n    return f\n"
        (error,) = gears.errors(script + ONE.format("map(f)", "[1]"))
        assert error.endswith("Can not handle future untill it returned from the callback")


def test_a_future_goes_on_once(gears: Speaker) -> None:
    script = """
import threading
raised = []
done = threading.Event()
def f(x):
    future = gearsFuture()
    def later():
        future.continueRun(1)
        try:
            future.continueRun(2)
        except rg.GearsError as error:
            raised.append(str(error))
        try:
            future.continueFailed('x')
        except rg.GearsError as error:
            raised.append(str(error))
        done.set()
    threading.Thread(target=later).start()
    return future
GB('PythonReader').map(f).map(lambda x: (x, done.wait(30), raised)).run(lambda: [1])
"""
    text = "Can not continue with the same future twice"
    assert gears.objects(script) == [(1, True, [text, text])]


def test_a_future_that_nobody_continues(gears: Speaker) -> None:
    script = "def f(x):\n    return gearsFuture()\n" + ONE.format("map(f)", "[1]")
    assert gears.errors(script) == ["Async record did not called continue"]


# -- coroutines ------------------------------------------------------------------------------------

LATER = """
async def later(x, *_):
    await asyncio.sleep(0)
    return {}
"""


@pytest.mark.parametrize(
    ("steps", "value", "expected"),
    [
        ("map(later)", "x * 10", [0, 10, 20]),
        ("filter(later)", "x % 2", [1]),
        ("foreach(later)", "'ignored'", [0, 1, 2]),
        ("flatmap(later)", "[x, x]", [0, 0, 1, 1, 2, 2]),
        ("accumulate(later)", "(x or 0) + _[0]", [3]),
        ("groupby(lambda x: 'k', later)", "(_[0] or 0) + _[1]", [{"key": "k", "value": 3}]),
        ("localgroupby(lambda x: 'k', later)", "(_[0] or 0) + _[1]", [{"key": "k", "value": 3}]),
    ],
)
def test_coroutines(gears: Speaker, steps: str, value: str, expected: list[object]) -> None:
    found = gears.objects(LATER.format(value) + ONE.format(steps, "range(3)"))
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_coroutines_that_fail(gears: Speaker) -> None:
    (error,) = gears(LATER.format("1 // x") + ONE.format("map(later)", "[0]"))[1]
    assert error.startswith("Traceback")
    assert error.rstrip().endswith("ZeroDivisionError: integer division or modulo by zero")
    flat = gears(LATER.format("flat_error('only this')") + ONE.format("map(later)", "[0]"))
    assert flat == [[], ["only this"]]


def test_coroutines_are_on_the_loop(gears: Speaker) -> None:
    value = "asyncio.get_running_loop() is loop"
    assert gears.objects(LATER.format(value) + ONE.format("map(later)", "[0]")) == [True]


def test_coroutines_run_beside_each_other(gears: Speaker) -> None:
    script = """
started = 0
all_here = createFuture()
async def meet(x):
    global started
    started += 1
    if started == 1000:
        all_here.set_result(True)
    return await all_here
GB('PythonReader').map(meet).count().run(lambda: iter(range(1000)))
"""
    assert gears.objects(script) == [1000]


def test_coroutines_have_their_session(gears: Speaker) -> None:
    script = LATER.format("(execute('ECHO', x), hashtag(), configGet('MaxExecutions'))")
    assert gears.objects(script + ONE.format("map(later)", "['a']")) == [("a", "06S", "1000")]


def test_run_is_awaited(gears: Speaker) -> None:
    gears.client.mset({"a": 1, "b": 2})
    script = """
async def inner(pattern):
    results, errors = await GB('KeysOnlyReader').sort().run(pattern)
    return (results, errors)
GB('PythonReader').map(inner).run(lambda: iter(['[ab]']))
"""
    assert gears.objects(script) == [(["a", "b"], [])]
    wait_until(lambda: gears.ask("RG.DUMPEXECUTIONS") == [])


def test_an_awaited_run_has_its_errors(gears: Speaker) -> None:
    script = """
async def inner(x):
    gear = GB('PythonReader').map(lambda y: {'a': 1}).map(lambda r: flat_error('so') if x else r)
    return (await gear.run(lambda: iter([1]), convertToStr=False))
GB('PythonReader').map(inner).run(lambda: iter([0, 1]))
"""
    assert sorted(gears.objects(script), key=repr) == [[[], ["so"]], [[{"a": 1}], []]]


def test_the_scripts_own_run_is_awaited(gears: Speaker) -> None:
    script = """
future = GB('PythonReader').run(lambda: iter([1, 2]))
async def after():
    results, errors = await future
    execute('SET', 'came', str((results, errors)))
runCoroutine(after())
"""
    assert gears(script) == [["1", "2"], []]
    wait_until(lambda: gears.ask("GET", "came") == "(['1', '2'], [])")


@pytest.mark.parametrize(
    "awaited",
    [
        "createFuture()",
        "asyncio.sleep(0.01)",
        "asyncio.sleep(0)",
        "asyncio.create_task(other())",
        "asyncio.gather(GB('KeysReader').run())",
        "asyncio.wait_for(GB('KeysReader').run(), 100)",
        "GB('KeysReader').run()",
    ],
)
def test_no_await_in_an_atomic_block(gears: Speaker, awaited: str) -> None:
    """What is awaited may need the server, which waits for the block: both would wait for ever."""
    script = f"""
async def other():
    execute('SET', 'other', '1')
async def f(x):
    try:
        with atomic():
            await {awaited}
    except rg.GearsError as error:
        await asyncio.sleep(0)
        return str(error)
GB('PythonReader').map(f).run(lambda: [1])
"""
    assert gears(script) == [["await is not allow inside atomic block"], []]
    assert gears.ask("PING") == "PONG"


def test_no_future_in_an_atomic_block(gears: Speaker) -> None:
    script = "def f(x):\n    with atomic():\n        return gearsFuture()\n"
    errors = gears.errors(script + ONE.format("map(f)", "[1]"))
    assert errors[0].endswith("Creating async record is not allowed")


def test_an_atomic_block_in_a_coroutine(gears: Speaker) -> None:
    script = """
async def f(x):
    await asyncio.sleep(0)
    with atomic():
        execute('INCR', 'n')
        value = execute('INCR', 'n')
    await asyncio.sleep(0)
    return value
GB('PythonReader').map(f).run(lambda: iter(range(3)))
"""
    assert sorted(gears.objects(script)) == [2, 4, 6]


def test_tasks_of_coroutines(gears: Speaker) -> None:
    script = """
async def one(n):
    await asyncio.sleep(0)
    return n
async def failing():
    await asyncio.sleep(0)
    raise ValueError('so')
async def f(x):
    forever = asyncio.create_task(asyncio.sleep(1000))
    never_begun = asyncio.create_task(one(5))
    never_begun.cancel()
    await asyncio.sleep(0)
    forever.cancel()
    found = await asyncio.gather(one(1), one(2), failing(), forever, never_begun,
                                 return_exceptions=True)
    return [type(each).__name__ for each in found[2:]] + found[:2]
GB('PythonReader').map(f).run(lambda: [1])
"""
    assert gears.objects(script) == [["ValueError", "CancelledError", "CancelledError", 1, 2]]


def test_futures_for_coroutines(gears: Speaker) -> None:
    script = """
import threading
async def f(x):
    good, bad = createFuture(), createFuture()
    threading.Thread(target=lambda: setFutureResults(good, x + 1)).start()
    threading.Thread(target=lambda: setFutureException(bad, 'failed')).start()
    try:
        await bad
    except Exception as error:
        return (await good, str(error))
GB('PythonReader').map(f).run(lambda: [1])
"""
    assert gears.objects(script) == [(2, "failed")]


def test_coroutines_on_their_own(gears: Speaker) -> None:
    script = """
async def work(key):
    execute('SET', key, 'done')
runCoroutine(work('a'))
runCoroutine(work('b'), None, 0.01)
runCoroutine(work('c'), delay=0.01, s=getGearsSession())
"""
    assert gears(script) == "OK"
    wait_until(lambda: gears.client.mget("a", "b", "c") == ["done"] * 3)


def test_a_coroutine_continues_a_future(gears: Speaker) -> None:
    script = """
async def work(x):
    return x * 2
def f(x):
    future = gearsFuture()
    runCoroutine(work(x), future, 0.01)
    return future
GB('PythonReader').map(f).run(lambda: [1, 2])
"""
    assert sorted(gears.objects(script)) == [2, 4]


# -- threads and sessions --------------------------------------------------------------------------


def test_a_thread_of_a_script(gears: Speaker) -> None:
    script = """
import threading
session = getGearsSession()
def work():
    registerGearsThread()
    setGearsSession(session)
    execute('SET', 'bound', hashtag())
    setGearsSession(None)
    try:
        execute('SET', 'free', '1')
    except rg.GearsError:
        pass
    with GearsSession(session):
        execute('SET', 'with', '1')
    try:
        execute('SET', 'free', '2')
    except rg.GearsError:
        setGearsSession(session)
        execute('SET', 'end', '1')
threading.Thread(target=work).start()
"""
    assert gears(script) == "OK"
    wait_until(lambda: gears.ask("GET", "end"))
    assert gears.client.mget("bound", "free", "with") == ["06S", None, "1"]


def test_threads_that_know_their_session(gears: Speaker) -> None:
    assert gears("Thread(target=lambda: execute('SET', 'by', 'thread')).start()") == "OK"
    wait_until(lambda: gears.ask("GET", "by") == "thread")


def test_sessions(gears: Speaker) -> None:
    assert gears.body("value = type(getGearsSession()).__name__") == "PyExecutionSession"
    assert gears.body("value = isinstance(getGearsSession(), rg.PyExecutionSession)") is True
    assert "is no session" in gears.raised("setGearsSession(1)")


def test_a_gear_of_a_thread(gears: Speaker) -> None:
    script = """
def work():
    GB('PythonReader').foreach(lambda x: execute('INCRBY', 'sum', x)).run(lambda: iter([1, 2]))
Thread(target=work).start()
"""
    assert gears(script) == "OK"
    wait_until(lambda: gears.ask("GET", "sum") == "3")


def test_async_is_allowed(gears: Speaker) -> None:
    assert gears.body("value = isAsyncAllow()") is True
    assert gears.step("isAsyncAllow()") is True


@pytest.mark.parametrize("isolation", ["shared", "subinterpreter"])
def test_in_both_isolations(gears: Speaker, isolation: str) -> None:
    script = """
async def other(n):
    await asyncio.sleep(0)
    return execute('INCRBY', 'sum', n)
async def f(x):
    await asyncio.gather(other(x), other(x))
    results, errors = await GB('KeysOnlyReader').run('sum')
    return results
GB('PythonReader').map(f).run(lambda: iter([1, 2]))
"""
    assert gears(script, "ISOLATION", isolation) == [["['sum']"] * 2, []]
    assert gears.ask("GET", "sum") == "6"


# -- the end ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    ["def f(x):\n    keep.append(gearsFuture())\n    return keep[-1]\n",
     "async def f(x):\n    await asyncio.sleep(1000)\n"],
    ids=["future", "coroutine"],
)  # fmt: skip
def test_an_abort_while_records_wait(gears: Speaker, step: str) -> None:
    script = "keep = []\n" + step + "GB('PythonReader').map(f).run(lambda: iter([1, 2]))"
    name = gears(script, "UNBLOCKING")
    wait_until(lambda: gears.refusal("RG.GETRESULTS", name) == "execution is still running")
    assert gears.ask("RG.ABORTEXECUTION", name) == "OK"
    assert gears.ask("RG.GETRESULTS", name) == [[], ["execution was aborted"]]
    assert gears("x = 1") == "OK"
