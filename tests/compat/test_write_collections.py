"""Writes of sets, lists and sorted sets by the names of polars-redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.compat import polars_redis as shim


def test_sets(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"_key": ["a", "b", "a", "a"], "member": ["x", "y", "z", None]})
    assert shim.write_sets(frame, url, key_prefix="s:", ttl=100) == 2
    assert redis_client.smembers("s:a") == {b"x", b"z"}
    assert 50 < redis_client.ttl("s:b") <= 100
    back = shim.read_sets(url, "s:*")
    assert sorted(back.rows()) == [("s:a", "x"), ("s:a", "z"), ("s:b", "y")]
    assert shim.write_sets(frame.head(1), url, key_prefix="s:", if_exists="append") == 1
    assert redis_client.scard("s:a") == 2
    assert shim.write_sets(frame, url, key_prefix="s:", if_exists="fail") == 0


def test_lists(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame(
        {"_key": ["a", "b", "a", "a"], "element": [3, 1, 2, None], "n": [2, 0, 1, 5]}
    )
    assert shim.write_lists(frame, url) == 2
    assert redis_client.lrange("a", 0, -1) == [b"3", b"2"]
    assert shim.write_lists(frame, url, index_column="n") == 2
    assert redis_client.lrange("a", 0, -1) == [b"2", b"3"]
    assert shim.write_lists(frame, url, "_key", "n", None, 100, "p:", "append") == 2
    assert shim.read_lists(url, "p:a")["element"].to_list() == ["2", "1", "5"]
    assert shim.write_lists(frame, url, if_exists="fail") == 0
    with pytest.raises(ValueError, match="no column 'place'"):
        shim.write_lists(frame, url, index_column="place")


def test_zsets(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame(
        {
            "_key": ["a", "b", "a", "a", "a"],
            "member": ["x", "y", "x", None, "z"],
            "score": [1.0, 2.0, 3.0, 4.0, None],
        }
    )
    assert shim.write_zsets(frame, url) == 2
    assert redis_client.zrange("a", 0, -1, withscores=True) == [(b"x", 3.0)]
    back = shim.read_zsets(url).sort("_key")
    assert back.rows() == [("a", "x", 3.0), ("b", "y", 2.0)]
    whole = pl.DataFrame({"_key": ["a"], "m": ["w"], "s": [7]})
    assert shim.write_zsets(whole, url, "_key", "m", "s", if_exists="append") == 1
    assert redis_client.zcard("a") == 2
    with pytest.raises(ValueError, match="score"):
        shim.write_zsets(whole.with_columns(s=pl.lit("7")), url, "_key", "m", "s")


WRITES: list[tuple[Callable[..., int], dict[str, Any]]] = [
    (shim.write_sets, {"member": ["x", "y"]}),
    (shim.write_lists, {"element": ["x", "y"]}),
    (shim.write_zsets, {"member": ["x", "y"], "score": [1, 2]}),
]


@pytest.mark.parametrize(("write", "columns"), WRITES)
def test_collections_without_keys(
    url: str, redis_client: redis.Redis, write: Callable[..., int], columns: dict[str, Any]
) -> None:
    assert write(pl.DataFrame(columns), url, key_column=None, key_prefix="all:") == 1
    assert redis_client.keys() == [b"all:0"]
    assert write(pl.DataFrame(columns), url, key_column=None, if_exists="fail") == 1
    assert write(pl.DataFrame(columns).clear(), url, key_column=None) == 0


@pytest.mark.parametrize(("write", "columns"), WRITES)
def test_refused_collections(
    url: str, redis_client: redis.Redis, write: Callable[..., int], columns: dict[str, Any]
) -> None:
    redis_client.set("k", "a string")
    frame = pl.DataFrame({"_key": ["k", "j"], **columns})
    with pytest.raises(gf.WriteError, match="1 of 2 keys were not written: 'k'"):
        write(frame, url, if_exists="append")
    assert redis_client.exists("j") == 1
    with pytest.raises(ValueError, match="there is no column"):
        write(frame.select("_key"), url)
