"""Collections on servers that refuse, evict, and go away in the middle."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.io.write import lists, run
from gearframe.io.write.collection import define_collection
from tests.servers.faults import CutAt
from tests.servers.fixtures import FreshServer
from tests.servers.patience import PATIENCE
from tests.servers.proxy import FaultProxy

MODES = ["replace", "fail", "append"]
NUMBERS = pl.DataFrame({"_key": [f"k:{i // 3}" for i in range(30_000)], "element": range(30_000)})
LARGE = pl.DataFrame({"_key": ["large"] * 100_000, "element": ["x" * 100] * 100_000})


@pytest.mark.parametrize("if_exists", MODES)
def test_a_wrong_type_or_key_in_the_middle_does_not_stop_the_others(
    url: str, redis_client: redis.Redis, if_exists: Any
) -> None:
    redis_client.set("k:500", "text")
    report = gf.write_lists(NUMBERS, url, if_exists=if_exists, on_failure="report")
    if if_exists == "replace":
        assert report.written == 10_000
        return
    assert (report.written, report.elements) == (9999, 29_997)
    assert list(report.failed) == [b"k:500"]
    assert redis_client.get("k:500") == b"text"
    assert redis_client.lrange("k:501", 0, -1) == [b"1503", b"1504", b"1505"]


@pytest.mark.parametrize("if_exists", MODES)
@pytest.mark.parametrize("lazy", [False, True])
def test_forbidden_keys_do_not_stop_the_others(
    fresh_server: FreshServer, if_exists: Any, lazy: bool
) -> None:
    server = fresh_server(users=["writer on >secret ~ok:* ~gearframe:tmp:* +@all"])
    names = [f"{'no' if i % 70 == 5 else 'ok'}:{i}" for i in range(400)]
    frame = pl.DataFrame({"_key": names, "element": range(400)})
    url = server.url.replace("redis://", "redis://writer:secret@")
    given = frame.lazy() if lazy else frame
    report = gf.write_lists(given, url, if_exists=if_exists, on_failure="report")
    assert (report.written, report.elements) == (394, 394)
    assert all(key.startswith(b"no:") for key in report.failed)
    assert all(reason.startswith("NOPERM") for reason in report.failed.values())
    with redis.Redis.from_url(server.url) as client:
        assert sorted(client.keys()) == sorted(n.encode() for n in names if n.startswith("ok"))


def test_a_user_without_rights_on_temporary_keys(fresh_server: FreshServer) -> None:
    server = fresh_server(users=["writer on >secret ~large ~small +@all"])
    frame = pl.concat([LARGE, pl.DataFrame({"_key": ["small"], "element": ["x"]})])
    url = server.url.replace("redis://", "redis://writer:secret@")
    with redis.Redis.from_url(server.url) as client:
        client.rpush("large", "old")
        report = gf.write_lists(frame, url, on_failure="report")
        assert report.written == 1
        assert "NOPERM" in report.failed[b"large"]
        assert client.lrange("large", 0, -1) == [b"old"]
        assert sorted(client.keys()) == [b"large", b"small"]


def test_what_cannot_be_taken_away_is_named(fresh_server: FreshServer) -> None:
    server = fresh_server(users=["writer on >secret ~* +@all -rename -unlink"])
    url = server.url.replace("redis://", "redis://writer:secret@")
    report = gf.write_lists(LARGE, url, on_failure="report")
    assert 'its temporary key "gearframe:tmp:' in report.failed[b"large"]
    with redis.Redis.from_url(server.url) as client:
        [name] = client.keys()
        assert 0 < client.pttl(name) <= 600_000


@pytest.mark.parametrize("if_exists", ["replace", "fail"])
def test_without_multi_nothing_is_sent(fresh_server: FreshServer, if_exists: Any) -> None:
    server = fresh_server(users=["writer on >secret ~* +@all -multi"])
    with redis.Redis.from_url(server.url) as client:
        client.rpush("large", "old")
        url = server.url.replace("redis://", "redis://writer:secret@")
        with pytest.raises(gf.PermissionDeniedError):
            gf.write_lists(LARGE, url, if_exists=if_exists)
        assert client.lrange("large", 0, -1) == [b"old"]


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("engine", ["valkey91", "redis82"])
def test_out_of_memory_half_way_leaves_the_old_value(
    fresh_server: FreshServer, engine: str, lazy: bool
) -> None:
    server = fresh_server(engine, maxmemory_policy="noeviction")
    with redis.Redis.from_url(server.url) as client:
        client.rpush("large", "old")
        client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + 4_000_000)
        given = LARGE.lazy() if lazy else LARGE
        report = gf.write_lists(given, server.url, on_failure="report", batch_size=5000)
        assert (report.written, report.elements) == (0, 0)
        assert report.failed[b"large"].startswith("OOM")
        assert client.keys() == [b"large"]
        assert client.lrange("large", 0, -1) == [b"old"]


def test_out_of_memory_while_appending_says_how_much_was_added(fresh_server: FreshServer) -> None:
    server = fresh_server(maxmemory_policy="noeviction")
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + 4_000_000)
        report = gf.write_lists(LARGE, server.url, if_exists="append", on_failure="report")
        assert report.elements == client.llen("large") > 0
        reason = report.failed[b"large"]
        assert reason.startswith("OOM")
        assert reason.endswith(f"; {report.elements} elements were added")


def test_out_of_memory_of_small_keys(fresh_server: FreshServer) -> None:
    server = fresh_server(maxmemory_policy="noeviction")
    with redis.Redis.from_url(server.url) as client:
        client.rpush("k:0", "old")
        client.config_set("maxmemory", "1kb")
        report = gf.write_lists(NUMBERS.head(600), server.url, on_failure="report")
        assert (report.written, len(report.failed)) == (0, 200)
        assert client.lrange("k:0", 0, -1) == [b"old"]


def test_a_temporary_key_that_is_lost_is_no_half_list(
    url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_client.rpush("k", "old")

    def pieces(frame: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"_key": ["k"], "element": ["first"]})
        yield pl.DataFrame({"_key": ["other"], "element": ["first"]})
        # What eviction does: the key is gone, and the next elements make another.
        while not redis_client.exists(*(redis_client.keys("gearframe:*{k}") or ["none"])):
            continue
        redis_client.delete(*redis_client.keys("gearframe:*{k}"))
        yield pl.DataFrame({"_key": ["k"], "element": ["second"]})

    monkeypatch.setattr(run, "_stream", pieces)
    lf = pl.LazyFrame(schema={"_key": pl.String, "element": pl.String})
    report = gf.write_lists(lf, url, on_failure="report")
    why = "its temporary key was evicted or expired while it was built"
    assert (report.written, report.failed) == (1, {b"k": why})
    assert sorted(redis_client.keys()) == [b"k", b"other"]
    assert redis_client.lrange("k", 0, -1) == [b"old"]


def test_temporary_keys_are_kept_alive_while_a_query_is_silent(
    url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Far longer than a busy machine may pause between two refreshes, which come after a third.
    life = 9000
    monkeypatch.setattr(
        lists, "define_collection", partial(define_collection, settings={"temporary_ms": life})
    )

    def pieces(frame: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"_key": ["k", "other"], "element": ["first", "first"]})
        refreshed, left, end = 0, life, time.monotonic() + PATIENCE
        while refreshed < 2:
            assert time.monotonic() < end, "nothing keeps the temporary keys alive"
            time.sleep(0.02)
            before, left = left, max(map(redis_client.pttl, redis_client.keys("gear*")), default=0)
            refreshed += left > before
        yield pl.DataFrame({"_key": ["k"], "element": ["second"]})

    monkeypatch.setattr(run, "_stream", pieces)
    lf = pl.LazyFrame(schema={"_key": pl.String, "element": pl.String})
    assert gf.write_lists(lf, url).written == 2
    assert redis_client.lrange("k", 0, -1) == [b"first", b"second"]
    assert redis_client.ttl("k") == -1


def expires(client: redis.Redis, name: bytes) -> bool:
    """Whether a temporary key expires. The server may still take it away since it was listed."""
    left = client.pttl(name)
    return left == -2 or 0 < left <= 600_000


@pytest.mark.parametrize("if_exists", MODES)
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("offset", [0, 700, 30_000])
def test_a_lost_connection_accounts_for_every_key(
    url: str, redis_client: redis.Redis, if_exists: Any, lazy: bool, offset: int
) -> None:
    redis_client.rpush("other", "old")
    with FaultProxy(url) as proxy:
        client = gf.connect(proxy.url)
        proxy.after = b"+OK\r\n" if if_exists != "append" else b""
        proxy.faults = {True: (CutAt(offset + 3000),), False: ()}
        given = NUMBERS.lazy() if lazy else NUMBERS
        with pytest.raises(gf.WriteError, match="was stopped after") as e:
            gf.write_lists(given, client, if_exists=if_exists, batch_size=3000)
    report = e.value.report
    assert report is not None
    assert isinstance(e.value.__cause__, gf.ServerConnectionError)
    if not lazy:
        assert report.written + len(report.failed) == 10_000
    found = {key: redis_client.llen(key) for key in redis_client.scan_iter("k:*", count=5000)}
    if if_exists != "append":
        assert set(found.values()) <= {3}
    known = {key for key, why in report.failed.items() if why.startswith("not ")}
    assert not known & found.keys()
    assert len(found.keys() - report.failed.keys()) == report.written
    for name in redis_client.scan_iter("gearframe:*", count=5000):
        assert expires(redis_client, name)


@pytest.mark.parametrize("offset", [0, 30, 100, 2000])
def test_a_lost_connection_leaves_the_old_large_value(
    url: str, redis_client: redis.Redis, offset: int
) -> None:
    redis_client.rpush("large", "old")
    with FaultProxy(url) as proxy:
        client = gf.connect(proxy.url)
        proxy.after = b"+QUEUED\r\n"
        proxy.faults = {True: (CutAt(offset),), False: ()}
        with pytest.raises(gf.WriteError) as e:
            gf.write_lists(LARGE, client)
    assert e.value.report is not None
    why = "not written: it was not complete when the connection was lost"
    assert e.value.report.failed == {b"large": why}
    assert redis_client.lrange("large", 0, -1) == [b"old"]
    for name in redis_client.scan_iter("gearframe:*"):
        assert expires(redis_client, name)


@pytest.mark.parametrize("offset", range(0, 60_000, 2500))
def test_commands_that_stop_anywhere_leave_no_temporary_key_for_ever(
    url: str, redis_client: redis.Redis, offset: int
) -> None:
    with FaultProxy(url) as proxy:
        client = gf.connect(proxy.url)
        proxy.faults = {True: (), False: (CutAt(offset + 1000),)}
        with pytest.raises(gf.WriteError):
            gf.write_lists(NUMBERS.head(900).lazy(), client, batch_size=100)
    for name in redis_client.scan_iter("gearframe:*", count=5000):
        assert expires(redis_client, name)


def test_a_lost_expiry_is_no_success(url: str, redis_client: redis.Redis) -> None:
    with FaultProxy(url) as proxy:
        client = gf.connect(proxy.url)
        proxy.faults = {True: (CutAt(3000),), False: ()}
        with pytest.raises(gf.WriteError) as e:
            gf.write_lists(NUMBERS, client, if_exists="append", ttl=1000)
    assert e.value.report is not None
    endless = {key for key in redis_client.scan_iter("k:*") if redis_client.ttl(key) == -1}
    assert endless <= e.value.report.failed.keys()


def test_keys_that_others_create_meanwhile_are_theirs(url: str) -> None:
    started, stop = threading.Event(), threading.Event()

    def create() -> None:
        with redis.Redis.from_url(url) as client:
            while not stop.is_set():
                for i in range(0, 10_000, 7):
                    if client.set(f"k:{i}", "theirs", nx=True):
                        started.set()

    thread = threading.Thread(target=create)
    thread.start()
    started.wait()
    try:
        report = gf.write_lists(NUMBERS, url, if_exists="fail", on_failure="report")
    finally:
        stop.set()
        thread.join()
    assert report.written + len(report.failed) == 10_000
    with redis.Redis.from_url(url) as client:
        theirs = {key for key in client.scan_iter("k:*") if client.type(key) == b"string"}
    assert theirs == report.failed.keys()
    assert set(report.failed.values()) == {"exists already"}


def test_a_replica_refuses(fresh_server: FreshServer) -> None:
    server = fresh_server()
    with redis.Redis.from_url(server.url) as client:
        client.replicaof("127.0.0.1", "1")
        report = gf.write_lists(NUMBERS.head(300), server.url, on_failure="report")
    assert (report.written, len(report.failed)) == (0, 100)
    assert all(reason.startswith("READONLY") for reason in report.failed.values())


@pytest.mark.parametrize("name", ["valkey91", "redis82"])
def test_the_right_to_temporary_keys_is_named_where_it_is_missing(
    name: str, fresh_server: FreshServer
) -> None:
    server = fresh_server(name, users=["writer on >pass ~user:* +@all"])
    frame = pl.DataFrame({"_key": ["user:a"] * 6_000, "element": range(6_000)})
    with gf.connect(server.url, username="writer", password="pass") as client:
        report = gf.write_lists(frame, client, on_failure="report")
    assert "~gearframe:tmp:*" in report.failed[b"user:a"]
    assert "stays until it expires" not in report.failed[b"user:a"]
