"""What of a record is read, for functions as people write them."""

from __future__ import annotations

import dis
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gearframe
from gearframe.gears.narrowing import WHOLE, Need, need_of
from gearframe.gears.plan import (
    Accumulate,
    Aggregate,
    AggregateBy,
    Average,
    BatchGroupBy,
    Collect,
    Count,
    CountBy,
    Distinct,
    Filter,
    FlatMap,
    ForEach,
    GroupBy,
    Limit,
    LocalGroupBy,
    Map,
    Plan,
    Reader,
    Repartition,
    Sort,
    Step,
)

Function = Callable[..., Any]


def need(*steps: Step, reader: str = "KeysReader") -> Need:
    return need_of(Plan(Reader(reader, "*"), steps))


def fields(*names: str) -> Need:
    return Need("value", frozenset(names))


def number(record: Any) -> float:
    try:
        return float(record["value"]["age"])
    except (KeyError, ValueError) as error:
        return len(str(error))


def in_a_variable(record: Any) -> Any:
    value = record["value"]
    if value.get("a") is None:
        return None
    total = 0
    for _ in ("x", "y"):
        total += 1
    return value["b"], total


def in_a_loop(record: Any) -> Any:
    count = 0
    while count < 3:
        count += 1
        if record["value"].get("q", 3):
            break
    return count


def imports(record: Any) -> Any:
    import json

    return json.loads(record["value"]["doc"])["q"]


def two_variables(record: Any) -> Any:
    value, key = record["value"], record["key"]
    return key, value["z"]


def at_last(record: Any) -> Any:
    try:
        return int(record["value"]["a"])
    finally:
        str(record["value"]["b"])


def when(record: Any) -> Any:
    if record["type"] == "hash" and "a" in record["value"] and record["value"] is not None:
        return record["value"]["b"]
    raise ValueError(record["key"])


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x["value"]["country"], fields("country")),
        (lambda x: x["key"], Need("key")),
        (lambda x: x["key"].split(":")[1], Need("key")),
        (lambda x: x["type"], Need("type")),
        (lambda x: 1, Need("key")),
        (lambda x: x["event"] or x["nothing"], Need("key")),
        (lambda x: x["value"].get("f"), fields("f")),
        (lambda x: x["value"].get("f", x["key"]), fields("f")),
        (lambda x: x.get("value").get("f"), fields("f")),
        (lambda x: x.get("value", {})["f"], fields("f")),
        (lambda x: "f" in x["value"], fields("f")),
        (lambda x: "f" not in x["value"], fields("f")),
        (lambda x: (x["value"]["a"], x["value"]["b"]), fields("a", "b")),
        (lambda x: {"c": x["value"]["a"], "k": x["key"]}, fields("a")),
        (lambda x: f"{x['key']}: {x['value']['c']!r:>10}", fields("c")),
        (lambda x: [c for c in x["value"]["a"]], fields("a")),  # noqa: C416
        (lambda x: sum(1 for c in x["value"]["a"]), fields("a")),
        (lambda x, y=2: x["value"]["a"] * y, fields("a")),
        (lambda x: int(x["value"]["a"]) + float(x.get("value")["b"]), fields("a", "b")),
        (lambda x: x["value"] is not None and x["value"]["a"], fields("a")),
        (lambda x: x["value"][0], fields()),
        (lambda x: x["value"]["a"] if x["type"] == "hash" else x["value"]["b"], fields("a", "b")),
        (lambda x: not x["value"]["a"] and -int(x["value"]["b"]) < 3, fields("a", "b")),
        (number, fields("age")),
        (in_a_variable, fields("a", "b")),
        (in_a_loop, fields("q")),
        (imports, fields("doc")),
        (two_variables, fields("z")),
        (at_last, fields("a", "b")),
        (when, fields("a", "b")),
    ],
)
def test_what_a_function_looks_at(function: Function, expected: Need) -> None:
    assert need(Map(function)) == expected
    assert need(Filter(function), Count()) == expected


