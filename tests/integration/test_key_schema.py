"""Parts of keys as columns, for every kind of scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.exceptions import DataError, SchemaError
from tests.integration.commandstats import counted
from tests.integration.whole_runs import commands_in, whole_run

FORM = "user:{id:Int64}:{region}"
Scan = Callable[..., pl.LazyFrame]

SCANS: dict[str, Scan] = {
    "hash": lambda url, **options: gf.scan_hashes(url, "*", {"a": pl.Int64}, **options),
    "long": lambda url, **options: gf.scan_hashes(url, "*", format="long", **options),
    "string": lambda url, **options: gf.scan_strings(url, **options),
    "list": lambda url, **options: gf.scan_lists(url, **options),
    "set": lambda url, **options: gf.scan_sets(url, **options),
    "zset": lambda url, **options: gf.scan_zsets(url, **options),
    "stream": lambda url, **options: gf.scan_streams(url, **options),
    "keys": lambda url, **options: gf.scan_keys(url, **options),
}


def make(client: redis.Redis, kind: str, key: str | bytes) -> None:
    match kind:
        case "hash" | "long":
            client.hset(key, "a", "1")
        case "list":
            client.rpush(key, "1")
        case "set":
            client.sadd(key, "1")
        case "zset":
            client.zadd(key, {"1": 1})
        case "stream":
            client.xadd(key, {"a": "1"})
        case _:
            client.set(key, "1")


@pytest.mark.parametrize("kind", SCANS)
def test_every_scan_has_parts(url: str, redis_client: redis.Redis, kind: str) -> None:
    for key in ("user:7:eu", "user:-8:us:west", "user:9:", "users:1:eu", "user:1"):
        make(redis_client, kind, key)
    lf = SCANS[kind](url, key_schema=FORM, row_index_name="row")
    frame, report = whole_run(lf)
    assert frame.columns[1:4] == ["_key", "id", "region"]
    assert frame.dtypes[2:4] == [pl.Int64, pl.String]
    assert lf.collect_schema() == frame.schema
    assert sorted(frame.select("_key", "id", "region").rows()) == [
        ("user:-8:us:west", -8, "us:west"), ("user:7:eu", 7, "eu"), ("user:9:", 9, ""),
    ]  # fmt: skip
    assert report.keys_seen == 3


@pytest.mark.parametrize("kind", SCANS)
def test_a_part_is_a_narrower_match(url: str, redis_client: redis.Redis, kind: str) -> None:
    for number in range(20):
        for region in ("eu", "us", "e*", "[eu]"):
            make(redis_client, kind, f"user:{number}:{region}")
    lf = SCANS[kind](url, key_schema=FORM)
    for region in ("eu", "e*", "[eu]"):
        narrowed = lf.filter(pl.col("region") == region)
        with counted(redis_client) as calls:
            frame, report = whole_run(narrowed)
        assert frame["region"].to_list() == [region] * 20
        assert report.keys_seen == 20
        assert max(n for name, n in calls.items() if name != "scan") <= 20
    narrowed = lf.filter(pl.col("region") == "eu")
    assert "SCAN MATCH user:\\*:eu COUNT 1000".replace("\\", "") in commands_in(narrowed)[0]
    number = lf.filter(pl.col("id") == 7)
    frame, report = whole_run(number)
    assert frame.height == 4
    # A number may be written in more than one way: user:07:eu has the same.
    assert report.keys_seen == 80


@pytest.mark.parametrize(
    "where",
    [
        (pl.col("a") == "x") & (pl.col("a") == "y"),
        (pl.col("a") == "x") | (pl.col("b") == "y"),
        pl.col("a") == pl.col("b"),
        pl.col("a") != "x",
        pl.col("a") == "x:y",
        (pl.col("a") == "x") & (pl.col("b") == "y:z"),
        (pl.col("b") == "y:z") & pl.col("_key").str.starts_with("k:x"),
        (pl.col("a") == "x") & (pl.col("_key") == "k:x:y:z"),
        pl.col("a").is_in(["x", "y"]),
        pl.col("a") == "",
    ],
    ids=str,
)
def test_filters_change_no_result(url: str, redis_client: redis.Redis, where: pl.Expr) -> None:
    for key in ("k:x:y", "k:x:y:z", "k:y:y", "k::x", "k:x:", "k:x:x", "k:y:z"):
        redis_client.set(key, "1")
    for options in ({}, {"row_index_name": "row"}, {"keys": ["k:x:y", "k:y:y", "k:gone:y"]}):
        lf = gf.scan_strings(url, key_schema="k:{a}:{b}", **options)  # type: ignore[arg-type]
        expected = lf.collect().filter(where).drop("row", strict=False).sort("_key")
        found = lf.filter(where).collect().drop("row", strict=False).sort("_key")
        assert found.equals(expected)


def test_a_pattern_of_ones_own(url: str, redis_client: redis.Redis) -> None:
    for key in ("user:7:eu", "user:70:eu", "user:8:eu"):
        redis_client.set(key, "1")
    lf = gf.scan_strings(url, "user:7*", key_schema=FORM)
    assert sorted(lf.collect()["id"]) == [7, 70]
    narrowed = lf.filter(pl.col("region") == "eu")
    assert sorted(narrowed.collect()["id"]) == [7, 70]
    assert commands_in(narrowed)[0].startswith("SCAN MATCH user:7* ")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("user:x:eu", 'column "id" out of key "user:x:eu" is "x", which is not Int64'),
        ("other", "the key is not of this form"),
        (b"user:1:\xff", 'column "region" out of key b"user:1:\\xff"'),
    ],
)
def test_keys_that_do_not_fit(
    url: str, redis_client: redis.Redis, key: str | bytes, text: str
) -> None:
    keys = ["user:1:eu", key]
    for name in keys:
        redis_client.rpush(name, "1", "2")
    options: dict[str, Any] = {"keys": keys, "key_schema": FORM, "key_dtype": pl.Binary}
    with pytest.raises(DataError) as caught:
        gf.read_lists(url, **options)
    assert text in str(caught.value)
    frame = gf.read_lists(url, **options, on_error="null")
    assert frame.height == 4
    assert frame.filter(pl.any_horizontal(pl.col("id", "region").is_null())).height == 2
    frame, report = whole_run(gf.scan_lists(url, **options, on_error="skip"))
    assert frame["id"].to_list() == [1, 1]
    assert report.rows_skipped == 2
    # A part that no query uses is not looked at.
    assert gf.scan_lists(url, **options).select("element").collect().height == 4


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("user", "expected named parts"),
        ("", "expected named parts"),
        ("{}", "expected named parts"),
        ("{:Int64}", "expected named parts"),
        ("{a}{b}", "two parts side by side"),
        ("a}{b}", "a single '}'"),
        ("{b", "a single '{'"),
        ("{a}:{a}", "a"),
        ("{_key}", "_key"),
        ("{_ttl}", "_ttl"),
        ("{element}", "element"),
        ("{row}", "row"),
        ("{a:Nope}", "Nope"),
        ("{a:Object}", "Object"),
        (b"{a}", "expected a text"),
        (7, "expected a text"),
    ],
    ids=str,
)
def test_bad_forms(url: str, form: Any, text: str) -> None:
    with pytest.raises(SchemaError) as caught:
        gf.scan_lists(url, key_schema=form, row_index_name="row")
    assert text in str(caught.value)


def test_braces_in_keys(url: str, redis_client: redis.Redis) -> None:
    redis_client.set("{tag}:7", "x")
    frame = gf.read_strings(url, key_schema="{{tag}}:{id:UInt8}")
    assert frame.rows() == [("{tag}:7", 7, "x")]
