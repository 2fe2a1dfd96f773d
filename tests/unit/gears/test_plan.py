"""A plan is data: it is described, printed and pickled."""

from __future__ import annotations

import cloudpickle  # type: ignore[import-untyped]

from gearframe.gears.builder import GB
from gearframe.gears.plan import Plan, Step
from gearframe.gears.results import reply_tree, size_of
from tests.gears_runtime import ListRuntime, run_plan


def one_of(record: int) -> int:
    return record


def test_described_for_getexecution() -> None:
    plan = GB("StreamReader", "s", desc="d").map(one_of).limit(5).countby().plan(fromId="1-0")
    assert plan.describe() == [
        ["map", "one_of", ""],
        ["limit", "", "length=5, offset=0"],
        ["countby", "", "extractor=None"],
        ["map", "str", ""],
        ["collect", "", ""],
    ]
    assert plan.description == "d"


def test_explained() -> None:
    gear = GB("KeysReader").filter(one_of).aggregate(0, one_of, lambda a, r: a)
    assert gear.plan(convertToStr=False, collect=False).explain().splitlines() == [
        "KeysReader('*')",
        "  filter(one_of)",
        "  aggregate(0, one_of, <lambda>)  [global]",
    ]
    assert str(gear.plan("u:*", noScan=True)).startswith("KeysReader('u:*', noScan=True)")


def test_options_of_others_are_left_out() -> None:
    assert GB().plan(count=3, readValue=False, anything=1).reader.options == {"readValue": False}


def test_pickled() -> None:
    factor = 3
    plan = GB().map(lambda r: r * factor).avg().plan()
    copy: Plan = cloudpickle.loads(cloudpickle.dumps(plan))
    assert copy.describe() == plan.describe()
    assert run_plan(copy, ListRuntime([1, 2])).results == ["4.5"]


def test_a_builder_is_not_used_up_by_its_plan() -> None:
    gear = GB().map(one_of)
    assert gear.plan() == gear.plan()
    assert len(gear.plan().steps) == 3


def test_every_step_has_a_name() -> None:
    names = {step.name for step in Step.__subclasses__()}
    assert names >= {"map", "filter", "aggregateby", "sort"}
    assert all(hasattr(GB, name) for name in names)


def test_time_of_each_step() -> None:
    came = run_plan(GB().map(one_of).count().plan(), ListRuntime([1, 2]))
    assert [each.type for each in came.steps] == ["map", "count", "map", "collect"]
    assert all(each.milliseconds >= 0 for each in came.steps)
    assert came.total_seconds >= came.read_seconds >= 0
    assert came.records == 2


def test_reply_trees() -> None:
    assert reply_tree([1, True, 2.5, float("nan"), "a", b"\xff"]) == [
        1, 1, "2.500000", "nan", "a", b"\xff",
    ]  # fmt: skip
    assert reply_tree(["+", "+OK", "-ERR\r\nx"]) == ["+", ("simple", "OK"), ("error", "ERR  x")]
    assert reply_tree([None, {}, (), bytearray()]) == ["PY RECORD"] * 4
    assert reply_tree([2**63, 2**63 - 1]) == ["9223372036854775808", 2**63 - 1]
    assert reply_tree("\udc80") == b"\\udc80"


def test_a_reply_has_an_end() -> None:
    deep: list[object] = []
    for _ in range(200):
        deep = [deep]
    tree = reply_tree(deep)
    for _ in range(99):
        [tree] = tree
    assert tree == ["PY RECORD"]


def test_a_list_in_itself_is_no_reply() -> None:
    twice: list[object] = []
    twice += [twice, twice]  # every way through it would be a reply of its own
    assert reply_tree(twice) == ["PY RECORD", "PY RECORD"]
    assert size_of(twice) < 1000


def test_a_list_in_many_lists_has_its_size_in_each() -> None:
    inner = ["x" * 10] * 1000
    assert size_of([[inner] * 1000] * 1000) > 10_000_000_000
    shared = {"key": "x" * 1000}
    assert size_of([shared] * 1000) < 10_000