def in_a_cell(record: Any) -> Any:
    return (lambda: record["value"]["a"])()


def in_a_global(record: Any) -> Any:
    global kept
    kept = record
    return record["value"]["a"]


def changed(record: Any) -> Any:
    record["value"]["a"] = 1
    return record["value"]["a"]


def one_or_the_other(record: Any) -> Any:
    either = record if record["key"] else record["value"]
    return either["a"]


def generated(record: Any) -> Any:
    yield record["value"]["a"]


async def awaited(record: Any) -> Any:
    return record["value"]["a"]


def frames(record: Any) -> Any:
    return sys._getframe().f_locals


def looks_at_its_caller() -> Any:
    return sys._getframe(1).f_locals


def calls_another() -> Any:
    return looks_at_its_caller()


def frames_of_a_helper(record: Any) -> Any:
    return record["key"], calls_another()


def hidden_frames(record: Any) -> Any:
    look = locals
    return record["value"]["a"], look


def of_an_error(record: Any) -> Any:
    try:
        return record["value"]["a"]
    except KeyError as error:
        return error.__traceback__


def matched(record: Any) -> Any:
    match record:
        case {"value": {"a": a}}:
            return a


def unpacked(record: Any) -> Any:
    return {**record["value"]}["a"]


def helper(record: Any) -> Any:
    return record["value"]["a"]


class Callable_:  # noqa: N801
    def __call__(self, record: Any) -> Any:
        return record["value"]["a"]

    def method(self, record: Any) -> Any:
        return record["value"]["a"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x,
        lambda x: x["value"],
        lambda x: len(x["value"]),
        lambda x: bool(x["value"]),
        lambda x: 1 if x["value"] else 0,
        lambda x: x["value"] == {"a": "1"},
        lambda x: f"{x}",
        lambda x: f"{x['value']}",
        lambda x: "%s" % x,  # noqa: UP031
        lambda x: [x],
        lambda x: (x["value"], 1),
        lambda x: list(x["value"].items()),
        lambda x: [v for v in x["value"]],  # noqa: C416
        lambda x: x["value"][x["key"]],
        lambda x: x[x["key"]],
        lambda x: x["value"]["\ud800"],
        lambda x: x["value"][b"raw"],
        lambda x: x["key"] in x["value"],
        lambda x: x.get,
        lambda x: {}.get(x["key"], x),
        lambda x: x.get("key", x),
        lambda x: x["value"].pop("a"),
        lambda x: helper(x),
        lambda x: x["value"]["a"] if locals() else 1,
        lambda x: eval("x"),
        lambda *x: x[0]["value"]["a"],
        lambda **x: 1,
        lambda: 1,
        str,
        helper.__call__,
        Callable_(),
        Callable_().method,
        in_a_cell,
        in_a_global,
        changed,
        one_or_the_other,
        generated,
        awaited,
        frames,
        hidden_frames,
        frames_of_a_helper,
        of_an_error,
        matched,
        unpacked,
    ],
)
def test_what_is_not_certain_is_read_whole(function: Function) -> None:
    assert need(Map(function)) == WHOLE


def a(record: Any) -> Any:
    return record["value"]["a"]


