"""Writing to several servers by the names of polars-redis: a failed write is a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.compat import polars_redis as shim
from tests.servers.fixtures import FreshServer
from tests.servers.patience import PATIENCE

FRAME = pl.DataFrame({"_key": ["a", "b"], "n": [1, 2]})


@pytest.fixture
def target() -> Iterator[gf.Client]:
    with gf.connect() as client:
        yield client


def pending(client: redis.Redis) -> int:
    return client.xpending("s", "g")["pending"]  # type: ignore[index, return-value]


def pipeline(url: str, *destinations: Any, **options: Any) -> shim.ReplicationPipeline:
    made = shim.ReplicationPipeline(url, "s", "g", "one", **options)
    for destination in destinations:
        made.add_destination(destination)
    return made


def test_entries_are_copied(url: str, redis_client: redis.Redis, target: gf.Client) -> None:
    for n in range(5):
        redis_client.xadd("s", {"key": f"u{n}", "n": n}, id=f"{n + 1}-0")
    store = shim.MemoryCheckpointStore()
    odd = shim.ReplicationDestination(
        target.url, name="odd", filter=pl.col("n") % 2 == 1, key_prefix="c:"
    )
    copying = pipeline(url, odd, schema={"n": pl.Int64}, checkpoint_store=store)

    async def run() -> Any:
        running = asyncio.create_task(copying.run())
        while target.dbsize() < 2 or pending(redis_client):
            await asyncio.sleep(0.01)
        copying.request_shutdown()
        return await running

    stats = asyncio.run(asyncio.wait_for(run(), PATIENCE))
    assert (stats.source_entries_read, stats.per_destination_written) == (5, {"odd": 2})
    fields = target.execute("HGETALL", "c:u3")
    assert isinstance(fields, dict)
    assert (fields[b"n"], fields[b"_id"]) == (b"3", b"4-0")
    assert asyncio.run(store.get("s", "g", "one")) == "5-0"
    assert asyncio.run(copying.run_once()) is None


def test_failed_writes_are_not_acknowledged(
    url: str, redis_client: redis.Redis, fresh_server: FreshServer
) -> None:
    """B7: 4 of 4 writes failed, all_succeeded was True, and nothing was pending."""
    for n in range(4):
        redis_client.xadd("s", {"key": f"u{n}"})
    full = fresh_server(maxmemory="1")
    copying = pipeline(url, shim.ReplicationDestination(full.url, name="full"))
    with pytest.raises(gf.WriteError, match="destination 'full': 4 keys"):
        asyncio.run(copying.run_once())
    assert pending(redis_client) == 4
    assert copying.stats.total_keys_failed == 20
    with redis.Redis.from_url(full.url) as mended:
        mended.config_set("maxmemory", 0)
    result = asyncio.run(copying.run_once())
    assert result is not None
    assert result.all_succeeded
    assert pending(redis_client) == 0


def test_a_cancelled_run_ends(url: str, target: gf.Client) -> None:
    copying = pipeline(url, shim.ReplicationDestination(target.url))

    async def main() -> None:
        running = asyncio.create_task(copying.run())
        await asyncio.sleep(0.5)
        running.cancel()
        # Otherwise it would wait for entries for ever.
        await asyncio.wait([running], timeout=PATIENCE)
        assert running.cancelled()

    asyncio.run(main())


def test_arguments(url: str) -> None:
    with pytest.raises(gf.OptionError, match="auto_ack=False"):
        shim.ReplicationPipeline(url, "s", "g", "one", auto_ack=False)
    with pytest.raises(gf.OptionError, match="write_type is 'hashes'"):
        shim.ReplicationDestination(url, write_type="hashes")
    with pytest.raises(gf.OptionError, match="no destination"):
        asyncio.run(pipeline(url).run_once())


def test_a_name_holds_no_password() -> None:
    assert shim.Destination("redis://ann:secret@db.example:1/2").name == "db.example:1"
    assert shim.Destination("redis://db.example/2").name == "db.example"
    assert shim.ReplicationDestination("redis://:secret@db.example").name == "db.example"


def test_a_frame_goes_to_all(url: str, redis_client: redis.Redis, target: gf.Client) -> None:
    destinations: list[Any] = [
        shim.Destination(url, key_prefix="one:", transform=lambda frame: frame.head(1)),
        {"url": target.url, "name": "two"},
    ]
    result = asyncio.run(shim.write_hashes_multi(FRAME, destinations, ttl=100))
    assert result.all_succeeded
    assert result.total_keys_written == 3
    assert redis_client.hget("one:a", "n") == b"1"
    assert target.execute("HGET", "b", "n") == b"2"
    numbered = FRAME.drop("_key")
    result = asyncio.run(
        shim.write_hashes_multi(numbered, [shim.Destination(url, key_prefix="row:")], None)
    )
    assert redis_client.hgetall("row:1") == {b"n": b"2"}


def test_a_failing_destination_is_named(url: str, fresh_server: FreshServer) -> None:
    full = fresh_server(maxmemory="1")
    destinations: list[Any] = [
        {"url": url},
        {"url": full.url, "name": "full"},
        {"url": "redis://127.0.0.1:1?retries=0", "name": "away"},
    ]
    result = asyncio.run(shim.write_hashes_multi(FRAME, destinations))
    assert not result.all_succeeded
    assert result.failed_destinations == ["full", "away"]
    assert (result.total_keys_written, result.total_keys_failed) == (2, 4)
    assert "OOM" in (result.results[1].error or "")
    with pytest.raises(gf.OptionError, match="'nonsense'"):
        asyncio.run(shim.write_hashes_multi(FRAME, [{"url": url, "nonsense": 1}]))
