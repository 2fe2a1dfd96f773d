"""Readers other than KeysReader, over commands that a list of answers stands for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gearframe.exceptions import GearsError
from gearframe.gears.builder import GB
from tests.gears_runtime import ListRuntime, outcome, results


def with_commands(**commands: Any) -> ListRuntime:
    runtime = ListRuntime()
    runtime.commands = commands
    return runtime


def stream(*ids: str) -> dict[str, Any]:
    entries = [[each, ["f", each]] for each in ids]
    places = {"+": len(ids), "(0-0": 0, **{f"({each}": n + 1 for n, each in enumerate(ids)}}

    def xrange(key: str, start: str, end: str, *count: Any) -> Any:
        if start not in places:
            raise GearsError("ERR Invalid stream ID specified as stream command argument")
        return entries[places[start] :][: count[1]]

    return {"XRANGE": xrange, "XREVRANGE": lambda *args: entries[-1:]}


def test_keys_only() -> None:
    pages = {"0": ["7", ["a", "b"]], "7": ["0", [bytearray(b"\xff")]]}
    asked = []

    def scan(cursor: str, *rest: Any) -> Any:
        asked.append(rest)
        return pages[cursor]

    runtime = with_commands(SCAN=scan)
    gear = GB("KeysOnlyReader")
    assert results(gear, runtime=runtime, arg="x*", count=5) == ["a", "b", b"\xff"]
    assert asked == [("MATCH", "x*", "COUNT", 5)] * 2


def test_keys_only_gives_each_key_once() -> None:
    """SCAN gives a key again where the server's table was resized meanwhile."""
    pages = {"0": ["7", ["a", "b", "a"]], "7": ["9", ["b"]], "9": ["0", ["a", "c"]]}
    runtime = with_commands(SCAN=lambda cursor, *_: pages[cursor])
    assert results(GB("KeysOnlyReader"), runtime=runtime) == ["a", "b", "c"]


def test_keys_only_without_scan() -> None:
    runtime = with_commands(EXISTS=lambda key: int(key == "a"))
    assert results(GB("KeysOnlyReader"), runtime=runtime, arg="a", noScan=True) == ["a"]
    assert results(GB("KeysOnlyReader"), runtime=runtime, arg="b", noScan=True) == []
    assert results(GB("KeysOnlyReader"), runtime=runtime, patternGenerator=lambda: ("a", True)) == [
        "a"
    ]


def test_stream() -> None:
    runtime = with_commands(**stream("1-0", "2-0"))
    assert results(GB("StreamReader"), runtime=runtime, arg="s") == [
        {"key": "s", "id": "1-0", "value": {"f": "1-0"}},
        {"key": "s", "id": "2-0", "value": {"f": "2-0"}},
    ]
    later = results(GB("StreamReader"), runtime=runtime, arg="s", fromId="1-0")
    assert [record["id"] for record in later] == ["2-0"]


def test_stream_in_pages() -> None:
    ids = [f"{n}-0" for n in range(1, 2502)]
    runtime = with_commands(**stream(*ids))
    came = results(GB("StreamReader").map(lambda r: r["id"]), runtime=runtime, arg="s")
    assert came == ids


def test_stream_with_an_id_that_is_none() -> None:
    runtime = with_commands(**stream("1-0"))
    came = outcome(GB("StreamReader"), runtime=runtime, arg="s", fromId="x")
    assert came.errors == ["ERR Invalid stream ID specified as stream command argument"]


def test_python() -> None:
    ended = []

    def numbers() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            ended.append(1)

    assert results(GB("PythonReader", numbers)) == list(range(10))
    assert results(GB("PythonReader").limit(2), arg=numbers) == [0, 1]
    assert ended == [1, 1]


def test_a_generator_is_asked_for_no_more_than_a_limit_wants() -> None:
    given = []

    def numbers() -> Iterator[int]:
        while True:
            given.append(1)
            yield len(given)

    assert results(GB("PythonReader").filter(lambda r: r % 2).limit(2), arg=numbers) == [1, 3]
    assert len(given) == 3


def test_a_generator_that_fails() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise ValueError("enough")

    came = outcome(GB("PythonReader"), arg=numbers)
    assert came.results == [1]
    assert came.errors[0].endswith("ValueError: enough")
    assert "raise ValueError" in came.errors[0]


def test_a_reader_that_is_no_generator() -> None:
    came = outcome(GB("PythonReader"), arg=lambda: 5)
    assert came.errors[0].endswith("TypeError: 'int' object is not iterable")


def test_shards() -> None:
    assert results(GB("ShardsIDReader")) == ["1"]


def test_commands_are_not_run() -> None:
    with pytest.raises(GearsError, match="do not support run"):
        outcome(GB("CommandReader"))