def b(record: Any) -> Any:
    return record["value"]["b"]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((), WHOLE),
        ((Filter(a),), WHOLE),
        ((Collect(),), WHOLE),
        ((Distinct(),), WHOLE),
        ((Sort(),), WHOLE),
        ((Map(str),), WHOLE),
        ((CountBy(),), WHOLE),
        ((Average(),), WHOLE),
        ((BatchGroupBy(a, lambda key, records: len(records)),), WHOLE),
        ((Count(),), Need("key")),
        ((Limit(3), Count()), Need("key")),
        ((Filter(a), Map(b)), fields("a", "b")),
        ((Filter(a), Limit(3), ForEach(b), Collect(), Count()), fields("a", "b")),
        ((Repartition(a), FlatMap(b)), fields("a", "b")),
        ((Map(a), Map(str)), fields("a")),
        ((CountBy(a),), fields("a")),
        ((Average(a),), fields("a")),
        ((Accumulate(lambda t, r: (t or 0) + int(r["value"]["a"])),), fields("a")),
        ((LocalGroupBy(a, lambda k, t, r: (t or 0) + int(r["value"]["b"])),), fields("a", "b")),
        ((GroupBy(a, lambda k, t, r: (t or 0) + 1),), fields("a")),
        ((GroupBy(a, lambda k, t, r: r),), WHOLE),
        ((Aggregate(0, lambda t, r: t + int(r["value"]["a"]), lambda s, t: s + t),), fields("a")),
        ((AggregateBy(a, 0, lambda k, t, r: t + 1, lambda k, s, t: s + t),), fields("a")),
    ],
)
def test_steps_until_records_are_no_records_any_more(
    steps: tuple[Step, ...], expected: Need
) -> None:
    assert need(*steps) == expected


def test_other_readers_records_are_whole() -> None:
    assert need(Count(), reader="StreamReader") == WHOLE


NEWER = sorted(Path("~/.pyenv/versions").expanduser().glob("3.1[234]*/bin/python"))

PROGRAM = """
import sys, json
sys.path.insert(0, sys.argv[1])
from gearframe.gears.narrowing import need_of
from gearframe.gears.plan import Map, Plan, Reader
def two(record):
    value, key = record["value"], record["key"]
    return key, value["z"], value.get("y")
def tried(record):
    try:
        return int(record["value"]["a"], base=10)
    except KeyError:
        return record["type"]
found = []
for f in (two, tried, lambda x: x["key"], lambda x: x, lambda x: len(x["value"])):
    need = need_of(Plan(Reader("KeysReader", "*"), (Map(f),)))
    found.append([need.what, None if need.fields is None else sorted(need.fields)])
assert "polars" not in sys.modules
print(json.dumps(found))
"""


def crafted(*instructions: tuple[str, int]) -> Function:
    """A function of instructions that no compiler puts like this."""

    def function(record: Any) -> Any:
        return record["key"]

    raw = bytes(byte for name, arg in instructions for byte in (dis.opmap[name], arg))
    function.__code__ = function.__code__.replace(co_code=raw)
    return function


@pytest.mark.parametrize(
    "instructions",
    [
        [("RESUME", 0), ("LOAD_FAST", 200), ("RETURN_VALUE", 0)],
        [("RESUME", 0), ("LOAD_CONST", 200), ("RETURN_VALUE", 0)],
        [("RESUME", 0), ("JUMP_FORWARD", 100), ("RETURN_VALUE", 0)],
        [("RESUME", 0), ("LOAD_CONST", 0), ("COPY", 9), ("RETURN_VALUE", 0)],
        [("RESUME", 0), ("LOAD_CONST", 0), ("SWAP", 9), ("RETURN_VALUE", 0)],
        [("RESUME", 0), ("STORE_FAST", 0), ("RETURN_VALUE", 0)],
        [("RESUME", 0)],
    ],
)
def test_bytecode_that_breaks_the_rules(instructions: list[tuple[str, int]]) -> None:
    function = crafted(*instructions)
    assert need(Map(function)) == WHOLE
    assert need(Filter(function), Count()) == WHOLE


def test_other_versions_of_python_find_the_same() -> None:
    package = Path(gearframe.__file__).parents[1]
    for python in [Path(sys.executable), *NEWER]:
        done = subprocess.run(
            [python, "-c", PROGRAM, package], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == [
            ["value", ["y", "z"]],
            ["value", ["a"]],
            ["key", None],
            ["value", None],
            ["value", None],
        ], python
