"""Each operation: literal records in, literal records out."""

from __future__ import annotations

from typing import Any

import pytest

from gearframe.exceptions import GearsError
from gearframe.gears.builder import GB
from tests.gears_runtime import errors, outcome, results


class Own(list[Any]):
    """A list of somebody's own."""


def one_over(value: int) -> float:
    return 1 / value


def test_map() -> None:
    assert results(GB().map(lambda r: r + 1), [1, 2]) == [2, 3]
    assert results(GB().map(lambda r: None), [1]) == [None]


def test_filter() -> None:
    assert results(GB().filter(lambda r: r % 2), [1, 2, 3]) == [1, 3]
    assert results(GB().filter(lambda r: r), [0, "", "a", None, [1]]) == ["a", [1]]


def test_filter_asks_an_object_for_its_truth_once() -> None:
    asked = []

    class Shy:
        def __bool__(self) -> bool:
            asked.append(1)
            if len(asked) == 2:
                raise ValueError("shy")
            return True

    came = outcome(GB().filter(lambda r: Shy()), [1, 2, 3])
    assert came.results == [1, 3]
    assert len(asked) == 3
    assert [text.splitlines()[-1] for text in came.errors] == ["ValueError: shy"]


def test_flatmap_gives_lists_from_their_end() -> None:
    assert results(GB().flatmap(lambda r: r), [[1, 2], [], [3]]) == [2, 1, 3]


def test_flatmap_leaves_what_is_no_list() -> None:
    assert results(GB().flatmap(lambda r: r), [(1, 2), [3, 4], "ab"]) == [(1, 2), 4, 3, "ab"]
    assert results(GB().flatmap(Own), [[1, 2]]) == [2, 1]


def test_foreach() -> None:
    seen: list[int] = []
    assert results(GB().foreach(seen.append), [1, 2]) == [1, 2]
    assert seen == [1, 2]


def test_accumulate() -> None:
    gear = GB().accumulate(lambda a, r: r if a is None else a + r)
    assert results(gear, [1, 2, 3]) == [6]
    assert results(gear, []) == []


