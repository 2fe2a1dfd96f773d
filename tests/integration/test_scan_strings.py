from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.integration.commandstats import counted


def test_values_by_mget(url: str, redis_client: redis.Redis) -> None:
    redis_client.mset({f"hits:{i}": i for i in range(2500)})
    redis_client.hset("hits:hash", "a", "1")
    lf = gf.scan_strings(url, "hits:*", pl.Int64)
    with counted(redis_client) as calls:
        assert lf.select(pl.col("value").sum()).collect().item() == sum(range(2500))
    assert set(calls) <= {"scan", "mget", "type"}
    assert calls["mget"] < 30
    report = gf.reports(lf)[0]
    assert report.rows == 2500
    assert report.keys_seen == report.rows + report.keys_of_other_type


def test_keys_alone_fetch_no_values(url: str, redis_client: redis.Redis) -> None:
    redis_client.mset({"a": "x", "b": "y"})
    redis_client.rpush("c", "z")
    with counted(redis_client) as calls:
        lf = gf.scan_strings(url)
        assert lf.select(pl.len()).collect().item() == 2
        assert sorted(lf.select("_key").collect()["_key"]) == ["a", "b"]
    assert set(calls) == {"scan"}


@pytest.mark.parametrize(
    ("dtype", "text", "value"),
    [
        (pl.String, "", ""),
        (pl.Binary, b"\xff", b"\xff"),
        (pl.Float64, "1.5", 1.5),
        (pl.Struct({"a": pl.List(pl.Int64)}), '{"a": [1]}', {"a": [1]}),
        (pl.Datetime, "2024-01-01T00:00:00Z", dt.datetime(2024, 1, 1)),
        (int, "7", 7),
    ],
)
def test_dtypes(url: str, redis_client: redis.Redis, dtype: type, text: str, value: object) -> None:
    redis_client.set("k", text)
    frame = gf.read_strings(url, "*", dtype, value_column="v")
    assert frame.rows() == [("k", value)]
    assert frame.columns == ["_key", "v"]


def test_named_keys(url: str, redis_client: redis.Redis) -> None:
    redis_client.mset({"a": "1", "b": "2"})
    redis_client.hset("h", "a", "1")
    lf = gf.scan_strings(url, "*", pl.Int8, keys=["b", "a", "gone", "h", "a"])
    with counted(redis_client) as calls:
        assert lf.collect().rows() == [("b", 2), ("a", 1)]
    assert calls == {"mget": 1, "type": 2}
    report = gf.reports(lf)[0]
    assert (report.keys_seen, report.keys_vanished, report.keys_of_other_type) == (4, 1, 1)


def test_a_key_by_filter(url: str, redis_client: redis.Redis) -> None:
    redis_client.mset({"a": "1", "b": "2"})
    lf = gf.scan_strings(url, "*", pl.Int8).filter(pl.col("_key") == "b")
    with counted(redis_client) as calls:
        assert lf.collect().rows() == [("b", 2)]
    assert calls == {"mget": 1}


def test_ttl_and_values(url: str, redis_client: redis.Redis) -> None:
    redis_client.set("a", "1", px=100_000)
    redis_client.set("b", "2")
    frame = gf.read_strings(url, "*", pl.Int8, include_ttl=True).sort("_key")
    assert frame.columns == ["_key", "_ttl", "value"]
    assert frame["_ttl"][1] is None
    assert dt.timedelta(seconds=50) < frame["_ttl"][0] <= dt.timedelta(seconds=100)


def test_bad_values(url: str, redis_client: redis.Redis) -> None:
    redis_client.mset({"a": "1", "b": "1.9"})
    with pytest.raises(gf.DataError, match=r'a value of key "b" is "1\.9", which is not Int8'):
        gf.read_strings(url, "*", pl.Int8)
    lf = gf.scan_strings(url, "*", pl.Int8, on_error="skip")
    assert lf.collect().rows() == [("a", 1)]
    assert gf.reports(lf)[0].rows_skipped == 1


def test_the_value_may_have_any_free_name(url: str) -> None:
    with pytest.raises(gf.SchemaError, match="'_key' is the key column already"):
        gf.scan_strings(url, "*", value_column="_key")
