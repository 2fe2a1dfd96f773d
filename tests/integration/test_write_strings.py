"""Frames written as strings, on real servers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf

HITS = pl.DataFrame({"_key": ["a", "b"], "value": [3, 4]})


def test_each_row_is_a_string(url: str, redis_client: redis.Redis) -> None:
    redis_client.rpush("a", "a list")
    report = gf.write_strings(HITS, url)
    assert (report.written, report.commands) == (2, {"SET": 2})
    assert redis_client.mget("a", "b") == [b"3", b"4"]


def test_fail_names_the_keys_that_exist(url: str, redis_client: redis.Redis) -> None:
    redis_client.rpush("a", "a list")
    report = gf.write_strings(HITS, url, if_exists="fail", on_failure="report")
    assert report.failed == {b"a": "exists already"}
    assert redis_client.lrange("a", 0, -1) == [b"a list"]
    assert redis_client.get("b") == b"4"


def test_append_adds_bytes(url: str, redis_client: redis.Redis) -> None:
    redis_client.set("a", "1")
    redis_client.rpush("b", "a list")
    report = gf.write_strings(HITS, url, if_exists="append", ttl=100, on_failure="report")
    assert report.written == 1
    assert report.failed[b"b"].startswith("WRONGTYPE")
    assert (redis_client.get("a"), redis_client.ttl("b")) == (b"13", -1)
    assert redis_client.ttl("a") == pytest.approx(100, abs=40)


@pytest.mark.parametrize("if_exists", ["replace", "fail", "append"])
@pytest.mark.parametrize("ttl", [100, timedelta(seconds=100), "t"])
def test_ttl(url: str, redis_client: redis.Redis, if_exists: Any, ttl: Any) -> None:
    frame = HITS.with_columns(t=pl.Series([100, None], dtype=pl.UInt8))
    assert gf.write_strings(frame, url, if_exists=if_exists, ttl=ttl).written == 2
    assert redis_client.ttl("a") == pytest.approx(100, abs=40)
    assert redis_client.ttl("b") == (-1 if ttl == "t" else pytest.approx(100, abs=40))


@pytest.mark.parametrize("if_exists", ["replace", "append"])
def test_a_null_fails(url: str, redis_client: redis.Redis, if_exists: Any) -> None:
    redis_client.set("a", "old")
    frame = pl.DataFrame({"_key": ["a", "b"], "value": [None, "x"]})
    report = gf.write_strings(frame, url, if_exists=if_exists, on_failure="report")
    assert (report.written, report.failed) == (1, {b"a": "the value is null"})
    assert redis_client.get("a") == b"old"


def test_keys_and_values_are_any_bytes(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"k": [b"\xff\r\n"], "v": [b"\x00\xfe"]})
    assert gf.write_strings(frame, url, key="k", value="v", key_prefix=b"\x01").written == 1
    assert redis_client.get(b"\x01\xff\r\n") == b"\x00\xfe"


def test_the_value_is_a_column_of_its_own(url: str) -> None:
    with pytest.raises(gf.SchemaError, match="cannot be the value and something else"):
        gf.write_strings(HITS, url, value="_key")
    with pytest.raises(gf.SchemaError, match="no column 'v'"):
        gf.write_strings(HITS, url, value="v")


def test_a_lazy_frame_and_a_progress_bar(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    report = gf.write_strings(HITS.lazy(), url, progress=True)
    assert report.written == 2
    assert "write strings" in capfd.readouterr().err
