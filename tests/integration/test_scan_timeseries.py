"""Time series: every sample once, in pages and in one piece, by pattern and by label."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
import redis
from polars.testing import assert_frame_equal

import gearframe as gf
from tests.integration.busy import busy
from tests.integration.commandstats import counted
from tests.servers.fixtures import FreshServer
from tests.servers.scripted import ScriptedServer, by_command

SCHEMA = {"_key": pl.String, "_ts": pl.Datetime("ms"), "value": pl.Float64}
AGGREGATIONS = [
    "avg", "sum", "min", "max", "range", "count", "first", "last",
    "std.p", "std.s", "var.p", "var.s", "twa",
]  # fmt: skip


@pytest.fixture
def raw(timeseries_url: str) -> Iterator[redis.Redis]:
    """A redis-py client that gives replies as they come."""
    with redis.Redis.from_url(timeseries_url, protocol=2) as client:
        yield client


@pytest.fixture(params=[2, 3])
def client(request: pytest.FixtureRequest, timeseries_url: str) -> Iterator[gf.Client]:
    with gf.connect(timeseries_url, protocol=request.param) as client:
        yield client


def at(milliseconds: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=milliseconds)


def fill(raw: redis.Redis, key: str, samples: list[tuple[int, float]], *labels: str) -> None:
    pipeline = raw.pipeline(transaction=False)
    pipeline.execute_command("TS.CREATE", key, "CHUNK_SIZE", 256, "LABELS", *labels)
    for place in range(0, len(samples), 500):
        some = [part for time, value in samples[place : place + 500] for part in (key, time, value)]
        pipeline.execute_command("TS.MADD", *some)
    pipeline.execute()


def irregular(seed: int, count: int) -> list[tuple[int, float]]:
    chance = random.Random(seed)
    time, samples = 1000, []
    for _ in range(count):
        time += chance.randint(1, 400)
        samples.append((time, chance.uniform(-5, 5)))
    return samples


def one_shot(raw: redis.Redis, keys: list[str], *args: Any, start: Any = "-") -> pl.DataFrame:
    """What one TS.RANGE for each key answers."""
    rows = [
        (key, at(time), float(value))
        for key in sorted(keys)
        for time, value in raw.execute_command("TS.RANGE", key, start, *(args or ("+",)))
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def read(client: gf.Client, pattern: str = "*", **options: Any) -> pl.DataFrame:
    return client.read_timeseries(pattern, **options).sort("_key", maintain_order=True)


# -- what comes ------------------------------------------------------------------------------------


def test_default_arguments(client: gf.Client, raw: redis.Redis) -> None:
    samples = [(0, 0.1), (1500, -2.0), (1_700_000_000_000, 1e300), (1_700_000_000_001, 5e-324)]
    fill(raw, "s", samples)
    frame = client.read_timeseries()
    assert frame.schema == SCHEMA
    assert frame.rows() == [("s", at(time), value) for time, value in samples]


@pytest.mark.parametrize("labels", [None, ["city"]])
def test_each_key_counts_once_whatever_it_is(
    client: gf.Client, raw: redis.Redis, labels: list[str] | None
) -> None:
    fill(raw, "s:1", [(1, 1.0)])
    fill(raw, "s:empty", [])
    raw.set("s:text", "x")
    raw.hset("s:hash", "f", "1")
    keys = ["s:1", "s:empty", "s:text", "s:hash", "s:gone"]
    lf = client.scan_timeseries(keys=keys, labels=labels)
    assert lf.collect().height == 1
    report = gf.reports(lf)[0]
    assert (report.keys_seen, report.keys_read, report.keys_empty) == (5, 1, 1)
    assert (report.keys_of_other_type, report.keys_vanished) == (2, 1)


@pytest.mark.parametrize("labels", [None, ["city"]])
def test_large_and_small_series_as_a_loop_reads_them(
    client: gf.Client, raw: redis.Redis, labels: list[str] | None
) -> None:
    sizes = {"large:1": 9000, "large:2": 4096, "edge": 256, "more": 257}
    sizes |= {f"small:{n}": n % 4 for n in range(300)}
    for place, (key, size) in enumerate(sizes.items()):
        fill(raw, key, irregular(place, size), "city", key[:3])
    frame = read(client, labels=labels)
    if labels:
        expected = frame["_key"].str.head(3)
        assert frame["city"].to_list() == expected.to_list()
        frame = frame.drop("city")
    assert_frame_equal(frame, one_shot(raw, list(sizes)))


def test_options_of_all_scans(client: gf.Client, raw: redis.Redis) -> None:
    fill(raw, "temp:7:in", [(1, 1.5)], "city", "ams")
    raw.pexpire("temp:7:in", 100_000)
    frame = client.read_timeseries(
        key_schema="temp:{id:Int64}:{place}",
        include_ttl=True,
        row_index_name="n",
        timestamp_column="t",
        value_column="v",
        labels=["city", "none"],
    )
    columns = ["n", "_key", "id", "place", "_ttl", "t", "v", "city", "none"]
    assert frame.columns == columns
    row = frame.drop("_ttl").rows()
    assert row == [(0, "temp:7:in", 7, "in", at(1), 1.5, "ams", None)]
    assert 0 < frame["_ttl"].dt.total_milliseconds().item() <= 100_000


@pytest.mark.parametrize("text", [b"+NaN", b"+nan", b",nan", b",inf", b"+-inf", b",1e+300"])
def test_values_that_only_servers_to_come_can_hold(text: bytes) -> None:
    answers = {
        b"HELLO": b"-ERR unknown command\r\n",
        b"SCAN": b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n",
        b"TS.RANGE": b"*1\r\n*2\r\n:7\r\n" + text + b"\r\n",
    }
    with ScriptedServer(by_command(answers)) as server:
        value = gf.read_timeseries(server.url)["value"].item()
    expected = float(text[1:])
    assert value == expected or (value != value and expected != expected)


def test_a_server_that_never_ends_is_an_error() -> None:
    page = b"*%d\r\n" % 256 + b"*2\r\n:7\r\n+1\r\n" * 256
    answers = {
        b"HELLO": b"-ERR unknown command\r\n",
        b"SCAN": b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n",
        b"TS.RANGE": page,
    }
    with (
        ScriptedServer(by_command(answers)) as server,
        pytest.raises(gf.ProtocolError, match="out of order"),
    ):
        gf.read_timeseries(server.url)


# -- ranges ----------------------------------------------------------------------------------------


def test_range_and_count(client: gf.Client, raw: redis.Redis) -> None:
    samples = irregular(1, 3000)
    fill(raw, "s", samples)
    low, high = samples[100][0], samples[2900][0]
    assert_frame_equal(read(client, start=low, end=high), one_shot(raw, ["s"], high, start=low))
    for count in (1, 255, 256, 257, 1500, 5000):
        found = read(client, start=str(low), end=at(high), count=count)
        assert_frame_equal(found, one_shot(raw, ["s"], high, "COUNT", count, start=low))
    between = dt.timedelta(microseconds=1)
    found = read(client, start=at(low) + between, end=at(high) - between)
    assert_frame_equal(found, one_shot(raw, ["s"], high - 1, start=low + 1))
    zone = dt.timezone(dt.timedelta(hours=2))
    same = at(low).replace(tzinfo=dt.UTC).astimezone(zone)
    assert read(client, start=same, count=1)["_ts"].to_list() == [at(low)]


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("bucket", [3, 700, 5000])
def test_pages_of_buckets_are_those_of_one_answer(
    client: gf.Client, raw: redis.Redis, aggregation: str, bucket: int
) -> None:
    samples = irregular(2, 2000)
    fill(raw, "s", samples)
    last = samples[-7][0] + 1
    for start in ("-", 1777, 50_003):  # the latter two within a bucket
        args = ("AGGREGATION", aggregation, bucket)
        found = read(client, start=start, end=last, aggregation=aggregation, bucket=bucket)
        assert_frame_equal(found, one_shot(raw, ["s"], last, *args, start=start))
    found = read(client, count=300, aggregation=aggregation, bucket=bucket)
    assert_frame_equal(found, one_shot(raw, ["s"], "+", "COUNT", 300, *args))


def test_buckets_came_in_pages(client: gf.Client, raw: redis.Redis) -> None:
    samples = [(time, 1.0) for time in range(1, 20_001, 2)]
    fill(raw, "s", samples)
    lf = client.scan_timeseries(start=3, aggregation="COUNT", bucket=dt.timedelta(milliseconds=4))
    with counted(raw) as calls:
        frame = lf.collect()
    assert calls["ts.range"] >= 3
    assert frame["value"].sum() == len(samples) - 1
    assert frame["_ts"].to_list() == [at(time) for time in range(0, 20_000, 4)]


def adding(raw: redis.Redis, n: int) -> None:
    raw.execute_command("TS.ADD", "s", 2 * (n * 7919 % 20_000) + 1, n, "ON_DUPLICATE", "LAST")


def removing(raw: redis.Redis, n: int) -> None:
    odd = 2 * (n * 104_729 % 20_000) + 1
    raw.execute_command("TS.DEL", "s", odd, odd)


def test_samples_that_stay_come_once_while_others_come_and_go(
    client: gf.Client, raw: redis.Redis
) -> None:
    fill(raw, "s", [(time, time / 2) for time in range(0, 40_000, 2)])
    with busy(raw, adding, removing) as changes:
        for _ in range(3):
            frame = client.read_timeseries("s").with_columns(pl.col("_ts").dt.epoch("ms"))
            assert frame["_ts"].is_unique().all()
            stable = frame.filter(pl.col("_ts") % 2 == 0).sort("_ts")
            assert stable["_ts"].to_list() == list(range(0, 40_000, 2))
            assert stable["value"].to_list() == [time / 2 for time in range(0, 40_000, 2)]
    assert changes


# -- pushed down -----------------------------------------------------------------------------------


def test_comparisons_of_the_time_narrow_the_range(client: gf.Client, raw: redis.Redis) -> None:
    fill(raw, "s", [(time, float(time)) for time in range(0, 50_000, 10)])
    lf = client.scan_timeseries().filter(
        (pl.col("_ts") >= at(40_000)) & (pl.col("_ts") < at(40_100))
    )
    assert lf.collect()["value"].to_list() == [float(time) for time in range(40_000, 40_100, 10)]
    report = gf.reports(lf)[0]
    assert (report.rows, report.rows_out) == (11, 10)
    assert "TS.RANGE of each key from 40000 to 40100;" in gf.explain(lf)


@pytest.mark.parametrize(
    "options", [{"count": 100}, {"aggregation": "sum", "bucket": 100}, {"row_index_name": "n"}]
)
def test_not_where_the_range_means_something_else(
    client: gf.Client, raw: redis.Redis, options: dict[str, Any]
) -> None:
    fill(raw, "s", [(time, 1.0) for time in range(0, 5000, 10)])
    lf = client.scan_timeseries(**options)
    narrow = lf.filter(pl.col("_ts") > at(455))
    assert_frame_equal(narrow.collect(), lf.collect().filter(pl.col("_ts") > at(455)))
    assert "TS.RANGE of each key from - to +" in gf.explain(narrow)


def test_commands_are_few(client: gf.Client, raw: redis.Redis) -> None:
    for n in range(300):
        fill(raw, f"s:{n}", [(1, 1.0), (2, 2.0)], "city", "ams")
    with counted(raw) as calls:
        assert client.read_timeseries("s:*", scan_count=1000).height == 600
    assert calls == {"scan": calls["scan"], "ts.range": 300}
    with counted(raw) as calls:
        lf = client.scan_timeseries("s:*", labels=["city"]).filter(pl.col("_key") == "s:7")
        assert lf.collect()["city"].to_list() == ["ams", "ams"]
    assert calls == {"ts.info": 1, "ts.range": 1}
    with counted(raw) as calls:
        lf = client.scan_timeseries("s:*", labels=["city"]).select("_ts").head(3)
        assert lf.collect().height == 3
    assert "ts.info" not in calls
    assert calls["ts.range"] <= 3


def test_pages_are_pipelined(client: gf.Client, raw: redis.Redis) -> None:
    """Small series share round trips: far fewer reads of the socket than keys."""
    for n in range(1000):
        fill(raw, f"s:{n}", [(1, 1.0)])
    lf = client.scan_timeseries("s:*")
    before = raw.info("stats")["total_reads_processed"]
    assert lf.collect().height == 1000
    assert raw.info("stats")["total_reads_processed"] - before < 100


# -- labels ----------------------------------------------------------------------------------------


@pytest.fixture
def labelled(raw: redis.Redis) -> redis.Redis:
    fill(raw, "in:a", [(1, 1.0)], "city", "ams", "kind", "in")
    fill(raw, "out:a", [(1, 2.0)], "city", "ams", "kind", "out")
    fill(raw, "in:b", [(1, 3.0)], "city", "ber")
    fill(raw, "in:c", [(1, 4.0)], "kind", "in")
    raw.set("in:text", "x")
    return raw


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        (["city=ams"], ["in:a", "out:a"]),
        (["city=(ams,ber)"], ["in:a", "in:b", "out:a"]),
        (["city=ams", "kind!=in"], ["out:a"]),
        (["kind=in", "city="], ["in:c"]),
        (["city=(ams,ber)", "kind!="], ["in:a", "out:a"]),
        (["city=none"], []),
    ],
)
def test_filters_by_label(
    client: gf.Client, labelled: redis.Redis, filters: list[str], keys: list[str]
) -> None:
    lf = client.scan_timeseries(filters=filters)
    assert sorted(lf.collect()["_key"]) == keys
    assert gf.reports(lf)[0].commands.get("TS.RANGE", 0) == len(keys)


def test_the_pattern_holds_beside_filters(client: gf.Client, labelled: redis.Redis) -> None:
    lf = client.scan_timeseries("in:*", filters=["city=(ams,ber)"])
    assert sorted(lf.collect()["_key"]) == ["in:a", "in:b"]
    with counted(labelled) as calls:
        one = lf.filter(pl.col("_key") == "in:b")
        assert one.collect()["_key"].to_list() == ["in:b"]
        assert lf.filter(pl.col("_key").str.starts_with("in:a")).collect().height == 1
        named = client.scan_timeseries(keys=["in:b", "in:c", "gone"], filters=["city=ber"])
        assert named.collect()["_key"].to_list() == ["in:b"]
    assert calls == {"ts.queryindex": 3, "ts.range": 3}
    assert gf.reports(named)[0].keys_seen == 1
    text = gf.explain(lf)
    assert "TS.QUERYINDEX city=(ams,ber); of its keys those that match in:*" in text
    assert "SCAN MATCH" not in text
    assert "TS.QUERYINDEX city=(ams,ber); of its keys those that are named (1)" in gf.explain(one)


@pytest.mark.parametrize(
    "pattern",
    ["*", "", "k?y", "k[a-c]y", "k[^a-c]y", "k*y", r"k\*y", "[", "k[c-a]y", "*k*", "k[]y", "**?"],
)
def test_patterns_choose_what_scan_chooses(
    client: gf.Client, raw: redis.Redis, pattern: str
) -> None:
    keys = ["k", "key", "kay", "kdy", "k*y", "ky", "k-y", "xky", "k]y", "["]
    for key in keys:
        fill(raw, key, [(1, 1.0)], "all", "yes")
    found = client.read_timeseries(pattern, filters=["all=yes"])["_key"]
    assert sorted(found) == sorted(key.decode() for key in raw.scan_iter(pattern))


def test_filters_are_asked_when_the_query_runs(client: gf.Client, raw: redis.Redis) -> None:
    lf = client.scan_timeseries(filters=["city=ams"])
    assert lf.collect().height == 0
    fill(raw, "s", [(1, 1.0)], "city", "ams")
    assert lf.collect().height == 1
    raw.delete("s")
    assert lf.collect().height == 0


def test_a_label_that_is_no_text(client: gf.Client, raw: redis.Redis) -> None:
    raw.execute_command("TS.CREATE", "s", "LABELS", "city", b"\xff")
    raw.execute_command("TS.ADD", "s", 1, 1)
    with pytest.raises(gf.DataError, match=r'label "city" of key "s"') as caught:
        client.read_timeseries(labels=["city"])
    assert (caught.value.key, caught.value.field, caught.value.value) == (b"s", "city", b"\xff")
    assert client.read_timeseries(labels=["city"], on_error="null")["city"].to_list() == [None]
    assert client.read_timeseries(labels=["city"], on_error="skip").height == 0


# -- errors ----------------------------------------------------------------------------------------


def test_one_forbidden_series_is_an_error(fresh_server: FreshServer) -> None:
    server = fresh_server("stack74", users=["ann on >secret ~s:* +@all"])
    with redis.Redis.from_url(server.url, protocol=2) as admin:
        for key in ("s:1", "other"):
            fill(admin, key, [(1, 1.0)], "city", "ams")
    client = gf.connect(server.url, username="ann", password="secret")
    assert client.read_timeseries("s:*").height == 1
    for options in ({}, {"filters": ["city=ams"]}, {"labels": ["city"]}):
        with pytest.raises(gf.PermissionDeniedError, match='"other"'):
            client.read_timeseries("*", **options)


def test_a_forbidden_command_is_an_error(fresh_server: FreshServer) -> None:
    server = fresh_server("stack74", users=["ann on >secret ~* +@all -ts.range -ts.queryindex"])
    with redis.Redis.from_url(server.url, protocol=2) as admin:
        fill(admin, "s", [(1, 1.0)], "city", "ams")
    client = gf.connect(server.url, username="ann", password="secret")
    for options, command in (({}, "TS.RANGE"), ({"filters": ["city=ams"]}, "TS.QUERYINDEX")):
        with pytest.raises(gf.PermissionDeniedError, match=command):
            client.read_timeseries(**options)


def test_a_server_without_time_series(url: str, redis_client: redis.Redis) -> None:
    redis_client.set("s", "x")
    with pytest.raises(gf.ReplyError, match="need the module RedisTimeSeries"):
        gf.read_timeseries(url)
    with pytest.raises(gf.ReplyError, match=r"TS.QUERYINDEX.*need the module RedisTimeSeries"):
        gf.read_timeseries(url, filters=["city=ams"])


@pytest.mark.parametrize("answer", [b"-ERR TSDB: broken\r\n", b"+OK\r\n", b"*1\r\n*1\r\n:1\r\n"])
def test_an_answer_that_is_none_never_means_no_rows(answer: bytes) -> None:
    answers = {
        b"HELLO": b"-ERR unknown command\r\n",
        b"SCAN": b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n",
        b"TS.RANGE": answer,
    }
    with ScriptedServer(by_command(answers)) as server, pytest.raises(gf.GearframeError):
        gf.read_timeseries(server.url)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "bad"}, "start is 'bad'; expected '-', a datetime"),
        ({"start": "+"}, "start is"),
        ({"end": "-"}, "end is"),
        ({"start": -1}, "start is -1"),
        ({"end": 2**63}, "end is"),
        ({"start": True}, "start is True"),
        ({"start": 1.5}, "start is 1.5"),
        ({"start": dt.datetime(1969, 12, 31)}, "from 1970 on"),
        ({"count": 0}, "count is 0"),
        ({"aggregation": "avg"}, "give both"),
        ({"bucket": 1000}, "give both"),
        ({"aggregation": "median", "bucket": 1}, "expected one of avg, sum"),
        ({"aggregation": "avg", "bucket": 0}, "bucket is 0"),
        ({"aggregation": "avg", "bucket": True}, "bucket is True"),
        ({"aggregation": "avg", "bucket": dt.timedelta(microseconds=1)}, "whole milliseconds"),
        ({"labels": True}, r"name the labels, as in labels=\['city'\]"),
        ({"labels": "city"}, r"such as \['city'\]"),
        ({"filters": "city=ams"}, r"such as \['city=ams'\]"),
        ({"filters": []}, "one at least"),
        ({"filters": ["city"]}, "'city'; expected 'label=value'"),
        ({"filters": ["=ams"]}, "expected 'label=value'"),
        ({"filters": ["city!=ams"]}, "one at least must say"),
        ({"filters": ["city="]}, "one at least must say"),
        ({"filters": ["a=b"], "pattern": "[a-é]*"}, "only the server knows"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(gf.OptionError, match=message):
        gf.scan_timeseries("redis://localhost:1", **options)


@pytest.mark.parametrize(
    "options",
    [
        {"labels": ["value"]},
        {"labels": ["_key"]},
        {"labels": ["a", "a"]},
        {"timestamp_column": "value"},
        {"value_column": "_key"},
    ],
)
def test_columns_of_one_name(options: dict[str, Any]) -> None:
    with pytest.raises(gf.SchemaError, match=r"column|reserved"):
        gf.scan_timeseries("redis://localhost:1", **options)
