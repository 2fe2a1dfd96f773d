"""The consumer of polars-redis: asyncio, and now one that loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any, Self

import polars as pl

from gearframe import streams
from gearframe.client import Client, connect
from gearframe.compat.polars_redis._checkpoints import (
    Bridge,
    CheckpointStore,
    MemoryCheckpointStore,
    RedisCheckpointStore,
)
from gearframe.exceptions import OptionError
from gearframe.streams import ConsumerStats
from gearframe.streams.signals import stop_on_signals


class StreamConsumer:
    """Consume a stream in asyncio; see :class:`gearframe.AsyncStreamConsumer`.

    Parameters
    ----------
    url, stream, group, consumer, schema, batch_size
        As for :class:`gearframe.AsyncStreamConsumer`; fields that the schema lacks are columns of
        texts.
    checkpoint_store : CheckpointStore, optional
        Where the last processed id is noted; without it nowhere that lasts.
    batch_timeout_ms : int, default 1000
        Without meaning: a batch is given as soon as there is an entry.
    auto_ack : bool, default True
        Acknowledge a batch when the next one is asked for.
    auto_checkpoint : bool, default True
        Note the checkpoint with each acknowledgement.
    include_id, id_column, include_timestamp, timestamp_column, include_sequence, sequence_column
        Which columns are made of the id, and their names.
    handle_signals : bool, default True
        SIGINT and SIGTERM end the iteration after the batch that is being processed.

    Attributes
    ----------
    stats : ConsumerStats
        What has been done so far.

    Notes
    -----
    To be used as ``async with consumer: async for batch in consumer``.

    Examples
    --------
    >>> import asyncio
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = client.execute("XADD", "events", "1-0", "n", 7)
    >>> async def consume():
    ...     async with redis.StreamConsumer(client.url, "events", "sums", "one") as consumer:
    ...         async for batch in consumer:
    ...             consumer.request_shutdown()
    ...     return consumer.stats.entries_processed
    >>> asyncio.run(consume())
    1
    """

    def __init__(
        self,
        url: str,
        stream: str,
        group: str,
        consumer: str,
        *,
        checkpoint_store: CheckpointStore | None = None,
        batch_size: int = 100,
        batch_timeout_ms: int = 1000,
        auto_ack: bool = True,
        auto_checkpoint: bool = True,
        schema: dict[str, Any] | None = None,
        include_id: bool = True,
        id_column: str = "_id",
        include_timestamp: bool = True,
        timestamp_column: str = "_ts",
        include_sequence: bool = False,
        sequence_column: str = "_seq",
        handle_signals: bool = True,
    ) -> None:
        self._url, self._names, self._schema = url, (stream, group, consumer), schema
        self._store = MemoryCheckpointStore() if checkpoint_store is None else checkpoint_store
        self._handle_signals = handle_signals
        self._options: dict[str, Any] = {
            "batch_size": batch_size,
            "auto_ack": auto_ack,
            "auto_checkpoint": auto_checkpoint,
            "include_id": include_id,
            "id_column": id_column,
            "include_timestamp": include_timestamp,
            "timestamp_column": timestamp_column,
            "include_sequence": include_sequence,
            "sequence_column": sequence_column,
            "other_fields": True,
        }
        self._stats = ConsumerStats()
        self._client: Client | None = None
        self._reading: streams.AsyncStreamConsumer | None = None
        self._signals = ExitStack()

    @property
    def stats(self) -> ConsumerStats:
        """What has been done so far."""
        return self._stats if self._reading is None else self._reading.stats

    async def __aenter__(self) -> Self:
        self._client = await asyncio.to_thread(connect, self._url)
        store = Bridge(self._store, self._names, asyncio.get_running_loop())
        self._reading = streams.AsyncStreamConsumer(
            self._client, *self._names, self._schema, checkpoint_store=store, **self._options
        )
        if self._handle_signals:
            self._signals.enter_context(stop_on_signals(self._reading.stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._signals.close()
        reading, self._reading = self._reading, None
        if reading is not None:
            self._stats = reading.stats
            await reading.close()
        if self._client is not None:
            self._client.close()
        if isinstance(self._store, RedisCheckpointStore):
            await self._store.close()

    def __aiter__(self) -> AsyncIterator[pl.DataFrame]:
        return self._open().__aiter__()

    async def commit(self) -> None:
        """Acknowledge what was given out so far, and note the checkpoint."""
        await self._open().commit()

    async def rollback(self) -> None:
        """Give the batch back: it comes again, in this iteration or the next."""
        self._open().rollback()

    async def ack(self, entry_ids: list[str] | None = None) -> int:
        """Acknowledge some entries, or all that were given out."""
        return await self._open().ack(entry_ids)

    def request_shutdown(self) -> None:
        """End the iteration after the batch that is being processed."""
        self._open().stop()

    def _open(self) -> streams.AsyncStreamConsumer:
        if self._reading is None:
            raise OptionError("the consumer is not open: use it inside of 'async with consumer:'")
        return self._reading
