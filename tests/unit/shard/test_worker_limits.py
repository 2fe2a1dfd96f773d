"""Ending user code from outside: aborts, time limits, and never the next job."""

from __future__ import annotations

import itertools
import sys
import threading
from types import SimpleNamespace

import pytest

from gearframe.shard.worker import limits
from gearframe.shard.worker.atomic import PyAtomic
from gearframe.shard.worker.limits import Guard, Watchdog
from tests.unit.shard.conftest import Running
from tests.unit.shard.memory_host import MemoryHost

SWALLOWS = """
log('running')
for _ in range(3):
    try:
        while True: pass
    except BaseException: pass
while True: pass
"""
SWALLOWS_ALL = [
    """
log('running')
while True:
    try:
        while True: pass
    except BaseException: pass
""",
    """
import contextlib
def spin():
    log('running')
    while True: pass
def swallow():
    while True:
        with contextlib.suppress(BaseException): spin()
while True:
    try: swallow()
    except: continue
    finally: continue
""",
    """
log('running')
while True:
    try:
        while True:
            try:
                while True: pass
            except BaseException: pass
    except BaseException: pass
""",
    """
import threading
own = threading.Condition()
log('running')
while True:
    try:
        with own, threading.Lock():
            while True: pass
    except BaseException: log('caught', 'debug')
""",
]
NAP = (
    "import threading; napping = threading.Event(); log('running')\nwhile True: napping.wait(0.01)"
)


def running(worker: Running, text: str = "running", times: int = 1, level: str = "notice") -> None:
    """Wait until scripts have logged a line so often."""
    pause = threading.Event()
    while worker.host.logged.count((level, f"GEARS: {text}")) < times:
        assert worker.thread.is_alive()
        pause.wait(0.005)


@pytest.mark.parametrize("text", ["log('running')\nwhile True: pass", SWALLOWS, NAP])
def test_a_script_is_aborted(worker: Running, text: str) -> None:
    worker.script(text)
    running(worker)
    worker.send("abort", "e1")
    assert worker.receive() == ("failed", 1, "execution was aborted")
    assert worker.failure("1/0", traceback=False) == "division by zero"


@pytest.mark.parametrize("text", SWALLOWS_ALL)
def test_a_script_that_swallows_everything_is_aborted(worker: Running, text: str) -> None:
    for _ in range(3):
        worker.script(text)
        running(worker)
        worker.send("abort", "e1")
        assert worker.receive() == ("failed", 1, "execution was aborted")
        assert worker.failure("1/0", traceback=False) == "division by zero"
        worker.host.logged.clear()


def test_an_execution_is_aborted(worker: Running) -> None:
    text = "def f(x):\n    log('running')\n    while True: pass\n"
    worker.script(text + "GB('PythonReader').map(f).run(lambda: iter([1]))")
    assert worker.receive()[0] == "started"
    running(worker)
    worker.send("abort", "e1")
    told = worker.done("e1")
    assert told["aborted"]
    assert told["results"] == []
    assert told["errors"] == ["execution was aborted"]


def test_an_execution_that_waits_for_a_future_is_aborted(worker: Running) -> None:
    text = "kept = []\ndef f(x):\n    kept.append(gearsFuture()); log('running')\n"
    text += "    return kept[-1]\n"
    worker.script(text + "GB('PythonReader').map(f).run(lambda: iter([1]))")
    assert worker.receive()[0] == "started"
    running(worker)
    worker.send("abort", "e1")
    assert worker.done("e1")["aborted"]


def test_the_time_limit(worker: Running) -> None:
    late = "execution timed out after 30 ms (ExecutionTimeLimit)"
    assert worker.failure("while True: pass", time_limit_ms=30) == late
    text = "GB('PythonReader').run(lambda: iter(int, 1))"
    for job in itertools.count(2):
        worker.script(text, job=job, time_limit_ms=30)
        kind, *rest = worker.receive()
        if kind == "started":
            break
        assert (kind, rest) == ("failed", [job, late])  # a slow machine: its body took that long
    told = worker.done(f"e{job}")
    assert told["aborted"]
    assert told["errors"] == [late]


def test_a_script_that_waits_is_aborted(worker: Running) -> None:
    for job in (1, 2):  # as many as there are threads
        worker.script(NAP, job=job)
    running(worker, times=2)
    worker.script("log('never')", job=3)
    worker.send("abort", "e3")
    assert worker.receive() == ("failed", 3, "execution was aborted")
    for job in (1, 2):
        worker.send("abort", f"e{job}")
    assert {worker.receive()[1], worker.receive()[1]} == {1, 2}
    assert ("notice", "GEARS: never") not in worker.host.logged


