"""Streams copied to other servers: acknowledged when every key is everywhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.streams import Destination, write_hashes_multi
from tests.servers.fixtures import FreshServer
from tests.servers.patience import PATIENCE, wait_until


@pytest.fixture
def target() -> Iterator[gf.Client]:
    with gf.connect() as client:
        yield client


def add(client: redis.Redis, *entries: dict[str, Any]) -> None:
    for entry in entries:
        client.xadd("s", entry)


def pending(client: redis.Redis) -> int:
    return client.xpending("s", "g")["pending"]  # type: ignore[index, return-value]


def pipeline(url: str, *destinations: gf.ReplicationDestination, **options: Any) -> Any:
    given = {"timeout": 0, "backoff": 0.001, **options}
    made = gf.ReplicationPipeline(url, "s", "g", "one", **given)
    for destination in destinations:
        made.add_destination(destination)
    return made


def to(client: Any, **options: Any) -> gf.ReplicationDestination:
    return gf.ReplicationDestination(client=client, **options)


USERS = [{"key": f"u{n}", "name": f"n{n}", "age": n} for n in range(5)]


def test_entries_become_hashes(url: str, redis_client: redis.Redis, target: gf.Client) -> None:
    add(redis_client, *USERS)
    with pipeline(url, to(target, key_prefix="copy:"), batch_size=2) as copying:
        results = []
        stats = copying.run(results.append)
    assert [(each.source_entries, each.all_succeeded) for each in results] == [
        (2, True),
        (2, True),
        (1, True),
    ]
    assert (stats.batches_processed, stats.source_entries_read) == (3, 5)
    assert (stats.total_keys_written, stats.total_keys_failed) == (5, 0)
    assert target.execute("HGETALL", "copy:u3") == {b"name": b"n3", b"age": b"3"}
    assert target.dbsize() == 5
    assert pending(redis_client) == 0


def test_the_last_entry_of_a_key_counts(
    url: str, redis_client: redis.Redis, target: gf.Client
) -> None:
    add(redis_client, {"key": "u", "n": 1}, {"key": "v", "n": 2}, {"key": "u", "n": 3})
    with pipeline(url, to(target)) as copying:
        copying.run()
    assert target.execute("HGET", "u", "n") == b"3"


def test_filter_and_transform(url: str, redis_client: redis.Redis, target: gf.Client) -> None:
    add(redis_client, *USERS)
    old = to(
        target,
        name="old",
        filter=pl.col("age") > 2,
        transform=lambda frame: frame.with_columns(stamp="_id").rename({"key": "k"}),
        key_column="k",
    )
    none = to(target, name="none", filter=pl.col("age") > 99)
    with pipeline(url, old, none, schema={"key": str, "age": int}) as copying:
        stats = copying.run()
    assert stats.per_destination_written == {"old": 2}
    fields = target.execute("HGETALL", "u4")
    assert isinstance(fields, dict)
    assert sorted(fields) == [b"age", b"stamp"]


def test_what_is_not_written_is_not_acknowledged(
    url: str, redis_client: redis.Redis, fresh_server: FreshServer, target: gf.Client
) -> None:
    """B7: failed writes were acknowledged."""
    add(redis_client, *USERS)
    full = fresh_server(maxmemory="1")
    with pipeline(url, to(target), to(full.url, name="full"), attempts=3) as copying:
        with pytest.raises(gf.WriteError, match=r"destination 'full': 5 keys .*'u0': OOM"):
            copying.run()
        assert pending(redis_client) == 5
        assert copying.stats.attempts_repeated == 2
        assert copying.stats.total_keys_failed == 15
        # The one that has all is not written again while the other is tried.
        assert copying.stats.total_keys_written == 5
        with redis.Redis.from_url(full.url) as mended:
            mended.config_set("maxmemory", 0)
            result = copying.run_once()
            assert result is not None
            assert result.all_succeeded
            assert mended.dbsize() == 5
        assert pending(redis_client) == 0
        assert copying.run_once() is None


def test_one_key_of_many_is_enough(
    url: str, redis_client: redis.Redis, fresh_server: FreshServer
) -> None:
    add(redis_client, *USERS)
    server = fresh_server(users=["default on nopass ~u0 ~u1 ~u2 ~u4 +@all"])
    with (
        pipeline(url, to(server.url, name="d"), attempts=2) as copying,
        pytest.raises(gf.WriteError, match=r"1 keys of a batch of stream 's' .*'u3'"),
    ):
        copying.run()
    assert pending(redis_client) == 5


def test_a_destination_that_comes_back(
    url: str, redis_client: redis.Redis, fresh_server: FreshServer
) -> None:
    add(redis_client, *USERS)
    server = fresh_server(maxmemory="1")
    with redis.Redis.from_url(server.url) as mended:

        def mend_what_has_failed() -> None:
            try:
                wait_until(lambda: "errorstat_OOM" in mended.info("errorstats"))
            finally:
                mended.config_set("maxmemory", 0)

        mending = threading.Thread(target=mend_what_has_failed)
        mending.start()
        with pipeline(url, to(server.url), attempts=1000) as copying:
            stats = copying.run()
        mending.join()
        assert mended.dbsize() == 5
    assert stats.attempts_repeated > 0
    assert pending(redis_client) == 0


def test_a_destination_that_cannot_be_reached(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, *USERS)
    away = "redis://127.0.0.1:1?retries=0"
    with (
        pipeline(url, to(away, name="away"), attempts=2) as copying,
        pytest.raises(gf.WriteError, match=r"destination 'away': 5 keys .* stays pending"),
    ):
        copying.run()
    assert pending(redis_client) == 5


@pytest.mark.parametrize(
    ("entry", "message"),
    [({"name": "x"}, "has no column 'key'"), ({"key": "", "name": "x"}, None)],
)
def test_what_another_attempt_does_not_mend_is_tried_once(
    url: str, redis_client: redis.Redis, target: gf.Client, entry: Any, message: str | None
) -> None:
    add(redis_client, entry)
    with pipeline(url, to(target), backoff=1000, max_backoff=1000) as copying:
        if message is None:
            assert copying.run().total_keys_written == 1  # an empty text is a key
            return
        started = time.monotonic()
        with pytest.raises(gf.OptionError, match=message):
            copying.run()
        assert time.monotonic() - started < PATIENCE
    assert pending(redis_client) == 1


def test_a_null_key_stays_pending(url: str, redis_client: redis.Redis, target: gf.Client) -> None:
    add(redis_client, {"key": "u", "n": 1}, {"n": 2})
    with (
        pipeline(url, to(target, name="d"), attempts=2) as copying,
        pytest.raises(gf.WriteError, match="destination 'd'"),
    ):
        copying.run()
    assert pending(redis_client) == 2


def test_an_error_of_the_users_own_leaves_the_batch_pending(
    url: str, redis_client: redis.Redis, target: gf.Client
) -> None:
    add(redis_client, *USERS)

    def fail(frame: pl.DataFrame) -> pl.DataFrame:
        raise ZeroDivisionError

    with pipeline(url, to(target, transform=fail)) as copying:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                copying.run_once()
    assert pending(redis_client) == 5


def test_stop_ends_run(url: str, redis_client: redis.Redis, target: gf.Client) -> None:
    add(redis_client, *USERS)
    with pipeline(url, to(target), timeout=None) as copying:
        # It waits for more when it is told; otherwise it would do so for ever.
        later = lambda result: threading.Timer(0.3, copying.stop).start()  # noqa: E731
        assert copying.run(later).batches_processed == 1
    assert pending(redis_client) == 0


def test_documents_go_through_write_json(
    url: str, redis_client: redis.Redis, target: gf.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    def write_json(client: gf.Client, frame: pl.DataFrame, **options: Any) -> gf.WriteReport:
        calls.append((client, frame.columns, options))
        failed = {b"p:u4": "a reason"} if len(calls) == 1 else {}
        return gf.WriteReport(written=frame.height - len(failed), failed=failed)

    monkeypatch.setattr(gf.Client, "write_json", write_json, raising=False)
    add(redis_client, *USERS)
    with pipeline(url, to(target, write_type="json", key_prefix="p:", write_ids=True)) as copying:
        stats = copying.run()
    options = {"on_failure": "report", "key": "key", "key_prefix": "p:"}
    assert calls == [(target, ["_id", "_ts", "key", "name", "age"], options)] * 2
    assert (stats.total_keys_written, stats.total_keys_failed) == (9, 1)
    assert pending(redis_client) == 0


def test_arguments(url: str, target: gf.Client) -> None:
    with pipeline(url) as copying:
        with pytest.raises(gf.OptionError, match="no destination"):
            copying.run()
        with pytest.raises(gf.OptionError, match="not str"):
            copying.add_destination("redis://")
    with pytest.raises(gf.OptionError, match="write_type is 'set'"):
        to(target, write_type="set")
    with pytest.raises(gf.OptionError, match="auto_ack"):
        pipeline(url, auto_ack=True)


# -- several servers, without a stream -------------------------------------------------------------

FRAME = pl.DataFrame({"_key": ["a", "b"], "n": [1, 2]})


def test_a_frame_goes_to_all(url: str, redis_client: redis.Redis, target: gf.Client) -> None:
    result = write_hashes_multi(
        FRAME,
        [
            Destination(client=url, key_prefix="one:"),
            {"client": target, "transform": lambda frame: frame.head(1)},
        ],
        ttl=100,
    )
    assert result.all_succeeded
    assert [each.keys_written for each in result.results] == [2, 1]
    assert redis_client.hget("one:b", "n") == b"2"
    assert 50 < redis_client.ttl("one:b") <= 100
    assert target.dbsize() == 1


def test_a_failing_destination_is_told(
    url: str, redis_client: redis.Redis, fresh_server: FreshServer
) -> None:
    """B7: a destination with failed keys counted as a success."""
    full = fresh_server(maxmemory="1")
    away = "redis://127.0.0.1:1?retries=0"
    result = write_hashes_multi(FRAME, [{"client": url}, {"client": full.url}, {"client": away}])
    assert [each.success for each in result.results] == [True, False, False]
    assert (result.total_keys_written, result.total_keys_failed) == (2, 4)
    assert [each.destination.client for each in result.failed_destinations][1] == away
    assert result.results[1].failed.keys() == {b"a", b"b"}
    assert "OOM" in (result.results[1].error or "")
    assert isinstance(result.results[2].cause, gf.ServerConnectionError)


def test_destinations_are_checked(url: str) -> None:
    with pytest.raises(gf.OptionError, match="destinations is empty"):
        write_hashes_multi(FRAME, [])
    with pytest.raises(gf.OptionError, match="'nonsense'"):
        write_hashes_multi(FRAME, [{"client": url, "nonsense": 1}])
    with pytest.raises(gf.OptionError, match="not str"):
        write_hashes_multi(FRAME, [url])  # type: ignore[list-item]
