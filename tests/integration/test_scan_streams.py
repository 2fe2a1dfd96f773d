"""Streams as frames: columns, ranges of ids and times, changes, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.exceptions import DataError, OptionError, ReplyError, SchemaError
from tests.integration.between import before
from tests.integration.commandstats import counted
from tests.integration.whole_runs import commands_in, whole_run

TS, ID = pl.col("_ts"), pl.col("_id")
HIGHEST = 2**64 - 1


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(url: str, request: pytest.FixtureRequest) -> gf.Client:
    return gf.connect(url, protocol=request.param, retries=0)


def fill(client: redis.Redis, key: str, count: int) -> None:
    """Two entries in each millisecond."""
    script = """for i = 0, ARGV[1] - 1 do
        redis.call('XADD', KEYS[1], math.floor(i / 2) .. '-' .. (i % 2 + 1), 'n', i) end"""
    client.eval(script, 1, key, count)


def at(milliseconds: float) -> datetime:
    return datetime(1970, 1, 1) + timedelta(milliseconds=milliseconds)


def test_columns_and_their_order(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.xadd("s:eu", {"a": "1", "other": "x"}, id="1500-7")
    redis_client.execute_command("XADD", "s:eu", "1500-8", "a", "2", "b", "x", "a", "3")
    lf = gf.scan_streams(
        client, "*", {"b": pl.String, "a": pl.Int8}, include_sequence=True, include_ttl=True,
        key_schema="s:{region}", row_index_name="row",
    )  # fmt: skip
    frame = lf.collect()
    assert list(frame.schema.items())[1:] == [
        ("_key", pl.String), ("region", pl.String), ("_ttl", pl.Duration("ms")),
        ("_id", pl.String), ("_ts", pl.Datetime("ms")), ("_seq", pl.UInt64),
        ("b", pl.String), ("a", pl.Int8),
    ]  # fmt: skip
    assert frame.rows() == [
        (0, "s:eu", "eu", None, "1500-7", at(1500), 7, None, 1),
        (1, "s:eu", "eu", None, "1500-8", at(1500), 8, "x", 3),
    ]
    renamed = gf.read_streams(
        client, "*", {"_id": pl.String}, id_column="id", timestamp_column="t",
        include_sequence=True, sequence_column="n", include_key=False,
    )  # fmt: skip
    assert renamed.columns == ["id", "t", "n", "_id"]
    bare = gf.read_streams(client, "*", include_id=False, include_timestamp=False)
    assert bare.rows() == [("s:eu",), ("s:eu",)]


def test_other_types_missing_and_repeated_names(
    client: gf.Client, redis_client: redis.Redis
) -> None:
    redis_client.xadd("a", {"f": "1"})
    redis_client.set("b", "text")
    redis_client.rpush("c", "element")
    redis_client.xadd("empty", {"f": "1"}, id="1-1")
    redis_client.xdel("empty", "1-1")
    for ttl in (False, True):
        lf = gf.scan_streams(client, keys=["a", "gone", "b", b"a", "c", "empty"], include_ttl=ttl)
        frame, report = whole_run(lf)
        assert frame["_key"].to_list() == ["a"]
        assert (report.keys_seen, report.keys_read) == (5, 1)
        assert report.keys_of_other_type == 2
        # Without its time to live an empty stream cannot be told from one that is gone.
        assert (report.keys_vanished, report.keys_empty) == ((1, 1) if ttl else (0, 2))


@pytest.mark.parametrize("count", [20, 6_000])
@pytest.mark.parametrize("most", [None, 3, 5_000])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("-", "+"), ("5", "7"), ("5-2", "7-1"), ("(5-1", "(7-2"), ("-", "8"), ("2999", "+"),
        ("+", "-"), ("+", "+"), (str(HIGHEST), f"{HIGHEST}-{HIGHEST}"),
    ],
)  # fmt: skip
def test_ranges(
    url: str, redis_client: redis.Redis, count: int, most: int | None, start: str, end: str
) -> None:
    fill(redis_client, "s", count)
    expected = [id.decode() for id, _ in redis_client.xrange("s", start, end, most)]
    lf = gf.scan_streams(url, "s", {"n": pl.Int64}, start=start, end=end, count=most)
    frame, _ = whole_run(lf)
    assert frame["_id"].to_list() == expected
    for rows in (1, 300):
        assert lf.head(rows).collect()["_id"].to_list() == expected[:rows]
    # With any range a filter on the time must not change the result.
    for where in (at(4) <= TS, at(7) > TS, at(6) == TS, TS.is_between(at(5), at(2_999))):
        assert lf.filter(where).collect().equals(frame.filter(where))


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (at(2_990) < TS, "from 2990 to +"),
        (at(5) > TS, "from - to 5"),
        (at(5) >= TS, "from - to 5"),
        (at(1_000) == TS, "from 1000 to 1000"),
        (TS.is_between(at(100), at(105)), "from 100 to 105"),
        (datetime(1970, 1, 1, 0, 0, 2, 995_500) < TS, "from 2995 to +"),
        # Polars compares in milliseconds.
        (datetime(1970, 1, 1, 0, 0, 0, 4_500) > TS, "from - to 4"),
        (ID == "7-2", "from 7-2 to 7-2"),
    ],
    ids=str,
)
def test_a_filter_narrows_the_range(
    url: str, redis_client: redis.Redis, where: pl.Expr, line: str
) -> None:
    fill(redis_client, "s", 6_000)
    lf = gf.scan_streams(url, "s", {"n": pl.Int64})
    expected = lf.collect().filter(where)
    assert not expected.is_empty()
    narrowed = lf.filter(where)
    with counted(redis_client) as calls:
        assert narrowed.collect().equals(expected)
    assert calls.pop("scan") >= 1
    assert calls == {"xrange": 1}
    assert any(line in text for text in commands_in(narrowed)), commands_in(narrowed)


@pytest.mark.parametrize(
    ("options", "where", "reason"),
    [
        ({"row_index_name": "row"}, at(50) <= TS, "the row index counts all rows"),
        ({"count": 150}, at(50) <= TS, "cannot be joined"),
        ({"count": 150}, ID == "50-1", "cannot be joined"),
        ({"start": "5"}, ID == "50-1", "cannot be joined"),
        ({}, ID > "50-1", "cannot be joined"),
        ({}, ID == "50", "cannot be joined"),
        ({}, ID == "0050-1", None),
        ({}, f"{2**64}-1" == ID, "cannot be joined"),
        ({}, datetime(1969, 1, 1) > TS, "cannot be joined"),
    ],
)
def test_ranges_that_no_filter_may_narrow(
    url: str, redis_client: redis.Redis, options: dict[str, Any], where: pl.Expr, reason: str | None
) -> None:
    fill(redis_client, "s", 200)
    lf = gf.scan_streams(url, "s", {"n": pl.Int64}, **options)
    expected = lf.collect().filter(where)
    assert lf.filter(where).collect().equals(expected)
    if reason is not None:
        assert reason in gf.explain(lf.filter(where))


def test_times_beyond_64_bits_with_a_sign(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.xadd("s", {"n": "1"}, id=f"{2**63 - 1}-{HIGHEST}")
    redis_client.xadd("s", {"n": "2"}, id=f"{2**63}-1")
    redis_client.xadd("s", {"n": "3"}, id=f"{HIGHEST}-{HIGHEST}")
    lf = gf.scan_streams(client, "s", {"n": pl.Int64}, include_sequence=True)
    with pytest.raises(DataError, match=f'a value of key "s" is "{2**63}-1"'):
        lf.collect()
    nulls = gf.read_streams(client, "s", {"n": pl.Int64}, on_error="null", include_sequence=True)
    assert nulls["_ts"].is_null().to_list() == [False, True, True]
    assert nulls["_seq"].to_list() == [HIGHEST, 1, HIGHEST]
    # Without the time nothing is wrong with them.
    assert lf.select("_id", "n").collect()["n"].to_list() == [1, 2, 3]


def test_a_full_page_that_ends_with_the_highest_id(
    client: gf.Client, redis_client: redis.Redis
) -> None:
    """There is no id behind it: asking for one is an error to the server."""
    fill(redis_client, "s", 255)
    redis_client.xadd("s", {"n": 255}, id=f"{HIGHEST}-{HIGHEST}")
    lf = gf.scan_streams(client, "s", {"n": pl.Int64}, include_timestamp=False)
    assert lf.collect()["n"].to_list() == list(range(256))


def test_a_value_that_does_not_fit(client: gf.Client, redis_client: redis.Redis) -> None:
    for number, text in enumerate(("1", "x", "3"), 1):
        redis_client.xadd("s", {"a": text}, id=f"{number}-1")
    with pytest.raises(DataError, match='field "a" of key "s" is "x", which is not Int8'):
        gf.read_streams(client, "*", {"a": pl.Int8})
    frame, report = whole_run(gf.scan_streams(client, "*", {"a": pl.Int8}, on_error="null"))
    assert frame["a"].to_list() == [1, None, 3]
    assert report.values_nulled == 1
    frame, report = whole_run(gf.scan_streams(client, "*", {"a": pl.Int8}, on_error="skip"))
    assert frame["_id"].to_list() == ["1-1", "3-1"]
    assert report.rows_skipped == 1


def test_bytes(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.execute_command("XADD", "s", "1-1", b"a", b"\xff\x00\r\n", b"\xfe", b"y")
    frame = gf.read_streams(client, "*", {"a": pl.Binary})
    assert frame["a"].to_list() == [b"\xff\x00\r\n"]
    with pytest.raises(DataError, match='field "a" of key "s"'):
        gf.read_streams(client, "*", {"a": pl.String})


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"start": "x"}, OptionError, "start is 'x'; expected '-', '+', a time"),
        ({"start": "("}, OptionError, "start is '('"),
        ({"end": "1-2-3"}, OptionError, "end is '1-2-3'"),
        ({"end": 7}, OptionError, "end is 7"),
        ({"start": str(2**64)}, OptionError, "start is"),
        ({"start": f"1-{2**64}"}, OptionError, "start is"),
        ({"start": "9" * 5_000}, OptionError, "start is"),
        ({"start": "-5"}, OptionError, "start is '-5'"),
        ({"count": 0}, OptionError, "count is 0"),
        ({"count": True}, OptionError, "count is True"),
        ({"schema": {"_id": pl.String}}, SchemaError, "_id"),
        ({"schema": {"a": pl.Object}}, SchemaError, "Object"),
        ({"id_column": "_ts"}, SchemaError, "two columns are called '_ts'"),
        ({"include_sequence": True, "sequence_column": "_id"}, SchemaError, "two columns"),
        ({"timestamp_column": "_key"}, SchemaError, "_key"),
        ({"on_change": "keep"}, TypeError, "on_change"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_options(url: str, options: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        gf.scan_streams(url, "*", **options)
    assert text in str(caught.value)


def test_zones_in_a_filter(url: str, redis_client: redis.Redis) -> None:
    fill(redis_client, "s", 20)
    lf = gf.scan_streams(url, "s").with_columns(TS.dt.replace_time_zone("UTC"))
    assert lf.filter(datetime(1970, 1, 1, 0, 0, 0, 5_000, UTC) <= TS).collect().height == 10


# -- changes between two pages ---------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, 3])
def test_entries_come_once_while_others_come_and_go(
    url: str, redis_client: redis.Redis, protocol: int
) -> None:
    fill(redis_client, "s", 6_000)
    turn = iter(range(1, 1_000))

    def change() -> None:
        number = next(turn)
        redis_client.xtrim("s", minid=f"{number * 10}")
        redis_client.xdel("s", f"{2_999 - number}-1")
        redis_client.xadd("s", {"n": "-1"}, id=f"{10_000 + number}-0")

    with before(url, "XRANGE", change, *range(2, 1_000), protocol=protocol) as client:
        frame, _ = whole_run(gf.scan_streams(client, "s", {"n": pl.Int64}))
    ids, turns = frame["_id"], next(turn) - 1
    assert turns > 2
    assert ids.n_unique() == ids.len()
    stable = {f"{n // 2}-{n % 2 + 1}" for n in range(20 * turns, 2 * (2_999 - turns))}
    assert stable <= set(ids)
    assert frame["_ts"].is_sorted()


@pytest.mark.parametrize(
    "change",
    [
        [("DEL", "s")],
        [("DEL", "s"), ("SET", "s", "x")],
        [("DEL", "s"), ("XADD", "s", "1-1", "n", "9")],
        [("XTRIM", "s", "MAXLEN", "0")],
    ],
    ids=["deleted", "another type", "made again", "trimmed"],
)
def test_a_stream_that_ends_between_two_pages(
    url: str, redis_client: redis.Redis, change: list[tuple[object, ...]]
) -> None:
    fill(redis_client, "s", 6_000)
    run = lambda: [redis_client.execute_command(*words) for words in change]  # noqa: E731
    with before(url, "XRANGE", run, 2) as client:
        frame, report = whole_run(gf.scan_streams(client, "s", {"n": pl.Int64}))
    assert frame["n"].to_list() == list(range(frame.height))
    assert 0 < frame.height < 6_000
    assert report.keys_read == 1


def test_an_id_that_the_server_refuses_is_no_empty_stream(url: str) -> None:
    # The predecessor took every refusal for an empty stream.
    with gf.connect(url) as client, pytest.raises(ReplyError):
        client.execute("XRANGE", "s", "x", "+")


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_stream_that_grows_as_fast_as_it_is_read_has_an_end(
    url: str, redis_client: redis.Redis, protocol: int
) -> None:
    for n in range(6_000):
        redis_client.xadd("live", {"n": n}, id=f"1-{n + 1}")
    turn = iter(range(6_001, 10**9))

    def grow() -> None:
        pipeline = redis_client.pipeline(transaction=False)
        for _ in range(5_000):
            pipeline.xadd("live", {"n": 0}, id=f"1-{next(turn)}")
        pipeline.execute()

    # Each page finds more behind it than it holds; without an end of its own there is none.
    with before(url, "XRANGE", grow, *range(2, 200), protocol=protocol) as client:
        frame, report = whole_run(gf.scan_streams(client, "live", {"n": pl.Int64}))
    assert frame["n"].head(6_000).to_list() == list(range(6_000))
    assert frame.height < 20_000
    assert report.commands["XREVRANGE"] == 1


def test_a_count_ends_a_stream_by_itself(url: str, redis_client: redis.Redis) -> None:
    for n in range(5_000):
        redis_client.xadd("many", {"n": n}, id=f"1-{n + 1}")
    lf = gf.scan_streams(url, "many", {"n": pl.Int64}, count=4_500)
    assert "XREVRANGE" not in gf.explain(lf)
    assert lf.collect().height == 4_500
    assert "XREVRANGE" not in gf.reports(lf)[0].commands
