"""Keys in bulk, on both servers, with keys that are no text and keys that are refused."""

from __future__ import annotations

import polars as pl
import pytest
import redis

from gearframe.compat import polars_redis as shim
from gearframe.exceptions import (
    OptionError,
    PermissionDeniedError,
    SchemaError,
    ServerConnectionError,
    UrlError,
)
from tests.integration.commandstats import counted

ODD = b"\xff\x00key"


def test_scan_keys_gives_all_keys_not_ten(url, redis_client):
    redis_client.mset({f"user:{n}": n for n in range(2500)} | {"other": 1})
    keys = shim.scan_keys(url, "user:*")
    assert sorted(keys) == sorted(f"user:{n}" for n in range(2500))
    assert shim.scan_keys(url, "user:*", 5) != keys[:5]
    assert shim.scan_keys(url, b"oth*") == ["other"]
    assert shim.scan_keys(url, "none*") == []


def test_scan_keys_with_a_key_that_is_no_text(url, redis_client):
    redis_client.mset({ODD: 1, "text": 2})
    assert set(shim.scan_keys(url, "*")) == {ODD, "text"}


@pytest.mark.parametrize("count", [0, -1, True, "10"])
def test_a_count_that_is_none(url, count):
    with pytest.raises(OptionError, match="count"):
        shim.scan_keys(url, "*", count)


def test_key_info(url, redis_client):
    redis_client.set("a", "text", ex=1000)
    redis_client.rpush("b", 1)
    info = shim.key_info(url, "*").sort("key")
    assert info.schema == {
        "key": pl.String,
        "key_type": pl.String,
        "ttl": pl.Int64,
        "memory_usage": pl.Int64,
        "encoding": pl.String,
    }
    assert info["key"].to_list() == ["a", "b"]
    assert info["key_type"].to_list() == ["string", "list"]
    assert 900 < info["ttl"].to_list()[0] <= 1000
    assert info["ttl"].to_list()[1] == -1
    assert info["memory_usage"].to_list() == [None, None]
    assert info["encoding"].to_list() == ["embstr", "listpack"]
    with_memory = shim.key_info(url, "a", include_memory=True)
    assert with_memory["memory_usage"][0] == redis_client.memory_usage("a")


def test_key_info_of_nothing_has_the_same_columns(url, redis_client):
    redis_client.set("a", 1)
    assert shim.key_info(url, "none*").schema == shim.key_info(url, "a").schema


def test_key_info_of_a_key_that_is_no_text(url, redis_client):
    redis_client.set(ODD, 1)
    assert shim.key_info(url, "*")["key"].to_list() == [ODD]


def test_set_ttl(url, redis_client):
    redis_client.mset({"a": 1, ODD: 2})
    result = shim.set_ttl(url, ["a", ODD, "gone", b"\xfegone"], 1000)
    assert result == shim.TtlResult(2, 2, [("gone", "no such key"), (b"\xfegone", "no such key")])
    assert 900 < redis_client.ttl("a") <= 1000
    assert 900 < redis_client.ttl(ODD) <= 1000


@pytest.mark.parametrize("ttl", [0, -5, 1.5, True, None, 10**12])
def test_a_time_to_live_that_would_delete_is_refused(url, redis_client, ttl):
    redis_client.set("a", 1)
    with pytest.raises(OptionError):
        shim.set_ttl(url, ["a"], ttl)
    assert redis_client.ttl("a") == -1


@pytest.mark.parametrize("keys", ["abc", b"abc", None, [1], ["a", None], ["\ud800"]])
def test_what_is_no_key(url, keys):
    for function in (shim.delete_keys, shim.exists_keys, shim.get_ttl, shim.persist_keys):
        with pytest.raises(OptionError, match="keys"):
            function(url, keys)


