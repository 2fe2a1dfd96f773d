"""Hashes, strings, sets, lists and sorted sets: scans against the slow way."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import gearframe as gf
from tests.property import keyspaces, oracles
from tests.property.compare import assert_same
from tests.property.conftest import World
from tests.property.keyspaces import KEY_FORM, KEY_PARTS, KEY_REGEX, Key, Keyspace, checked, fill
from tests.property.oracles import OnError

BINARY = {"key_dtype": pl.Binary}
DTYPES = st.sampled_from([pl.Binary(), pl.String(), pl.Int64(), pl.Float64(), pl.Boolean()])
HOW = keyspaces.how
MISFITS = keyspaces.on_errors
MANY = 25_000
"""Elements of a key that no scan takes in one reply."""


@checked
@given(keyspace=keyspaces.keyspaces("string"), dtype=DTYPES, on_error=MISFITS, how=HOW)
def test_strings(
    world: World, keyspace: Keyspace, dtype: pl.DataType, on_error: OnError, how: dict[str, int]
) -> None:
    fill(world.redis, keyspace)
    found = gf.read_strings(world.client, "*", dtype, on_error=on_error, **BINARY, **how)
    assert_same(found, oracles.strings(world.redis, "*", dtype, on_error), ordered=False)


@checked
@given(keyspace=keyspaces.keyspaces("hash"), dtype=DTYPES, on_error=MISFITS, how=HOW)
def test_hashes(
    world: World, keyspace: Keyspace, dtype: pl.DataType, on_error: OnError, how: dict[str, int]
) -> None:
    fill(world.redis, keyspace)
    schema = {**dict.fromkeys(keyspaces.NAMES, dtype), "g": pl.Binary()}
    found = gf.read_hashes(world.client, "*", schema, on_error=on_error, **BINARY, **how)
    assert_same(found, oracles.hashes(world.redis, "*", schema, on_error), ordered=False)


@checked
@given(
    keyspace=keyspaces.keyspaces("hash"),
    dtype=DTYPES,
    names=st.sampled_from([pl.Binary(), pl.String()]),
    on_error=MISFITS,
    how=HOW,
)
def test_hashes_in_long_format(
    world: World,
    keyspace: Keyspace,
    dtype: pl.DataType,
    names: pl.DataType,
    on_error: OnError,
    how: dict[str, int],
) -> None:
    fill(world.redis, keyspace)
    found = gf.read_hashes(
        world.client, "*", dtype, format="long", field_dtype=names, on_error=on_error,
        **BINARY, **how,
    )  # fmt: skip
    expected = oracles.fields(world.redis, "*", dtype, on_error, names=names)
    assert_same(found, expected, ordered=False)


@checked
@given(keyspace=keyspaces.keyspaces("set"), dtype=DTYPES, on_error=MISFITS, how=HOW)
def test_sets(
    world: World, keyspace: Keyspace, dtype: pl.DataType, on_error: OnError, how: dict[str, int]
) -> None:
    fill(world.redis, keyspace)
    found = gf.read_sets(world.client, "*", dtype, on_error=on_error, **BINARY, **how)
    assert_same(found, oracles.sets(world.redis, "*", dtype, on_error), ordered=False)


@checked
@given(
    keyspace=keyspaces.keyspaces("list"),
    dtype=DTYPES,
    on_error=MISFITS,
    how=HOW,
    start=st.integers(-14, 14),
    end=st.integers(-14, 14),
)
@example({b"a": Key("list", [b"1"] * 9, "none")}, pl.Int64(), "null", {}, 0, -1)
@example({b"a": Key("list", [b"1"] * 9, "none")}, pl.Int64(), "null", {}, 1 - 2**62, 2**62 - 1)
@example({b"a": Key("list", [b"1"] * 9, "none")}, pl.Int64(), "null", {}, 5, 2)
def test_lists(
    world: World,
    keyspace: Keyspace,
    dtype: pl.DataType,
    on_error: OnError,
    how: dict[str, int],
    start: int,
    end: int,
) -> None:
    fill(world.redis, keyspace)
    found = gf.read_lists(
        world.client, "*", dtype, include_position=True, start=start, end=end,
        on_error=on_error, **BINARY, **how,
    )  # fmt: skip
    expected = oracles.lists(world.redis, "*", dtype, on_error, start=start, end=end)
    assert_same(found.select(expected.columns), expected, ordered=True)


@checked
@given(
    keyspace=keyspaces.keyspaces("zset"),
    dtype=DTYPES,
    on_error=MISFITS,
    how=HOW,
    ranks=st.tuples(st.integers(-11, 11), st.integers(-11, 11)),
)
@example(
    {b"a": Key("zset", {b"x": 1.0, b"y": -math.inf}, "none")}, pl.String(), "null", {}, (0, -1)
)
def test_sorted_sets_by_rank(
    world: World,
    keyspace: Keyspace,
    dtype: pl.DataType,
    on_error: OnError,
    how: dict[str, int],
    ranks: tuple[int, int],
) -> None:
    fill(world.redis, keyspace)
    found = gf.read_zsets(
        world.client, "*", dtype, include_rank=True, min_rank=ranks[0], max_rank=ranks[1],
        on_error=on_error, **BINARY, **how,
    )  # fmt: skip
    expected = oracles.zsets(world.redis, "*", dtype, on_error, ranks=ranks)
    assert_same(found.select(expected.columns), expected, ordered=True)


@checked
@given(
    keyspace=keyspaces.keyspaces("zset"),
    how=HOW,
    lowest=st.none() | keyspaces.scores,
    highest=st.none() | keyspaces.scores,
)
def test_sorted_sets_by_score(
    world: World,
    keyspace: Keyspace,
    how: dict[str, int],
    lowest: float | None,
    highest: float | None,
) -> None:
    fill(world.redis, keyspace)
    found = gf.read_zsets(
        world.client, "*", pl.Binary, min_score=lowest, max_score=highest, **BINARY, **how
    )
    bounds = (-math.inf if lowest is None else lowest, math.inf if highest is None else highest)
    expected = oracles.zsets(world.redis, "*", pl.Binary(), scores=bounds).drop("rank")
    assert_same(found.select(expected.columns), expected, ordered=True)


SCANS: dict[str, tuple[Any, Any]] = {
    "string": (lambda *a, **k: gf.scan_strings(*a, **k), oracles.strings),
    "set": (lambda *a, **k: gf.scan_sets(*a, **k), oracles.sets),
    "list": (lambda *a, **k: gf.scan_lists(*a, include_position=True, **k), oracles.lists),
    "zset": (lambda *a, **k: gf.scan_zsets(*a, include_rank=True, **k), oracles.zsets),
}


@pytest.mark.parametrize("kind", SCANS)
@checked
@given(data=st.data(), on_error=MISFITS, how=HOW)
def test_parts_of_keys_and_times_to_live(
    world: World, kind: str, data: st.DataObject, on_error: OnError, how: dict[str, int]
) -> None:
    fill(world.redis, data.draw(keyspaces.keyspaces(kind)))
    scan, oracle = SCANS[kind]
    options = {**BINARY, **how, "on_error": on_error, "include_ttl": True}
    found = scan(world.client, dtype=pl.Binary, key_schema=KEY_FORM, **options).collect()
    expected = oracles.with_key_parts(
        oracle(world.redis, "*", pl.Binary()), KEY_REGEX, KEY_PARTS, on_error
    )
    assert found.columns[: 2 + len(KEY_PARTS)] == ["_key", *KEY_PARTS, "_ttl"]
    assert_same(found.select(expected.columns), expected, ordered=kind != "set")
    for ttl, left in zip(
        found["_ttl"].dt.total_milliseconds(),
        oracles.times_to_live(world.redis, found),
        strict=True,
    ):
        assert (ttl is None) == (left is None)
        assert ttl is None or left <= ttl <= keyspaces.LATER_MS


@pytest.mark.parametrize("kind", SCANS)
@checked
@given(data=st.data(), n=st.integers(0, 12), how=HOW)
def test_head_takes_rows_that_are_there(
    world: World, kind: str, data: st.DataObject, n: int, how: dict[str, int]
) -> None:
    fill(world.redis, data.draw(keyspaces.keyspaces(kind)))
    scan, oracle = SCANS[kind]
    expected = oracle(world.redis, "*", pl.Binary())
    found = scan(world.client, dtype=pl.Binary, **BINARY, **how).head(n).collect()
    assert found.height == min(n, expected.height)
    assert set(found.select(expected.columns).rows()) <= set(expected.rows())


@pytest.mark.parametrize("kind", ["set", "list", "zset"])
@checked
@given(data=st.data(), how=HOW)
def test_any_columns(world: World, kind: str, data: st.DataObject, how: dict[str, int]) -> None:
    fill(world.redis, data.draw(keyspaces.keyspaces(kind)))
    scan, oracle = SCANS[kind]
    expected = oracle(world.redis, "*", pl.Binary())
    chosen = data.draw(st.lists(st.sampled_from(expected.columns), min_size=1, unique=True))
    found = scan(world.client, dtype=pl.Binary, **BINARY, **how).select(chosen).collect()
    assert_same(found, expected.select(chosen), ordered=False)
    assert scan(world.client, dtype=pl.Binary, **BINARY, **how).select(
        pl.len()
    ).collect().item() == len(expected)


def test_keys_of_many_elements(world: World) -> None:
    """A key that is read piece by piece gives the same rows as one that is not."""
    numbers = [b"%d" % n for n in range(MANY)]
    fill(world.redis, {
        b"hash": Key("hash", dict.fromkeys(numbers, b"1"), "none"),
        b"list": Key("list", numbers, "none"),
        b"set": Key("set", set(numbers), "none"),
        b"zset": Key("zset", {each: float(n % 100) for n, each in enumerate(numbers)}, "none"),
    })  # fmt: skip
    client, other, dtype = world.client, world.redis, pl.Int64()
    found = gf.read_hashes(client, "*", dtype, format="long", field_dtype=pl.Binary, **BINARY)
    assert_same(found, oracles.fields(other, "*", dtype), ordered=False)
    assert_same(
        gf.read_sets(client, "*", dtype, **BINARY), oracles.sets(other, "*", dtype), ordered=False
    )
    numbered = pl.DataFrame({"position": range(MANY), "element": range(MANY)})
    for start, end in [(0, -1), (-MANY, -1), (1, -2), (-7, MANY), (12_345, 23_456)]:
        part = gf.read_lists(client, "*", dtype, include_position=True, start=start, end=end)
        last = end + MANY if end < 0 else min(end, MANY - 1)
        first = start % MANY
        assert part["element"].to_list() == numbered["element"][first : last + 1].to_list()
        assert part["position"].to_list() == part["element"].to_list()
    expected = oracles.zsets(other, "*", dtype)
    ranked = gf.read_zsets(client, "*", dtype, include_rank=True, **BINARY)
    assert_same(ranked.select(expected.columns), expected, ordered=True)
    middle = gf.read_zsets(client, "*", dtype, min_score=10, max_score=89.5, **BINARY)
    expected = oracles.zsets(other, "*", dtype, scores=(10, 89.5)).drop("rank")
    assert_same(middle.select(expected.columns), expected, ordered=True)
