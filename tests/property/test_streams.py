"""Streams: scans against the slow way, with ranges of ids and counts."""

from __future__ import annotations

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

import gearframe as gf
from tests.property import keyspaces, oracles
from tests.property.compare import assert_same
from tests.property.conftest import World
from tests.property.keyspaces import KEY_FORM, KEY_PARTS, KEY_REGEX, Key, Keyspace, checked, fill
from tests.property.oracles import OnError

SCHEMAS = st.sampled_from([
    {},
    {"f": pl.Binary()},
    {"g": pl.Int64(), "f": pl.String()},
    {keyspaces.LONG_NAME: pl.Float64(), "ż": pl.Binary(), "f": pl.Boolean()},
])  # fmt: skip
IDS = st.sampled_from(["0", "0-2", "1", "1-1", "5-3", "1700000000000", "1700000000000-1"])
BEFORE = st.just("-") | IDS | IDS.map(lambda text: f"({text}")
AFTER = st.just("+") | IDS | IDS.map(lambda text: f"({text}")
OPTIONS = {"include_sequence": True, "key_dtype": pl.Binary}
MANY = 25_000


@checked
@given(
    keyspace=keyspaces.keyspaces("stream"),
    schema=SCHEMAS,
    on_error=keyspaces.on_errors,
    how=keyspaces.how,
)
@example({b"a": Key("stream", [], "none")}, {"f": pl.Binary()}, "null", {})
@example(
    {b"a": Key("stream", [((1, 1), [(b"f", b"1"), (b"f", b"2")])], "none")},
    {"f": pl.Binary()},
    "null",
    {},
)
def test_streams(
    world: World,
    keyspace: Keyspace,
    schema: dict[str, pl.DataType],
    on_error: OnError,
    how: dict[str, int],
) -> None:
    fill(world.redis, keyspace)
    found = gf.read_streams(world.client, "*", schema, on_error=on_error, **OPTIONS, **how)
    assert_same(found, oracles.streams(world.redis, "*", schema, on_error), ordered=True)


@checked
@given(
    keyspace=keyspaces.keyspaces("stream"),
    start=BEFORE,
    end=AFTER,
    count=st.none() | st.integers(1, 12),
    how=keyspaces.how,
)
def test_ranges_and_counts(
    world: World, keyspace: Keyspace, start: str, end: str, count: int | None, how: dict[str, int]
) -> None:
    fill(world.redis, keyspace)
    schema = {"f": pl.Binary()}
    limits = {"start": start, "end": end, "count": count}
    found = gf.read_streams(world.client, "*", schema, **limits, **OPTIONS, **how)
    assert_same(found, oracles.streams(world.redis, "*", schema, **limits), ordered=True)


@checked
@given(keyspace=keyspaces.keyspaces("stream"), on_error=keyspaces.on_errors, n=st.integers(0, 9))
def test_parts_of_keys_and_head(
    world: World, keyspace: Keyspace, on_error: OnError, n: int
) -> None:
    fill(world.redis, keyspace)
    lf = gf.scan_streams(world.client, key_schema=KEY_FORM, on_error=on_error, **OPTIONS)
    expected = oracles.with_key_parts(
        oracles.streams(world.redis, "*", {}), KEY_REGEX, KEY_PARTS, on_error
    )
    assert_same(lf.collect(), expected, ordered=True)
    head = lf.head(n).collect()
    assert head.height == min(n, expected.height)
    assert set(head.rows()) <= set(expected.rows())


@checked
@given(keyspace=keyspaces.keyspaces("stream"), data=st.data())
def test_any_columns(world: World, keyspace: Keyspace, data: st.DataObject) -> None:
    fill(world.redis, keyspace)
    schema = {"f": pl.Binary(), "g": pl.Binary()}
    expected = oracles.streams(world.redis, "*", schema)
    chosen = data.draw(st.lists(st.sampled_from(expected.columns), min_size=1, unique=True))
    lf = gf.scan_streams(world.client, "*", schema, **OPTIONS)
    assert_same(lf.select(chosen).collect(), expected.select(chosen), ordered=False)
    assert lf.select(pl.len()).collect().item() == expected.height


def test_a_stream_of_many_entries(world: World) -> None:
    """Entries with the same time stand on both sides of every page."""
    entries = [((n // 7, n % 7 + 1), [(b"f", b"%d" % n)]) for n in range(MANY)]
    fill(world.redis, {b"a": Key("stream", entries, "none")})
    schema = {"f": pl.Int64()}
    for limits in ({}, {"start": "(100-3", "end": "3000-1"}, {"count": 12_345}):
        found = gf.read_streams(world.client, "*", schema, **limits, **OPTIONS)
        assert_same(found, oracles.streams(world.redis, "*", schema, **limits), ordered=True)