def test_set_ttl_from_column(url, redis_client):
    redis_client.mset({"a": 1, "b": 2})
    frame = pl.DataFrame({"k": ["a", "b"], "s": [500, 5000]})
    assert shim.set_ttl_from_column(url, frame, "k", "s") == shim.TtlResult(2, 0, [])
    assert 400 < redis_client.ttl("a") <= 500
    assert 4900 < redis_client.ttl("b") <= 5000
    spans = pl.Series([600_500, 900_000])
    durations = frame.with_columns(pl.duration(milliseconds=spans).alias("s"))
    shim.set_ttl_from_column(url, durations, "k", "s")
    assert 500_000 < redis_client.pttl("a") <= 600_500
    assert 800 < redis_client.ttl("b") <= 900


def test_columns_that_cannot_be_used(url, redis_client):
    redis_client.set("a", 1)
    frame = pl.DataFrame({"k": ["a", None], "s": [1, None], "n": [1.5, 2.5]})
    with pytest.raises(SchemaError, match="no column 'x'"):
        shim.set_ttl_from_column(url, frame, "x", "s")
    with pytest.raises(OptionError, match="'k' is null in row 1"):
        shim.delete_keys_from_column(url, frame, "k")
    with pytest.raises(SchemaError, match="expected String or Binary"):
        shim.delete_keys_from_column(url, frame, "n")
    with pytest.raises(SchemaError, match="whole seconds"):
        shim.set_ttl_from_column(url, frame.head(1), "k", "n")
    with pytest.raises(OptionError, match=r"DataFrame"):
        shim.delete_keys_from_column(url, frame.lazy(), "k")
    assert redis_client.exists("a") == 1


def test_persist_keys(url, redis_client):
    redis_client.set("a", 1, ex=100)
    redis_client.set("b", 1)
    result = shim.persist_keys(url, ["a", "b", "gone"])
    assert result == shim.TtlResult(2, 1, [("gone", "no such key")])
    assert redis_client.ttl("a") == -1


def test_delete_keys(url, redis_client):
    redis_client.mset({"a": 1, ODD: 2, "kept": 3})
    assert shim.delete_keys(url, ["a", ODD, "gone", "a"]) == shim.DeleteResult(2, 2)
    assert redis_client.keys() == [b"kept"]
    assert shim.delete_keys(url, []) == shim.DeleteResult(0, 0)


def test_delete_keys_from_column(url, redis_client):
    redis_client.mset({"a": 1, ODD: 2, "kept": 3})
    frame = pl.DataFrame({"k": [b"a", ODD]})
    assert shim.delete_keys_from_column(url, frame, "k") == shim.DeleteResult(2, 0)
    assert redis_client.keys() == [b"kept"]


@pytest.mark.parametrize("pattern", ["t:*", b"t:*"])
def test_delete_keys_pattern_deletes_what_matches_and_nothing_else(url, redis_client, pattern):
    redis_client.mset({f"t:{n}": n for n in range(5000)} | {b"t:\xff": 1})
    redis_client.mset({f"x:t:{n}": n for n in range(500)} | {"t": 1, "T:1": 1})
    assert shim.delete_keys_pattern(url, pattern) == shim.DeleteResult(5001, 0)
    assert set(redis_client.keys()) == {b"t", b"T:1"} | {b"x:t:%d" % n for n in range(500)}


def test_delete_keys_pattern_star(url, redis_client):
    redis_client.mset({"a": 1, "b": 2})
    assert shim.delete_keys_pattern(url, "*").deleted == 2
    assert redis_client.dbsize() == 0
    with pytest.raises(OptionError, match="pattern"):
        shim.delete_keys_pattern(url, None)


def test_rename_keys(url, redis_client):
    redis_client.mset({"a": 1, ODD: 2})
    result = shim.rename_keys(url, [("a", "b"), (ODD, b"\xfe"), ("gone", "c"), ("b", "d")])
    assert (result.succeeded, result.failed) == (3, 1)
    assert result.errors == [("gone", "no such key")]
    assert set(redis_client.keys()) == {b"d", b"\xfe"}


@pytest.mark.parametrize("renames", [["ab"], [("a",)], [("a", "b", "c")], [("a", 1)], [1]])
def test_what_is_no_pair(url, redis_client, renames):
    redis_client.set("a", 1)
    with pytest.raises(OptionError, match=r"renames\[0\]"):
        shim.rename_keys(url, renames)
    assert redis_client.keys() == [b"a"]


