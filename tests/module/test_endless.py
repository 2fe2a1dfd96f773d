"""Code that never ends is ended from outside: by RG.ABORTEXECUTION, and by its time limit."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tests.module.gears import abort, begin, connect, run_into_limit, send, status
from tests.servers.patience import wait_until
from tests.servers.server import Server

BODY = "while True:\n    pass"

STEP = """
def step(x):
    execute('SET', 'begun', 1)
    {loop}
def one():
    yield 1
GB('PythonReader').{kind}(step).run(one)
"""

LOOPS = {
    "empty": "while True: pass",
    "calls": "while True: len('')",
    "computes": "x = sum(i for i in iter(int, 1))",
    "executes": "while True: execute('PING')",
    "swallows": """while True:
        try:
            while True: pass
        except Exception:
            pass""",
    "swallows_all_once": """
    try:
        while True: pass
    except BaseException:
        pass
    while True: pass""",
    "swallows_all": """
    while True:
        try:
            while True: pass
        except:
            continue
        finally:
            continue""",
    "suppresses": """
    import contextlib
    def spin():
        while True: pass
    while True:
        with contextlib.suppress(BaseException):
            spin()""",
    "swallows_in_commands": """
    while True:
        try:
            execute('RG.PYEXECUTE', '1')
        except BaseException:
            pass""",
    "recurses": """
    def forever(n):
        try:
            forever(n + 1)
        except RecursionError:
            pass
        forever(n)
    forever(0)""",
    "in_finally": """
    try:
        while True: pass
    finally:
        while True: pass""",
}


@pytest.fixture
def client(module_server: Server, module_url: str) -> Iterator[redis.Redis]:
    with connect(module_server) as found:
        yield found
        found.config_set("rg.executiontimelimit", 0)
        # Whatever a test has left behind is no other test's.
        for _, name, *_ in found.execute_command("RG.DUMPEXECUTIONS"):
            found.execute_command("RG.ABORTEXECUTION", name)
            found.execute_command("RG.DROPEXECUTION", name)
        assert send(found, "1") == b"OK"
        wait_until(lambda: found.execute_command("RG.PYDUMPSESSIONS") == [], "all sessions end")


@pytest.mark.parametrize("loop", LOOPS)
def test_an_endless_step_is_aborted(client: redis.Redis, loop: str) -> None:
    execution = begin(client, STEP.format(kind="map", loop=LOOPS[loop]))
    wait_until(lambda: client.exists("begun"))
    abort(client, execution)
    assert status(client, execution) == "aborted"
    assert client.execute_command("RG.GETRESULTS", execution) == [[], [b"execution was aborted"]]


@pytest.mark.parametrize("kind", ["map", "filter", "flatmap", "foreach", "accumulate"])
def test_every_step_is_ended_by_the_time_limit(client: redis.Redis, kind: str) -> None:
    script = STEP.format(kind=kind, loop=LOOPS["empty"])
    if kind == "accumulate":
        script = script.replace("step(x)", "step(a, x)")
    told, [error] = run_into_limit(client, script, "begun")
    assert told in error.decode()


@pytest.mark.parametrize("loop", LOOPS)
def test_an_endless_body_is_ended_by_the_time_limit(client: redis.Redis, loop: str) -> None:
    client.config_set("rg.executiontimelimit", 300)
    body = f"def f():\n    {LOOPS[loop]}\nf()"
    with pytest.raises(redis.ResponseError, match="timed out after 300 ms"):
        send(client, body)


def test_a_reader_that_never_ends_is_aborted(client: redis.Redis) -> None:
    script = """
def forever():
    execute('SET', 'begun', 1)
    while True:
        yield 1
GB('PythonReader').filter(lambda x: False).run(forever)
"""
    execution = begin(client, script)
    wait_until(lambda: client.exists("begun"))
    abort(client, execution)
    assert status(client, execution) == "aborted"


def test_a_coroutine_that_never_ends_is_aborted(client: redis.Redis) -> None:
    script = """
async def step(x):
    execute('SET', 'begun', 1)
    while True:
        await asyncio.sleep(0.01)
def one():
    yield 1
GB('PythonReader').map(step).run(one)
"""
    execution = begin(client, script)
    wait_until(lambda: client.exists("begun"))
    abort(client, execution)
    assert status(client, execution) == "aborted"


def test_a_coroutine_that_never_waits_is_aborted(client: redis.Redis) -> None:
    script = """
async def step(x):
    execute('SET', 'begun', 1)
    while True:
        pass
def one():
    yield 1
