"""Time series: `scan_timeseries` against TS.RANGE, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

import gearframe as gf
from tests.property import keyspaces, oracles
from tests.property.compare import assert_same
from tests.property.conftest import World
from tests.property.keyspaces import KEY_FORM, KEY_PARTS, KEY_REGEX, checked

OPTIONS = {"key_dtype": pl.Binary}
AGGREGATIONS = [
    "avg", "sum", "min", "max", "range", "count", "first", "last", "std.p", "var.s", "twa",
]  # fmt: skip
MANY = 25_000

times = st.integers(0, 30) | st.sampled_from([0, 1_700_000_000_000, 253_402_300_799_999])
values = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.1, -0.0, 5e-324])
label_texts = st.sampled_from(["a", "b", "eu", "ż", "with space"])
bounds = st.sampled_from(["0", "3", "17", "1700000000000"])


@dataclass(frozen=True)
class Series:
    samples: dict[int, float]
    labels: dict[str, str]


series = st.builds(
    Series,
    st.dictionaries(times, values, max_size=9),
    st.dictionaries(st.sampled_from(["host", "region", "Ż"]), label_texts, max_size=3),
)
# A text is a key of another type, which a scan leaves out.
contents = st.dictionaries(keyspaces.keys, series | st.binary(max_size=5), max_size=5)
Content = Mapping[bytes, Series | bytes]


def fill(world: World, keyspace: Content) -> None:
    pipeline = world.redis.pipeline(transaction=False)
    pipeline.flushall()
    for key, content in keyspace.items():
        if isinstance(content, bytes):
            pipeline.set(key, content)
            continue
        labels = [part for pair in content.labels.items() for part in pair]
        pipeline.execute_command("TS.CREATE", key, "LABELS", *labels)
        for ms, value in content.samples.items():
            pipeline.execute_command("TS.ADD", key, ms, repr(value))
    pipeline.execute()


@checked
@given(keyspace=contents, how=keyspaces.how)
def test_series(timeseries_world: World, keyspace: Content, how: dict[str, int]) -> None:
    fill(timeseries_world, keyspace)
    expected = oracles.timeseries(timeseries_world.redis, "*")
    lf = gf.scan_timeseries(timeseries_world.client, "*", **OPTIONS, **how)
    assert_same(lf.collect(), expected, ordered=True)
    assert lf.select(pl.len()).collect().item() == expected.height


@checked
@given(
    keyspace=contents,
    start=st.just("-") | bounds,
    end=st.just("+") | bounds,
    count=st.none() | st.integers(1, 5),
)
def test_ranges_and_counts(
    timeseries_world: World, keyspace: Content, start: str, end: str, count: int | None
) -> None:
    fill(timeseries_world, keyspace)
    limits = {"start": start, "end": end, "count": count}
    found = gf.read_timeseries(timeseries_world.client, "*", **limits, **OPTIONS)
    counted = [] if count is None else ["COUNT", count]
    arguments = [start, end, *counted]
    expected = oracles.timeseries(timeseries_world.redis, "*", arguments=arguments)
    assert_same(found, expected, ordered=True)


@checked
@given(
    keyspace=contents,
    aggregation=st.sampled_from(AGGREGATIONS),
    bucket=st.sampled_from([1, 7, 1000]),
    end=bounds,
)
def test_aggregations(
    timeseries_world: World, keyspace: Content, aggregation: str, bucket: int, end: str
) -> None:
    fill(timeseries_world, keyspace)
    options = {"end": end, "aggregation": aggregation, "bucket": bucket}
    found = gf.read_timeseries(timeseries_world.client, "*", **options, **OPTIONS)
    arguments = ["-", end, "AGGREGATION", aggregation, bucket]
    expected = oracles.timeseries(timeseries_world.redis, "*", arguments=arguments)
    assert_same(found, expected, ordered=True)


@checked
@given(keyspace=contents, region=label_texts)
def test_labels_and_filters(timeseries_world: World, keyspace: Content, region: str) -> None:
    fill(timeseries_world, keyspace)
    other, client = timeseries_world.redis, timeseries_world.client
    labels = ["host", "region", "none of these"]
    found = gf.read_timeseries(client, "*", labels=labels, **OPTIONS)
    expected = oracles.timeseries(other, "*", labels=labels)
    assert_same(found.select(expected.columns), expected, ordered=True)
    where = {"filters": [f"region={region}"], "labels": ["host"]}
    chosen = gf.read_timeseries(client, "*", **where, **OPTIONS)
    expected = oracles.timeseries(
        other, "*", labels=["host"], only=lambda labels: labels.get("region") == region
    )
    assert_same(chosen.select(expected.columns), expected, ordered=True)


@checked
@given(keyspace=contents, on_error=keyspaces.on_errors)
def test_parts_of_keys(
    timeseries_world: World, keyspace: Content, on_error: oracles.OnError
) -> None:
    fill(timeseries_world, keyspace)
    found = gf.read_timeseries(
        timeseries_world.client, key_schema=KEY_FORM, on_error=on_error, **OPTIONS
    )
    whole = oracles.timeseries(timeseries_world.redis, "*")
    expected = oracles.with_key_parts(whole, KEY_REGEX, KEY_PARTS, on_error)
    assert_same(found, expected, ordered=True)


def test_a_series_of_many_samples(timeseries_world: World) -> None:
    keyspace = {b"a": Series({n * 3: n / 7 for n in range(MANY)}, {})}
    fill(timeseries_world, keyspace)
    for limits in ({}, {"start": "1000", "end": "70000"}, {"count": 12_345}):
        found = gf.read_timeseries(timeseries_world.client, "*", **limits, **OPTIONS)
        counted = [] if "count" not in limits else ["COUNT", limits["count"]]
        arguments = [limits.get("start", "-"), limits.get("end", "+"), *counted]
        expected = oracles.timeseries(timeseries_world.redis, "*", arguments=arguments)
        assert_same(found, expected, ordered=True)
