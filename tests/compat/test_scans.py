"""Scans by the names of polars-redis: its columns, their order and their dtypes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.compat import polars_redis as shim

PEOPLE = {"name": pl.Utf8, "age": pl.Int64}
NO_SERVER = "redis://127.0.0.1:1?retries=0"


@pytest.fixture
def people(redis_client: redis.Redis) -> None:
    for n, name in enumerate(("Ann", "Bob", "Cid")):
        redis_client.hset(f"user:{n}", mapping={"name": name, "age": 20 + n})


@pytest.fixture
def collections(redis_client: redis.Redis) -> None:
    redis_client.sadd("set", "x", "y")
    redis_client.rpush("list", "b", "a", "b")
    redis_client.zadd("zset", {"ann": 10, "bob": -0.5})


@pytest.mark.usefixtures("people")
def test_hashes(url: str) -> None:
    lf = shim.scan_hashes(url, "user:*", PEOPLE)
    assert isinstance(lf, pl.LazyFrame)
    found = lf.collect()
    assert found.schema == {"_key": pl.String, **PEOPLE}
    assert found.sort("_key").rows() == [
        ("user:0", "Ann", 20),
        ("user:1", "Bob", 21),
        ("user:2", "Cid", 22),
    ]
    assert shim.read_hashes(url, "user:*", PEOPLE).sort("_key").equals(found.sort("_key"))


@pytest.mark.usefixtures("people")
def test_all_columns_of_hashes(url: str, redis_client: redis.Redis) -> None:
    redis_client.pexpire("user:1", 900_600)
    found = shim.read_hashes(
        url,
        "user:*",
        PEOPLE,
        include_ttl=True,
        ttl_column_name="ttl",
        key_column_name="id",
        include_row_index=True,
        row_index_column_name="row",
        batch_size=1,
        count_hint=5,
    )
    assert found.schema == {
        "row": pl.UInt64,
        "id": pl.String,
        "ttl": pl.Int64,
        **PEOPLE,
    }
    assert found["row"].to_list() == [0, 1, 2]
    ttls = dict(found.select("id", "ttl").rows())
    assert ttls["user:0"] == ttls["user:2"] == -1
    assert 800 < ttls["user:1"] <= 901
    assert shim.read_hashes(url, "none:*", PEOPLE, include_ttl=True).schema["_ttl"] == pl.Int64


def test_the_time_to_live_is_rounded_as_ttl_does(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("h", "name", "Ann")
    for milliseconds in (10_900, 400):
        redis_client.pexpire("h", 3_600_000 + milliseconds)
        before = redis_client.ttl("h")
        found = shim.read_hashes(url, "h", PEOPLE, include_ttl=True)["_ttl"].item()
        assert redis_client.ttl("h") <= found <= before


@pytest.mark.usefixtures("people")
def test_without_the_key_its_name_is_free(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("h", mapping={"_key": "k", "_ttl": "7"})
    schema = {"_key": pl.Utf8, "_ttl": pl.Int64}
    found = shim.read_hashes(url, "h", schema, include_key=False)
    assert found.rows() == [("k", 7)]
    found = shim.read_hashes(url, "h", schema, key_column_name="id")
    assert found.rows() == [("h", "k", 7)]
    with pytest.raises(ValueError, match="_key"):
        shim.scan_hashes(url, "h", schema)


@pytest.mark.usefixtures("people")
def test_queries_are_pushed_down(url: str) -> None:
    lf = shim.scan_hashes(url, "user:*", PEOPLE, include_ttl=True, include_row_index=True)
    by_key = shim.scan_hashes(url, "user:*", PEOPLE, include_ttl=True)
    assert by_key.filter(pl.col("_key") == "user:1").select("age").collect().item() == 21
    plan = gf.explain(by_key.filter(pl.col("_key") == "user:1").select("age"))
    assert "1 key fetched without SCAN" in plan
    assert "PTTL" not in plan
    assert lf.filter(pl.col("age") > 20).collect().height == 2
    assert lf.head(2).collect()["_index"].to_list() == [0, 1]


@pytest.mark.parametrize("name", ["hashes", "json"])
def test_a_schema_is_required(url: str, name: str) -> None:
    for function in (getattr(shim, f"scan_{name}"), getattr(shim, f"read_{name}")):
        with pytest.raises(ValueError, match="schema is required"):
            function(url, "user:*")
        with pytest.raises(ValueError, match="expected a dict such as"):
            function(url, "user:*", ["name"])


@pytest.mark.usefixtures("people")
def test_options_of_hashes(url: str) -> None:
    options = (
        shim.HashScanOptions("user:*", batch_size=1, count_hint=1)
        .with_n_rows(2)
        .with_projection(["age"])
        .with_row_index(offset=100)
        .with_ttl(name="t")
        .with_key(name="k")
    )
    found = shim.scan_hashes(url, schema=PEOPLE, options=options, parallel=4).collect()
    assert found.columns == ["_index", "k", "t", "age"]
    assert found["_index"].to_list() == [100, 101]
    beside = shim.HashScanOptions().with_n_rows(1)
    assert shim.scan_hashes(url, "user:2", PEOPLE, options=beside).collect()["age"].item() == 22
    with pytest.raises(ValueError, match="give it in one place"):
        shim.scan_hashes(url, "other:*", PEOPLE, options=options)
    unknown = shim.HashScanOptions().with_projection(["agee"])
    with pytest.raises(ValueError, match="'agee', which the schema lacks"):
        shim.scan_hashes(url, "user:*", PEOPLE, options=unknown)
    with pytest.raises(ValueError, match="expected HashScanOptions"):
        shim.scan_hashes(url, "user:*", PEOPLE, options=shim.JsonScanOptions())  # type: ignore[arg-type]


@pytest.mark.usefixtures("people")
def test_no_rows_and_all_rows(url: str) -> None:
    none = shim.HashScanOptions("user:*").with_n_rows(0)
    assert shim.scan_hashes(url, schema=PEOPLE, options=none).collect().height == 0
    many = shim.HashScanOptions("user:*").with_n_rows(100)
    assert shim.scan_hashes(url, schema=PEOPLE, options=many).collect().height == 3


def test_steps_are_large_enough(url: str, redis_client: redis.Redis) -> None:
    with redis_client.pipeline(transaction=False) as pipeline:
        for n in range(3000):
            pipeline.hset(f"user:{n}", "age", n)
        pipeline.execute()
    redis_client.config_resetstat()
    found = shim.read_hashes(url, "user:*", {"age": pl.Int64}, batch_size=500, count_hint=1)
    assert found["age"].sum() == sum(range(3000))
    assert redis_client.info("commandstats")["cmdstat_scan"]["calls"] <= 20


def test_errors_of_the_server(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("h", "age", "old")
    lf = shim.scan_hashes(url, "h", PEOPLE)
    with pytest.raises(gf.DataError, match="old"):
        lf.collect()
    with pytest.raises(ConnectionError):
        shim.scan_hashes(NO_SERVER, "*", PEOPLE)
    with pytest.raises(ValueError, match="url is None"):
        shim.scan_hashes(None, "*", PEOPLE)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="batch_size"):
        shim.scan_hashes(url, "*", PEOPLE, batch_size=0)


# -- strings ---------------------------------------------------------------------------------------


def test_strings(url: str, redis_client: redis.Redis) -> None:
    redis_client.set("s:1", "7", ex=1000)
    found = shim.read_strings(url, "s:*")
    assert found.schema == {"_key": pl.String, "value": pl.String}
    assert found.rows() == [("s:1", "7")]
    found = shim.read_strings(
        url, "s:*", value_type=pl.Int64, value_column_name="v", include_ttl=True
    )
    assert found.schema == {"_key": pl.String, "_ttl": pl.Int64, "v": pl.Int64}
    assert found["v"].item() == 7
    assert 900 < found["_ttl"].item() <= 1000


@pytest.mark.parametrize(
    ("dtype", "text", "value"),
    [
        (pl.Float64, "1.5", 1.5),
        (pl.Boolean, "True", True),
        (pl.Date, "2024-02-29", datetime(2024, 2, 29).date()),
        (pl.Datetime, "2024-01-31T23:00:00", datetime(2024, 1, 31, 23)),
    ],
)
def test_value_types(
    url: str, redis_client: redis.Redis, dtype: Any, text: str, value: Any
) -> None:
    redis_client.set("s", text)
    assert shim.read_strings(url, "s", value_type=dtype, include_key=False).item() == value


def test_options_of_strings(url: str, redis_client: redis.Redis) -> None:
    redis_client.mset({"s:1": 1, "s:2": 2})
    options = shim.StringScanOptions("s:*").with_value_column_name("v").with_row_index(offset=3)
    found = shim.scan_strings(url, options=options.with_n_rows(1), value_type=pl.Int8).collect()
    assert found.schema == {"_index": pl.UInt64, "_key": pl.String, "v": pl.Int8}
    assert found["_index"].to_list() == [3]


# -- sets, lists, sorted sets ----------------------------------------------------------------------


@pytest.mark.usefixtures("collections")
def test_sets(url: str) -> None:
    found = shim.read_sets(url)
    assert found.schema == {"_key": pl.String, "member": pl.String}
    assert sorted(found.rows()) == [("set", "x"), ("set", "y")]
    found = shim.read_sets(
        url, "set", include_key=False, member_column_name="m", include_row_index=True
    )
    assert found.schema == {"_index": pl.UInt64, "m": pl.String}
    options = shim.SetScanOptions("s*").with_member_column_name("n").with_n_rows(1)
    assert shim.scan_sets(url, options=options).collect().columns == ["_key", "n"]
    assert shim.scan_sets(url, options=options).collect().height == 1


@pytest.mark.usefixtures("collections")
def test_lists(url: str) -> None:
    found = shim.read_lists(url)
    assert found.schema == {"_key": pl.String, "element": pl.String}
    assert found["element"].to_list() == ["b", "a", "b"]
    found = shim.read_lists(
        url,
        include_position=True,
        position_column_name="at",
        element_column_name="e",
        include_row_index=True,
    )
    assert found.schema == {
        "_index": pl.UInt64,
        "_key": pl.String,
        "at": pl.UInt64,
        "e": pl.String,
    }
    assert found.rows() == [(0, "list", 0, "b"), (1, "list", 1, "a"), (2, "list", 2, "b")]
    options = shim.ListScanOptions().with_position().with_element_column_name("x").with_n_rows(2)
    found = shim.scan_lists(url, options=options).collect()
    assert found.rows() == [("list", 0, "b"), ("list", 1, "a")]


@pytest.mark.usefixtures("collections")
def test_zsets(url: str) -> None:
    found = shim.read_zsets(url)
    assert found.schema == {"_key": pl.String, "member": pl.String, "score": pl.Float64}
    assert found.sort("score").rows() == [("zset", "bob", -0.5), ("zset", "ann", 10.0)]
    found = shim.read_zsets(
        url,
        include_rank=True,
        rank_column_name="place",
        member_column_name="m",
        score_column_name="s",
        include_row_index=True,
    )
    assert found.schema == {
        "_index": pl.UInt64,
        "_key": pl.String,
        "place": pl.UInt64,
        "m": pl.String,
        "s": pl.Float64,
    }
    assert found.sort("place")["m"].to_list() == ["bob", "ann"]
    options = shim.ZSetScanOptions().with_rank().with_score_column_name("x").with_n_rows(1)
    found = shim.scan_zsets(url, options=options).collect()
    assert found.rows() == [("zset", 0, "bob", -0.5)]
