"""Hashes in long format, and the times to live of fields in both formats."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.exceptions import DataError, OptionError, ReplyError, SchemaError
from tests.integration.between import before
from tests.integration.commandstats import counted
from tests.integration.whole_runs import commands_in, whole_run
from tests.servers.server import Server

LONG: dict[str, Any] = {"format": "long"}


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(url: str, request: pytest.FixtureRequest) -> gf.Client:
    return gf.connect(url, protocol=request.param, retries=0)


def fill(client: redis.Redis, key: str, count: int) -> None:
    script = "for i = 0, ARGV[1] - 1 do redis.call('HSET', KEYS[1], 'f' .. i, i) end"
    client.eval(script, 1, key, count)


def expire(client: redis.Redis, key: str, milliseconds: int, *fields: str) -> None:
    client.execute_command("HPEXPIRE", key, milliseconds, "FIELDS", len(fields), *fields)


def test_columns_and_their_order(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.hset("user:7", mapping={"a": "1", "b": "2"})
    expire(redis_client, "user:7", 100_000, "b")
    lf = gf.scan_hashes(
        client, "*", pl.Int8, **LONG, field_column="name", value_column="n", field_ttl=True,
        key_schema="user:{id:Int64}", include_ttl=True, row_index_name="row",
    )  # fmt: skip
    frame, report = whole_run(lf)
    assert list(frame.schema.items())[1:] == [
        ("_key", pl.String), ("id", pl.Int64), ("_ttl", pl.Duration("ms")), ("name", pl.String),
        ("n", pl.Int8), ("field_ttl", pl.Duration("ms")),
    ]  # fmt: skip
    assert lf.collect_schema() == frame.schema
    assert frame["row"].to_list() == [0, 1]
    assert sorted(frame.select("name", "n").rows()) == [("a", 1), ("b", 2)]
    left = dict(frame.select("name", "field_ttl").iter_rows())
    assert left["a"] is None
    assert 0 < left["b"].total_seconds() <= 100
    assert report.keys_read == 1
    plain = gf.read_hashes(client, "*", **LONG)
    assert plain.schema == {"_key": pl.String, "field": pl.String, "value": pl.String}


@pytest.mark.parametrize("size", [1, 255, 256, 257, 5_000])
@pytest.mark.parametrize("field_ttl", [False, True])
def test_every_field_comes_once(
    client: gf.Client, redis_client: redis.Redis, size: int, field_ttl: bool
) -> None:
    fill(redis_client, "h", size)
    expire(redis_client, "h", 1_000_000, "f0")
    lf = gf.scan_hashes(client, "*", pl.Int64, **LONG, field_ttl=field_ttl)
    frame, report = whole_run(lf)
    assert sorted(frame["value"]) == list(range(size))
    assert (frame["field"] == "f" + frame["value"].cast(pl.String)).all()
    assert report.keys_read == 1
    if field_ttl:
        assert frame.filter(pl.col("field_ttl").is_not_null())["field"].to_list() == ["f0"]
    for rows in (1, 100):
        assert lf.head(rows).collect().height == min(rows, size)


def test_other_types_missing_and_repeated_names(
    client: gf.Client, redis_client: redis.Redis
) -> None:
    redis_client.hset("a", mapping={"x": "1", "y": "2"})
    redis_client.set("b", "text")
    redis_client.rpush("c", "element")
    keys = ["a", "gone", "b", b"a", "c"]
    for options in ({}, {"include_ttl": True}, {"field_ttl": True}):
        lf = gf.scan_hashes(client, schema=pl.Int8, keys=keys, **LONG, **options)  # type: ignore[arg-type]
        frame, report = whole_run(lf)
        assert sorted(frame["field"]) == ["x", "y"]
        assert (report.keys_seen, report.keys_read) == (4, 1)
        assert (report.keys_vanished, report.keys_of_other_type) == (1, 2)
        wide = gf.scan_hashes(client, "*", {"x": pl.Int8}, keys=keys, **options)  # type: ignore[arg-type]
        frame, report = whole_run(wide)
        assert frame["_key"].to_list() == ["a"]
        assert (report.keys_vanished, report.keys_of_other_type) == (1, 2)
        # The times to live of fields alone must not make rows of what is no hash.
        times = wide.select("_key", pl.selectors.ends_with("_ttl"))
        assert whole_run(times)[0]["_key"].to_list() == ["a"]


def test_times_to_live_in_wide_format(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.hset("1", mapping={"a": "1", "b": "x"})
    redis_client.hset("2", mapping={"b": "y"})
    redis_client.hset("3", mapping={"c": "z"})
    expire(redis_client, "1", 100_000, "b")
    lf = gf.scan_hashes(client, "*", {"a": pl.Int8, "b": pl.String}, field_ttl=True)
    frame = lf.sort("_key").collect()
    assert frame.columns == ["_key", "a", "b", "a_ttl", "b_ttl"]
    assert frame["a_ttl"].null_count() == 3
    assert frame["b_ttl"].is_null().to_list() == [False, True, True]
    assert frame["b"].to_list() == ["x", "y", None]
    other = gf.scan_hashes(client, "*", {"a": pl.Int8}, field_ttl=["b"]).sort("_key").collect()
    assert other.columns == ["_key", "a", "b_ttl"]
    assert other["b_ttl"].is_null().to_list() == [False, True, True]


def test_only_the_times_that_are_used_are_asked(url: str, redis_client: redis.Redis) -> None:
    for number in range(20):
        redis_client.hset(f"h:{number}", mapping={"a": "1", "b": "2", "c": "3"})
    lf = gf.scan_hashes(url, "*", {"a": pl.Int8, "b": pl.Int8}, field_ttl=True)
    with counted(redis_client) as calls:
        lf.select("a").collect()
    assert "hpttl" not in calls
    with counted(redis_client) as calls:
        lf.select("b_ttl").collect()
    assert calls.pop("scan") >= 1
    assert calls == {"hpttl": 20}
    assert "HPTTL FIELDS 1 b for each key" in commands_in(lf.select("b_ttl"))


def test_what_is_sent_in_long_format(url: str, redis_client: redis.Redis) -> None:
    for number in range(20):
        redis_client.hset(f"h:{number}", mapping={"a": "1", "b": "2"})
    lf = gf.scan_hashes(url, "*", **LONG, field_ttl=True)
    assert commands_in(lf) == [
        "SCAN MATCH * COUNT 1000",
        "HSCAN of each key: small ones at once, large ones in pieces of up to 4,096",
        "HPTTL for the fields of each key",
    ]
    with counted(redis_client) as calls:
        lf.collect()
    assert calls.pop("scan") >= 1
    assert calls == {"hscan": 20, "hpttl": 20}
    with counted(redis_client) as calls:
        lf.select("field", "value").collect()
    assert "hpttl" not in calls


def test_a_value_or_name_that_does_not_fit(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.hset("h", mapping={"a": "1", "b": "x"})
    for ttl in (False, True):
        options: dict[str, Any] = {**LONG, "field_ttl": ttl}
        with pytest.raises(DataError, match='a value of key "h" is "x", which is not Int8'):
            gf.read_hashes(client, "*", pl.Int8, **options)
        frame = gf.read_hashes(client, "*", pl.Int8, **options, on_error="null")
        assert dict(frame.select("field", "value").iter_rows()) == {"a": 1, "b": None}
        lf = gf.scan_hashes(client, "*", pl.Int8, **options, on_error="skip")
        frame, report = whole_run(lf)
        assert frame["field"].to_list() == ["a"]
        assert report.rows_skipped == 1
    redis_client.hset("bytes", b"\xff", b"\xfe")
    with pytest.raises(DataError, match=r"read names as bytes with field_dtype=pl\.Binary"):
        gf.read_hashes(client, "bytes", pl.Binary, **LONG)
    frame = gf.read_hashes(client, "bytes", pl.Binary, **LONG, field_dtype=pl.Binary)
    assert frame.rows() == [("bytes", b"\xff", b"\xfe")]


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"format": "tall"}, OptionError, "format is 'tall'; expected 'wide' or 'long'"),
        ({"schema": {"a": pl.Int8}, **LONG}, SchemaError, "all values share one dtype"),
        ({"field_dtype": pl.Int64, **LONG}, SchemaError, "expected pl.String or pl.Binary"),
        ({"field_column": "value", **LONG}, SchemaError, "two columns are called 'value'"),
        ({"value_column": "field_ttl", "field_ttl": True, **LONG}, SchemaError, "two columns"),
        ({"field_ttl": ["a"], **LONG}, OptionError, "in long format all fields come"),
        ({"field_ttl": "a", "schema": {"a": pl.Int8}}, OptionError, "field_ttl is 'a'"),
        ({"field_ttl": 7, "schema": {"a": pl.Int8}}, OptionError, "field_ttl is 7"),
        ({"field_ttl": [7], "schema": {"a": pl.Int8}}, OptionError, "names of fields"),
        (
            {"field_ttl": True, "schema": {"a": pl.Int8, "a_ttl": pl.Int8}},
            SchemaError,
            "the schema has a column 'a_ttl' already",
        ),
        ({}, SchemaError, "schema is missing"),
        ({"field_column": "_key", **LONG}, SchemaError, "_key"),
    ],
    ids=str,
)
def test_bad_options(url: str, options: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        gf.scan_hashes(url, "*", **options)
    assert text in str(caught.value)


def test_a_server_without_times_of_fields(redis70: Server) -> None:
    with redis.Redis.from_url(redis70.url) as admin:
        admin.hset("h", "a", "1")
    with pytest.raises(ReplyError, match="HPTTL: the server answered «ERR unknown command"):
        gf.read_hashes(redis70.url, "*", pl.Int8, **LONG, field_ttl=True)
    assert gf.read_hashes(redis70.url, "*", pl.Int8, **LONG).rows() == [("h", "a", 1)]


# -- changes between two pieces --------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("field_ttl", [False, True])
def test_fields_come_once_while_the_table_resizes(
    url: str, redis_client: redis.Redis, protocol: int, field_ttl: bool
) -> None:
    fill(redis_client, "h", 3_000)
    turn = iter(range(10_000))
    volatile = {f"v{i}": "x" for i in range(20_000)}

    def change() -> None:
        if next(turn) % 2 == 0:
            redis_client.hset("h", mapping=volatile)
        else:
            redis_client.hdel("h", *volatile)

    with before(url, "HSCAN", change, *range(1, 10_000), protocol=protocol) as client:
        frame, _ = whole_run(gf.scan_hashes(client, "h", **LONG, field_ttl=field_ttl))
    fields = frame["field"]
    assert fields.n_unique() == fields.len()
    stable = frame.filter(pl.col("field").str.starts_with("f"))
    assert sorted(stable["value"].cast(pl.Int64)) == list(range(3_000))


def test_a_field_that_is_gone_before_its_time_is_asked(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("h", mapping={"a": "1", "b": "2"})
    # As a row without a time it would look like a field that never expires.
    with before(url, "HPTTL", lambda: redis_client.hdel("h", "a")) as client:
        frame, _ = whole_run(gf.scan_hashes(client, "h", **LONG, field_ttl=True))
    assert frame["field"].to_list() == ["b"]
    for change in (["DEL", "h"], ["SET", "h", "x"]):
        redis_client.delete("h")
        redis_client.hset("h", "a", "1")
        run = lambda words=change: redis_client.execute_command(*words)  # noqa: E731
        with before(url, "HPTTL", run) as client:
            frame, _ = whole_run(gf.scan_hashes(client, "h", **LONG, field_ttl=True))
        assert frame.is_empty()


def test_a_hash_that_is_gone_between_two_pieces(url: str, redis_client: redis.Redis) -> None:
    for change in (["DEL", "h"], ["SET", "h", "x"]):
        redis_client.delete("h")
        fill(redis_client, "h", 5_000)
        run = lambda words=change: redis_client.execute_command(*words)  # noqa: E731
        with before(url, "HSCAN", run, 2) as client:
            frame, report = whole_run(gf.scan_hashes(client, "h", **LONG))
        assert 0 < frame.height < 5_000
        assert report.keys_read == 1
