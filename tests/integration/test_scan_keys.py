"""The keyspace as a frame: facts about keys, what each costs, and what is refused."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.exceptions import OptionError, ReplyError, SchemaError
from tests.integration.between import before
from tests.integration.commandstats import counted
from tests.integration.whole_runs import commands_in, whole_run
from tests.servers.fixtures import FreshServer

TYPE = pl.col("type")
LENGTHS = {"string": 4, "list": 2, "set": 3, "zset": 1, "hash": 2, "stream": 1}


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(url: str, request: pytest.FixtureRequest) -> gf.Client:
    return gf.connect(url, protocol=request.param, retries=0)


@pytest.fixture
def one_of_each(redis_client: redis.Redis) -> None:
    redis_client.set("k:string", "text", px=100_000)
    redis_client.rpush("k:list", 1, 2)
    redis_client.sadd("k:set", "a", "b", "c")
    redis_client.zadd("k:zset", {"a": 1})
    redis_client.hset("k:hash", mapping={"a": "1", "b": "2"})
    redis_client.xadd("k:stream", {"a": "1"})


@pytest.mark.usefixtures("one_of_each")
def test_columns_and_their_order(client: gf.Client, redis_client: redis.Redis) -> None:
    lf = gf.scan_keys(client, "*", key_schema="k:{kind}", row_index_name="row")
    frame, report = whole_run(lf)
    assert list(frame.schema.items())[1:] == [
        ("_key", pl.String), ("kind", pl.String), ("type", pl.String),
        ("ttl", pl.Duration("ms")), ("encoding", pl.String), ("memory", pl.UInt64),
        ("idle", pl.Duration("ms")), ("length", pl.UInt64),
    ]  # fmt: skip
    assert lf.collect_schema() == frame.schema
    assert frame["row"].to_list() == list(range(6))
    assert frame["kind"].equals(frame["type"].alias("kind"))
    assert dict(frame.select("type", "length").iter_rows()) == LENGTHS
    for row in frame.iter_rows(named=True):
        key = row["_key"]
        assert row["encoding"] == redis_client.object("encoding", key).decode()
        assert row["memory"] == redis_client.memory_usage(key)
        assert (row["ttl"] is None) == (key != "k:string")
        assert row["idle"].total_seconds() < 60
    assert (report.keys_seen, report.keys_read) == (6, 6)


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize(
    ("columns", "per_key"),
    [
        (["_key"], set()),
        (["type"], {"type"}),
        (["ttl"], {"pttl"}),
        (["encoding"], {"object|encoding"}),
        (["memory"], {"memory|usage"}),
        (["idle"], {"object|idletime"}),
        (["ttl", "idle"], {"pttl", "object|idletime"}),
    ],
    ids=str,
)
def test_only_what_the_columns_need_is_asked(
    url: str, redis_client: redis.Redis, columns: list[str], per_key: set[str]
) -> None:
    lf = gf.scan_keys(url).select(columns)
    with counted(redis_client) as calls:
        frame, _ = whole_run(lf)
    assert frame.height == 6
    assert calls.pop("scan") >= 1
    assert calls == dict.fromkeys(per_key, 6)
    each = " for each key"
    said = [line.removesuffix(each) for line in commands_in(lf) if line.endswith(each)]
    assert {text.lower().replace(" ", "|") for text in said} == per_key


@pytest.mark.usefixtures("one_of_each")
def test_a_length_takes_the_command_of_the_type(url: str, redis_client: redis.Redis) -> None:
    with counted(redis_client) as calls:
        gf.scan_keys(url).select("length").collect()
    assert calls.pop("scan") >= 1
    assert calls.pop("type") == 6
    assert calls == dict.fromkeys(("strlen", "llen", "scard", "zcard", "hlen", "xlen"), 1)


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize("name", LENGTHS)
def test_a_filter_on_the_type_is_left_to_scan(
    url: str, redis_client: redis.Redis, name: str
) -> None:
    lf = gf.scan_keys(url).filter(name == TYPE)
    with counted(redis_client) as calls:
        frame, report = whole_run(lf)
    assert frame["_key"].to_list() == [f"k:{name}"]
    assert calls["type"] == calls["pttl"] == 1
    assert report.keys_seen == 1
    assert f"SCAN MATCH * COUNT 1000 TYPE {name}" in commands_in(lf)


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize(
    "where",
    [
        TYPE != "list", TYPE.is_in(["list", "set"]), TYPE == "nope", TYPE == "LIST",
        (TYPE == "list") & (TYPE == "set"), (TYPE == "list") | (TYPE == "set"),
        pl.col("length") > 1, TYPE.str.starts_with("s"), (TYPE == "list") & (pl.col("length") > 1),
        (TYPE == "list") & (pl.col("_key") == "k:list"), pl.col("ttl").is_null(),
        (TYPE == "list") & pl.col("_key").str.starts_with("k:l"),
    ],
    ids=str,
)  # fmt: skip
def test_filters_change_no_result(url: str, where: pl.Expr) -> None:
    for options in ({}, {"keys": ["k:list", "k:set", "gone"]}, {"row_index_name": "row"}):
        lf = gf.scan_keys(url, **options).select(pl.exclude("idle", "ttl", "row"), pl.col("ttl"))  # type: ignore[arg-type]
        expected = lf.collect().filter(where).drop("ttl").sort("_key")
        assert lf.filter(where).collect().drop("ttl").sort("_key").equals(expected)


@pytest.mark.usefixtures("one_of_each")
def test_named_keys_are_not_narrowed_by_their_type(url: str) -> None:
    lf = gf.scan_keys(url, keys=["k:list", "k:set", "gone"]).filter(TYPE == "list")
    frame, report = whole_run(lf)
    assert frame["_key"].to_list() == ["k:list"]
    assert (report.keys_read, report.keys_vanished) == (2, 1)
    assert not [line for line in commands_in(lf) if line.startswith("pushed") and "type" in line]
    indexed = gf.scan_keys(url, row_index_name="row").filter(TYPE == "list")
    assert "the row index counts all rows" in gf.explain(indexed)


@pytest.mark.usefixtures("one_of_each")
def test_missing_and_repeated_names(client: gf.Client) -> None:
    lf = gf.scan_keys(client, keys=["k:list", "gone", b"k:list", "k:hash"])
    for query in (lf, lf.select("_key"), lf.select("length"), lf.select("idle"), lf.select("ttl")):
        frame, report = whole_run(query)
        assert frame.height == 2
        assert (report.keys_seen, report.keys_read, report.keys_vanished) == (3, 2, 1)


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize("column", ["type", "ttl", "encoding", "memory", "idle", "length"])
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_key_that_vanishes_after_scan(
    url: str, redis_client: redis.Redis, column: str, protocol: int
) -> None:
    command = {
        "type": "TYPE", "ttl": "PTTL", "encoding": "OBJECT", "memory": "MEMORY",
        "idle": "OBJECT", "length": "TYPE",
    }[column]  # fmt: skip
    gone = lambda: redis_client.delete("k:list")  # noqa: E731
    with before(url, command, gone, protocol=protocol) as client:
        lf = gf.scan_keys(client, keys=[f"k:{name}" for name in LENGTHS]).select("_key", column)
        frame, report = whole_run(lf)
    assert set(frame["_key"]) == {f"k:{name}" for name in LENGTHS} - {"k:list"}
    assert report.keys_vanished == 1


@pytest.mark.usefixtures("one_of_each")
def test_a_key_that_changes_its_type_before_its_length_is_asked(
    url: str, redis_client: redis.Redis
) -> None:
    def change() -> None:
        redis_client.delete("k:list")
        redis_client.set("k:list", "text")

    with before(url, "LLEN", change) as client:
        frame, _ = whole_run(gf.scan_keys(client).select("_key", "length"))
    assert dict(frame.iter_rows())["k:list"] is None


@pytest.mark.usefixtures("one_of_each")
def test_head(url: str, redis_client: redis.Redis) -> None:
    with counted(redis_client) as calls:
        assert gf.scan_keys(url).head(2).collect().height == 2
    assert calls["type"] == calls["memory|usage"] == 2


def test_keys_that_are_no_text(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.set(b"\xff", "x")
    frame = gf.read_keys(client, key_dtype=pl.Binary)
    assert frame["_key"].to_list() == [b"\xff"]
    with pytest.raises(gf.DataError, match=r"key_dtype=pl\.Binary"):
        gf.read_keys(client)


def test_a_server_without_idle_times(fresh_server: FreshServer) -> None:
    server = fresh_server("valkey91", maxmemory_policy="allkeys-lfu")
    with redis.Redis.from_url(server.url) as admin:
        admin.set("a", "x")
    with pytest.raises(ReplyError, match="OBJECT IDLETIME"):
        gf.read_keys(server.url)
    assert gf.scan_keys(server.url).drop("idle").collect().height == 1


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"include_ttl": True}, OptionError, "scan_keys has a column 'ttl' anyway"),
        ({"ttl_column": "x"}, OptionError, "leave include_ttl and ttl_column out"),
        ({"key_column": "type"}, SchemaError, "type"),
        ({"row_index_name": "memory"}, SchemaError, "memory"),
        ({"key_schema": "{type}:{id}"}, SchemaError, "type"),
        ({"columns": ["type"]}, TypeError, "columns"),
        ({"keys": "a"}, OptionError, "expected a list of keys"),
    ],
    ids=str,
)
def test_bad_options(url: str, options: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        gf.scan_keys(url, "*", **options)
    assert text in str(caught.value)
