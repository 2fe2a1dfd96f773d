"""Hashes whose fields expire one by one, on real servers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.integration.commandstats import counted
from tests.servers.fixtures import FreshServer

USERS = pl.DataFrame({"_key": ["u:1", "u:2"], "name": ["Ann", "Bob"], "session": ["x", "y"]})
ABOUT_100 = pytest.approx(100, abs=40)


def ttls(client: redis.Redis, key: str, *fields: str) -> list[int]:
    """The seconds that fields have left; -1 for no expiry, -2 for no field."""
    found: list[int] = client.httl(key, *fields)
    return found


@pytest.mark.parametrize("if_exists", ["replace", "fail", "append"])
@pytest.mark.parametrize("ttl", [100, timedelta(seconds=100), "t", "span"])
def test_fields_expire(url: str, redis_client: redis.Redis, if_exists: Any, ttl: Any) -> None:
    frame = USERS.with_columns(
        t=pl.Series([100, None], dtype=pl.UInt8), span=pl.Series([timedelta(seconds=100), None])
    )
    with counted(redis_client) as calls:
        report = gf.write_hashes(
            frame,
            url,
            columns=["name", "session"],
            field_ttl={"session": ttl},
            if_exists=if_exists,
        )
    assert (report.written, report.failed) == (2, {})
    assert redis_client.hgetall("u:1") == {b"name": b"Ann", b"session": b"x"}
    assert ttls(redis_client, "u:1", "name", "session") == [-1, ABOUT_100]
    last = -1 if isinstance(ttl, str) else ABOUT_100
    assert ttls(redis_client, "u:2", "name", "session") == [-1, last]
    assert calls["command|info"] == 1
    assert calls["hset"] == 2
    assert calls["hpexpire"] == (1 if isinstance(ttl, str) else 2)
    assert "hsetex" not in calls


@pytest.mark.parametrize("if_exists", ["replace", "fail", "append"])
def test_one_command_where_all_fields_expire_together(
    url: str, redis_client: redis.Redis, if_exists: Any
) -> None:
    redis_client.set("other", "x")
    with counted(redis_client) as calls:
        report = gf.write_hashes(
            USERS, url, field_ttl={"name": 100, "session": 100}, if_exists=if_exists
        )
    assert report.commands["HSETEX"] == calls["hsetex"] == 2
    assert "hset" not in calls
    assert "hpexpire" not in calls
    assert redis_client.hgetall("u:2") == {b"name": b"Bob", b"session": b"y"}
    assert ttls(redis_client, "u:2", "name", "session") == [ABOUT_100, ABOUT_100]


@pytest.mark.servers("stack74")
def test_without_hsetex(url: str, redis_client: redis.Redis) -> None:
    report = gf.write_hashes(USERS, url, field_ttl={"name": 100, "session": 100})
    assert report.commands == {"MULTI/EXEC": 2, "DEL": 2, "HSET": 2, "HPEXPIRE": 2}
    assert ttls(redis_client, "u:2", "name", "session") == [ABOUT_100, ABOUT_100]


@pytest.mark.parametrize("if_exists", ["replace", "fail", "append"])
def test_key_and_fields_expire(url: str, redis_client: redis.Redis, if_exists: Any) -> None:
    frame = USERS.with_columns(t=pl.Series([50, None]), left=pl.Series([900, 100]))
    report = gf.write_hashes(
        frame, url, field_ttl={"session": "left", "name": 100}, ttl="t", if_exists=if_exists
    )
    assert report.written == 2
    assert redis_client.ttl("u:1") == pytest.approx(50, abs=40)
    assert redis_client.ttl("u:2") == -1
    assert ttls(redis_client, "u:1", "name", "session") == [ABOUT_100, pytest.approx(900, abs=100)]
    assert redis_client.hgetall("u:1") == {b"name": b"Ann", b"session": b"x"}


def test_nulls_make_no_field(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"_key": ["a", "b"], "n": [1, None], "s": [None, "x"]})
    report = gf.write_hashes(frame, url, field_ttl={"s": 100})
    assert report.commands == {"MULTI/EXEC": 2, "DEL": 2, "HSET": 1, "HSETEX": 1}
    assert redis_client.hgetall("a") == {b"n": b"1"}
    assert redis_client.hgetall("b") == {b"s": b"x"}
    assert ttls(redis_client, "b", "s") == [ABOUT_100]


def test_append_takes_the_expiry_of_what_it_writes(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("a", mapping={"n": "1", "s": "1", "old": "1"})
    redis_client.hpexpire("a", 100_000, "n", "s", "old")
    frame = pl.DataFrame({"_key": ["a"], "n": [2], "s": [2], "t": [None]}).cast({"t": pl.Int64})
    gf.write_hashes(frame, url, field_ttl={"s": "t"}, if_exists="append")
    assert ttls(redis_client, "a", "n", "s", "old") == [-1, -1, ABOUT_100]


def test_a_wrong_type_stays_as_it_is(url: str, redis_client: redis.Redis) -> None:
    redis_client.set("k:500", "text")
    frame = pl.DataFrame({"_key": [f"k:{i}" for i in range(1000)], "n": range(1000)})
    frame = frame.with_columns(m=1)
    report = gf.write_hashes(
        frame, url, field_ttl={"n": 100}, ttl=200, if_exists="append", on_failure="report"
    )
    assert (report.written, list(report.failed)) == (999, [b"k:500"])
    assert report.failed[b"k:500"].startswith("WRONGTYPE")
    assert "old value" not in report.failed[b"k:500"]
    assert (redis_client.get("k:500"), redis_client.ttl("k:500")) == (b"text", -1)
    assert redis_client.ttl("k:501") == pytest.approx(200, abs=40)
    assert ttls(redis_client, "k:501", "n", "m") == [ABOUT_100, -1]


def test_the_longest_time(url: str, redis_client: redis.Redis) -> None:
    redis_client.set("u:1", "old")
    longest = timedelta(milliseconds=6 * 10**13)
    assert gf.write_hashes(USERS, url, field_ttl={"session": longest}).written == 2
    assert redis_client.hpttl("u:1", "session")[0] > 6 * 10**13 - 60_000
    with pytest.raises(gf.OptionError, match=r"field_ttl of 'session' .* 1,900 years"):
        gf.write_hashes(USERS, url, field_ttl={"session": longest + timedelta(milliseconds=1)})


def test_out_of_memory_leaves_the_old_value(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("u:1", "old", "1")
    before = redis_client.config_get("maxmemory")["maxmemory"]
    redis_client.config_set("maxmemory", "1kb")
    try:
        for field_ttl in ({"name": 9}, {"name": 9, "session": 9}):
            report = gf.write_hashes(USERS, url, field_ttl=field_ttl, on_failure="report")
            assert report.failed[b"u:1"].startswith("OOM")
    finally:
        redis_client.config_set("maxmemory", before)
    assert redis_client.hgetall("u:1") == {b"old": b"1"}


def test_a_server_without_them_is_told_before_anything_is_written(
    fresh_server: FreshServer,
) -> None:
    server = fresh_server(rename_command=["HPEXPIRE", '""'])
    with redis.Redis.from_url(server.url) as client:
        with pytest.raises(gf.ReplyError, match=r"no HPEXPIRE; fields can expire since Redis 7\.4"):
            gf.write_hashes(USERS, server.url, field_ttl={"session": 9})
        assert client.dbsize() == 0
    assert gf.write_hashes(USERS, server.url).written == 2


def test_a_user_who_may_not_ask(fresh_server: FreshServer) -> None:
    server = fresh_server(users=["writer on >secret ~* +@all -command"])
    url = server.url.replace("redis://", "redis://writer:secret@")
    report = gf.write_hashes(USERS, url, field_ttl={"name": 9, "session": 9})
    assert report.commands == {"MULTI/EXEC": 2, "DEL": 2, "HSET": 2, "HPEXPIRE": 2}


@pytest.mark.parametrize(
    ("field_ttl", "error", "message"),
    [
        ({"session": 0}, gf.OptionError, "field_ttl of 'session' is 0; expected a time from 1 ms"),
        ({"session": None}, gf.OptionError, "field_ttl of 'session' is None; expected whole"),
        ({"session": True}, gf.OptionError, "field_ttl of 'session' is True"),
        ({"nope": 9}, gf.SchemaError, "field_ttl names 'nope', which is none of the fields"),
        ({"_key": 9}, gf.SchemaError, "field_ttl names '_key'"),
        ({"session": "nope"}, gf.SchemaError, "no column 'nope'"),
        ({"session": "name"}, gf.SchemaError, "ttl column 'name' is String"),
        (["session"], gf.OptionError, "expected fields and their times to live"),
    ],
)
def test_what_cannot_be_is_refused(
    url: str, redis_client: redis.Redis, field_ttl: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        gf.write_hashes(USERS, url, field_ttl=field_ttl)
    assert redis_client.dbsize() == 0


@pytest.mark.parametrize("left", [0, -1, 10**12])
def test_times_in_a_column_are_checked(url: str, left: int) -> None:
    frame = USERS.with_columns(left=pl.Series([9, left]))
    with pytest.raises(gf.OptionError, match=r"row 1: the key 'u:2' .* 1,900 years, or null"):
        gf.write_hashes(frame, url, field_ttl={"session": "left"})
    with pytest.raises(gf.WriteError, match="row 1: the key 'u:2'"):
        gf.write_hashes(frame.lazy(), url, field_ttl={"session": "left"})


def test_a_lazy_frame(url: str, redis_client: redis.Redis) -> None:
    lf = pl.LazyFrame({"i": range(1000)}).select(
        _key=pl.format("k:{}", "i"), n="i", m="i", left=pl.lit(100)
    )
    report = gf.write_hashes(lf, url, field_ttl={"n": "left"}, batch_size=300)
    assert report.written == 1000
    assert redis_client.hgetall("k:999") == {b"n": b"999", b"m": b"999"}
    assert ttls(redis_client, "k:999", "n", "m") == [ABOUT_100, -1]
