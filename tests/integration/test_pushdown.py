"""What a query asks of the server, counted by the server."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.integration.commandstats import counted

SCHEMA = {"name": pl.String, "age": pl.Int64}


def fill(client: redis.Redis, count: int = 300, **more: str) -> None:
    with client.pipeline(transaction=False) as pipe:
        for i in range(count):
            pipe.hset(f"user:{i}", mapping={"name": f"n{i}", "age": str(i), **more})
        pipe.execute()


@pytest.fixture
def users(url: str, redis_client: redis.Redis) -> pl.LazyFrame:
    fill(redis_client)
    redis_client.set("user:text", "not a hash")
    redis_client.hset("other:1", "name", "x")
    return gf.scan_hashes(url, "user:*", SCHEMA)


# -- projection ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (lambda lf: lf.select(pl.len()), [(300,)]),
        (lambda lf: lf.select(pl.col("_key").n_unique()), [(300,)]),
        (lambda lf: lf.filter(pl.col("_key").str.ends_with("9")).select(pl.len()), [(30,)]),
        (lambda lf: lf.group_by(pl.lit(1)).len().select("len"), [(300,)]),
    ],
)
def test_keys_and_counts_fetch_no_values(
    users: pl.LazyFrame,
    redis_client: redis.Redis,
    select: Callable[[pl.LazyFrame], pl.LazyFrame],
    expected: list[tuple[int]],
) -> None:
    with counted(redis_client) as calls:
        assert select(users).collect().rows() == expected
    assert set(calls) == {"scan"}


def test_only_the_fields_that_are_used_are_fetched(
    users: pl.LazyFrame, redis_client: redis.Redis
) -> None:
    with redis_client.monitor() as monitor:
        assert users.filter(pl.col("age") > 297).select("age").collect().height == 2
        redis_client.echo("end")
        sent = [entry["command"] for entry in until_end(monitor)]
    fetches = [command.split(" ", 2) for command in sent if command.startswith("HMGET")]
    assert {fields for _, _, fields in fetches} == {"age"}
    assert len(fetches) == 301  # the string as well: its type shows only when it is fetched
    assert not any(command.startswith("HGETALL") for command in sent)


def test_fields_that_only_the_predicate_uses(
    users: pl.LazyFrame, redis_client: redis.Redis
) -> None:
    frame = users.filter(pl.col("age") == 7).select("name").collect()
    assert frame.to_dict(as_series=False) == {"name": ["n7"]}


def test_all_fields_by_hgetall(users: pl.LazyFrame, redis_client: redis.Redis) -> None:
    with counted(redis_client) as calls:
        assert users.collect().height == 300
    assert calls["hgetall"] >= 300
    assert "hmget" not in calls


def test_hashes_with_more_fields_by_hmget(url: str, redis_client: redis.Redis) -> None:
    fill(redis_client, extra="x" * 100)
    with counted(redis_client) as calls:
        assert gf.read_hashes(url, "user:*", SCHEMA).height == 300
    assert calls["hmget"] == 300
    assert "hgetall" not in calls


def test_fewer_bytes_for_fewer_columns(url: str, redis_client: redis.Redis) -> None:
    fill(redis_client, extra="x" * 1000)
    lf = gf.scan_hashes(url, "user:*", {**SCHEMA, "extra": pl.String})
    read = {}
    for name, query in {"all": lf, "age": lf.select("age"), "key": lf.select("_key")}.items():
        before = redis_client.info("stats")["total_net_output_bytes"]
        query.collect()
        read[name] = redis_client.info("stats")["total_net_output_bytes"] - before
    assert read["all"] > 300_000
    assert read["key"] < read["age"] < 30_000


def test_a_ttl_alone_fetches_no_values(url: str, redis_client: redis.Redis) -> None:
    fill(redis_client)
    lf = gf.scan_hashes(url, "user:*", SCHEMA, include_ttl=True)
    with counted(redis_client) as calls:
        assert lf.select("_ttl").collect().height == 300
    assert calls["pttl"] == 300
    assert set(calls) == {"scan", "pttl"}


# -- head ------------------------------------------------------------------------------------------


def test_head_reads_a_few_keys(url: str, redis_client: redis.Redis) -> None:
    fill(redis_client, 20_000)
    lf = gf.scan_hashes(url, "user:*", SCHEMA)
    with counted(redis_client) as calls:
        assert lf.head(5).collect().height == 5
    assert calls["hmget"] <= 5
    assert calls["scan"] <= 5
    assert set(calls) == {"scan", "hmget"}


def test_head_of_a_filter_stops_early(url: str, redis_client: redis.Redis) -> None:
    fill(redis_client, 20_000)
    lf = gf.scan_hashes(url, "user:*", SCHEMA, batch_size=200).filter(pl.col("age") >= 0).head(5)
    with counted(redis_client) as calls:
        assert lf.collect().height == 5
    assert calls.get("hmget", 0) + calls.get("hgetall", 0) < 20_000
    (report,) = gf.reports(lf)
    assert not report.finished
    assert 5 <= report.rows_out < 20_000


def test_head_zero_asks_nothing(users: pl.LazyFrame, redis_client: redis.Redis) -> None:
    with counted(redis_client) as calls:
        assert users.head(0).collect().schema == {"_key": pl.String, **SCHEMA}
    assert calls == {}


def test_head_is_not_a_whole_run(users: pl.LazyFrame) -> None:
    lf = users.head(5)
    lf.collect()
    assert [report.finished for report in gf.reports(lf)] == [False]


# -- filters on the key ----------------------------------------------------------------------------

_key = pl.col("_key")


@pytest.mark.parametrize(
    ("where", "found", "hmget"),
    [
        (_key == "user:7", {"user:7"}, 1),
        (pl.lit("user:7") == _key, {"user:7"}, 1),
        (_key.is_in(["user:7", "user:8", "user:x"]), {"user:7", "user:8"}, 3),
        (_key.is_in(["user:7", None]), {"user:7"}, 1),
        (_key.is_in(["user:7", "other:1"]), {"user:7"}, 1),
        ((_key == "user:7") & (pl.col("age") > 3), {"user:7"}, 1),
        ((_key == "user:7") & (pl.col("age") > 30), set(), 1),
        ((_key == "user:7") & _key.is_in(["user:7", "user:8"]), {"user:7"}, 1),
        (_key.is_in(["user:7", "user:81"]) & _key.str.starts_with("user:8"), {"user:81"}, 1),
        (_key == "other:1", set(), 0),
        ((_key == "user:7") & (_key == "user:8"), set(), 0),
        (_key.is_in([]), set(), 0),
    ],
)
def test_named_keys_are_fetched_without_scan(
    users: pl.LazyFrame, redis_client: redis.Redis, where: pl.Expr, found: set[str], hmget: int
) -> None:
    with counted(redis_client) as calls:
        assert set(users.filter(where).collect()["_key"]) == found
    assert "scan" not in calls
    # A key of which nothing is known is looked at a second time.
    assert hmget <= calls.get("hmget", 0) <= 2 * hmget


def test_starts_with_narrows_the_match(users: pl.LazyFrame, redis_client: redis.Redis) -> None:
    with redis_client.monitor() as monitor:
        frame = users.filter(_key.str.starts_with("user:29")).collect()
        redis_client.echo("end")
        sent = [entry["command"] for entry in until_end(monitor)]
    assert frame.height == 11
    assert {c.split(" ")[3] for c in sent if c.startswith("SCAN")} == {"user:29*"}
    assert sum(c.startswith("HMGET") for c in sent) == 11


@pytest.mark.parametrize("prefix", ["a*", "a?", "a[b]", "a\\", "a^", "a-"])
def test_a_prefix_is_literal(url: str, redis_client: redis.Redis, prefix: str) -> None:
    for key in (f"{prefix}1", "ab1", "axx1", "a"):
        redis_client.hset(key, "n", "1")
    lf = gf.scan_hashes(url, "*", {"n": pl.Int8})
    assert lf.filter(_key.str.starts_with(prefix)).collect()["_key"].to_list() == [f"{prefix}1"]
    narrow = lf.filter(_key.str.starts_with(prefix))
    assert gf.reports(narrow)[0].keys_seen == 1


@pytest.mark.parametrize(
    ("pattern", "prefix", "seen"),
    [
        ("user:*", "use", 301),
        ("user:*", "user:1", 111),
        ("user:*", "other", 0),
        ("user:1?", "user:1", 10),
        ("user:[12]", "user:1", 2),
        ("u*:7", "user:", 1),
        ("user:7", "user:", 1),
        ("user:7", "user:7", 1),
        ("user:7", "user:77", 0),
        ("**", "user:1", 111),
    ],
)
def test_a_prefix_and_a_pattern(
    url: str, users: pl.LazyFrame, pattern: str, prefix: str, seen: int
) -> None:
    lf = gf.scan_hashes(url, pattern, SCHEMA).filter(_key.str.starts_with(prefix))
    expected = gf.read_hashes(url, pattern, SCHEMA).filter(_key.str.starts_with(prefix))
    assert sorted(lf.collect().rows()) == sorted(expected.rows())
    assert gf.reports(lf)[0].keys_seen == seen


def test_named_keys_and_filters(url: str, users: pl.LazyFrame, redis_client: redis.Redis) -> None:
    lf = gf.scan_hashes(url, "nothing", SCHEMA, keys=["user:1", "user:2", "user:30"])
    with counted(redis_client) as calls:
        assert lf.filter(_key.is_in(["user:2", "user:5"])).collect()["_key"].to_list() == ["user:2"]
        assert lf.filter(_key.str.starts_with("user:3")).collect()["_key"].to_list() == ["user:30"]
    assert calls == {"hmget": 2}


def test_a_row_index_counts_all_rows(url: str, users: pl.LazyFrame) -> None:
    lf = gf.scan_hashes(url, "user:*", SCHEMA, row_index_name="row", row_index_offset=5)
    frame = lf.collect()
    assert frame["row"].to_list() == list(range(5, 305))
    filtered = lf.filter(_key == "user:7")
    assert filtered.collect().height == 1
    assert "not pushed: (_key == 'user:7'): the row index counts all rows" in gf.explain(filtered)
    assert lf.filter(pl.col("row") < 8).collect()["row"].to_list() == [5, 6, 7]
    assert lf.filter(_key == "user:7").select("age").collect().rows() == [(7,)]


@pytest.mark.parametrize(
    "where",
    [
        _key.is_in(["user:7", "user:8"]) | (pl.col("age") == 9),
        ~_key.is_in(["user:7"]),
        _key != "user:7",
        _key.ne_missing("user:7"),
        _key.eq_missing("user:7"),
        _key == pl.col("name"),
        pl.lit("user:77").str.starts_with(_key),
        (_key == "user:7").not_(),
        (_key == "user:7").is_null(),
        (_key == "user:7").fill_null(True),
        _key.str.starts_with(pl.col("name")),
        _key.str.to_uppercase() == "USER:7",
        _key.str.starts_with(""),
        _key.is_in([None, "user:3"], nulls_equal=True),
        _key == pl.lit(None, pl.String),
        _key.cast(pl.Binary) == b"user:7",
        (_key == "user:7") ^ (pl.col("age") == 8),
        pl.when(_key == "user:7").then(pl.lit(False)).otherwise(pl.lit(True)),
        pl.all_horizontal(_key == "user:7", pl.col("age") == 7),
        pl.any_horizontal(_key == "user:7", pl.col("age") == 8),
        _key.is_between(pl.lit("user:1"), pl.lit("user:2")),
    ],
    ids=str,
)
def test_predicates_that_look_like_key_filters(users: pl.LazyFrame, where: pl.Expr) -> None:
    expected = sorted(users.collect().filter(where).rows())
    assert sorted(users.filter(where).collect().rows()) == expected


def test_a_field_with_an_empty_name_is_no_key(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("a", "", "x")
    lf = gf.scan_hashes(url, "*", {"": pl.String}, include_key=False)
    assert lf.filter(pl.col("") == "x").collect().rows() == [("x",)]


def test_another_key_column(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("a", "_key", "b")
    lf = gf.scan_hashes(url, "*", {"_key": pl.String}, key_column="id")
    assert lf.filter(_key == "b").collect().rows() == [("a", "b")]
    with counted(redis_client) as calls:
        assert lf.filter(pl.col("id") == "a").collect().rows() == [("a", "b")]
    assert calls == {"hmget": 1}


def test_binary_keys(url: str, redis_client: redis.Redis) -> None:
    keys = [b"\xff\x00a", b"\xff\x00b", b"plain"]
    for key in keys:
        redis_client.hset(key, "n", "1")
    lf = gf.scan_hashes(url, "*", {"n": pl.Int8}, key_dtype=pl.Binary)
    assert sorted(lf.collect()["_key"]) == sorted(keys)
    with counted(redis_client) as calls:
        assert lf.filter(_key == b"\xff\x00a").collect().rows() == [(b"\xff\x00a", 1)]
        assert lf.filter(_key.is_in([b"plain", b"\xff"])).collect().rows() == [(b"plain", 1)]
    assert "scan" not in calls
    # Polars' node view shows no function of `bin`, so this one is not pushed.
    assert sorted(lf.filter(_key.bin.starts_with(b"\xff\x00")).collect()["_key"]) == keys[:2]


def until_end(monitor: redis.client.Monitor) -> list[dict[str, str]]:
    entries = []
    for entry in monitor.listen():
        if entry["command"].startswith("ECHO"):
            return entries
        entries.append(entry)
    return entries


def test_a_hash_with_other_fields_ends_hgetall(url: str, redis_client: redis.Redis) -> None:
    fill(redis_client, 2000)
    redis_client.hset("user:1", "extra", "x" * 1000)
    # The sample is every 125th key, so it does not see the second.
    lf = gf.scan_hashes(url, schema=SCHEMA, keys=[f"user:{i}" for i in range(2000)])
    assert lf.collect().height == 2000
    commands = gf.reports(lf)[0].commands
    assert 64 <= commands["HGETALL"] < 1000
    assert commands["HGETALL"] + commands["HMGET"] == 2000


def test_a_filter_of_thousands_of_terms(users: pl.LazyFrame) -> None:
    # Polars alone takes seconds for it.
    either = pl.col("age") == 0
    for i in range(1, 2000):
        either = either | (pl.col("age") == 1000 + i)
    assert users.filter(either).collect()["_key"].to_list() == ["user:0"]


def test_thousands_of_filters(users: pl.LazyFrame) -> None:
    both = pl.col("age") >= 0
    for i in range(1, 2000):
        both = both & (pl.col("age") != 1000 + i)
    assert users.filter(both).select(pl.len()).collect().item() == 300


def test_a_null_that_equals_a_null_is_not_pushed(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("user:1", "age", 1)
    redis_client.hset(b"user:\xff", "age", 2)
    lf = gf.scan_hashes(url, "user:*", {"age": pl.Int64}, on_error="null")
    where = pl.col("_key").is_in(["user:1", None], nulls_equal=True)
    assert sorted(lf.filter(where).collect()["age"]) == [1, 2]
