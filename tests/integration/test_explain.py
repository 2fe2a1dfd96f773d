"""The text of plans, literally."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.servers.fixtures import FreshServer

_key = pl.col("_key")


def head_of(lf: pl.LazyFrame) -> list[str]:
    """What is said of the server: the lines before Polars' own plan, without the server's name."""
    server, *lines = gf.explain(lf).split("\n\n")[0].splitlines()
    assert re.fullmatch(
        r"SCAN OF (HASHES|STRINGS) at 127\.0\.0\.1:\d+ \((valkey 9\.1|redis 8\.2)\.\d+\)", server
    )
    return [line.strip() for line in lines]


FETCH = " for each key (HGETALL where a sample shows no other fields)"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            lambda lf: lf,
            ["SCAN MATCH user:* COUNT 1000", f"HMGET name age{FETCH}"],
        ),
        (
            lambda lf: lf.select("age"),
            ["SCAN MATCH user:* COUNT 1000", f"HMGET age{FETCH}", "pushed down: columns age"],
        ),
        (
            lambda lf: lf.select("_key"),
            ["SCAN MATCH user:* COUNT 1000 TYPE hash", "pushed down: columns _key"],
        ),
        (
            lambda lf: lf.select(pl.len()),
            ["SCAN MATCH user:* COUNT 1000 TYPE hash", "pushed down: a row count: no values"],
        ),
        (
            lambda lf: lf.head(1000),
            [
                "SCAN MATCH user:* COUNT 1000",
                f"HMGET name age{FETCH}",
                "pushed down: the first 1,000 rows",
            ],
        ),
        (
            lambda lf: lf.filter(_key == "user:1"),
            [
                f"HMGET name age{FETCH}",
                "pushed down: (_key == 'user:1') → 1 key fetched without SCAN",
            ],
        ),
        (
            lambda lf: lf.filter(_key.is_in(["user:1", "user:2", "x"])).select("_key"),
            [
                "TYPE of 2 keys",
                "pushed down: _key.IsIn(['user:1', 'user:2', 'x']) → 2 keys fetched without SCAN",
                "pushed down: columns _key",
            ],
        ),
        (
            lambda lf: lf.filter(_key.str.starts_with("user:7"), pl.col("age") > 30),
            [
                "SCAN MATCH user:7* COUNT 1000",
                f"HMGET name age{FETCH}",
                "pushed down: _key.StartsWith('user:7') → a narrower MATCH",
                "not pushed: (age > 30): only keys can be asked for, values have no index; "
                "applied to each batch inside the scan",
            ],
        ),
        (
            lambda lf: lf.filter(_key == "other"),
            [
                "none: no key can match",
                "pushed down: (_key == 'other') → 0 keys fetched without SCAN",
            ],
        ),
        (
            lambda lf: lf.filter(_key.str.starts_with("other")),
            ["none: no key can match", "pushed down: _key.StartsWith('other') → a narrower MATCH"],
        ),
    ],
)
def test_hashes(
    url: str, query: Callable[[pl.LazyFrame], pl.LazyFrame], expected: list[str]
) -> None:
    lf = query(gf.scan_hashes(url, "user:*", {"name": pl.String, "age": pl.Int64}))
    assert head_of(lf) == expected


def test_strings_with_ttl(url: str) -> None:
    lf = gf.scan_strings(url, "hits:*", pl.Int64, include_ttl=True, scan_count=50)
    assert head_of(lf) == [
        "SCAN MATCH hits:* COUNT 50",
        "PTTL for each key",
        "MGET of up to 1,000 keys at once",
    ]


def test_named_keys(url: str) -> None:
    lf = gf.scan_strings(url, keys=["a", "b"])
    assert head_of(lf) == ["MGET of up to 1,000 keys at once"]
    assert head_of(lf.select("_key")) == ["TYPE of 2 keys", "pushed down: columns _key"]


def test_a_prefix_that_cannot_be_joined(url: str) -> None:
    lf = gf.scan_hashes(url, "*:1", {}).filter(_key.str.starts_with("user"))
    assert head_of(lf) == [
        "SCAN MATCH *:1 COUNT 1000 TYPE hash",
        "not pushed: _key.StartsWith('user'): the pattern does not end in its only '*', so it "
        "cannot be joined with a prefix; applied to each batch inside the scan",
    ]


def test_long_values_are_cut(url: str) -> None:
    lf = gf.scan_hashes(url, "*", {}).filter(_key.is_in([f"user:{i}" for i in range(10_000)]))
    text = head_of(lf)[1]
    assert text.startswith("pushed down: _key.IsIn(['user:0', 'user:1', ")
    assert text.endswith("...) → 10,000 keys fetched without SCAN")
    assert len(text) < 150
    series = pl.Series([["a", "b"]])
    assert head_of(gf.scan_hashes(url, "*", {}).filter(_key.is_in(series)))[1] == (
        "pushed down: _key.IsIn([['a', 'b']]) → 2 keys fetched without SCAN"
    )


def test_counts_after_a_run(url: str, redis_client: redis.Redis) -> None:
    for i in range(3):
        redis_client.hset(f"user:{i}", "age", str(i))
    lf = gf.scan_hashes(url, "user:*", {"age": pl.Int64}).filter(pl.col("age") > 0)
    lf.collect()
    last = head_of(lf)[-1]
    assert re.fullmatch(
        r"last run: keys seen 3; rows 3; rows out 2; [\d,]+ bytes read in \d+\.\d\d s; "
        r"SCAN x 1, HMGET x 3",
        last,
    )


def test_polars_own_plan_follows(url: str) -> None:
    lf = gf.scan_hashes(url, "user:*", {"age": pl.Int64}).filter(pl.col("age") > 0)
    plan = gf.explain(lf).split("\n\n", 1)[1]
    assert plan == lf.explain()
    assert "user:* at 127.0.0.1" in plan


def test_a_join_has_two_scans(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("user:1", mapping={"age": "41"})
    redis_client.hset("order:1", mapping={"user": "user:1", "sum": "5"})
    users = gf.scan_hashes(url, "user:*", {"age": pl.Int64})
    orders = gf.scan_hashes(url, "order:*", {"user": pl.String, "sum": pl.Int64})
    joined = orders.join(users, left_on="user", right_on="_key").select("sum", "age")
    first, second, _ = gf.explain(joined).split("\n\n", 2)
    assert "SCAN MATCH order:*" in first
    assert f"HMGET user sum{FETCH}" in first
    assert "SCAN MATCH user:*" in second
    assert gf.reports(joined) == []
    assert joined.collect().rows() == [(5, 41)]
    assert [report.keys_seen for report in gf.reports(joined)] == [1, 1]


@pytest.mark.parametrize("call", [gf.explain, gf.reports])
def test_a_query_without_a_scan(call: Callable[[pl.LazyFrame], object]) -> None:
    lf = pl.LazyFrame({"a": [1]})
    if call is gf.reports:
        assert call(lf) == []
    else:
        with pytest.raises(gf.OptionError, match="the query has no scan of gearframe"):
            call(lf)


@pytest.mark.parametrize("call", [gf.explain, gf.reports])
def test_a_frame_that_is_collected(call: Callable[[pl.LazyFrame], object]) -> None:
    collected: Any = pl.DataFrame({"a": [1]})
    with pytest.raises(gf.OptionError, match=r"expected a LazyFrame, not DataFrame; ask before"):
        call(collected)


def test_no_password_is_shown(fresh_server: FreshServer) -> None:
    server = fresh_server(requirepass="s3cret")
    address = server.url.removeprefix("redis://")
    client = gf.connect(f"redis://:s3cret@{address}")
    client.execute("HSET", "k", "n", "x")
    lf = gf.scan_hashes(client, "*", {"n": pl.String})
    lf.collect()
    bad = gf.scan_hashes(client, "*", {"n": pl.Int8})
    with pytest.raises(gf.DataError) as caught:
        bad.collect()
    shown = [gf.explain(lf), lf.explain(), repr(lf), str(caught.value), repr(gf.reports(lf))]
    shown += [repr(client), client.url]
    assert not any("s3cret" in text for text in shown)
