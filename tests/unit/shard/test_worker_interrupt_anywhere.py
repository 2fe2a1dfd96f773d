"""An abort at any place of a script and its execution: one outcome, and nothing is left behind."""

from __future__ import annotations

import gc
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from gearframe.exceptions import GearsError, GearsForceStopped
from gearframe.gears import loop as loops
from gearframe.gears.loop import use_interrupt
from gearframe.shard.worker import limits
from gearframe.shard.worker.execution import let_go
from gearframe.shard.worker.interrupts import interrupt
from gearframe.shard.worker.output import LogWriter
from tests.unit.shard.swept import HostInC, Swept

ABORTED = "execution was aborted"
LATE = "execution timed out after 1000 ms (ExecutionTimeLimit)"

# Which places are tried. With 1 for all of them it takes minutes.
STEP = 13

# How many events behind the first interrupt others follow.
FOLLOWING = {"one": (), "two": (1,), "three": (2, 5), "each": tuple(range(1, 12))}

NESTED = """
async def step(x):
    results, errors = await GB('PythonReader').map(lambda y: y).run(lambda: iter([x]))
    return results[0]
GB('PythonReader').map(step).count().run(lambda: iter([1, 2]))
"""

# The script, and its results; None where it makes no execution, a text where it fails.
SCRIPTS: dict[str, tuple[str, list[str] | str | None]] = {
    "keys": (
        "GB().map(lambda r: r['value']).filter(lambda v: v != 'b').countby(lambda v: v).run()",
        ["{'key': 'a', 'value': 5}"],
    ),
    "body": ("for i in range(3): log(str(i))\nprint('x')\nexecute('SET', 'a', i)", None),
    "fails": ("def f(): raise ValueError('bad')\nf()", "bad"),
    "many": (
        "GB().map(lambda r: r['value']).flatmap(lambda v: [v, v]).foreach(lambda v: None)"
        ".distinct().sort().limit(1).run()",
        ["a"],
    ),
    "aggregate": ("GB().aggregate(0, lambda a, r: a + 1, lambda a, r: a + r).run()", ["10"]),
    "groups": (
        "GB().groupby(lambda r: r['value'], lambda k, a, r: (a or 0) + 1)"
        ".batchgroupby(lambda r: r['key'], lambda k, rs: len(rs)).avg(lambda r: r['value']).run()",
        ["1.0"],
    ),
    "generator": (
        """
def read():
    try:
        for i in range(6): yield i
    finally:
        execute('SET', 'a', 1)
GB('PythonReader').map(lambda x: x + 1).limit(2).run(read)
""",
        ["1", "2"],
    ),
    "atomic": (
        """
with atomic(): execute('SET', 'a', 1)
def step(r):
    with atomic():
        execute('SET', 'a', 1)
    return 1
GB('PythonReader').map(step).count().run(lambda: iter([1, 2]))
""",
        ["2"],
    ),
    "asks": ("execute('RG.PYEXECUTE', '1')\nexecute('RG.PYEXECUTE', '1')", None),
    "future": (
        """
def step(x):
    future = gearsFuture()
    async def go():
        await asyncio.sleep(0)
        future.continueRun(x)
    runCoroutine(go())
    return future
GB('PythonReader').map(step).count().run(lambda: iter([1, 2]))
""",
        ["2"],
    ),
    "coroutine": (
        """
async def step(a, x):
    await asyncio.sleep(0)
    return x + (a or 0)
GB('PythonReader').accumulate(step).run(lambda: iter([1, 2, 3]))
""",
        ["6"],
    ),
    "nested": (NESTED, ["2"]),
    "inside": (NESTED, ["2"]),
    "begins": (
        """
def step(x):
    GB('PythonReader').map(lambda y: y).run(lambda: iter([x]))
    return x
with GearsSession(getGearsSession()):
    GB('PythonReader').map(step).count().run(lambda: iter([1, 2]))
""",
        ["2"],
    ),
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that limits go by; it stands still."""
    times = [100.0]
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=partial(times.__getitem__, 0)))
    return times


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> Iterator[Swept]:
    host = HostInC()
    host.config |= {"AtomicTimeLimit": "1000000"}
    host.commands[b"SET"] = lambda *given: "OK"
    host.records = [{"key": f"k{i}", "value": "ab"[i % 2]} for i in range(10)]
    monkeypatch.setitem(sys.modules, "_gearframe_host", host)
    monkeypatch.setattr(sys, "stdout", LogWriter("notice"))
    use_interrupt(interrupt, let_go)
    found = Swept(host)
    # Garbage of one run must not be closed, and interrupted at that, in another.
    gc.freeze()
    gc.disable()
    yield found
    gc.enable()
    gc.unfreeze()
    found.end()
    loops._interrupt = None


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    # In C, so that no interrupt arrives in there.
    monkeypatch.setattr(sys, "unraisablehook", found.append)
    monkeypatch.setattr(threading, "excepthook", found.append)
    return found


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.parametrize("following", FOLLOWING)
@pytest.mark.parametrize("name", SCRIPTS)
def test_an_abort_anywhere(swept: Swept, unraisable: list[Any], name: str, following: str) -> None:
    seen = sweep(swept, unraisable, name, FOLLOWING[following], ABORTED)
    assert seen["ended"]


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.parametrize("name", SCRIPTS)
def test_the_time_limit_anywhere(
    swept: Swept, unraisable: list[Any], clock: list[float], name: str
) -> None:
    def late(_: str) -> None:
        clock[0] += 10

    seen = sweep(swept, unraisable, name, (1,), LATE, stop=late, time_limit_ms=1000)
    assert seen["ended"]


def sweep(
    swept: Swept,
    unraisable: list[Any],
    name: str,
    following: tuple[int, ...],
    reason: str,
    stop: Callable[[str], None] | None = None,
    **options: Any,
) -> Counter[str]:
    """Interrupt runs of a script, each at a later place; counts how they ended."""
    text, expected = SCRIPTS[name]
    for _ in range(2):  # what is made by the first run
        assert outcome(swept.run(text, **options), expected, reason) == "whole"
    seen: Counter[str] = Counter()
    with swept.interrupting(1 if name == "inside" else 0):
        swept.run(text, **options)
        events = swept.events
        assert events > 50
        for turn, at in enumerate(range(1, events + STEP, STEP)):
            places = [at, *(at + each for each in following)]
            told = swept.run(text, places, stop, **options)
            seen[outcome(told, expected, reason)] += 1
            # An interrupt in a destructor cannot get out of it, and Python tells of that. It may
            # also leave a generator to its destructor, which then finds no runtime.
            known = (GearsForceStopped, GearsError)
            wrong = [each for each in unraisable if not issubclass(each.exc_type, known)]
            assert wrong == [], swept.where
            assert swept.left() == {}, swept.where
            swept.host.logged.clear()
            unraisable.clear()
            if turn % 50 == 0:
                gc.collect()
        assert outcome(swept.run(text, **options), expected, reason) == "whole"
    return seen


def outcome(told: list[Any], expected: list[str] | str | None, reason: str) -> str:
    """How a run ended: whole, or ended from outside. It tells so once, and nothing else."""
    spawned = [each[2] for each in told if each[0] == "spawned"]
    inner = [each for each in told if each[0] == "done" and each[1] != "own"]
    assert sorted(each[1] for each in inner) == sorted(spawned)
    errors = [each[2]["errors"] for each in inner if each[2]["errors"]]
    assert errors == [[reason]] * len(errors)
    lasting = [each[0] for each in told if each[0] in ("lingers", "rests")]
    assert lasting == ["lingers", "rests"] * (len(lasting) // 2)
    own = [each for each in told if each not in inner and is_of_script(each)]
    match own:
        case [("no_execution", _)]:
            assert expected is None
            return "whole"
        case [("failed", _, text)]:
            assert text in (reason, expected)
            return "ended" if text == reason else "whole"
    started, (*done, result) = own
    assert (started[0], done) == ("started", ["done", "own"])
    if result["aborted"]:
        assert (result["results"], result["errors"]) == ([], [reason])
        return "ended"
    assert (result["results"], result["errors"]) == (expected, [])
    return "whole"


def is_of_script(message: Any) -> bool:
    """Whether it is no message of an execution inside, or of the session."""
    kind, job = message[:2]
    return kind in ("failed", "no_execution", "done") or (kind == "started" and job is not None)
