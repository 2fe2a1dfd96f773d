"""Writes by the names of polars-redis: the same keys, and no failure in silence."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.compat import polars_redis as shim
from tests.servers.faults import CutAt
from tests.servers.fixtures import FreshServer
from tests.servers.proxy import FaultProxy

USERS = pl.DataFrame({"_key": ["u:1", "u:2"], "name": ["Ann", None], "age": [41, 37]})
NUMBERED = USERS.drop("_key")

# -- hashes ----------------------------------------------------------------------------------------


def test_hashes(url: str, redis_client: redis.Redis) -> None:
    assert shim.write_hashes(USERS, url) == 2
    assert redis_client.hgetall("u:1") == {b"name": b"Ann", b"age": b"41"}
    assert redis_client.hgetall("u:2") == {b"age": b"37"}
    back = shim.read_hashes(url, "u:*", {"name": pl.Utf8, "age": pl.Int64})
    assert back.sort("_key").equals(USERS)


def test_arguments_by_position(url: str, redis_client: redis.Redis) -> None:
    named = USERS.rename({"_key": "id"})
    assert shim.write_hashes(named, url, "id", 100, "p:", "replace") == 2
    assert 50 < redis_client.ttl("p:u:1") <= 100


def test_keys_that_are_made(url: str, redis_client: redis.Redis) -> None:
    assert shim.write_hashes(NUMBERED, url, key_column=None, key_prefix="row:") == 2
    assert sorted(redis_client.keys()) == [b"row:0", b"row:1"]
    assert redis_client.hget("row:1", "age") == b"37"


@pytest.mark.parametrize(
    ("keys", "first"),
    [
        (pl.Series([1, 2]), b"1"),
        (pl.Series(["a", "b"], dtype=pl.Categorical), b"a"),
        (pl.Series([date(2024, 2, 29), date(2024, 3, 1)]), b"2024-02-29"),
        (pl.Series([b"\xff", b"b"]), b"\xff"),
    ],
)
def test_dtypes_of_keys(url: str, redis_client: redis.Redis, keys: pl.Series, first: bytes) -> None:
    assert shim.write_hashes(NUMBERED.with_columns(keys.alias("id")), url, "id") == 2
    assert redis_client.hget(first, "age") == b"41"


def test_values_can_be_read_back(url: str, redis_client: redis.Redis) -> None:
    """Section 3: they were True, and the text of a Series."""
    frame = pl.DataFrame({"_key": ["k"], "yes": [True], "list": [[1, 2]], "bytes": [b"\xff"]})
    assert shim.write_hashes(frame, url) == 1
    assert redis_client.hgetall("k") == {b"yes": b"true", b"list": b"[1,2]", b"bytes": b"\xff"}
    assert shim.read_hashes(url, "k", frame.drop("_key").schema).equals(frame)


def test_what_exists(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("u:1", "old", "1")
    assert shim.write_hashes(USERS, url, if_exists="fail") == 1
    assert redis_client.hgetall("u:1") == {b"old": b"1"}
    assert shim.write_hashes(USERS, url, if_exists="append") == 2
    assert redis_client.hgetall("u:1") == {b"old": b"1", b"name": b"Ann", b"age": b"41"}
    assert shim.write_hashes(USERS, url, if_exists="replace") == 2
    assert redis_client.hgetall("u:1") == {b"name": b"Ann", b"age": b"41"}
    with pytest.raises(ValueError, match="if_exists is 'merge'"):
        shim.write_hashes(USERS, url, if_exists="merge")  # type: ignore[arg-type]


def test_rows_with_the_same_key(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"_key": ["k", "j", "k"], "a": [1, 5, None], "^b$": [2, None, 3]})
    assert shim.write_hashes(frame, url) == 2
    assert redis_client.hgetall("k") == {b"a": b"1", b"^b$": b"3"}
    assert redis_client.hgetall("j") == {b"a": b"5"}


def test_a_refused_key_is_an_error(url: str, redis_client: redis.Redis) -> None:
    """B8: 1 key of another type in 1000: 0 was returned, and 999 were written."""
    redis_client.set("k:500", "a string")
    frame = pl.DataFrame({"_key": [f"k:{n}" for n in range(1000)], "n": range(1000)})
    with pytest.raises(gf.WriteError, match="1 of 1,000 keys were not written: 'k:500'") as caught:
        shim.write_hashes(frame, url, if_exists="append")
    assert caught.value.report is not None
    assert caught.value.report.written == 999
    assert redis_client.dbsize() == 1000


def test_what_exists_is_no_failure_beside_one(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("u:1", "old", "1")
    empty = pl.DataFrame({"_key": ["u:1", "u:2", "u:3"], "n": [1, None, 3]})
    with pytest.raises(gf.WriteError, match="1 of 3 keys were not written: 'u:2'") as caught:
        shim.write_hashes(empty, url, if_exists="fail")
    assert caught.value.report is not None
    assert (caught.value.report.written, caught.value.report.skipped) == (1, 1)


def test_a_full_server_keeps_the_old_hash(fresh_server: FreshServer) -> None:
    """B8: 0 was returned, and the old hash was deleted already."""
    server = fresh_server("valkey91")
    with redis.Redis.from_url(server.url) as client:
        client.hset("u:1", "old", "1")
        client.config_set("maxmemory", 1)
        with pytest.raises(gf.WriteError, match="OOM"):
            shim.write_hashes(USERS, server.url)
        assert client.hgetall("u:1") == {b"old": b"1"}


@pytest.mark.parametrize("ttl", [0, -5])
def test_a_time_to_live_of_nothing(url: str, redis_client: redis.Redis, ttl: int) -> None:
    """Section 3: what was written was deleted, and counted as written."""
    strings = USERS.rename({"age": "value"})
    for write in (shim.write_hashes, shim.write_strings):
        with pytest.raises(ValueError, match="ttl is"):
            write(strings, url, ttl=ttl)  # type: ignore[operator]
    assert redis_client.dbsize() == 0


def test_frames_that_cannot_be_written(url: str) -> None:
    with pytest.raises(ValueError, match="no column '_key'"):
        shim.write_hashes(NUMBERED, url)
    with pytest.raises(ValueError, match="key in column '_key' is null"):
        shim.write_hashes(pl.DataFrame({"_key": [None, "a"], "n": [1, 2]}), url)
    with pytest.raises(ValueError, match="expected String or Binary"):
        shim.write_hashes(pl.DataFrame({"_key": [1.5], "n": [1]}), url)
    with pytest.raises(ValueError, match=r"expected a polars\.DataFrame"):
        shim.write_hashes(USERS.lazy(), url)  # type: ignore[arg-type]
    with pytest.raises(ConnectionError):
        shim.write_hashes(USERS, "redis://127.0.0.1:1?retries=0")


def test_an_empty_frame(url: str) -> None:
    assert shim.write_hashes(USERS.clear(), url) == 0
    assert shim.write_hashes(NUMBERED.clear(), url, None) == 0
    assert shim.write_hashes_detailed(USERS.clear(), url).is_complete_success()


# -- with every key --------------------------------------------------------------------------------


def told(result: shim.WriteResult) -> tuple[int, int, int]:
    return (result.keys_written, result.keys_failed, result.keys_skipped)


def test_details(url: str, redis_client: redis.Redis) -> None:
    """B8: every key of the 1000 was blamed for one."""
    redis_client.set("p:u:2", "a string")
    result = shim.write_hashes_detailed(USERS, url, key_prefix="p:", if_exists="append", ttl=50)
    assert told(result) == (1, 1, 0)
    assert result.succeeded_keys == ["p:u:1"]
    assert result.failed_keys == ["p:u:2"]
    assert "WRONGTYPE" in result.errors["p:u:2"]
    assert not result.is_complete_success()
    assert repr(result) == "WriteResult(keys_written=1, keys_failed=1, keys_skipped=0)"
    result = shim.write_hashes_detailed(USERS, url, key_prefix="p:")
    assert told(result) == (2, 0, 0)
    assert result.is_complete_success()


def test_details_of_what_is_skipped(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("u:1", "old", "1")
    result = shim.write_hashes_detailed(USERS, url, if_exists="fail")
    assert told(result) == (1, 0, 1)
    assert (result.succeeded_keys, result.failed_keys, result.errors) == (["u:2"], [], {})
    empty = pl.DataFrame({"_key": ["u:1", "u:2"], "n": [None, 3], "m": [None, None]})
    result = shim.write_hashes_detailed(empty, url, if_exists="append")
    assert told(result) == (1, 0, 1)
    assert result.succeeded_keys == ["u:2"]


def test_details_of_keys_that_are_no_text(url: str) -> None:
    frame = pl.DataFrame({"_key": [b"\xff", b"a"], "n": [1, 2]})
    assert shim.write_hashes_detailed(frame, url).succeeded_keys == [b"\xff", "a"]
    found = shim.write_hashes_detailed(frame, url, key_prefix=b"\xfe")  # type: ignore[arg-type]
    assert found.succeeded_keys == [b"\xfe\xff", b"\xfea"]
    assert shim.write_hashes_detailed(NUMBERED, url, None, key_prefix="r:").succeeded_keys == [
        "r:0",
        "r:1",
    ]


def test_details_of_a_lost_connection(url: str, redis_client: redis.Redis) -> None:
    """B8: a pause of the server was 1000 keys too few, and no word."""
    frame = pl.DataFrame({"_key": [f"k:{n}" for n in range(2000)], "n": range(2000)})
    with FaultProxy(url) as proxy:
        proxy.inject(CutAt(2000))
        result = shim.write_hashes_detailed(frame, proxy.url + "?retries=0")
    assert result.keys_written + result.keys_failed == 2000
    assert result.keys_failed > 0
    there = {key.decode() for key in redis_client.scan_iter(count=5000)}
    assert set(result.succeeded_keys) <= there
    with FaultProxy(url) as proxy:
        proxy.inject(CutAt(2000))
        with pytest.raises(gf.WriteError, match="stopped"):
            shim.write_hashes(frame, proxy.url + "?retries=0")


# -- strings ---------------------------------------------------------------------------------------


def test_strings(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"_key": ["a", "b", "c", "a"], "value": [1, 2, None, 3]})
    assert shim.write_strings(frame, url, ttl=100, key_prefix="n:") == 2
    assert redis_client.mget("n:a", "n:b", "n:c") == [b"3", b"2", None]
    assert 50 < redis_client.ttl("n:a") <= 100
    back = shim.read_strings(url, "n:*", value_type=pl.Int64)
    assert back.sort("_key").rows() == [("n:a", 3), ("n:b", 2)]


def test_what_exists_of_strings(url: str, redis_client: redis.Redis) -> None:
    redis_client.set("a", "old")
    frame = pl.DataFrame({"v": ["x", "y"], "k": ["a", "b"]})
    assert shim.write_strings(frame, url, "k", "v", if_exists="fail") == 1
    assert redis_client.get("a") == b"old"
    assert shim.write_strings(frame, url, "k", "v", if_exists="append") == 2
    assert redis_client.get("a") == b"x"
    assert shim.write_strings(frame.drop("k"), url, None, "v", key_prefix="r") == 2
    assert redis_client.get("r1") == b"y"
    with pytest.raises(ValueError, match="no column 'value'"):
        shim.write_strings(frame, url, "k")


# -- JSON ------------------------------------------------------------------------------------------


def test_json(json_url: str, json_client: redis.Redis) -> None:
    frame = pl.DataFrame(
        {
            "_key": ["d:1", "d:2", "d:1"],
            "title": ["old", "T2", "T1"],
            "views": [1, None, 3],
            "tags": [[], ["b"], ["a"]],
            "day": [None, None, date(2024, 2, 29)],
        }
    )
    assert shim.write_json(frame, json_url, ttl=100) == 2
    assert 50 < json_client.ttl("d:2") <= 100
    back = shim.read_json(json_url, "d:*", frame.drop("_key").schema)
    assert back.sort("_key").equals(frame[[2, 1]])
    texts = shim.read_json(json_url, "d:1", {"tags": pl.Utf8, "title": pl.Utf8})
    assert texts.rows() == [("d:1", '["a"]', "T1")]


def test_what_exists_of_json(json_url: str, json_client: redis.Redis) -> None:
    json_client.execute_command("JSON.SET", "d:1", "$", '{"old":1}')
    frame = pl.DataFrame({"_key": ["d:1", "d:2"], "n": [1, 2]})
    assert shim.write_json(frame, json_url, if_exists="fail") == 1
    assert json_client.execute_command("JSON.GET", "d:1") == b'{"old":1}'
    assert shim.write_json(frame, json_url, if_exists="append") == 2
    assert json_client.execute_command("JSON.GET", "d:1") == b'{"n":1}'
    assert shim.write_json(frame.drop("_key"), json_url, None, key_prefix="r:") == 2
    assert json_client.execute_command("JSON.GET", "r:1") == b'{"n":2}'


def test_a_number_that_json_has_not(json_url: str, json_client: redis.Redis) -> None:
    """Section 3: NaN was written as it is, which is no JSON."""
    frame = pl.DataFrame({"_key": ["a", "b"], "n": [float("nan"), 1.5]})
    with pytest.raises(gf.WriteError, match="'a'"):
        shim.write_json(frame, json_url)
    assert json_client.keys() == [b"b"]
