"""Keys that vanish, change their type or were never there, between SCAN and fetch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.servers.patience import PATIENCE

SCHEMA = {"a": pl.Int64, "b": pl.String}


def check_sum(report: gf.ScanReport) -> None:
    assert report.finished
    assert report.keys_seen == (
        report.rows + report.rows_skipped + report.keys_vanished + report.keys_of_other_type
    )


def test_a_missing_field_is_null(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("both", mapping={"a": "1", "b": "x"})
    redis_client.hset("one", mapping={"a": "2"})
    redis_client.hset("none", mapping={"c": "3"})
    redis_client.hset("empty", mapping={"a": "4", "b": ""})
    lf = gf.scan_hashes(url, "*", SCHEMA)
    assert sorted(lf.collect().rows()) == [
        ("both", 1, "x"),
        ("empty", 4, ""),
        ("none", None, None),
        ("one", 2, None),
    ]
    check_sum(gf.reports(lf)[0])


@pytest.mark.parametrize("select", [["_key", "a", "b"], ["_key", "a"], ["_key"], ["_key", "_ttl"]])
def test_named_keys_that_are_no_hashes(
    url: str, redis_client: redis.Redis, select: list[str]
) -> None:
    redis_client.hset("h", mapping={"a": "1", "b": "x"})
    redis_client.hset("bare", "c", "x")
    redis_client.set("s", "text")
    redis_client.rpush("l", "x")
    keys = ["h", "gone", "s", "l", "bare", "h", b"h"]
    lf = gf.scan_hashes(url, "*", SCHEMA, keys=keys, include_ttl=True).select(select)
    assert sorted(lf.collect()["_key"]) == ["bare", "h"]
    report = gf.reports(lf)[0]
    counts = (report.keys_seen, report.rows, report.keys_vanished, report.keys_of_other_type)
    assert counts == (5, 2, 1, 2)
    check_sum(report)


def test_other_types_among_the_keys_are_no_error(url: str, redis_client: redis.Redis) -> None:
    for i in range(200):
        redis_client.hset(f"h:{i}", mapping={"a": str(i), "b": "x"})
        redis_client.set(f"s:{i}", "text")
    redis_client.zadd("z", {"x": 1})
    redis_client.xadd("x", {"a": "1"})
    lf = gf.scan_hashes(url, "*", SCHEMA)
    assert sorted(lf.collect()["a"]) == list(range(200))
    report = gf.reports(lf)[0]
    assert report.keys_of_other_type > 0
    check_sum(report)


@contextmanager
def rewriting(url: str, keys: list[str], kinds: tuple[str, ...]) -> Iterator[None]:
    """Delete and make keys again, with all their fields, until the block ends."""
    begun, stop = threading.Event(), threading.Event()

    def run() -> None:
        with redis.Redis.from_url(url, protocol=2) as client:
            while not stop.is_set():
                for key in keys:
                    pipe = client.pipeline(transaction=False)
                    for kind in kinds:
                        pipe.delete(key)
                        if kind == "hash":
                            pipe.hset(key, mapping={"a": "1", "b": "x"})
                        elif kind == "string":
                            pipe.set(key, "1")
                    pipe.execute()
                begun.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert begun.wait(PATIENCE)
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("kinds", [("hash",), ("hash", "string"), ("hash", "gone")], ids="-".join)
@pytest.mark.parametrize("extra", [False, True], ids=["hgetall", "hmget"])
def test_no_row_of_nulls_is_ever_made(
    url: str, redis_client: redis.Redis, kinds: tuple[str, ...], extra: bool
) -> None:
    stable = [f"stable:{i}" for i in range(100)]
    for key in stable:
        redis_client.hset(key, mapping={"a": "1", "b": "x", **({"c": "y"} if extra else {})})
    moving = [f"moving:{i}" for i in range(50)]
    vanished = other = 0
    with rewriting(url, moving, kinds):
        for turn in range(60):
            named = {"keys": stable + moving} if turn % 2 else {}
            lf = gf.scan_hashes(url, "*", SCHEMA, include_ttl=turn % 3 == 0, **named)
            frame = lf.collect()
            assert frame.filter(pl.col("a").is_null() | pl.col("b").is_null()).is_empty()
            assert set(stable) <= set(frame["_key"])
            report = gf.reports(lf)[0]
            check_sum(report)
            vanished += report.keys_vanished
            other += report.keys_of_other_type
    assert vanished > 0 or kinds != ("hash", "gone")
    assert other > 0 or kinds != ("hash", "string")


def test_no_null_string_is_ever_made(url: str, redis_client: redis.Redis) -> None:
    stable = [f"stable:{i}" for i in range(100)]
    redis_client.mset(dict.fromkeys(stable, "1"))
    moving = [f"moving:{i}" for i in range(50)]
    with rewriting(url, moving, ("string", "gone", "hash")):
        for turn in range(60):
            named = {"keys": stable + moving} if turn % 2 else {}
            lf = gf.scan_strings(url, "*", pl.Int8, include_ttl=turn % 3 == 0, **named)
            frame = lf.collect()
            assert frame["value"].null_count() == 0
            assert set(stable) <= set(frame["_key"])
            check_sum(gf.reports(lf)[0])