GB('PythonReader').map(step).run(one)
"""
    execution = begin(client, script)
    wait_until(lambda: client.exists("begun"))
    abort(client, execution)
    assert status(client, execution) == "aborted"
    # The thread of all coroutines is free again.
    again = script.replace("while True:\n        pass", "await asyncio.sleep(0)\n    return x")
    assert send(client, again) == [[b"1"], []]


@pytest.mark.parametrize("block", ["if True", "with atomic()"])
def test_a_coroutine_that_its_script_left_behind_lets_others_have_a_turn(
    client: redis.Redis, module_server: Server, block: str
) -> None:
    start = len(module_server.log())
    send(
        client,
        f"""
async def spin():
    execute('SET', 'begun', 1)
    {block}:
        while True: pass
runCoroutine(spin())
""",
    )
    if "atomic" not in block:
        wait_until(lambda: client.exists("begun"))
    script = """
async def other():
    execute('SET', 'other', 1)
runCoroutine(other())
"""
    send(client, script)
    wait_until(lambda: client.exists("other"))
    wait_until(lambda: "A coroutine failed" in module_server.log()[start:])
    assert "without waiting for anything" in module_server.log()[start:]


def test_a_future_that_nobody_continues_is_aborted(client: redis.Redis) -> None:
    script = """
kept = []
def step(x):
    future = gearsFuture()
    kept.append(future)
    execute('SET', 'begun', 1)
    return future
def one():
    yield 1
GB('PythonReader').map(step).run(one)
"""
    execution = begin(client, script)
    wait_until(lambda: client.exists("begun"))
    abort(client, execution)
    assert status(client, execution) == "aborted"


def test_a_script_that_waits_for_its_turn_is_dropped_with_its_client(
    client: redis.Redis, module_server: Server
) -> None:
    loop = STEP.format(kind="map", loop=LOOPS["empty"])
    busy = [begin(client, loop) for _ in range(3)]  # as many as ExecutionThreads
    wait_until(lambda: [status(client, name) for name in busy] == ["running"] * 3)
    waiting = connect(module_server, client_name="waiting")
    waiting.ping()
    with ThreadPoolExecutor() as pool:
        sent = pool.submit(send, waiting, "execute('SET', 'late', 1)")
        found = wait_until(lambda: _waiting(client))
        # Blocked is a client before its script is looked at.
        wait_until(lambda: len(client.execute_command("RG.PYDUMPSESSIONS")) == len(busy) + 1)
        client.client_kill_filter(_id=found)
        with pytest.raises(redis.ConnectionError):
            sent.result()
    # The server tells of the client's end on a way of its own; commands may be faster.
    wait_until(lambda: len(client.execute_command("RG.PYDUMPSESSIONS")) == len(busy))
    for name in busy:
        abort(client, name)
    assert send(client, "1") == b"OK"
    assert client.get("late") is None


def _waiting(client: redis.Redis) -> str | None:
    for each in client.client_list():
        if (
            each["name"] == "waiting"
            and "b" in each["flags"]
            and each["cmd"].lower() == "rg.pyexecute"
        ):
            return str(each["id"])
    return None


def test_swallowing_everything_for_ever_is_ended(client: redis.Redis) -> None:
    """Code that catches BaseException in a loop, and runs commands in it."""
    script = STEP.format(
        kind="map",
        loop="""while execute('GET', 'end') is None:
        try:
            execute('INCR', 'rounds')
        except BaseException:
            pass""",
    )
    execution = begin(client, script)
    wait_until(lambda: client.exists("begun"))
    abort(client, execution)
    assert status(client, execution) == "aborted"


# From where it has begun to the end of its waiting the step is in C: nothing ends it there.
WAITS_IN_C = """
import builtins, operator, threading
begun, go = builtins.test = threading.Lock(), threading.Lock()
begun.acquire(); go.acquire()
def step(x):
    return len(list(map(operator.call, [begun.release, go.acquire])))
def one():
    yield 1
GB('PythonReader').map(step).run(one)
"""


def test_waiting_in_c_cannot_be_ended_and_the_client_is_told(client: redis.Redis) -> None:
    execution = begin(client, WAITS_IN_C)
    assert send(client, "import builtins; builtins.test[0].acquire()") == b"OK"
    with pytest.raises(redis.ResponseError, match="has not stopped within 10 s"):
        client.execute_command("RG.ABORTEXECUTION", execution)
    assert status(client, execution) == "pending_termination"
    assert send(client, "import builtins; builtins.test[1].release()") == b"OK"
    wait_until(lambda: status(client, execution) == "aborted")