def test_a_worker_that_ends_can_still_abort(memory_host: MemoryHost) -> None:
    worker = Running(memory_host)
    worker.script(NAP)
    running(worker)
    worker.send("end")
    worker.send("abort", "e1")
    assert worker.receive()[0] == "failed"
    worker.thread.join(30)
    assert not worker.thread.is_alive()


def test_an_abort_of_something_unknown(worker: Running) -> None:
    worker.send("abort", "nothing")
    worker.script("x = 1")
    assert worker.receive() == ("no_execution", 1)


def test_the_atomic_time_limit(worker: Running) -> None:
    worker.host.config["AtomicTimeLimit"] = "30"
    error = worker.failure("with atomic():\n    while True: pass")
    assert "an atomic block held the server up for more than 30 ms" in error
    assert worker.host.is_free()
    worker.host.config["AtomicTimeLimit"] = "600000"
    worker.script("for _ in range(20):\n    with atomic(): pass")
    assert worker.receive() == ("no_execution", 1)


def test_the_atomic_time_limit_goes_with_its_block(memory_host: MemoryHost) -> None:
    memory_host.config["AtomicTimeLimit"] = "600000"
    watchdog = Watchdog(memory_host.interrupt)
    guard = Guard(watchdog)
    seen: list[int] = []

    def work() -> None:
        for _ in range(20):
            with PyAtomic(guard):
                seen.append(len(guard._deadlines))

    assert guard.run(work) == (True, None)
    assert seen == [1] * 20
    assert guard._deadlines == []
    watchdog.end()


def test_an_abort_lets_go_of_the_lock(worker: Running) -> None:
    for _ in range(20):
        worker.script("log('running')\nwhile True:\n    with atomic(): pass")
        running(worker)
        worker.send("abort", "e1")
        assert worker.receive()[0] == "failed"
        assert worker.host.is_free()
        worker.host.logged.clear()


def test_an_abort_ends_walks(worker: Running) -> None:
    worker.host.records = [{"key": f"k{i}", "value": "v"} for i in range(10)]
    for _ in range(20):
        worker.script("def f(r):\n    log('running')\n    while True: pass\nGB().map(f).run()")
        assert worker.receive()[0] == "started"
        running(worker)
        worker.send("abort", "e1")
        assert worker.done("e1")["aborted"]
        assert worker.host.walks == {}
        worker.host.logged.clear()


def test_what_has_ended_is_never_hit(memory_host: MemoryHost) -> None:
    """Sections end by themselves just when they are stopped; nothing may be raised behind them."""
    watchdog = Watchdog(memory_host.interrupt)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    behind = 0
    try:
        for turn in range(300):
            guard, go = Guard(watchdog), threading.Lock()
            go.acquire()

            def stop(guard: Guard = guard, go: threading.Lock = go) -> None:
                go.acquire()
                guard.stop("enough")

            # Not started in the section: Thread.start() has locks that an interrupt breaks.
            stopper = threading.Thread(target=stop)
            stopper.start()

            def work(rounds: int = turn * 10, go: threading.Lock = go) -> None:
                go.release()
                for _ in range(rounds):
                    pass

            guard.run(work)
            for _ in range(1000):
                behind += 1
            stopper.join()
    finally:
        sys.setswitchinterval(before)
        watchdog.end()
    assert behind == 300_000


def test_a_second_section_does_not_begin_after_a_stop() -> None:
    host = MemoryHost()
    watchdog = Watchdog(host.interrupt)
    guard = Guard(watchdog)
    assert guard.run(lambda: 1) == (True, 1)
    guard.stop("enough")
    assert guard.run(lambda: 2) == (False, None)
    watchdog.end()


def test_a_deadline_holds_over_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=lambda: 100.0)
    monkeypatch.setattr(limits, "time", clock)
    host = MemoryHost()
    watchdog = Watchdog(host.interrupt)
    guard = Guard(watchdog)
    guard.stop_after(10, "late")
    assert guard.run(lambda: 1) == (True, 1)
    clock.monotonic = lambda: 111.0

    def work() -> None:
        while True:
            pass

    assert guard.run(work) == (False, None)
    assert guard.reason == "late"
    watchdog.end()


def test_the_watchdog_goes_on_after_a_fault(memory_host: MemoryHost) -> None:
    faults = [OSError("no more of it"), MemoryError()]

    def interrupt(thread: int, exception: type[BaseException]) -> bool:
        if faults:
            raise faults.pop()
        return memory_host.interrupt(thread, exception)

    watchdog = Watchdog(interrupt)
    guard = Guard(watchdog)

    def work() -> None:
        guard.stop("late")
        while True:
            pass

    assert guard.run(work) == (False, None)
    watchdog.end()
    assert [level for level, text in memory_host.logged if "watchdog" in text] == ["warning"] * 2
