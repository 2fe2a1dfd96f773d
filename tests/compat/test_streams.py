"""Streams by the names of polars-redis: same calls, nothing lost."""

from __future__ import annotations

import asyncio
import functools
from contextlib import aclosing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe import streams
from gearframe.compat import polars_redis as shim
from tests.integration.commandstats import counted
from tests.servers.patience import PATIENCE

GROUP: Any = {"group": "g", "consumer": "one"}


def add(client: redis.Redis, numbers: Any) -> None:
    for n in numbers:
        client.xadd("s", {"n": n}, id=f"{n + 1}-0")


def pending(client: redis.Redis) -> int:
    return client.xpending("s", "g")["pending"]  # type: ignore[index, return-value]


def test_other_fields_stay_texts(url: str, redis_client: redis.Redis) -> None:
    redis_client.xadd("s", {"other": "x", "n": 1})
    frame = shim.read_stream(url, "s", schema={"n": pl.Int64, "none": pl.Date})
    assert frame.drop("_id", "_ts").rows() == [(1, None, "x")]
    assert frame.columns == ["_id", "_ts", "n", "none", "other"]
    assert shim.read_stream(url, "nothing", schema={"n": pl.Int64}).schema["n"] == pl.Int64


def test_ranges_and_waiting(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(5))
    frame = shim.read_stream(url, "s", start_id="2", end_id="4", count=2, include_id=False)
    assert frame["n"].to_list() == ["1", "2"]
    assert "_id" not in frame.columns
    # B19: waiting with the default start was an error.
    assert shim.read_stream(url, "s", block_ms=10).height == 5
    assert shim.read_stream(url, "s", start_id="$", block_ms=10).is_empty()


def test_reading_as_a_consumer(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(5))
    first = shim.read_stream(url, "s", count=2, **GROUP)
    assert pending(redis_client) == 2
    assert shim.read_stream(url, "s", start_id="0", **GROUP).equals(first)
    assert shim.ack_entries(url, "s", "g", first["_id"].to_list()) == 2
    last = shim.read_stream(url, "s", auto_ack=True, include_id=False, **GROUP)
    assert last["n"].to_list() == ["2", "3", "4"]
    assert pending(redis_client) == 0
    with pytest.raises(gf.OptionError, match="start_id is '5'"):
        shim.read_stream(url, "s", start_id="5", **GROUP)


def test_auto_ack_does_not_acknowledge_what_does_not_fit(
    url: str, redis_client: redis.Redis
) -> None:
    redis_client.xadd("s", {"n": "x"})
    with pytest.raises(gf.DataError):
        shim.read_stream(url, "s", schema={"n": pl.Int64}, auto_ack=True, **GROUP)
    assert pending(redis_client) == 1


def test_a_scan_reads_when_it_runs(url: str, redis_client: redis.Redis) -> None:
    with counted(redis_client) as sent:
        lazy = shim.scan_stream(url, "s", schema={"n": pl.Int64})
    assert sent == {}
    add(redis_client, range(5))
    assert lazy.filter(pl.col("n") > 2).select("n").collect()["n"].to_list() == [3, 4]
    add(redis_client, [5])
    redis_client.xadd("s", {"late": "x"})
    again = lazy.collect()
    assert again.columns == ["_id", "_ts", "n"]
    assert again["n"].to_list() == [0, 1, 2, 3, 4, 5, None]
    assert lazy.head(2).collect().height == 2


def test_following(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(2))
    batches = shim.iter_stream(url, "s", schema={"n": pl.Int64})
    add(redis_client, range(2, 4))
    assert next(batches)["n"].to_list() == [2, 3]
    assert next(shim.iter_stream(url, "s", start_id="-", batch_size=1))["n"].to_list() == ["0"]


@pytest.mark.parametrize(("auto_ack", "left"), [(False, 4), (True, 2)])
def test_following_as_a_consumer(
    url: str, redis_client: redis.Redis, auto_ack: bool, left: int
) -> None:
    add(redis_client, range(4))
    batches = shim.iter_stream(url, "s", batch_size=2, auto_ack=auto_ack, **GROUP)
    next(batches)
    next(batches)
    assert pending(redis_client) == left
    with pytest.raises(gf.OptionError, match="without consumer"):
        shim.iter_stream(url, "s", group="g")


def test_pending_entries_are_not_followed_by_new_ones(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(4))
    read = functools.partial(shim.read_stream, url, "s", **GROUP)
    assert read(start_id="0", schema={"n": int}).height == 0
    assert read(count=3)["n"].to_list() == ["0", "1", "2"]
    assert read(start_id="0", block_ms=50)["n"].to_list() == ["0", "1", "2"]
    shim.ack_entries(url, "s", "g", ["1-0", "2-0", "3-0"])
    assert read(start_id="0", block_ms=50, schema={"n": int}).schema["n"] == pl.Int64
    assert read(start_id="0", block_ms=50).is_empty()
    assert pending(redis_client) == 0
    assert read()["n"].to_list() == ["3"]


