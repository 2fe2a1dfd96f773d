"""Sets as frames: columns, changes while they are read, and what is refused."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.exceptions import DataError, OptionError, SchemaError
from tests.integration.between import before
from tests.integration.commandstats import counted
from tests.integration.whole_runs import commands_in, whole_run


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(url: str, request: pytest.FixtureRequest) -> gf.Client:
    return gf.connect(url, protocol=request.param, retries=0)


def fill(client: redis.Redis, key: str, count: int) -> None:
    script = "for i = 0, ARGV[1] - 1 do redis.call('SADD', KEYS[1], 'm' .. i) end"
    client.eval(script, 1, key, count)


def test_columns_and_their_order(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.sadd("set:a", "1", "2")
    lf = gf.scan_sets(
        client, "*", pl.Int8, member_column="n", key_schema="set:{name}", include_ttl=True,
        row_index_name="row",
    )  # fmt: skip
    frame = lf.collect()
    assert frame.columns == ["row", "_key", "name", "_ttl", "n"]
    assert lf.collect_schema() == frame.schema
    assert frame["row"].to_list() == [0, 1]
    assert sorted(frame.drop("row").rows()) == [("set:a", "a", None, 1), ("set:a", "a", None, 2)]


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 513, 5_000])
def test_every_member_comes_once(client: gf.Client, redis_client: redis.Redis, size: int) -> None:
    fill(redis_client, "texts", size)
    redis_client.sadd("numbers", *range(size))
    frame, report = whole_run(gf.scan_sets(client))
    assert frame.height == 2 * size
    assert frame.unique().height == 2 * size
    assert report.keys_read == 2
    for rows in (1, 100):
        assert gf.scan_sets(client, "texts").head(rows).collect().height == min(rows, size)


def test_other_types_missing_and_repeated_names(
    client: gf.Client, redis_client: redis.Redis
) -> None:
    redis_client.sadd("a", "x")
    redis_client.set("b", "text")
    redis_client.zadd("c", {"x": 1})
    for ttl in (False, True):
        lf = gf.scan_sets(client, keys=["a", "gone", "b", b"a", "c"], include_ttl=ttl)
        frame, report = whole_run(lf)
        assert frame["_key"].to_list() == ["a"]
        assert (report.keys_seen, report.keys_read) == (4, 1)
        assert (report.keys_vanished, report.keys_of_other_type) == (1, 2)


def test_what_is_sent(url: str, redis_client: redis.Redis) -> None:
    for number in range(20):
        redis_client.sadd(f"small:{number}", "x")
    fill(redis_client, "large", 5_000)
    small, large = gf.scan_sets(url, "small:*"), gf.scan_sets(url, "large")
    assert commands_in(small) == [
        "SCAN MATCH small:* COUNT 1000",
        "SRANDMEMBER of up to 4,096 members of each key; SSCAN of larger ones",
    ]
    with counted(redis_client) as calls:
        assert small.select(pl.len()).collect().item() == 20
    assert calls.pop("scan") >= 1
    assert calls == {"srandmember": 20}
    with counted(redis_client) as calls:
        assert large.collect().height == 5_000
    assert calls.pop("scan") >= 1
    assert calls["srandmember"] == 4  # of 64, 256, 1,024 and 4,096 members
    assert set(calls) == {"srandmember", "sscan"}
    with counted(redis_client) as calls:
        assert large.head(3).collect().height == 3
    assert calls.pop("scan") >= 1
    assert calls == {"srandmember": 1}


def test_a_large_set_with_all_rows_that_are_wanted_ends_the_scan(
    client: gf.Client, redis_client: redis.Redis
) -> None:
    """The rest of the keyspace is not searched before a large key is read."""
    redis_client.mset({f"other:{number}": 1 for number in range(20_000)})
    for number in range(200):
        fill(redis_client, f"s:{number}", 2_000)
    with counted(redis_client) as calls:
        assert client.scan_sets("s:*").head(1_000).collect().height == 1_000
    assert calls["scan"] < 20


def test_members_that_are_left_out_cost_no_round_trip_each(
    client: gf.Client, redis_client: redis.Redis
) -> None:
    fill(redis_client, "s", 20_000)
    redis_client.sadd("s", "7")
    lf = client.scan_sets("s", pl.Int64, on_error="skip")
    with counted(redis_client) as calls:
        assert lf.head(1).collect()["member"].to_list() == [7]
    assert calls["sscan"] < 200


def test_a_value_that_does_not_fit(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.sadd("s", "1", "x", "3")
    with pytest.raises(DataError, match='a value of key "s" is "x", which is not Int8'):
        gf.read_sets(client, "*", pl.Int8)
    frame, report = whole_run(gf.scan_sets(client, "*", pl.Int8, on_error="null"))
    assert sorted(frame["member"], key=str) == [1, 3, None]
    assert report.values_nulled == 1
    frame, report = whole_run(gf.scan_sets(client, "*", pl.Int8, on_error="skip"))
    assert sorted(frame["member"]) == [1, 3]
    assert report.rows_skipped == 1


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"pattern": 7}, OptionError, "pattern is 7"),
        ({"member_column": "_key"}, SchemaError, "_key"),
        ({"member_column": 7}, SchemaError, "7"),
        ({"dtype": "Nope"}, SchemaError, "Nope"),
        ({"on_change": "keep"}, TypeError, "on_change"),
        ({"throttle": 0}, OptionError, "throttle"),
        ({"scan_count": 0}, OptionError, "scan_count"),
    ],
)
def test_bad_options(url: str, options: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        gf.scan_sets(url, **options)
    assert text in str(caught.value)


# -- changes between two pieces --------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, 3])
def test_members_come_once_while_the_table_resizes(
    url: str, redis_client: redis.Redis, protocol: int
) -> None:
    # Long members come in many small pieces. On this path SSCAN gives 50 of them twice.
    stable = {f"m{number}" + "x" * 16_000 for number in range(1_500)}
    redis_client.sadd("s", *stable)
    volatile = [f"v{number}" for number in range(16_000)]
    turn = iter(range(10_000))

    def change() -> None:
        if next(turn) % 2 == 0:
            redis_client.sadd("s", *volatile)
        else:
            redis_client.srem("s", *volatile)
            # A table shrinks bit by bit, with each look at it.
            redis_client.smismember("s", [f"w{number}" for number in range(34_000)])

    with before(url, "SSCAN", change, *range(1, 10_000), protocol=protocol) as client:
        frame, _ = whole_run(gf.scan_sets(client, "s"))
    members = frame["member"]
    assert members.n_unique() == members.len()
    assert stable <= set(members)
    assert next(turn) > 10


@pytest.mark.parametrize(
    ("change", "counter"),
    [
        ([("DEL", "s")], "keys_vanished"),
        ([("DEL", "s"), ("SET", "s", "x")], "keys_of_other_type"),
    ],
    ids=["deleted", "another type"],
)
def test_a_set_that_is_gone_after_its_first_answer(
    url: str, redis_client: redis.Redis, change: list[tuple[object, ...]], counter: str
) -> None:
    fill(redis_client, "s", 5_000)
    run = lambda: [redis_client.execute_command(*words) for words in change]  # noqa: E731
    with before(url, "SSCAN", run) as client:
        frame, report = whole_run(gf.scan_sets(client, "s"))
    assert frame.is_empty()
    assert getattr(report, counter) == 1
    # Gone between two pieces: what came is kept, for it was not there all the time.
    redis_client.delete("s")
    fill(redis_client, "s", 5_000)
    with before(url, "SSCAN", run, 2) as client:
        frame, report = whole_run(gf.scan_sets(client, "s"))
    assert 0 < frame.height < 5_000
    assert report.keys_read == 1
