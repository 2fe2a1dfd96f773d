"""Writing to several servers, and copying streams to them, under the names of polars-redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar

import polars as pl

from gearframe import streams
from gearframe.client import Client, connect
from gearframe.compat.polars_redis._checkpoints import (
    Bridge,
    CheckpointStore,
    MemoryCheckpointStore,
)
from gearframe.exceptions import GearframeError, OptionError
from gearframe.streams import BatchResult, DestinationResult, ReplicationStats
from gearframe.streams.destinations import write_to
from gearframe.streams.signals import stop_on_signals

T = TypeVar("T")
Transform = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass
class Destination:
    """A server to write to; `timeout_ms` is how long it may be silent."""

    url: str = field(repr=False)  # it may have a password
    name: str | None = None
    key_prefix: str = ""
    transform: Transform | None = None
    timeout_ms: int = 30000

    def __post_init__(self) -> None:
        self.name = _name(self.url, self.name)

    @property
    def label(self) -> str:
        """The name."""
        return self.name or self.url


@dataclass
class MultiWriteResult:
    """What became of a frame at all destinations."""

    results: list[DestinationResult] = field(default_factory=list)

    @property
    def total_keys_written(self) -> int:
        """Keys written, summed over the destinations."""
        return sum(result.keys_written for result in self.results)

    @property
    def total_keys_failed(self) -> int:
        """Keys that were not written, summed over the destinations."""
        return sum(result.keys_failed for result in self.results)

    @property
    def all_succeeded(self) -> bool:
        """Whether every key has arrived everywhere."""
        return all(result.success for result in self.results)

    @property
    def failed_destinations(self) -> list[str]:
        """The names of the destinations that lack a key."""
        return [result.destination.label for result in self.results if not result.success]


async def write_hashes_multi(
    df: pl.DataFrame,
    destinations: list[Destination | dict[str, Any]],
    key_column: str | None = "_key",
    ttl: int | None = None,
    if_exists: Literal["replace", "fail", "append"] = "replace",
) -> MultiWriteResult:
    """Write a frame as hashes to several servers at the same time.

    Parameters
    ----------
    df : polars.DataFrame
        A row is a hash.
    destinations : list of Destination or dict
        Where to.
    key_column : str or None, default "_key"
        The column of keys; None numbers the rows.
    ttl, if_exists
        As for :func:`gearframe.write_hashes`.

    Returns
    -------
    MultiWriteResult
        A destination with a key that was not written is no success.

    Raises
    ------
    OptionError
        If a destination is none.

    Notes
    -----
    One thread for each destination.

    Examples
    --------
    >>> import asyncio
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> frame = pl.DataFrame({"_key": ["user:1"], "name": ["Ann"]})
    >>> asyncio.run(redis.write_hashes_multi(frame, [{"url": client.url}])).all_succeeded
    True
    """
    return await _write_multi("hashes", df, destinations, key_column, ttl, if_exists)


async def write_json_multi(
    df: pl.DataFrame,
    destinations: list[Destination | dict[str, Any]],
    key_column: str | None = "_key",
    ttl: int | None = None,
    if_exists: Literal["replace", "fail", "append"] = "replace",
) -> MultiWriteResult:
    """Write a frame as JSON documents to several servers at the same time.

    Parameters
    ----------
    df, destinations, key_column, ttl, if_exists
        As for :func:`write_hashes_multi`.

    Returns
    -------
    MultiWriteResult

    Raises
    ------
    OptionError
        If a destination is none.

    Notes
    -----
    One thread for each destination.
    """
    return await _write_multi("json", df, destinations, key_column, ttl, if_exists)


@dataclass
class ReplicationDestination:
    """Where entries of a stream go; see :class:`gearframe.ReplicationDestination`."""

    url: str = field(repr=False)  # it may have a password
    name: str | None = None
    filter: pl.Expr | None = None
    key_column: str = "key"
    key_prefix: str = ""
    transform: Transform | None = None
    write_type: str = "hash"
    timeout_ms: int = 30000

    def __post_init__(self) -> None:
        self.name = _name(self.url, self.name)
        if self.write_type not in ("hash", "json"):
            raise OptionError(f"write_type is {self.write_type!r}; expected 'hash' or 'json'")

    def opened(self) -> streams.ReplicationDestination:
        """Connect to it."""
        return streams.ReplicationDestination(
            client=_connect(self.url, self.timeout_ms),
            name=self.name,
            filter=self.filter,
            key_column=self.key_column,
            key_prefix=self.key_prefix,
            transform=self.transform,
            write_type="hashes" if self.write_type == "hash" else "json",
            write_ids=True,
        )


class ReplicationPipeline:
    """Copy the entries of a stream to other servers; see :class:`gearframe.ReplicationPipeline`.

    Parameters
    ----------
    source_url, stream, group, consumer, schema, batch_size, checkpoint_store
        As for :class:`StreamConsumer`.
    batch_timeout_ms : int, default 100
        How long `run_once` waits for an entry.
    auto_ack : bool, default True
        Must be: a batch is acknowledged when every key of it is at every destination.
    handle_signals : bool, default True
        SIGINT and SIGTERM end `run` after the batch that is being written.

    Attributes
    ----------
    stats : ReplicationStats
        What the last `run` has done so far.

    Raises
    ------
    WriteError
        By `run` and `run_once`, if keys are not written after five attempts; it names them, and
        the batch stays pending.

    Examples
    --------
    >>> import asyncio
    >>> from gearframe.compat import polars_redis as redis
    >>> source, target = gf.connect(), gf.connect()
    >>> _ = source.execute("XADD", "changes", "*", "key", "user:1", "name", "Ann")
    >>> pipeline = redis.ReplicationPipeline(source.url, "changes", "copy", "one")
    >>> _ = pipeline.add_destination(redis.ReplicationDestination(target.url))
    >>> asyncio.run(pipeline.run_once()).all_succeeded
    True
    >>> target.execute("HGET", "user:1", "name")
    b'Ann'
    """

    def __init__(
        self,
        source_url: str,
        stream: str,
        group: str,
        consumer: str,
        *,
        checkpoint_store: CheckpointStore | None = None,
        batch_size: int = 1000,
        batch_timeout_ms: int = 100,
        auto_ack: bool = True,
        handle_signals: bool = True,
        schema: dict[str, Any] | None = None,
    ) -> None:
        if not auto_ack:
            raise OptionError(
                "auto_ack=False would leave every batch pending, to be copied again with each "
                "run; leave it out: a batch is acknowledged when it has arrived everywhere"
            )
        self._url, self._names, self._schema = source_url, (stream, group, consumer), schema
        self._store = MemoryCheckpointStore() if checkpoint_store is None else checkpoint_store
        self._batch_size, self._wait = batch_size, batch_timeout_ms / 1000
        self._handle_signals = handle_signals
        self._destinations: list[ReplicationDestination] = []
        self._stats = ReplicationStats()
        self._running: streams.ReplicationPipeline | None = None
        self._is_stopping = False

    @property
    def stats(self) -> ReplicationStats:
        """What the last `run` has done so far."""
        return self._stats

    def add_destination(self, destination: ReplicationDestination) -> Self:
        """Write to one more server; gives the pipeline itself."""
        self._destinations.append(destination)
        return self

    def request_shutdown(self) -> None:
        """End `run` after the batch that is being written."""
        self._is_stopping = True
        if self._running is not None:
            self._running.stop()

    async def run(self) -> ReplicationStats:
        """Copy until a shutdown is requested."""

        def work(pipeline: streams.ReplicationPipeline) -> ReplicationStats:
            return pipeline.run()

        return await self._work(work)

    async def run_once(self) -> BatchResult | None:
        """Copy one batch; None if there is no entry."""
        return await self._work(lambda pipeline: pipeline.run_once(self._wait))

    async def _work(self, work: Callable[[streams.ReplicationPipeline], T]) -> T:
        self._is_stopping = False
        bridge = Bridge(self._store, self._names, asyncio.get_running_loop())
        task = asyncio.ensure_future(asyncio.to_thread(self._in_thread, work, bridge))
        if not self._handle_signals:
            return await self._until_done(task)
        with stop_on_signals(self.request_shutdown):
            return await self._until_done(task)

    async def _until_done(self, task: asyncio.Future[T]) -> T:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # A thread cannot be cancelled: it is asked to end, and waited for.
            self.request_shutdown()
            await asyncio.wait([task])
            raise

    def _in_thread(self, work: Callable[[streams.ReplicationPipeline], T], store: Bridge) -> T:
        with connect(self._url) as source:
            opened: list[Client] = []
            try:
                pipeline = streams.ReplicationPipeline(
                    source, *self._names, self._schema, batch_size=self._batch_size,
                    checkpoint_store=store, other_fields=True,
                )  # fmt: skip
                with pipeline:
                    for each in self._destinations:
                        destination = each.opened()
                        if isinstance(destination.client, Client):
                            opened.append(destination.client)
                        pipeline.add_destination(destination)
                    self._stats, self._running = pipeline.stats, pipeline
                    if self._is_stopping:
                        pipeline.stop()
                    return work(pipeline)
            finally:
                self._running = None
                for client in opened:
                    client.close()


async def _write_multi(
    kind: Literal["hashes", "json"],
    df: pl.DataFrame,
    destinations: list[Destination | dict[str, Any]],
    key_column: str | None,
    ttl: int | None,
    if_exists: str,
) -> MultiWriteResult:
    wanted = [_destination(each) for each in destinations]

    def write(each: Destination) -> DestinationResult:
        started = time.monotonic()
        frame = df if each.transform is None else each.transform(df)
        key = "_key" if key_column is None else key_column
        if key_column is None:
            rows = pl.int_range(pl.len()).cast(pl.String).alias(key)
            frame = frame.with_columns(rows)
        try:
            client = _connect(each.url, each.timeout_ms)
        except GearframeError as error:
            took = (time.monotonic() - started) * 1000
            return DestinationResult(each, 0, frame.height, False, str(error), took, {}, error)
        with client:
            options: dict[str, Any] = {"key": key, "key_prefix": each.key_prefix}
            return write_to(each, client, kind, frame, ttl=ttl, if_exists=if_exists, **options)

    results = await asyncio.gather(*(asyncio.to_thread(write, each) for each in wanted))
    return MultiWriteResult(list(results))


def _destination(given: object) -> Destination:
    if isinstance(given, Destination):
        return given
    if isinstance(given, dict):
        try:
            return Destination(**given)
        except TypeError as error:
            raise OptionError(f"a destination: {error}") from None
    raise OptionError(f"a destination is a Destination or a dict, not {type(given).__name__}")


def _connect(url: str, timeout_ms: int) -> Client:
    return connect(url, read_timeout=timeout_ms / 1000)


def _name(url: str, name: str | None) -> str:
    # Never the user or the password.
    if name is not None:
        return name
    place = url.rpartition("@")[2]
    return (place.partition("://")[2] or place).partition("/")[0]
