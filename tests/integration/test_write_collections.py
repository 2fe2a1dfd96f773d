"""Frames written as sets, lists and sorted sets: many rows a key, on real servers."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.servers.catalog import ALWAYS
from tests.servers.fixtures import FreshServer

VISITS = pl.DataFrame(
    {
        "_key": ["a", "b", "a", "c", "b", "a"],
        "element": ["1", "2", "3", "", "5", "1"],
        "score": [1.5, math.inf, 2, -math.inf, -0.5, 7],
    }
)
MODES = ["replace", "fail", "append"]


def test_a_list_has_the_order_of_its_rows(url: str, redis_client: redis.Redis) -> None:
    report = gf.write_lists(VISITS, url)
    assert (report.written, report.elements, report.ok) == (3, 6, True)
    assert redis_client.lrange("a", 0, -1) == [b"1", b"3", b"1"]
    assert redis_client.lrange("b", 0, -1) == [b"2", b"5"]
    assert redis_client.lrange("c", 0, -1) == [b""]
    assert report.commands == {"MULTI/EXEC": 2, "UNLINK": 3, "RPUSH": 3}
    assert str(report).startswith("3 keys written; 6 elements; ")


def test_columns_that_are_called_like_patterns(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame(
        {"^k$": ["a", "b", "a"], "k": [1, 2, 3], "*": [1, 2, 3], "^s$": [1.5, 2.5, 3.5]},
        schema_overrides={"*": pl.UInt128, "^s$": pl.Float32},
    )
    for each in (frame, frame.lazy()):
        assert gf.write_lists(each, url, key="^k$", element="*").written == 2
        assert redis_client.lrange("a", 0, -1) == [b"1", b"3"]
        assert gf.write_zsets(each, url, key="^k$", member="*", score="^s$").written == 2
        assert redis_client.zrange("a", 0, -1, withscores=True) == [(b"1", 1.5), (b"3", 3.5)]


def test_rows_alike_are_one_member(url: str, redis_client: redis.Redis) -> None:
    report = gf.write_sets(VISITS, url, member="element")
    assert (report.written, report.elements) == (3, 6)
    assert redis_client.smembers("a") == {b"1", b"3"}
    assert report.commands == {"MULTI/EXEC": 2, "UNLINK": 3, "SADD": 3}


def test_of_a_member_twice_the_last_row_counts(url: str, redis_client: redis.Redis) -> None:
    gf.write_zsets(VISITS, url, member="element")
    assert redis_client.zrange("a", 0, -1, withscores=True) == [(b"3", 2.0), (b"1", 7.0)]
    assert redis_client.zrange("b", 0, -1, withscores=True) == [(b"5", -0.5), (b"2", math.inf)]
    assert redis_client.zscore("c", "") == -math.inf


@pytest.mark.parametrize("lazy", [False, True])
def test_what_is_written_is_read_back(url: str, lazy: bool) -> None:
    numbers = pl.DataFrame({"n": range(20_000)}).select(
        _key=pl.format("k:{}", pl.col("n") % 7 * pl.col("n") % 11), n="n", half=pl.col("n") / 2
    )
    frame: Any = numbers.lazy() if lazy else numbers
    expected = numbers.sort("_key", "n")
    gf.write_lists(frame, url, element="n")
    lists = gf.read_lists(url, "k:*", pl.Int64, element_column="n")
    assert lists.sort("_key", maintain_order=True).equals(expected.select("_key", "n"))
    gf.write_sets(frame, url, member="n")
    sets = gf.read_sets(url, "k:*", pl.Int64, member_column="n")
    assert sets.sort("_key", "n").equals(expected.select("_key", "n"))
    gf.write_zsets(frame, url, member="n", score="half")
    zsets = gf.read_zsets(url, "k:*", pl.Int64, member_column="n", score_column="half")
    assert zsets.sort("_key", "n").equals(expected)
    gf.write_streams(frame, url)
    streams = gf.read_streams(url, "k:*", {"n": pl.Int64, "half": pl.Float64}, include_id=False)
    assert streams.sort("_key", "n").select("_key", "n", "half").equals(expected)


def test_rows_that_stand_together_are_not_sorted(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"_key": ["z", "z", "a"], "element": [1, 2, 3]})
    gf.write_lists(frame, url, batch_size=1)
    assert redis_client.lrange("z", 0, -1) == [b"1", b"2"]
    assert redis_client.lrange("a", 0, -1) == [b"3"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"\x00\xff\r\n", b""], [b"\x00\xff\r\n", b""]),
        ([2**63 - 1, -(2**63)], [b"9223372036854775807", b"-9223372036854775808"]),
        ([True, False], [b"true", b"false"]),
        ([0.1, math.nan], [b"0.1", b"nan"]),
        ([timedelta(seconds=90), timedelta(0)], [b"PT1M30S", b"PT0S"]),
        ([[1, None], []], [b"[1,null]", b"[]"]),
        (["é" * 40, "$3\r\nfoo"], ["é".encode() * 40, b"$3\r\nfoo"]),
    ],
)
def test_elements_of_any_dtype(
    url: str, redis_client: redis.Redis, values: list[Any], expected: list[bytes]
) -> None:
    frame = pl.DataFrame({"_key": ["k", "k"], "element": values})
    gf.write_lists(frame, url)
    assert redis_client.lrange("k", 0, -1) == expected
    gf.write_sets(frame, url, member="element")
    assert redis_client.smembers("k") == set(expected)
    gf.write_zsets(frame.with_columns(score=pl.lit(1)), url, member="element")
    assert set(redis_client.zrange("k", 0, -1)) == set(expected)


def test_binary_keys(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"_key": [b"\xff", b"", b"\xff"], "element": [1, 2, 3]})
    assert gf.write_lists(frame, url, key_prefix=b"\x00").written == 2
    assert redis_client.lrange(b"\x00\xff", 0, -1) == [b"1", b"3"]
    assert redis_client.lrange(b"\x00", 0, -1) == [b"2"]


def test_replace_leaves_nothing_of_what_was_there(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("a", "old", "1")
    redis_client.rpush("b", "old")
    redis_client.expire("b", 100)
    assert gf.write_lists(VISITS, url).written == 3
    assert redis_client.lrange("a", 0, -1) == [b"1", b"3", b"1"]
    assert redis_client.lrange("b", 0, -1) == [b"2", b"5"]
    assert redis_client.ttl("b") == -1


@pytest.mark.parametrize("lazy", [False, True])
def test_fail_names_the_keys_that_exist(url: str, redis_client: redis.Redis, lazy: bool) -> None:
    redis_client.set("b", "mine")
    frame = VISITS.lazy() if lazy else VISITS
    report = gf.write_lists(frame, url, if_exists="fail", on_failure="report")
    assert (report.written, report.elements) == (2, 4)
    assert report.failed == {b"b": "exists already"}
    assert redis_client.get("b") == b"mine"
    assert sorted(redis_client.keys()) == [b"a", b"b", b"c"]


@pytest.mark.parametrize("lazy", [False, True])
def test_append_adds(url: str, redis_client: redis.Redis, lazy: bool) -> None:
    redis_client.rpush("a", "0")
    redis_client.set("b", "text")
    frame = VISITS.lazy() if lazy else VISITS
    report = gf.write_lists(frame, url, if_exists="append", on_failure="report", batch_size=2)
    assert (report.written, report.elements) == (2, 4)
    assert list(report.failed) == [b"b"]
    assert report.failed[b"b"].startswith("WRONGTYPE")
    assert redis_client.lrange("a", 0, -1) == [b"0", b"1", b"3", b"1"]
    assert redis_client.get("b") == b"text"


@pytest.mark.parametrize("if_exists", MODES)
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("ttl", [100, timedelta(seconds=100), "ttl", "span"])
def test_ttl(url: str, redis_client: redis.Redis, if_exists: Any, lazy: bool, ttl: Any) -> None:
    frame = VISITS.with_columns(
        ttl=pl.when(pl.col("_key") == "b").then(None).otherwise(100),
        span=pl.when(pl.col("_key") == "b").then(None).otherwise(timedelta(seconds=100)),
    )
    report = gf.write_lists(frame.lazy() if lazy else frame, url, if_exists=if_exists, ttl=ttl)
    assert report.written == 3
    assert 50_000 < redis_client.pttl("a") <= 100_000
    expected = -1 if isinstance(ttl, str) else pytest.approx(100, abs=40)
    assert redis_client.ttl("b") == expected


@pytest.mark.parametrize("lazy", [False, True])
def test_rows_of_a_key_agree_on_its_ttl(url: str, redis_client: redis.Redis, lazy: bool) -> None:
    frame = VISITS.with_columns(ttl=pl.Series([9, 9, 9, 9, 9, None]))
    redis_client.set("a", "old")
    given = frame.lazy() if lazy else frame
    report = gf.write_lists(given, url, ttl="ttl", on_failure="report", batch_size=3)
    assert report.written == 2
    assert report.failed == {b"a": "its rows have different times to live"}
    assert redis_client.get("a") == b"old"
    assert redis_client.keys("gearframe:*") == []


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("if_exists", ["replace", "fail"])
def test_a_null_fails_its_key(
    url: str, redis_client: redis.Redis, if_exists: Any, lazy: bool
) -> None:
    frame = pl.DataFrame({"_key": ["a", "b", "a", "a"], "element": ["1", "2", None, "3"]})
    given = frame.lazy() if lazy else frame
    report = gf.write_lists(given, url, if_exists=if_exists, on_failure="report", batch_size=1)
    assert report.written == 1
    assert report.failed == {b"a": 'column "element" has a null: Redis has none'}
    assert redis_client.keys() == [b"b"]


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (pl.Series([math.nan]), 'a value of column "score" is NaN'),
        (pl.Series([None], dtype=pl.Float64), 'column "score" has a null: Redis has none'),
        (
            pl.Series([2**53 + 1]),
            'a value of column "score" is 9007199254740993, which a double does not hold exactly',
        ),
        (
            pl.Series([2**64 - 1], dtype=pl.UInt64),
            'a value of column "score" is 18446744073709551615, '
            "which a double does not hold exactly",
        ),
    ],
)
def test_what_is_no_score_fails_its_key(url: str, score: pl.Series, reason: str) -> None:
    frame = pl.DataFrame({"_key": ["z"], "member": ["m"], "score": score})
    report = gf.write_zsets(frame, url, on_failure="report")
    assert report.failed == {b"z": reason}


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (pl.Series([2**53]), 2.0**53),
        (pl.Series([-(2**63)]), -(2.0**63)),
        (pl.Series([0.1], dtype=pl.Float32), 0.10000000149011612),
        (pl.Series([5e-324]), 5e-324),
        (pl.Series([True]).cast(pl.Int8), 1.0),
    ],
)
def test_scores_arrive_exactly(
    url: str, redis_client: redis.Redis, score: pl.Series, expected: float
) -> None:
    gf.write_zsets(pl.DataFrame({"_key": ["z"], "member": ["m"], "score": score}), url)
    assert redis_client.zscore("z", "m") == expected


@pytest.mark.parametrize("if_exists", MODES)
def test_a_lazy_frame_brings_the_rows_of_a_key_in_several_batches(
    url: str, redis_client: redis.Redis, if_exists: Any
) -> None:
    rows = pl.LazyFrame({"i": range(10_000)})
    lf = rows.select(_key=pl.format("k:{}", pl.col("i") % 7), element="i", unused=pl.lit(1))
    report = gf.write_lists(lf, url, if_exists=if_exists, batch_size=1000)
    assert (report.written, report.elements) == (7, 10_000)
    assert redis_client.lrange("k:3", 0, -1) == [b"%d" % i for i in range(3, 10_000, 7)]
    assert redis_client.dbsize() == 7
    assert redis_client.ttl("k:3") == -1


def test_a_key_that_fails_after_a_part_of_it_was_added_is_counted_once(
    url: str, redis_client: redis.Redis
) -> None:
    lf = pl.LazyFrame({"_key": ["a", "b", "a", "b", "a"], "element": ["1", "2", None, "4", "5"]})
    report = gf.write_lists(lf, url, if_exists="append", on_failure="report", batch_size=1)
    assert (report.written, report.elements) == (1, 4)
    assert report.failed == {b"a": 'column "element" has a null: Redis has none'}
    assert redis_client.lrange("a", 0, -1) == [b"1", b"5"]
    assert redis_client.lrange("b", 0, -1) == [b"2", b"4"]


def test_until_a_query_ends_the_old_values_stay(url: str, redis_client: redis.Redis) -> None:
    redis_client.rpush("k:0", "old")

    def fail(piece: pl.DataFrame) -> pl.DataFrame:
        if piece["i"].max() == 9999:
            raise ValueError("no more")
        return piece

    rows = pl.LazyFrame({"i": range(10_000)})
    lf = rows.map_batches(fail, streamable=True).select(
        _key=pl.format("k:{}", pl.col("i") % 7), element="i"
    )
    with pytest.raises(gf.WriteError, match="no more") as e:
        gf.write_lists(lf, url, batch_size=1000)
    assert e.value.report is not None
    assert e.value.report.written == 0
    assert redis_client.keys() == [b"k:0"]
    assert redis_client.lrange("k:0", 0, -1) == [b"old"]


def test_a_null_key_in_a_lazy_frame_leaves_the_old_values(
    url: str, redis_client: redis.Redis
) -> None:
    redis_client.rpush("a", "old")
    lf = pl.LazyFrame({"_key": ["a", "b", None], "element": [1, 2, 3]})
    with pytest.raises(gf.WriteError, match="the key in column '_key' is null") as e:
        gf.write_lists(lf, url, batch_size=1)
    assert e.value.report is not None
    why = "not written: the frame ended with an error before it was complete"
    assert e.value.report.failed == {b"a": why, b"b": why}
    assert redis_client.keys() == [b"a"]


@pytest.mark.parametrize("if_exists", MODES)
@pytest.mark.parametrize("kind", ["sets", "lists", "zsets"])
@pytest.mark.parametrize("engine", ALWAYS)
def test_a_million_elements_in_one_key(
    fresh_server: FreshServer, engine: str, kind: str, if_exists: Any
) -> None:
    # A longer command than 1 MiB would end the connection.
    server = fresh_server(engine, client_query_buffer_limit="1mb")
    size = 1_000_000
    frame = pl.DataFrame({"member": range(size)}).with_columns(_key=pl.lit("big"), score="member")
    columns: dict[str, Any] = {"element": "member"} if kind == "lists" else {}
    write = getattr(gf, f"write_{kind}")
    report = write(frame, server.url, if_exists=if_exists, ttl=1000, **columns)
    assert (report.written, report.elements) == (1, size)
    name = {"sets": "SADD", "lists": "RPUSH", "zsets": "ZADD"}[kind]
    assert report.commands[name] == math.ceil(size / (512 if kind == "zsets" else 1024))
    length = {"sets": "scard", "lists": "llen", "zsets": "zcard"}[kind]
    with redis.Redis.from_url(server.url) as client:
        assert getattr(client, length)("big") == size
        assert 500 < client.ttl("big") <= 1000
        assert client.dbsize() == 1


def test_large_elements_are_sent_one_by_one(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"_key": ["k"] * 8, "element": [b"x" * 300_000] * 8})
    report = gf.write_lists(frame, url)
    assert report.commands["RPUSH"] == 8
    assert redis_client.llen("k") == 8
    assert redis_client.dbsize() == 1


def test_transactions_are_bounded(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"_key": [f"k:{i // 1000}" for i in range(20_000)], "element": 1})
    report = gf.write_lists(frame, url)
    assert report.commands == {"MULTI/EXEC": 20, "UNLINK": 20, "RPUSH": 20}
    assert redis_client.dbsize() == 20


@pytest.mark.parametrize(
    ("write", "frame", "options", "error", "message"),
    [
        ("sets", {"_key": ["a"]}, {}, gf.SchemaError, "no column 'member'"),
        ("lists", {"_key": ["a"], "element": [object()]}, {}, gf.SchemaError, "Object cannot"),
        ("lists", {"_key": ["a", None], "element": [1, 2]}, {}, gf.OptionError, "row 1: the key"),
        ("lists", {"_key": [1], "element": [1]}, {}, gf.SchemaError, "key column '_key' is Int64"),
        ("zsets", {"_key": ["a"], "member": [1]}, {}, gf.SchemaError, "no column 'score'"),
        (
            "zsets",
            {"_key": ["a"], "member": [1], "score": ["1"]},
            {},
            gf.SchemaError,
            "the score in column 'score' is String",
        ),
        (
            "zsets",
            {"_key": ["a"], "member": [1]},
            {"score": "member"},
            gf.SchemaError,
            "'member' cannot be two things",
        ),
        ("sets", {"_key": ["a"], "member": [1]}, {"ttl": 0}, gf.OptionError, "ttl is 0"),
        ("sets", {"_key": ["a"], "member": [1]}, {"if_exists": "x"}, gf.OptionError, "if_exists"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    redis_client: redis.Redis,
    url: str,
    write: str,
    frame: dict[str, list[Any]],
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        getattr(gf, f"write_{write}")(pl.DataFrame(frame), url, **options)
    assert redis_client.dbsize() == 0


@pytest.mark.parametrize("if_exists", MODES)
def test_an_empty_frame(url: str, if_exists: Any) -> None:
    assert gf.write_lists(VISITS.clear(), url, if_exists=if_exists).written == 0
    assert gf.write_lists(VISITS.clear().lazy(), url, if_exists=if_exists).written == 0