def test_a_password_is_in_no_repr(url: str) -> None:
    secret = "redis://:hush@localhost:1"
    given = [shim.Destination(secret), shim.ReplicationDestination(secret)]
    assert "hush" not in repr(
        [*given, gf.ReplicationDestination(client=secret), streams.Destination(client=secret)]
    )


def test_following_in_asyncio(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(4))

    async def take(**options: Any) -> list[str]:
        async with aclosing(shim.iter_stream_async(url, "s", batch_size=3, **options)) as batches:
            return (await anext(batches))["n"].to_list()

    assert asyncio.run(take(start_id="1-0")) == ["1", "2", "3"]
    assert asyncio.run(take(**GROUP)) == ["0", "1", "2"]
    # They come again: they were not acknowledged.
    assert asyncio.run(take(**GROUP)) == ["0", "1", "2"]


def consume(url: str, batches: int, **options: Any) -> list[str]:
    """Process some batches, and fail in the one after them."""

    async def main() -> list[str]:
        seen: list[str] = []
        async with shim.StreamConsumer(url, "s", "g", "one", batch_size=5, **options) as consumer:
            async for batch in consumer:
                if batches == 0:
                    raise ZeroDivisionError
                seen += batch["n"].to_list()
                if consumer.stats.batches_processed + 1 == batches:
                    consumer.request_shutdown()
        return seen

    return asyncio.run(main())


def test_a_crash_loses_nothing(url: str, redis_client: redis.Redis) -> None:
    """B6: auto_ack=True meant that entries were gone as soon as they were read."""
    add(redis_client, range(12))
    with pytest.raises(ZeroDivisionError):
        consume(url, 0)
    assert pending(redis_client) == 5
    assert consume(url, 2) == [str(n) for n in range(10)]
    assert pending(redis_client) == 0
    assert consume(url, 1) == ["10", "11"]


def test_checkpoints(url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    """B6: the checkpoint that was loaded was never used."""
    add(redis_client, range(12))
    stores: list[Any] = [
        shim.MemoryCheckpointStore(),
        shim.FileCheckpointStore(tmp_path / "checkpoints.json"),
        shim.RedisCheckpointStore(url),
    ]
    for store in stores:
        assert consume(url, 1, checkpoint_store=store) == ["0", "1", "2", "3", "4"]
        assert asyncio.run(store.get("s", "g", "one")) == "5-0"
        redis_client.xgroup_destroy("s", "g")
        assert consume(url, 1, checkpoint_store=store) == ["5", "6", "7", "8", "9"]
        asyncio.run(store.delete("s", "g", "one"))
        assert asyncio.run(store.get("s", "g", "one")) is None
        redis_client.xgroup_destroy("s", "g")
    assert redis_client.keys("checkpoint:*") == []


def test_a_store_of_ones_own(url: str, redis_client: redis.Redis) -> None:
    class Store(shim.CheckpointStore):
        ids: dict[tuple[str, ...], str] = {}  # noqa: RUF012

        async def get(self, stream: str, group: str, consumer: str) -> str | None:
            await asyncio.sleep(0)
            return self.ids.get((stream, group, consumer))

        async def set(self, stream: str, group: str, consumer: str, stream_id: str) -> None:
            await asyncio.sleep(0)
            self.ids[stream, group, consumer] = stream_id

        async def delete(self, stream: str, group: str, consumer: str) -> None:
            del self.ids[stream, group, consumer]

    add(redis_client, range(5))
    consume(url, 1, checkpoint_store=Store())
    assert Store.ids == {("s", "g", "one"): "5-0"}


def test_by_hand(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(10))
    store = shim.MemoryCheckpointStore()

    async def main() -> list[list[str]]:
        seen = []
        async with shim.StreamConsumer(
            url, "s", "g", "one", batch_size=5, auto_ack=False, checkpoint_store=store,
            auto_checkpoint=False,
        ) as consumer:  # fmt: skip
            async for batch in consumer:
                seen.append(batch["n"].to_list())
                if len(seen) == 1:
                    await consumer.rollback()
                    continue
                assert await consumer.ack(["1-0"]) == (1 if len(seen) == 2 else 0)
                await consumer.ack()
                assert await store.get("s", "g", "one") == (None if len(seen) == 2 else "5-0")
                await consumer.commit()
                if len(seen) == 3:
                    consumer.request_shutdown()
        return seen

    first = ["0", "1", "2", "3", "4"]
    assert asyncio.run(main()) == [first, first, ["5", "6", "7", "8", "9"]]
    assert pending(redis_client) == 0


def test_a_consumer_that_is_not_open(url: str) -> None:
    with pytest.raises(gf.OptionError, match="async with"):
        shim.StreamConsumer(url, "s", "g", "one").request_shutdown()


def test_a_consumer_is_cancelled_at_once(url: str) -> None:
    async def main() -> None:
        async def wait() -> None:
            async with shim.StreamConsumer(url, "s", "g", "one") as consumer:
                async for _ in consumer:
                    raise AssertionError("there is no entry")

        task = asyncio.create_task(wait())
        await asyncio.sleep(0.3)
        task.cancel()
        # Otherwise it would wait for entries for ever.
        await asyncio.wait([task], timeout=PATIENCE)
        assert task.cancelled()

    asyncio.run(main())
