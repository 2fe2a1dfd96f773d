"""Frames written as time series, on servers with the module and on those without."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.servers.catalog import WITH_TIMESERIES

pytestmark = pytest.mark.servers(*WITH_TIMESERIES)

SAMPLES = pl.DataFrame(
    {
        "_key": ["t:1", "t:2", "t:1", "t:1"],
        "_ts": [1000, 1000, 2000, 3000],
        "value": [20.5, -1.0, 21.0, 1e300],
        "room": ["kitchen", None, "kitchen", "kitchen"],
    }
)
MODES = ["replace", "fail", "append"]
BLOCKED = "ERR TSDB: Error at upsert, update is not supported when DUPLICATE_POLICY is set to BLOCK"


def samples(client: redis.Redis, key: str) -> list[Any]:
    found: list[Any] = client.ts().range(key, "-", "+")
    return [tuple(each) for each in found]


@pytest.mark.parametrize("if_exists", MODES)
@pytest.mark.parametrize("lazy", [False, True])
def test_each_row_is_a_sample(
    url: str, redis_client: redis.Redis, if_exists: Any, lazy: bool
) -> None:
    frame = SAMPLES.lazy() if lazy else SAMPLES
    report = gf.write_timeseries(frame, url, if_exists=if_exists, ttl=100, batch_size=2)
    assert (report.written, report.elements) == (2, 4)
    assert samples(redis_client, "t:1") == [(1000, 20.5), (2000, 21.0), (3000, 1e300)]
    assert samples(redis_client, "t:2") == [(1000, -1.0)]
    assert redis_client.ttl("t:1") == pytest.approx(100, abs=40)
    assert sorted(redis_client.keys()) == [b"t:1", b"t:2"]


def test_new_series_get_labels_retention_and_policy(url: str, redis_client: redis.Redis) -> None:
    gf.write_timeseries(
        SAMPLES, url, labels=["room"], retention=timedelta(days=1), duplicate_policy="last"
    )
    info = redis_client.ts().info("t:1")
    assert info.labels == {"room": "kitchen"}
    assert info.retention_msecs == 86_400_000
    assert info.duplicate_policy == "last"
    assert redis_client.ts().info("t:2").labels == {}
    assert redis_client.ttl("t:1") == -1


def test_replace_leaves_nothing_of_the_old_series(url: str, redis_client: redis.Redis) -> None:
    gf.write_timeseries(SAMPLES, url, labels={"building": "old"})
    gf.write_timeseries(SAMPLES.head(2), url, labels={"building": "new"})
    assert samples(redis_client, "t:1") == [(1000, 20.5)]
    index = redis_client.ts().queryindex
    assert index(["building=old"]) == []
    assert sorted(index(["building=new"])) == ["t:1", "t:2"]


def test_fail_names_the_series_that_exist(url: str, redis_client: redis.Redis) -> None:
    redis_client.set("t:1", "mine")
    report = gf.write_timeseries(SAMPLES, url, if_exists="fail", on_failure="report")
    assert (report.written, report.failed) == (1, {b"t:1": "exists already"})
    assert redis_client.get("t:1") == b"mine"
    assert sorted(redis_client.keys()) == [b"t:1", b"t:2"]


def test_append_adds_and_keeps_the_labels(url: str, redis_client: redis.Redis) -> None:
    redis_client.ts().create("t:1", labels={"room": "old"})
    redis_client.ts().add("t:1", 1, 1)
    report = gf.write_timeseries(SAMPLES, url, if_exists="append", labels=["room"])
    assert (report.written, report.elements) == (2, 4)
    assert len(samples(redis_client, "t:1")) == 4
    assert redis_client.ts().info("t:1").labels == {"room": "old"}


def test_a_sample_twice_leaves_the_old_series(url: str, redis_client: redis.Redis) -> None:
    redis_client.ts().add("t:1", 7, 7)
    frame = SAMPLES.with_columns(_ts=pl.Series([1000, 1000, 2000, 1000]))
    report = gf.write_timeseries(frame, url, on_failure="report")
    assert (report.written, report.elements) == (1, 1)
    assert report.failed[b"t:1"].startswith(f"the sample at 1000: {BLOCKED}")
    assert samples(redis_client, "t:1") == [(7, 7.0)]
    assert sorted(redis_client.keys()) == [b"t:1", b"t:2"]
    assert gf.write_timeseries(frame, url, duplicate_policy="sum").written == 2
    assert samples(redis_client, "t:1") == [(1000, 1e300), (2000, 21.0)]


def test_append_leaves_out_what_is_refused_and_says_so(url: str, redis_client: redis.Redis) -> None:
    redis_client.ts().add("t:1", 2000, 7)
    redis_client.set("t:2", "text")
    report = gf.write_timeseries(SAMPLES, url, if_exists="append", on_failure="report", ttl=9)
    assert (report.written, report.elements) == (0, 2)
    assert report.failed[b"t:1"].startswith(f"the sample at 2000: {BLOCKED}")
    assert report.failed[b"t:1"].endswith("; 2 elements were added")
    assert report.failed[b"t:2"] == "the sample at 1000: ERR TSDB: the key is not a TSDB key"
    assert samples(redis_client, "t:1") == [(1000, 20.5), (2000, 7.0), (3000, 1e300)]
    assert redis_client.ttl("t:1") == -1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"value": pl.Series([math.inf, 1])}, "the sample at 1000: ERR TSDB: invalid value"),
        ({"value": pl.Series([math.nan, 1])}, 'a value of column "value" is NaN'),
        ({"value": pl.Series([None, 1.0])}, 'column "value" has a null: Redis has none'),
        (
            {"value": pl.Series([2**53 + 1, 1])},
            'a value of column "value" is 9007199254740993, which',
        ),
        ({"_ts": pl.Series([-1, 1])}, "the sample at -1: ERR TSDB: invalid timestamp"),
        ({"_ts": pl.Series([None, 1])}, 'column "_ts" has a null: Redis has none'),
        ({"room": pl.Series(["", "x"])}, "ERR TSDB: Couldn't parse LABELS"),
    ],
)
def test_what_is_no_sample_fails_its_key(
    url: str, redis_client: redis.Redis, changes: dict[str, pl.Series], reason: str
) -> None:
    frame = SAMPLES.head(2).with_columns(**changes)
    report = gf.write_timeseries(frame, url, on_failure="report", labels=["room"])
    assert report.written == 1
    assert report.failed[b"t:1"].startswith(reason)
    assert redis_client.keys() == [b"t:2"]


@pytest.mark.parametrize("lazy", [False, True])
def test_rows_of_a_key_agree_on_its_labels(url: str, redis_client: redis.Redis, lazy: bool) -> None:
    frame = SAMPLES.with_columns(room=pl.Series(["kitchen", "hall", "kitchen", "hall"]))
    given = frame.lazy() if lazy else frame
    report = gf.write_timeseries(given, url, labels=["room"], on_failure="report", batch_size=1)
    assert report.failed == {b"t:1": "its rows have different labels"}
    assert redis_client.keys() == [b"t:2"]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times(url: str, redis_client: redis.Redis, unit: Any) -> None:
    moment = datetime(2024, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC)
    frame = pl.DataFrame({"_key": ["t"], "_ts": [moment], "value": [1]}).with_columns(
        pl.col("_ts").dt.cast_time_unit(unit)
    )
    gf.write_timeseries(frame, url)
    assert samples(redis_client, "t") == [(int(moment.timestamp() * 1000), 1.0)]
    if unit != "ms":
        late = frame.with_columns(pl.col("_ts") + pl.duration(microseconds=1))
        with pytest.raises(gf.OptionError, match=r"row 0: the key 't' has the time .*round\('1ms'"):
            gf.write_timeseries(late, url)


@pytest.mark.parametrize("if_exists", MODES)
def test_a_long_series(url: str, redis_client: redis.Redis, if_exists: Any) -> None:
    frame = pl.DataFrame({"_ts": range(50_000)}).with_columns(_key=pl.lit("t"), value="_ts")
    report = gf.write_timeseries(frame, url, if_exists=if_exists)
    assert (report.written, report.elements) == (1, 50_000)
    assert report.commands["TS.CREATE"] == 1
    assert redis_client.ts().info("t").total_samples == 50_000
    assert redis_client.keys() == [b"t"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"timestamp": "room"}, gf.SchemaError, "the timestamp column 'room' is String"),
        ({"value": "room"}, gf.SchemaError, "the value in column 'room' is String"),
        ({"labels": ["none"]}, gf.SchemaError, "no column 'none'"),
        ({"labels": {"a": 1}}, gf.OptionError, "labels has 'a': 1"),
        ({"retention": 0}, gf.OptionError, "retention is 0"),
        ({"duplicate_policy": "x"}, gf.OptionError, "duplicate_policy is 'x'"),
    ],
)
def test_what_cannot_be_is_refused(
    url: str, redis_client: redis.Redis, options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        gf.write_timeseries(SAMPLES, url, **options)
    assert redis_client.dbsize() == 0


def test_without_eval_nothing_is_sent(url: str, redis_client: redis.Redis) -> None:
    redis_client.execute_command(
        "ACL", "SETUSER", "writer", "on", ">secret", "~*", "+@all", "-eval"
    )
    redis_client.ts().add("t:1", 7, 7)
    writer = url.replace("redis://", "redis://writer:secret@")
    try:
        with pytest.raises(gf.PermissionDeniedError, match="EVAL"):
            gf.write_timeseries(SAMPLES, writer)
        assert samples(redis_client, "t:1") == [(7, 7.0)]
        assert gf.write_timeseries(SAMPLES, writer, if_exists="append").written == 2
    finally:
        redis_client.execute_command("ACL", "DELUSER", "writer")


@pytest.mark.servers("valkey91", "redis82")
def test_a_server_without_time_series_says_so(url: str, redis_client: redis.Redis) -> None:
    redis_client.set("t:1", "old")
    with pytest.raises(gf.ReplyError, match="has no time series: it does not know"):
        gf.write_timeseries(SAMPLES, url)
    assert redis_client.keys() == [b"t:1"]