def test_accumulate_with_a_record_that_fails() -> None:
    came = outcome(GB().accumulate(lambda a, r: (a or 0) + 10 // r), [1, 0, 5])
    assert came.results == [12]
    assert len(came.errors) == 1


@pytest.mark.parametrize("name", ["groupby", "localgroupby"])
def test_groupby(name: str) -> None:
    gear = getattr(GB(), name)(lambda r: r[0], lambda k, a, r: (a or 0) + r[1])
    assert results(gear, [("a", 1), ("b", 2), ("a", 3)]) == [
        {"key": "a", "value": 4},
        {"key": "b", "value": 2},
    ]


def test_keys_become_text() -> None:
    gear = GB().groupby(lambda r: r, lambda k, a, r: (a or 0) + 1)
    assert results(gear, [1, "1", True, None, 1]) == [
        {"key": "1", "value": 3},
        {"key": "True", "value": 1},
        {"key": "None", "value": 1},
    ]


def test_batchgroupby() -> None:
    gear = GB().batchgroupby(lambda r: r % 2, lambda k, records: (k, sorted(records)))
    assert results(gear, [3, 2, 1]) == [
        {"key": "1", "value": ("1", [1, 3])},
        {"key": "0", "value": ("0", [2])},
    ]


def test_collect_and_repartition_leave_records_alone() -> None:
    assert results(GB().collect().repartition(lambda r: "k"), [1, 2]) == [1, 2]
    came = outcome(GB().repartition(one_over), [0, 2])
    assert (came.results, len(came.errors)) == ([2], 1)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [((2,), [1, 2]), ((2, 1), [2, 3]), ((0,), []), ((9, 4), [5]), ((9, 9), []), ((-1,), [])],
)
def test_limit(arguments: tuple[int, ...], expected: list[int]) -> None:
    assert results(GB().limit(*arguments), [1, 2, 3, 4, 5]) == expected


def test_aggregate() -> None:
    gear = GB().aggregate(0, lambda a, r: a + r, lambda a, r: a + r)
    assert results(gear, [1, 2, 3]) == [6]
    assert results(gear, []) == []


def test_aggregate_begins_twice_with_zero() -> None:
    assert results(GB().aggregate(5, lambda a, r: a + r, lambda a, r: a + r), [1]) == [11]


def test_aggregate_keeps_what_is_false() -> None:
    gear = GB().aggregate(7, lambda a, r: a * r, lambda a, r: r)
    assert results(gear, [1, 0, 5]) == [0]


def test_aggregate_copies_zero() -> None:
    zero: list[int] = []
    gear = GB().aggregate(zero, lambda a, r: a.append(r) or a, lambda a, r: a + r)
    assert results(gear, [1, 2]) == [[1, 2]]
    assert zero == []


def test_aggregateby() -> None:
    gear = GB().aggregateby(lambda r: r[0], [], lambda k, a, r: [*a, r[1]], lambda k, a, r: a + r)
    assert results(gear, ["a1", "b2", "a3"]) == [
        {"key": "a", "value": ["1", "3"]},
        {"key": "b", "value": ["2"]},
    ]


def test_aggregateby_keeps_what_is_false() -> None:
    gear = GB().aggregateby(lambda r: "k", 7, lambda k, a, r: a * r, lambda k, a, r: r)
    assert results(gear, [1, 0, 5]) == [{"key": "k", "value": 0}]


def test_count() -> None:
    assert results(GB().count(), [None, 0]) == [2]
    assert results(GB().count(), []) == []


def test_countby() -> None:
    assert results(GB().countby(), ["a", "b", "a"]) == [
        {"key": "a", "value": 2},
        {"key": "b", "value": 1},
    ]
    assert results(GB().countby(lambda r: r > 1), [1, 2, 3]) == [
        {"key": "False", "value": 1},
        {"key": "True", "value": 2},
    ]


def test_avg() -> None:
    assert results(GB().avg(), ["1", 2, 3.0]) == [2.0]
    assert results(GB().avg(lambda r: r[0]), [[1], [2]]) == [1.5]
    assert results(GB().avg(), []) == []


def test_distinct() -> None:
    assert results(GB().distinct(), ["b", "a", "b"]) == ["b", "a"]
    assert errors(GB().distinct(), [[1], 2]) == ["TypeError: unhashable type: 'list'"]


def test_sort_is_ascending_by_default() -> None:
    assert results(GB().sort(), [2, 3, 1]) == [1, 2, 3]
    assert results(GB().sort(reverse=False), [2, 3, 1]) == [3, 2, 1]


def test_sort_of_what_has_no_order() -> None:
    came = outcome(GB().sort(), [1, "a"])
    assert (came.results, len(came.errors)) == ([], 1)


def test_results_are_text_unless_asked() -> None:
    assert results(GB(), [1, {"a": 2}], convertToStr=True, collect=True) == ["1", "{'a': 2}"]


def test_operations_give_the_builder() -> None:
    gear = GB()
    assert gear.map(str).count() is gear


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("map", (1,), "map argument must be a function"),
        ("map", (), "wrong number of args to map"),
        ("groupby", (str, 1), "groupby reducer argument must be a function"),
        ("groupby", (str,), "wrong number of args to groupby"),
        ("limit", ("1",), "limit argument must be a number"),
        ("count", (1,), "wrong number of args to count"),
        ("aggregate", (0, 1, 2), "aggregate argument must be a function"),
        ("register", (), "not in this version"),
    ],
)
def test_wrong_arguments(name: str, arguments: tuple[Any, ...], text: str) -> None:
    with pytest.raises(GearsError, match=text):
        getattr(GB(), name)(*arguments)


def test_wrong_builders() -> None:
    with pytest.raises(GearsError, match="reader does not exists"):
        GB("KeyReader")
    with pytest.raises(GearsError, match="unknown execution mode"):
        GB().plan(mode="sync")
    with pytest.raises(GearsError, match="PythonReader argument must be a function"):
        GB("PythonReader").plan()
    with pytest.raises(GearsError, match="outside of a server needs one"):
        GB().run()
