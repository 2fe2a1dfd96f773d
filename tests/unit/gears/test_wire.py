"""Plans as bytes: what comes back, and what is refused."""

from __future__ import annotations

import subprocess
import sys
import threading
from fractions import Fraction
from typing import Any

import pytest

from gearframe.exceptions import GearsError
from gearframe.gears import wire
from gearframe.gears.builder import GearsBuilder
from gearframe.gears.plan import Map, Plan, Reader
from gearframe.gears.runtime import call_within

PLAN = Plan(Reader("KeysReader", "user:*", {"noScan": True}), (Map(len),), "a name")
VERSION = sys.version_info[:2]


def test_a_plan_comes_back() -> None:
    assert wire.load_plan(wire.dump_plan(PLAN)) == PLAN


def test_functions_come_back_with_what_they_close_over() -> None:
    factor = 3
    plan = GearsBuilder("PythonReader").map(lambda n: n * factor).plan(lambda: iter([1]))
    (times, *_) = wire.load_plan(wire.dump_plan(plan)).steps
    assert isinstance(times, Map)
    assert times.function(2) == 6


def with_header(version: int, python: tuple[int, int]) -> bytes:
    plain = wire.Header(wire.FORMAT, VERSION).to_bytes()
    return wire.Header(version, python).to_bytes() + wire.dump_plan(PLAN)[len(plain) :]


def test_another_python_is_refused_before_anything_is_unpickled() -> None:
    data = wire.Header(wire.FORMAT, (3, 99)).to_bytes() + b"not even a pickle"
    with pytest.raises(GearsError) as caught:
        wire.load_plan(data)
    message = str(caught.value)
    assert "written by Python 3.99" in message
    assert f"this is Python {VERSION[0]}.{VERSION[1]}" in message
    assert 'backend="local"' in message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "these 0 bytes are no plan"),
        (b"gearframe plan", "are no plan"),
        (b"cos\nsystem\n(S'true'\ntR.", "are no plan"),
        (with_header(9, VERSION), "format 9, and this gearframe reads format 1"),
        (
            wire.Header(1, VERSION).to_bytes() + wire.dump_result([1]),
            "hold a list; expected a Plan",
        ),
    ],
)
def test_what_is_no_plan(data: bytes, message: str) -> None:
    with pytest.raises(GearsError, match=message):
        wire.load_plan(data)


def test_what_cannot_be_pickled_is_said() -> None:
    lock = threading.Lock()
    with pytest.raises(GearsError, match=r"cannot be pickled: .*lock.*inside of the function"):
        wire.dump_plan(Plan(Reader("KeysReader"), (Map(lambda _: lock),)))


def test_a_missing_module_is_named(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_here.py").write_text("def f(record): return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import only_here  # type: ignore[import-not-found]

    data = wire.dump_plan(Plan(Reader("KeysReader"), (Map(only_here.f),)))
    monkeypatch.undo()
    monkeypatch.delitem(sys.modules, "only_here")
    with pytest.raises(GearsError, match="'only_here'; name its package in requirements"):
        wire.load_plan(data)


@pytest.mark.parametrize(
    "result", [None, 1, "a", b"\xff", {"a": [1, (2, {3})]}, Fraction(1, 3), bytearray(b"\xff")]
)
def test_results_come_back(result: object) -> None:
    assert wire.load_result(wire.dump_result(result)) == result


def test_a_result_of_the_plans_own_class_comes_back() -> None:
    class Point:
        x = 1

    back = wire.load_result(wire.dump_result(Point()))
    assert back.x == 1


def test_the_program_hands_the_plan_to_the_script_that_runs() -> None:
    launched: list[Plan] = []
    call_within(None, launched.append, lambda: exec(wire.program_of(PLAN), {}))
    (plan,) = launched
    assert plan.steps == (Map(len), Map(wire.dump_result))
    assert plan.reader == PLAN.reader


def test_the_program_outside_of_a_script() -> None:
    with pytest.raises(GearsError, match="for scripts that a server runs"):
        wire.launch(wire.dump_plan(PLAN))


def test_a_result_that_is_no_pickle() -> None:
    with pytest.raises(GearsError, match="cannot be unpickled"):
        wire.load_result(b"PY RECORD")


def test_importing_it_is_light() -> None:
    code = (
        "import sys, gearframe.gears.wire\n"
        "print([m for m in ('cloudpickle', 'polars', 'redis', 'gearframe._native') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
