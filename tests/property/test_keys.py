"""The keyspace itself: `scan_keys` against the slow way."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

import gearframe as gf
from tests.property import keyspaces, oracles
from tests.property.compare import assert_same
from tests.property.conftest import World
from tests.property.keyspaces import KEY_FORM, KEY_PARTS, KEY_REGEX, Keyspace, checked, fill

OPTIONS = {"key_column": "_key", "key_dtype": pl.Binary}
LATER = timedelta(milliseconds=keyspaces.LATER_MS)
COUNTS = ["memory", "length"]
"""Columns of whole numbers, whatever their width."""


def comparable(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out what runs on while a test looks, and make all widths one."""
    counts = [pl.col(name).cast(pl.Int64) for name in COUNTS if name in frame.columns]
    return frame.drop("idle", "ttl", strict=False).with_columns(counts)


@checked
@given(keyspace=keyspaces.keyspaces(), how=keyspaces.how)
def test_keys(world: World, keyspace: Keyspace, how: dict[str, int]) -> None:
    fill(world.redis, keyspace)
    expected = oracles.keys(world.redis, "*")
    found = gf.scan_keys(world.client, **OPTIONS, **how).collect()
    assert_same(comparable(found).select(comparable(expected).columns), comparable(expected),
                ordered=False)  # fmt: skip
    assert found["idle"].null_count() == 0
    both = found.join(expected, on="_key", suffix="_expected")
    assert both.height == expected.height
    for ttl, left in both.select("ttl", "ttl_expected").iter_rows():
        assert (ttl is None) == (left is None)
        # The slow way looked first, so that it saw more time left.
        assert ttl is None or ttl <= left <= LATER
        assert ttl is None or left - ttl < timedelta(minutes=1)


@checked
@given(keyspace=keyspaces.keyspaces(), data=st.data())
def test_any_columns(world: World, keyspace: Keyspace, data: st.DataObject) -> None:
    fill(world.redis, keyspace)
    expected = comparable(oracles.keys(world.redis, "*"))
    chosen = data.draw(st.lists(st.sampled_from(expected.columns), min_size=1, unique=True))
    found = gf.scan_keys(world.client, **OPTIONS).select(chosen).collect()
    assert_same(comparable(found), expected.select(chosen), ordered=False)
    assert gf.scan_keys(world.client).select(pl.len()).collect().item() == expected.height


@checked
@given(keyspace=keyspaces.keyspaces(), on_error=keyspaces.on_errors)
def test_parts_of_keys(world: World, keyspace: Keyspace, on_error: oracles.OnError) -> None:
    fill(world.redis, keyspace)
    lf = gf.scan_keys(world.client, key_schema=KEY_FORM, on_error=on_error, **OPTIONS)
    expected = oracles.with_key_parts(
        oracles.keys(world.redis, "*").select("_key", "type"), KEY_REGEX, KEY_PARTS, on_error
    )
    assert_same(lf.select(expected.columns).collect(), expected, ordered=False)