def test_rename_keys_from_columns(url, redis_client):
    redis_client.mset({"a": 1, "b": 2})
    frame = pl.DataFrame({"old": ["a", "gone"], "new": ["x", "y"]})
    result = shim.rename_keys_from_columns(url, frame, "old", "new")
    assert result == shim.RenameResult(1, 1, [("gone", "no such key")])


def test_exists_keys_and_get_ttl(url, redis_client):
    redis_client.set("a", 1)
    redis_client.set("b", 1, ex=100)
    exists = shim.exists_keys(url, ["a", "gone", "a"])
    assert exists.rows() == [("a", True), ("gone", False), ("a", True)]
    ttl = shim.get_ttl(url, [b"a", "b", "gone"])
    assert ttl["key"].to_list() == ["a", "b", "gone"]
    assert ttl["ttl"].to_list()[::2] == [-1, -2]
    assert ttl["ttl"][1] in (99, 100)
    assert shim.exists_keys(url, []).schema == {"key": pl.String, "exists": pl.Boolean}
    assert shim.get_ttl(url, []).schema == {"key": pl.String, "ttl": pl.Int64}
    assert shim.get_ttl(url, [ODD])["key"].to_list() == [ODD]


def test_a_refused_key_stops_no_other_and_is_named(fresh_server):
    users = ["limited on >pw ~mine:* +@all", "default on nopass ~* +@all"]
    server = fresh_server(users=users)
    url = f"redis://limited:pw@{server.url.split('//')[1]}"
    with redis.Redis.from_url(server.url) as control:
        control.mset({"mine:1": 1, "other": 2, "mine:2": 3})
        names = ["mine:1", "other", "mine:2"]
        ttl = shim.set_ttl(url, names, 100)
        assert (ttl.succeeded, ttl.failed) == (2, 1)
        assert ttl.errors[0][0] == "other"
        assert "permission" in ttl.errors[0][1]
        assert shim.persist_keys(url, names).errors[0][0] == "other"
        renamed = shim.rename_keys(url, [("other", "mine:9"), ("mine:1", "mine:8")])
        assert (renamed.succeeded, renamed.errors[0][0]) == (1, "other")
        with pytest.raises(PermissionDeniedError):
            shim.get_ttl(url, names)
        with pytest.raises(PermissionDeniedError):
            shim.key_info(url, "*")
        deleted = shim.delete_keys_pattern(url, "*")
        assert (deleted.deleted, deleted.not_found, deleted.failed) == (2, 0, 1)
        assert deleted.errors[0][0] == "other"
        assert control.keys() == [b"other"]


def test_commands_go_in_pipelines(url, redis_client):
    names = [f"k:{n}" for n in range(2500)]
    redis_client.mset(dict.fromkeys(names, 1))
    before = redis_client.info("stats")["total_reads_processed"]
    with counted(redis_client) as calls:
        assert shim.delete_keys(url, names).deleted == 2500
    assert calls == {"unlink": 2500}
    # One read each would be 2,500; the server reads up to 16 KiB at once.
    assert redis_client.info("stats")["total_reads_processed"] - before < 250


def test_no_connection_is_left(url, redis_client):
    redis_client.set("a", 1)
    before = len(redis_client.client_list())
    for _ in range(5):
        shim.key_info(url, "*")
        shim.delete_keys_pattern(url, "b*")
        with pytest.raises(OptionError):
            shim.set_ttl(url, ["a"], 0)
    assert len(redis_client.client_list()) == before


def test_a_server_that_is_not_there():
    with pytest.raises(ServerConnectionError):
        shim.get_ttl("redis://127.0.0.1:1?retries=0", ["a"])
    with pytest.raises(UrlError):
        shim.get_ttl("nonsense", ["a"])
    with pytest.raises(OptionError, match="url"):
        shim.get_ttl(None, ["a"])
