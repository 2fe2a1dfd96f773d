"""Consumers of a group: batches as frames, acknowledged when they have been processed."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from gearframe.client import as_client
from gearframe.exceptions import OptionError
from gearframe.io.options import check_whole
from gearframe.streams.entries import EntryId, expect_id, parse_id
from gearframe.streams.frames import EntryFrames, EntryOptions
from gearframe.streams.group import GroupOptions, GroupReader
from gearframe.streams.ids import Ids, ids_of
from gearframe.streams.steps import Call, Steps, open_async_control, open_control, run, run_async

if TYPE_CHECKING:
    import polars as pl

    from gearframe.client import Client
    from gearframe.schema import SchemaInput
    from gearframe.streams.checkpoints import CheckpointStore

# A request to stop is seen this often. Five commands a second cost neither side anything.
_SLICE_SECONDS = 0.2


class ConsumerOptions(EntryOptions, total=False):
    """Keyword arguments of both consumers; :class:`StreamConsumer` says what each means."""

    start: str
    create_group: bool
    batch_size: int
    timeout: float | None
    auto_ack: bool
    claim_idle: float | None
    checkpoint_store: CheckpointStore | None
    auto_checkpoint: bool


class _OwnOptions(TypedDict):
    start: str
    create_group: bool
    batch_size: int
    timeout: float | None
    auto_ack: bool
    claim_idle: float | None
    checkpoint_store: CheckpointStore | None
    auto_checkpoint: bool


_DEFAULTS = _OwnOptions(
    start="0",
    create_group=True,
    batch_size=1000,
    timeout=None,
    auto_ack=True,
    claim_idle=None,
    checkpoint_store=None,
    auto_checkpoint=True,
)


@dataclass
class ConsumerStats:
    """What a consumer has done since it was made.

    Attributes
    ----------
    batches_processed, entries_processed : int
        Acknowledged batches and entries.
    entries_deleted : int
        Pending entries whose data was deleted or trimmed before they were processed.
    last_entry_id : str or None
        The last entry that was acknowledged.
    start_time, last_batch_time : float
        Seconds since 1970: when the consumer was made, and when it last acknowledged.
    """

    batches_processed: int = 0
    entries_processed: int = 0
    entries_deleted: int = 0
    last_entry_id: str | None = None
    start_time: float = field(default_factory=time.time)
    last_batch_time: float | None = None

    @property
    def uptime_seconds(self) -> float:
        """Seconds since the consumer was made."""
        return time.time() - self.start_time

    @property
    def entries_per_second(self) -> float:
        """Acknowledged entries for each second since then."""
        return self.entries_processed / max(self.uptime_seconds, 1e-9)


class _Consumer:
    """What both consumers share: everything but waiting."""

    def __init__(
        self,
        client: Client | str | None,
        stream: str | bytes,
        group: str,
        consumer: str,
        schema: SchemaInput | None,
        options: ConsumerOptions,
    ) -> None:
        own: Any = {k: options.get(k, default) for k, default in _DEFAULTS.items()}
        columns: Any = {k: v for k, v in options.items() if k not in _DEFAULTS}
        self._frames = EntryFrames.define(schema, columns)
        check_whole("batch_size", own["batch_size"], least=1)
        _check_seconds("timeout", own["timeout"])
        _check_seconds("claim_idle", own["claim_idle"])
        for name, text in (("group", group), ("consumer", consumer)):
            if not isinstance(text, str) or not text:
                raise OptionError(f"{name} is {text!r}; expected a name such as 'loader'")
        self._options: _OwnOptions = own
        self._given, self._client = client, as_client(client)
        reach = self._client.options
        self._label = reach.label
        self._reader = GroupReader(
            GroupOptions(
                stream=stream,
                group=group,
                consumer=consumer,
                start=expect_id("start", own["start"], "0", "$"),
                create_group=own["create_group"],
                batch_size=own["batch_size"],
                claim_idle=own["claim_idle"],
                slice_ms=max(1, round(min(_SLICE_SECONDS, reach.read_timeout / 2) * 1000)),
                retries=reach.retries,
                backoff=reach.backoff,
                max_backoff=reach.max_backoff,
            ),
            self._saved,
        )
        self.stream, self.group, self.consumer = stream, group, consumer
        self._stats = ConsumerStats()
        self._stopping = threading.Event()
        self._furthest = self._noted = EntryId(0, 0)

    @property
    def stats(self) -> ConsumerStats:
        """What has been done so far."""
        self._stats.entries_deleted = self._reader.entries_deleted
        return self._stats

    @property
    def checkpoint_key(self) -> str:
        """The key under which the checkpoint store knows this consumer."""
        stream = self.stream
        text = stream if isinstance(stream, str) else stream.decode("utf-8", "backslashreplace")
        return f"{text}:{self.group}:{self.consumer}"

    def stop(self) -> None:
        """End the iteration after the batch that is being processed; it is acknowledged.

        May be called from another thread or a signal handler, and from the loop itself. A read
        that waits ends within 0.2 s.
        """
        self._stopping.set()

    def forget_stop(self) -> None:
        """Take back a request to stop that no iteration has seen."""
        self._stopping.clear()

    def rollback(self) -> None:
        """Give the batch back: it stays pending, and comes again with the next one asked for."""
        self._reader.restart()

    def skip_pending(self) -> None:
        """Begin with new entries; what is pending stays so until the next iteration."""
        self._reader.skip_pending()

    def _read(self, timeout: float | None) -> Steps[pl.DataFrame | None]:
        if self._options["auto_ack"]:
            yield from self._commit()
        deadline = None if timeout is None else time.monotonic() + timeout
        entries = yield from self._reader.read(deadline, self._stopping.is_set)
        if not entries:
            # A request ends one iteration, also if it came before that began.
            if self._stopping.is_set():
                self._stopping.clear()
            return None
        try:
            return self._frames.frame(self.stream, entries)
        except BaseException:
            # Nobody has seen this batch, so that the next step must not acknowledge it.
            self._reader.restart()
            raise

    def _commit(self, *, is_asked_for: bool = False) -> Steps[int]:
        count = yield from self._ack(list(self._reader.in_hand))
        if is_asked_for:
            yield from self._note()
        return count

    def _wanted(self, ids: Ids | None) -> list[bytes]:
        if ids is None:
            return list(self._reader.in_hand)
        return ids_of(ids, self._frames.ids.get("id", "_id"))

    def _ack(self, ids: list[bytes]) -> Steps[int]:
        if not ids:
            return 0
        count = yield from self._reader.acknowledge(ids)
        stats = self._stats
        stats.batches_processed += 1
        stats.entries_processed += len(ids)
        stats.last_entry_id = ids[-1].decode("ascii")
        stats.last_batch_time = time.time()
        self._advance(ids)
        if self._options["auto_checkpoint"]:
            yield from self._note()
        return count

    def _advance(self, ids: list[bytes]) -> None:
        """Find how far all is processed: never backwards, and not past what is in hand."""
        known = [found for each in ids if (found := parse_id(each)) is not None]
        furthest = max([self._furthest, *known])
        left = [found for each in self._reader.in_hand if (found := parse_id(each)) is not None]
        if not left or furthest < min(left):
            self._furthest = furthest

    def _note(self) -> Steps[None]:
        """Write the checkpoint down, where it has moved."""
        store, reached = self._options["checkpoint_store"], self._furthest
        if store is not None and reached > self._noted:
            yield Call(lambda: store.set(self.checkpoint_key, str(reached)))
            self._noted = reached

    def _saved(self) -> str | None:
        store = self._options["checkpoint_store"]
        return None if store is None else store.get(self.checkpoint_key)

    def _close_client(self) -> None:
        if self._client is not self._given:
            self._client.close()


class StreamConsumer(_Consumer):
    """Read a stream as a consumer of a group, batch by batch, and lose nothing.

    Parameters
    ----------
    client : Client or str
        The server, or its URL.
    stream : str or bytes
        The key of the stream.
    group, consumer : str
        The group, and the name of this consumer in it. Two programs that run at the same time
        need two names; a program that starts again needs the same one.
    schema : mapping, optional
        Fields and their dtypes, as for ``scan_hashes``. Without it each field of a batch is a
        column of texts.
    start : str, default "0"
        Where the group begins when it is made: ``"0"`` for all entries of the stream, ``"$"``
        for those that come from now on, or the id of the last entry that is not wanted.
    create_group : bool, default True
        Make the group, and the stream, if they are missing.
    batch_size : int, default 1000
        Entries in a batch, at most. A batch is given as soon as there is an entry.
    timeout : float, optional
        Seconds without any entry after which the iteration ends. None: it waits for ever.
    auto_ack : bool, default True
        Acknowledge a batch when the next one is asked for. With False, call `commit` or `ack`.
    claim_idle : float, optional
        Take over entries that another consumer has had for this many seconds without
        acknowledging them. Longer than any batch takes.
    checkpoint_store : CheckpointStore, optional
        Where the last processed id is noted. If the group is gone, it is made anew behind that.
    auto_checkpoint : bool, default True
        Note it with each acknowledgement; with False only by `commit`.
    handle_signals : bool, default False
        SIGINT and SIGTERM end the iteration as `stop` does, while it runs in the main thread; a
        second one does what it did before.
    **columns
        ``include_id``, ``id_column``, ``on_error`` and so on, as for :func:`read_stream`.

    Attributes
    ----------
    stats : ConsumerStats
        What has been done so far.

    Raises
    ------
    OptionError, SchemaError
        If an argument cannot be used.
    DataError
        While iterating, if a value does not fit; the batch stays pending.
    ReplyError, ServerConnectionError
        While iterating. A lost connection is opened again as often as the client's ``retries``
        say; what was on its way comes then, once.

    Notes
    -----
    An iteration begins with the entries that this consumer was given before and did not
    acknowledge; then come new ones. A batch is acknowledged when the loop asks for the next one:
    an exception, ``break`` or a crash in the loop's body leaves it pending, and it comes again.
    So an entry can come twice, and never not at all. Before a ``break`` that means success, call
    `commit`.

    Sends ``XREADGROUP`` (``BLOCK`` of 0.2 s), ``XACK``; ``XAUTOCLAIM`` with `claim_idle`; ``XGROUP
    CREATE`` and ``XINFO STREAM`` where the group is missing. Each costs what its entries cost.

    Examples
    --------
    >>> client = gf.connect()
    >>> for n in range(3):
    ...     _ = client.execute("XADD", "events", f"{n + 1}-0", "n", n)
    >>> with gf.StreamConsumer(client, "events", "sums", "one", {"n": pl.Int64}, timeout=0) as c:
    ...     for batch in c:
    ...         print(batch["n"].sum())
    3
    >>> client.execute("XPENDING", "events", "sums")[0]
    0
    """

    def __init__(
        self,
        client: Client | str | None,
        stream: str | bytes,
        group: str,
        consumer: str,
        schema: SchemaInput | None = None,
        *,
        handle_signals: bool = False,
        **options: Unpack[ConsumerOptions],
    ) -> None:
        super().__init__(client, stream, group, consumer, schema, options)
        self._handle_signals = handle_signals
        self._control = open_control(self._client)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Begin with what is pending; see the notes of the class."""
        self._reader.restart()
        return self._batches()

    def _batches(self) -> Iterator[pl.DataFrame]:
        with stop_on_signals(self.stop) if self._handle_signals else _nothing():
            while (batch := self.next_batch(self._options["timeout"])) is not None:
                yield batch

    def next_batch(self, timeout: float | None = None) -> pl.DataFrame | None:
        """Read one batch, for programs with a loop of their own.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait for an entry; 0 looks once, None waits for ever.

        Returns
        -------
        polars.DataFrame or None
            None if there was no entry, or `stop` was called.

        Notes
        -----
        With ``auto_ack=True`` it acknowledges the batch before. The first call begins with what
        is pending.
        """
        return run(self._read(timeout), self._control, self._label)

    def commit(self) -> int:
        """Acknowledge all entries given out so far, and note the checkpoint.

        Returns
        -------
        int
            How many were pending still; another consumer may have taken some over.
        """
        return run(self._commit(is_asked_for=True), self._control, self._label)

    def ack(self, ids: Ids | None = None) -> int:
        """Acknowledge some entries.

        Parameters
        ----------
        ids : iterable of str, Series or DataFrame, optional
            Their ids, or a frame with the column of ids; without it all that were given out.

        Returns
        -------
        int
            How many of them were pending.
        """
        return run(self._ack(self._wanted(ids)), self._control, self._label)

    def close(self) -> None:
        """Close the connection. Nothing is acknowledged."""
        self._control.close()
        self._close_client()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncStreamConsumer(_Consumer):
    """The same for asyncio: ``async for batch in consumer``.

    Parameters
    ----------
    client, stream, group, consumer, schema, **options
        As for :class:`StreamConsumer`, without ``handle_signals``. With a URL the client connects
        here, which blocks; in a loop, give a client.

    Notes
    -----
    A cancelled task ends at once; its batch stays pending. Checkpoint stores are called on a
    thread of their own.

    Examples
    --------
    >>> import asyncio
    >>> client = gf.connect()
    >>> _ = client.execute("XADD", "events", "1-0", "n", 7)
    >>> async def consume():
    ...     consumer = gf.AsyncStreamConsumer(client, "events", "sums", "one", timeout=0)
    ...     async with consumer:
    ...         return [batch["n"].to_list() async for batch in consumer]
    >>> asyncio.run(consume())
    [['7']]
    """

    def __init__(
        self,
        client: Client | str | None,
        stream: str | bytes,
        group: str,
        consumer: str,
        schema: SchemaInput | None = None,
        **options: Unpack[ConsumerOptions],
    ) -> None:
        super().__init__(client, stream, group, consumer, schema, options)
        self._control = open_async_control(self._client)

    def __aiter__(self) -> AsyncGenerator[pl.DataFrame]:
        """Begin with what is pending."""
        self._reader.restart()
        return self._batches()

    async def _batches(self) -> AsyncGenerator[pl.DataFrame]:
        while (batch := await self.next_batch(self._options["timeout"])) is not None:
            yield batch

    async def next_batch(self, timeout: float | None = None) -> pl.DataFrame | None:
        """Read one batch; as :meth:`StreamConsumer.next_batch`."""
        return await run_async(self._read(timeout), self._control, self._label)

    async def commit(self) -> int:
        """Acknowledge all entries given out so far, and note the checkpoint."""
        return await run_async(self._commit(is_asked_for=True), self._control, self._label)

    async def ack(self, ids: Ids | None = None) -> int:
        """Acknowledge some entries; as :meth:`StreamConsumer.ack`."""
        return await run_async(self._ack(self._wanted(ids)), self._control, self._label)

    async def close(self) -> None:
        """Close the connection. Nothing is acknowledged."""
        await self._control.aclose()
        self._close_client()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _check_seconds(name: str, seconds: object) -> None:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is not None and not (is_number and 0 <= seconds < 1e9):  # type: ignore[operator]
        raise OptionError(f"{name} is {seconds!r}; expected seconds from 0, or None")


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGINT and SIGTERM stop the consumer, each once."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    before: dict[int, Any] = {}

    def put_back() -> None:
        while before:
            number, handler = before.popitem()
            signal.signal(number, handler)

    def on_signal(*_: object) -> None:
        stop()
        put_back()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, on_signal)
    try:
        yield
    finally:
        put_back()
