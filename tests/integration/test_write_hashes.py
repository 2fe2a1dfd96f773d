"""Frames written as hashes, on real servers."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.servers.faults import CutAt
from tests.servers.fixtures import FreshServer
from tests.servers.patience import PATIENCE, wait_until
from tests.servers.proxy import FaultProxy

USERS = pl.DataFrame({"_key": ["u:1", "u:2"], "name": ["Ann", None], "age": [41, 37]})


def test_each_row_is_a_hash_and_nulls_make_no_field(url: str, redis_client: redis.Redis) -> None:
    report = gf.write_hashes(USERS, url)
    assert (report.written, report.skipped, report.failed, report.ok) == (2, 0, {}, True)
    assert redis_client.hgetall("u:1") == {b"name": b"Ann", b"age": b"41"}
    assert redis_client.hgetall("u:2") == {b"age": b"37"}
    assert report.commands == {"MULTI/EXEC": 2, "DEL": 2, "HSET": 2}
    assert str(report).startswith("2 keys written; ")


def test_columns_without_a_dtype(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame(
        {
            "_key": ["u:1"],
            "age": [41],
            "none": [None],
            "list": [[None, None]],
            "struct": pl.Series(
                [{"a": None, "n": 2**100}], dtype=pl.Struct({"a": pl.Null, "n": pl.Int128})
            ),
        }
    )
    assert gf.write_hashes(frame, url).written == 1
    assert redis_client.hgetall("u:1") == {
        b"age": b"41",
        b"list": b"[null,null]",
        b"struct": b'{"a":null,"n":%d}' % 2**100,
    }


def test_columns_that_are_called_like_patterns(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"^k$": ["u:1"], "a": [1], "^a$": [2], "*": [2**100], "^t$": [50]})
    for each in (frame, frame.lazy()):
        assert gf.write_hashes(each, url, key="^k$", ttl="^t$").written == 1
        assert redis_client.hgetall("u:1") == {b"a": b"1", b"^a$": b"2", b"*": b"%d" % 2**100}
        assert 10 < redis_client.ttl("u:1") <= 50
    with pytest.raises(gf.OptionError, match="is there more than once"):
        gf.write_hashes(pl.concat([frame, frame]), url, key="^k$")
    nulls = pl.Series(["u:1", None])
    with pytest.raises(gf.OptionError, match="row 1: the key"):
        gf.write_hashes(pl.concat([frame, frame]).with_columns(nulls.alias("^k$")), url, key="^k$")


def test_replace_leaves_nothing_of_what_was_there(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("u:1", "old", "1")
    redis_client.expire("u:1", 100)
    redis_client.rpush("u:2", "a list")
    assert gf.write_hashes(USERS, url).written == 2
    assert redis_client.hgetall("u:1") == {b"name": b"Ann", b"age": b"41"}
    assert redis_client.ttl("u:1") == -1
    assert redis_client.hgetall("u:2") == {b"age": b"37"}


def test_fail_names_the_keys_that_exist(url: str, redis_client: redis.Redis) -> None:
    redis_client.set("u:2", "mine")
    with pytest.raises(gf.WriteError, match=r"1 of 2 keys were not written: 'u:2': exists") as e:
        gf.write_hashes(USERS, url, if_exists="fail")
    assert e.value.report is not None
    assert e.value.report.written == 1
    assert e.value.report.failed == {b"u:2": "exists already"}
    assert redis_client.get("u:2") == b"mine"
    again = gf.write_hashes(USERS, url, if_exists="fail", on_failure="report")
    assert again.to_frame().rows() == [(b"u:1", "exists already"), (b"u:2", "exists already")]


def test_append_adds_fields(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("u:1", mapping={"old": "1", "age": "2"})
    assert gf.write_hashes(USERS, url, if_exists="append").written == 2
    assert redis_client.hgetall("u:1") == {b"old": b"1", b"name": b"Ann", b"age": b"41"}


@pytest.mark.parametrize("if_exists", ["replace", "fail", "append"])
@pytest.mark.parametrize(
    "ttl",
    [100, timedelta(seconds=100), "ttl", "span"],
    ids=["seconds", "timedelta", "column", "duration"],
)
def test_ttl(url: str, redis_client: redis.Redis, if_exists: Any, ttl: Any) -> None:
    frame = pl.DataFrame(
        {
            "_key": ["a", "b"],
            "n": [1, 2],
            "ttl": [100, None],
            "span": [timedelta(seconds=100), None],
        }
    )
    report = gf.write_hashes(frame, url, if_exists=if_exists, ttl=ttl, columns=["n"])
    assert report.written == 2
    assert 50_000 < redis_client.pttl("a") <= 100_000
    expected = -1 if isinstance(ttl, str) else pytest.approx(100, abs=40)
    assert redis_client.ttl("b") == expected
    assert redis_client.hgetall("a") == {b"n": b"1"}


def test_the_ttl_column_is_no_field(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"_key": ["a"], "n": [1], "_ttl": [900]})
    gf.write_hashes(frame, url)
    assert redis_client.hgetall("a") == {b"n": b"1", b"_ttl": b"900"}
    gf.write_hashes(frame, url, ttl="_ttl", key_prefix="x:")
    assert redis_client.hgetall("x:a") == {b"n": b"1"}


def test_times_that_were_read_are_not_written_as_values(
    url: str, redis_client: redis.Redis
) -> None:
    redis_client.hset("a", "n", "1")
    redis_client.expire("a", 100)
    frame = gf.read_hashes(url, "*", {"n": pl.Int64}, include_ttl=True)
    redis_client.flushdb()
    for both in (frame, frame.lazy()):
        with pytest.raises(
            gf.SchemaError, match="'_ttl', and they would be written as values: give"
        ):
            gf.write_hashes(both, url)
        with pytest.raises(
            gf.SchemaError, match="'_ttl', and they would be written as values: give"
        ):
            gf.write_json(both, url)
    assert redis_client.dbsize() == 0
    gf.write_hashes(frame, url, ttl="_ttl")
    assert redis_client.ttl("a") == pytest.approx(100, abs=40)
    gf.write_hashes(frame, url, columns=["n", "_ttl"])
    assert redis_client.hkeys("a") == [b"n", b"_ttl"]


def test_the_key_can_be_a_field_too(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"id": ["a"], "ttl": [900]})
    assert gf.write_hashes(frame, url, key="id", ttl="ttl", columns=["id", "ttl"]).written == 1
    assert redis_client.hgetall("a") == {b"id": b"a", b"ttl": b"900"}
    assert redis_client.ttl("a") == pytest.approx(900, abs=100)


@pytest.mark.parametrize("ttl", [None, 100])
def test_a_wrong_type_does_not_stop_its_neighbours(
    url: str, redis_client: redis.Redis, ttl: int | None
) -> None:
    redis_client.set("k:500", "text")
    frame = pl.DataFrame({"_key": [f"k:{i}" for i in range(1000)], "n": range(1000)})
    report = gf.write_hashes(frame, url, if_exists="append", ttl=ttl, on_failure="report")
    assert report.written == 999
    assert list(report.failed) == [b"k:500"]
    assert report.failed[b"k:500"].startswith("WRONGTYPE")
    assert (redis_client.get("k:500"), redis_client.ttl("k:500")) == (b"text", -1)
    assert redis_client.ttl("k:501") == (-1 if ttl is None else pytest.approx(100, abs=40))


def test_rows_of_nulls(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("a", "old", "1")
    frame = pl.DataFrame({"_key": ["a", "b"], "n": [None, 1]})
    for if_exists in ("replace", "fail"):
        redis_client.delete("b")
        report = gf.write_hashes(frame, url, if_exists=if_exists, on_failure="report")  # type: ignore[arg-type]
        assert report.failed == {b"a": "all fields are null: Redis has no empty hash"}
        assert report.written == 1
    assert redis_client.hgetall("a") == {b"old": b"1"}
    report = gf.write_hashes(frame, url, if_exists="append")
    assert (report.written, report.skipped) == (1, 1)


def test_out_of_memory_leaves_the_old_value(fresh_server: FreshServer) -> None:
    server = fresh_server(maxmemory="3mb", maxmemory_policy="noeviction")
    with redis.Redis.from_url(server.url) as client:
        client.hset("k:0", "old", "1")
        client.config_set("maxmemory", "1kb")
        frame = pl.DataFrame({"_key": [f"k:{i}" for i in range(300)], "n": range(300)})
        report = gf.write_hashes(frame, server.url, on_failure="report")
        assert report.written == 0
        assert len(report.failed) == 300
        assert report.failed[b"k:0"].startswith("OOM")
        assert client.hgetall("k:0") == {b"old": b"1"}


@pytest.mark.parametrize("if_exists", ["replace", "fail", "append"])
def test_forbidden_keys_do_not_stop_the_others(fresh_server: FreshServer, if_exists: Any) -> None:
    server = fresh_server(users=["writer on >secret ~ok:* +@all"])
    frame = pl.DataFrame(
        {"_key": [f"{'no' if i % 70 == 5 else 'ok'}:{i}" for i in range(400)], "n": range(400)}
    )
    url = server.url.replace("redis://", "redis://writer:secret@")
    report = gf.write_hashes(frame, url, if_exists=if_exists, on_failure="report")
    assert report.written == 394
    assert all(key.startswith(b"no:") for key in report.failed)
    assert all(reason.startswith("NOPERM") for reason in report.failed.values())


def test_without_multi_nothing_is_sent(fresh_server: FreshServer) -> None:
    server = fresh_server(users=["writer on >secret ~* +@all -multi"])
    with redis.Redis.from_url(server.url) as client:
        client.hset("u:1", "old", "1")
        with pytest.raises(gf.PermissionDeniedError):
            gf.write_hashes(USERS, server.url.replace("redis://", "redis://writer:secret@"))
        assert client.hgetall("u:1") == {b"old": b"1"}


def test_a_replica_refuses(fresh_server: FreshServer) -> None:
    server = fresh_server()
    with redis.Redis.from_url(server.url) as client:
        client.replicaof("127.0.0.1", "1")
        client.config_set("replica-serve-stale-data", "yes")
        report = gf.write_hashes(USERS, server.url, on_failure="report")
    assert report.written == 0
    assert all(reason.startswith("READONLY") for reason in report.failed.values())


@pytest.mark.parametrize(
    ("frame", "options", "error", "message"),
    [
        ({"_key": ["a", None], "n": [1, 2]}, {}, gf.OptionError, "row 1: the key .* is null"),
        (
            {"_key": ["a", "b", "a"], "n": [1, 2, 3]},
            {},
            gf.OptionError,
            "'a' is there more",
        ),
        ({"_key": ["a"], "n": [1]}, {"ttl": 0}, gf.OptionError, "ttl is 0"),
        ({"_key": ["a"], "n": [1]}, {"ttl": timedelta(0)}, gf.OptionError, "ttl is "),
        (
            {"_key": ["a", "b"], "t": [9, -1], "n": [1, 2]},
            {"ttl": "t"},
            gf.OptionError,
            "row 1: .*'b'",
        ),
        ({"_key": [1], "n": [1]}, {}, gf.SchemaError, "key column '_key' is Int64"),
        ({"_key": ["a"], "n": [object()]}, {}, gf.SchemaError, "column 'n': Object cannot"),
        ({"_key": ["a"], "n": [[b"x"]]}, {}, gf.SchemaError, "Binary inside of List"),
        ({"_key": ["a"], "n": [1]}, {"key": "k"}, gf.SchemaError, "no column 'k'.*key="),
        ({"_key": ["a"], "n": [1]}, {"ttl": "t"}, gf.SchemaError, "no column 't'"),
        ({"_key": ["a"]}, {}, gf.SchemaError, "no column to make fields of"),
        ({"_key": ["a"], "n": [1]}, {"if_exists": "skip"}, gf.OptionError, "if_exists is 'skip'"),
        ({"_key": ["a"], "n": [1]}, {"on_failure": "x"}, gf.OptionError, "on_failure is 'x'"),
        ({"_key": ["a"], "n": [1]}, {"key": 1}, gf.OptionError, "key is 1; expected the name"),
        ({"_key": ["a"], "n": [1]}, {"key_prefix": "\ud800"}, gf.OptionError, "as UTF-8"),
        ({"_key": ["a"], "n": [1]}, {"batch_size": True}, gf.OptionError, "batch_size is True"),
        ({"_key": ["a"], "n": [1]}, {"batch_size": 2**70}, gf.OptionError, "batch_size is 1180"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    redis_client: redis.Redis,
    url: str,
    frame: dict[str, list[Any]],
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        gf.write_hashes(pl.DataFrame(frame), url, **options)
    assert redis_client.dbsize() == 0


def test_an_empty_frame(url: str) -> None:
    assert gf.write_hashes(USERS.clear(), url).written == 0
    assert gf.write_hashes(USERS.clear().lazy(), url).written == 0


def test_a_lazy_frame_is_streamed(url: str, redis_client: redis.Redis) -> None:
    lf = pl.LazyFrame({"i": range(10_000)}).select(
        _key=pl.format("k:{}", "i"), n="i", unused=pl.lit(1)
    )
    report = gf.write_hashes(lf, url, columns=["n"], batch_size=1000)
    assert report.written == 10_000
    assert redis_client.hgetall("k:9999") == {b"n": b"9999"}


def test_a_lazy_frame_finds_duplicates_on_its_way(url: str, redis_client: redis.Redis) -> None:
    lf = pl.LazyFrame({"_key": ["a", "b", "a"], "n": [1, 2, 3]})
    report = gf.write_hashes(lf, url, on_failure="report")
    assert report.written == 2
    assert report.failed == {b"a": "the frame has this key twice"}
    assert redis_client.hgetall("a") == {b"n": b"1"}


def test_a_lazy_frame_with_a_null_key_says_what_was_written(url: str) -> None:
    lf = pl.LazyFrame({"_key": ["a", None], "n": [1, 2]})
    with pytest.raises(gf.WriteError, match="the key in column '_key' is null") as e:
        gf.write_hashes(lf, url, on_failure="report")
    assert e.value.report is not None
    assert isinstance(e.value.__cause__, gf.OptionError)


def test_a_value_that_has_no_text_fails_alone(url: str, redis_client: redis.Redis) -> None:
    days = pl.Series("day", [0, 5_000_000], dtype=pl.Int32).cast(pl.Date)
    frame = pl.DataFrame({"_key": ["a", "b"], "day": days})
    report = gf.write_hashes(frame, url, on_failure="report")
    assert report.failed == {
        b"b": 'the value of column "day" lies outside of the years -9999 to 9999'
    }
    assert redis_client.hgetall("a") == {b"day": b"1970-01-01"}


def test_keys_that_others_create_meanwhile_are_theirs(url: str) -> None:
    frame = pl.DataFrame({"_key": [f"k:{i}" for i in range(5000)], "n": ["ours"] * 5000})
    started, stop = threading.Event(), threading.Event()

    def create() -> None:
        with redis.Redis.from_url(url) as client:
            while not stop.is_set():
                for i in range(0, 5000, 7):
                    client.hsetnx(f"k:{i}", "n", "theirs")
                    started.set()

    thread = threading.Thread(target=create)
    thread.start()
    started.wait()
    try:
        report = gf.write_hashes(frame, url, if_exists="fail", on_failure="report")
    finally:
        stop.set()
        thread.join()
    assert report.written + len(report.failed) == 5000
    assert set(report.failed.values()) == {"exists already"}
    with redis.Redis.from_url(url) as client:
        theirs = {key for key in client.scan_iter("k:*") if client.hget(key, "n") == b"theirs"}
    assert theirs == set(report.failed)


@pytest.mark.parametrize("if_exists", ["replace", "fail", "append"])
@pytest.mark.parametrize("offset", [0, 1000, 20_000])
def test_a_lost_connection_accounts_for_every_row(url: str, if_exists: Any, offset: int) -> None:
    frame = pl.DataFrame({"_key": [f"k:{i}" for i in range(20_000)], "n": range(20_000)})
    with FaultProxy(url) as proxy:
        client = gf.connect(proxy.url)
        proxy.faults = {True: (), False: ()}
        proxy.skip_bytes = 0
        proxy.after = b"+OK\r\n" if if_exists != "append" else b""
        proxy.faults = {True: (CutAt(offset + 3000),), False: ()}
        with pytest.raises(gf.WriteError, match="was stopped after") as e:
            gf.write_hashes(frame, client, if_exists=if_exists, batch_size=3000)
    report = e.value.report
    assert report is not None
    assert report.written + len(report.failed) == 20_000
    assert isinstance(e.value.__cause__, gf.ServerConnectionError)
    unknown = {key for key, why in report.failed.items() if why != "not sent"}
    with redis.Redis.from_url(url) as server:
        found = set(server.scan_iter("k:*", count=5000))
    assert report.written <= len(found) <= report.written + len(unknown)


@pytest.mark.parametrize("offset", [0, 40, 400])
def test_a_lost_expiry_is_no_success(url: str, offset: int) -> None:
    frame = pl.DataFrame({"_key": [f"k:{i}" for i in range(2000)], "n": range(2000)})
    with FaultProxy(url) as proxy:
        client = gf.connect(proxy.url)
        proxy.after = b""
        proxy.faults = {True: (CutAt(offset + 3000),), False: ()}
        with pytest.raises(gf.WriteError) as e:
            gf.write_hashes(frame, client, if_exists="append", ttl=1000)
    report = e.value.report
    assert report is not None
    assert report.written + len(report.failed) == 2000
    with redis.Redis.from_url(url) as server:
        keys = [key for key in server.scan_iter("k:*", count=5000) if server.ttl(key) == -1]
    assert keys
    assert set(keys) <= report.failed.keys()


def test_dtypes_come_back(url: str, every_dtype: Callable[[], pl.DataFrame]) -> None:
    frame = every_dtype()
    gf.write_hashes(frame, url)
    schema = {name: dtype for name, dtype in frame.schema.items() if name != "_key"}
    back = gf.read_hashes(url, "*", schema).sort("_key")
    assert back.equals(frame.sort("_key"), null_equal=True)


@pytest.fixture
def every_dtype() -> Callable[[], pl.DataFrame]:
    wide = 2**126
    columns: dict[str, tuple[list[Any], Any]] = {
        "i8": ([1, -128], pl.Int8),
        "u64": ([2**64 - 1, 0], pl.UInt64),
        "i128": ([wide, -wide], pl.Int128),
        "u128": ([wide, 0], pl.UInt128),
        "f32": ([0.1, float("-inf")], pl.Float32),
        "f64": ([0.1, 1e300], pl.Float64),
        "bool": ([True, False], pl.Boolean),
        "str": (["", "é\r\n"], pl.String),
        "bin": ([b"\xff\x00", b""], pl.Binary),
        "cat": (["x", "y"], pl.Categorical),
        "enum": (["x", "y"], pl.Enum(["y", "x"])),
        "date": ([0, -1], pl.Date),
        "time": ([1, 86_399_999_999_999], pl.Time),
        "dt": ([1, -1], pl.Datetime("ns")),
        "paris": ([1_729_989_000_000, 1_729_992_600_000], pl.Datetime("ms", "Europe/Paris")),
        "span": ([-1, 10**15], pl.Duration("us")),
        "list": ([[1.5, None], []], pl.List(pl.Float64)),
        "wide": ([[wide, None], []], pl.List(pl.Int128)),
        "array": ([[1, 2], [3, None]], pl.Array(pl.Int8, 2)),
        "struct": (
            [{"a": 'x"\\', "b": wide}, {"a": None, "b": 1}],
            pl.Struct({"a": pl.String, "b": pl.Int128}),
        ),
    }
    temporal = (pl.Date, pl.Time, pl.Datetime, pl.Duration)

    def make() -> pl.DataFrame:
        series = [pl.Series("_key", ["a", "b"])]
        for name, (values, dtype) in columns.items():
            if isinstance(dtype, temporal) or dtype in temporal:
                whole = pl.Int32 if dtype == pl.Date else pl.Int64
                series.append(pl.Series(name, values, dtype=whole).cast(dtype))
            else:
                series.append(pl.Series(name, values, dtype=dtype))
        decimals = pl.Series("dec", ["1.50", "-0.01"]).cast(pl.Decimal(20, 2))
        return pl.DataFrame([*series, decimals])

    return make


def test_ctrl_c_ends_a_write_that_waits(fresh_server: FreshServer) -> None:
    server = fresh_server()
    frame = pl.DataFrame({"_key": [f"k:{i}" for i in range(300_000)], "n": range(300_000)})
    client = gf.connect(server.url, read_timeout=1000)
    server.pause()

    def press() -> None:
        wait_until(main_thread_writes)  # elsewhere it would end the test
        time.sleep(0.5)
        signal.raise_signal(signal.SIGINT)

    pressing = threading.Thread(target=press)
    pressing.start()
    started = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            gf.write_hashes(frame, client)
    finally:
        server.resume()
    pressing.join()
    # Otherwise it would wait for 1000 s.
    assert time.monotonic() - started < PATIENCE


def main_thread_writes() -> bool:
    """Whether the main thread is in a function of gearframe that writes."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("gearframe.io.write"):
            return True
        frame = frame.f_back
    return False
