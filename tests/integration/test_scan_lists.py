"""Lists as frames: columns, ranges, what is pushed down, and what is refused."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.exceptions import DataError, KeyChangedError, OptionError, SchemaError
from tests.integration.between import before
from tests.integration.commandstats import counted
from tests.integration.whole_runs import commands_in, whole_run

LONG = 10_000
POSITION = pl.col("position")


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(url: str, request: pytest.FixtureRequest) -> gf.Client:
    return gf.connect(url, protocol=request.param, retries=0)


def push(client: redis.Redis, key: str, count: int) -> None:
    client.eval(
        "for i = 0, ARGV[1] - 1 do redis.call('RPUSH', KEYS[1], i) end", 1, key, count
    )  # fmt: skip


def test_columns_and_their_order(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.rpush("list:7:eu", "1", "2")
    redis_client.pexpire("list:7:eu", 100_000)
    lf = gf.scan_lists(
        client, "*", pl.Int8, include_position=True, position_column="at", element_column="n",
        key_column="key", key_schema="list:{id:Int64}:{region}", include_ttl=True,
        ttl_column="left",
        row_index_name="row", row_index_offset=3,
    )  # fmt: skip
    frame = lf.collect()
    assert list(frame.schema.items())[1:] == [
        ("key", pl.String), ("id", pl.Int64), ("region", pl.String), ("left", pl.Duration("ms")),
        ("at", pl.UInt64), ("n", pl.Int8),
    ]  # fmt: skip
    assert lf.collect_schema() == frame.schema
    assert frame.drop("left").rows() == [
        (3, "list:7:eu", 7, "eu", 0, 1),
        (4, "list:7:eu", 7, "eu", 1, 2),
    ]
    assert frame["left"].dt.total_milliseconds().is_between(1, 100_000).all()


def test_other_types_missing_and_repeated_names(
    client: gf.Client, redis_client: redis.Redis
) -> None:
    redis_client.rpush("a", "x", "y")
    redis_client.set("b", "text")
    redis_client.sadd("c", "member")
    keys = ["a", "gone", "b", b"a", "c"]
    for options in (
        {},
        {"include_ttl": True},
        {"start": -2},
        {"start": 1, "include_position": True},
    ):
        lf = gf.scan_lists(client, keys=keys, **options)  # type: ignore[arg-type]
        frame, report = whole_run(lf)
        assert set(frame["_key"]) == {"a"}
        assert (report.keys_seen, report.keys_read) == (4, 1)
        assert report.keys_of_other_type == 2
        assert report.keys_vanished + report.keys_empty == 1
    _, report = whole_run(gf.scan_lists(client))
    assert (report.keys_seen, report.keys_read, report.keys_of_other_type) == (3, 1, 2)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, -1), (2, 5), (-5, -2), (-5, -1), (-20_000, 3), (9_990, 20_000), (5, 2), (10_000, -1),
        (-1_000, -1), (-1_000, -500), (0, -2), (4_000, -2), (-9_999, 9_998), (2**62, 2**63 - 1),
        (-(2**63), 2**63 - 1), (-(2**63), -(2**63)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows", [None, 1, 7, 300])
def test_ranges_and_the_head_of_ranges(
    url: str, redis_client: redis.Redis, start: int, end: int, rows: int | None
) -> None:
    # A head asks for so few elements that the first answer may lie outside of the range.
    push(redis_client, "long", LONG)
    push(redis_client, "short", 10)
    for key in ("long", "short"):
        expected = [int(n) for n in redis_client.lrange(key, start, end)][:rows]
        lf = gf.scan_lists(url, key, pl.Int64, start=start, end=end, include_position=True)
        lf = lf if rows is None else lf.head(rows)
        assert lf.collect().rows() == [(key, n, n) for n in expected]
        assert lf.select("element").collect()["element"].to_list() == expected


def test_head_of_a_long_list_asks_for_few_elements(url: str, redis_client: redis.Redis) -> None:
    redis_client.eval(
        "for i = 1, 1000 do local t = {} for j = 1, 1000 do t[j] = j end "
        "redis.call('RPUSH', 'million', unpack(t)) end", 0
    )  # fmt: skip
    lf = gf.scan_lists(url, "million", pl.Int64, include_position=True)
    with redis_client.monitor() as monitor:
        assert lf.head(5).collect().height == 5
        redis_client.echo("end")
        sent = []
        for entry in monitor.listen():
            if entry["command"].startswith("ECHO"):
                break
            sent.append(entry["command"])
    assert [text for text in sent if not text.startswith(("SCAN", "HELLO", "CLIENT"))] == [
        "LRANGE million 0 4"
    ]


@pytest.mark.parametrize(
    ("where", "asked"),
    [
        (POSITION < 3, "0 3"),
        (POSITION <= 3, "0 3"),
        (POSITION == 9_000, "9000 9000"),
        (pl.lit(9_990) <= POSITION, "9990 10245"),
        (POSITION.is_between(100, 102), "100 102"),
        ((POSITION >= 5) & (POSITION < 7), "5 7"),
    ],
)
def test_a_filter_on_the_position_narrows_the_range(
    url: str, redis_client: redis.Redis, where: pl.Expr, asked: str
) -> None:
    push(redis_client, "long", LONG)
    lf = gf.scan_lists(url, "long", pl.Int64, include_position=True)
    expected = pl.DataFrame({"position": range(LONG)}).filter(where)["position"].to_list()
    narrowed = lf.filter(where)
    with counted(redis_client) as calls:
        assert narrowed.collect()["element"].to_list() == expected
    assert calls.pop("scan") >= 1
    assert calls == {"lrange": 1}
    text = " ".join(f"{int(place):,}" for place in asked.split())
    if not asked.startswith("9990"):
        assert any(f"places {text.replace(' ', ' to ')}" in line for line in commands_in(narrowed))
    # Elements that are not in the range have no need to be numbers.
    redis_client.lset("long", 5_000, "no number")
    assert narrowed.collect()["element"].to_list() == expected


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"row_index_name": "row"}, "the row index counts all rows"),
        ({"start": -100}, "the range asked for cannot be joined with it"),
        ({"end": -3}, "the range asked for cannot be joined with it"),
    ],
)
def test_ranges_that_no_filter_may_narrow(
    url: str, redis_client: redis.Redis, options: dict[str, Any], reason: str
) -> None:
    push(redis_client, "list", 200)
    lf = gf.scan_lists(url, "list", pl.Int64, include_position=True, **options)
    where = POSITION.is_between(150, 198)
    expected = lf.collect().filter(where)
    assert expected.height > 20
    assert lf.filter(where).collect().equals(expected)
    assert reason in gf.explain(lf.filter(where))


def test_a_position_that_cannot_be(url: str, redis_client: redis.Redis) -> None:
    push(redis_client, "list", 10)
    lf = gf.scan_lists(url, "list", pl.Int64, include_position=True)
    for where in (POSITION < 0, POSITION == -1, POSITION > 2**63, POSITION == 1.5):
        assert lf.filter(where).collect().height == 0
    assert lf.filter(POSITION >= -5).collect().height == 10


def test_the_plan_is_what_is_sent(url: str, redis_client: redis.Redis) -> None:
    push(redis_client, "list", 4_200)
    lf = gf.scan_lists(url, "l*")
    assert commands_in(lf) == [
        "SCAN MATCH l* COUNT 1000",
        "LRANGE of each key, all places; more than fit into one answer (up to 4,096 elements) "
        "in windows under WATCH",
    ]
    with counted(redis_client) as calls:
        lf.collect()
    assert {name for name in calls if name != "scan"} == {
        "lrange", "watch", "llen", "multi", "exec",
    }  # fmt: skip
    report = gf.reports(lf)[0]
    assert report.commands["LRANGE"] == calls["lrange"]


def test_elements_that_are_left_out_cost_no_round_trip_each(
    client: gf.Client, redis_client: redis.Redis
) -> None:
    redis_client.rpush("l", *["x"] * LONG, 7)
    lf = client.scan_lists("l", pl.Int64, on_error="skip")
    with counted(redis_client) as calls:
        assert lf.head(1).collect()["element"].to_list() == [7]
    assert calls["lrange"] < 100


@pytest.mark.parametrize("text", ["x", "1.5", "128", ""])
def test_a_value_that_does_not_fit(client: gf.Client, redis_client: redis.Redis, text: str) -> None:
    redis_client.rpush("numbers", "1", text, "3")
    lf = gf.scan_lists(client, "*", pl.Int8)
    with pytest.raises(DataError) as caught:
        lf.collect()
    assert f'a value of key "numbers" is "{text}", which is not Int8' in str(caught.value)
    assert caught.value.key == b"numbers"
    nulled, report = whole_run(gf.scan_lists(client, "*", pl.Int8, on_error="null"))
    assert nulled["element"].to_list() == [1, None, 3]
    assert report.values_nulled == 1
    skipped = gf.scan_lists(client, "*", pl.Int8, on_error="skip", include_position=True)
    frame, report = whole_run(skipped)
    assert frame["position"].to_list() == [0, 2]
    assert (report.rows, report.rows_skipped) == (2, 1)
    assert skipped.head(2).collect()["element"].to_list() == [1, 3]


def test_bytes(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.rpush(b"\xff", b"\x00\xff\r\n", b"")
    frame = gf.read_lists(client, "*", pl.Binary, key_dtype=pl.Binary)
    assert frame.rows() == [(b"\xff", b"\x00\xff\r\n"), (b"\xff", b"")]
    with pytest.raises(DataError, match="the name of key"):
        gf.read_lists(client, "*", pl.Binary)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"start": "1"}, OptionError, "start is '1'; expected a whole number of 64 bits"),
        ({"end": True}, OptionError, "end is True"),
        ({"end": 2**63}, OptionError, "below 0 from the end"),
        ({"start": 1.0}, OptionError, "start is 1.0"),
        ({"on_change": "ignore"}, OptionError, "on_change is 'ignore'; expected 'raise' or 'keep'"),
        ({"on_error": "ignore"}, OptionError, "expected 'raise', 'null' or 'skip'"),
        ({"keys": "list"}, OptionError, "expected a list of keys"),
        ({"keys": [1]}, OptionError, "expected texts or bytes"),
        ({"batch_size": 0}, OptionError, "batch_size is 0"),
        ({"dtype": pl.Object}, SchemaError, "Object"),
        ({"element_column": "_key"}, SchemaError, "_key"),
        ({"element_column": "_ttl"}, SchemaError, "_ttl"),
        ({"element_column": None}, SchemaError, "None"),
        ({"element_column": "row", "row_index_name": "row"}, SchemaError, "row"),
        ({"include_position": True, "position_column": "element"}, SchemaError, "two columns"),
        ({"include_position": True, "position_column": "_key"}, SchemaError, "_key"),
        ({"key_dtype": pl.Int64}, SchemaError, "expected pl.String or pl.Binary"),
        ({"member_column": "x"}, TypeError, "unexpected keyword argument 'member_column'"),
    ],
)
def test_bad_options(url: str, options: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        gf.scan_lists(url, "*", **options)
    assert text in str(caught.value)


# -- changes between two windows -------------------------------------------------------------------

CHANGES: dict[str, list[tuple[object, ...]]] = {
    "pushed in front": [("LPUSH", "list", "new")],
    "pushed behind": [("RPUSH", "list", "new")],
    "popped": [("LPOP", "list")],
    "set": [("LSET", "list", 0, "new")],
    "trimmed": [("LTRIM", "list", 0, 10)],
    "deleted": [("DEL", "list")],
    "another type": [("DEL", "list"), ("SADD", "list", "x")],
    "pushed and popped": [("LPUSH", "list", "new"), ("LPOP", "list")],
}


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_list_that_changes_between_two_windows(
    url: str, redis_client: redis.Redis, change: list[tuple[object, ...]], protocol: int
) -> None:
    push(redis_client, "list", 5_000)
    run = lambda: [redis_client.execute_command(*words) for words in change]  # noqa: E731
    # Four pages ask for more and more elements; the fifth LRANGE stands behind WATCH.
    with before(url, "LRANGE", run, 5, protocol=protocol) as client:
        lf = gf.scan_lists(client, "list")
        with pytest.raises(KeyChangedError) as caught:
            lf.collect()
        assert 'key "list" was changed while its 5000 elements were read' in str(caught.value)
        assert 'on_change="keep"' in str(caught.value)
    redis_client.delete("list")
    push(redis_client, "list", 5_000)
    with before(url, "LRANGE", run, 5, protocol=protocol) as client:
        _, report = whole_run(gf.scan_lists(client, "list", on_change="keep"))
        assert report.keys_changed == 1


@pytest.mark.parametrize(
    ("change", "counter"),
    [
        ([("DEL", "list")], "keys_vanished"),
        ([("DEL", "list"), ("SADD", "list", "x")], "keys_of_other_type"),
    ],
    ids=["deleted", "another type"],
)
def test_a_list_that_is_gone_before_it_is_watched(
    url: str, redis_client: redis.Redis, change: list[tuple[object, ...]], counter: str
) -> None:
    push(redis_client, "list", 5_000)
    run = lambda: [redis_client.execute_command(*words) for words in change]  # noqa: E731
    with before(url, "WATCH", run) as client:
        frame, report = whole_run(gf.scan_lists(client, "list"))
    assert frame.is_empty()
    assert getattr(report, counter) == 1


def test_a_change_of_another_list_does_not_matter(url: str, redis_client: redis.Redis) -> None:
    push(redis_client, "list", 5_000)
    with before(url, "LRANGE", lambda: redis_client.rpush("other", "x"), 5) as client:
        assert gf.read_lists(client, "list", pl.Int64)["element"].to_list() == list(range(5_000))
