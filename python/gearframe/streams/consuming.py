"""What a consumer of a group does between two waits, for blocking callers and for asyncio."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

import redis

from gearframe.client import as_client
from gearframe.exceptions import OptionError
from gearframe.io.options import check_whole
from gearframe.streams.entries import EntryId, expect_id, parse_id
from gearframe.streams.frames import EntryFrames, EntryOptions
from gearframe.streams.group import GroupOptions, GroupReader
from gearframe.streams.ids import Ids, ids_of
from gearframe.streams.steps import Call, Steps

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


class ConsumerBase:
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

    def skip_new(self) -> None:
        """Read pending entries only, and no more when there are none."""
        self._reader.is_without_new = True

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
        if store is None or reached <= self._noted:
            return
        try:
            first = yield from self._reader.first_pending()
        except redis.ResponseError as error:
            if str(error).startswith("NOGROUP"):
                return  # what others had in hand is not known any more
            raise
        # Whoever makes the group anew makes it for all its consumers.
        reached = reached if first is None else min(reached, first.before())
        if reached > self._noted:
            yield Call(lambda: store.set(self.checkpoint_key, str(reached)))
            self._noted = reached

    def _saved(self) -> str | None:
        store = self._options["checkpoint_store"]
        return None if store is None else store.get(self.checkpoint_key)

    def _close_client(self) -> None:
        if self._client is not self._given:
            self._client.close()


def _check_seconds(name: str, seconds: object) -> None:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is not None and not (is_number and 0 <= seconds < 1e9):  # type: ignore[operator]
        raise OptionError(f"{name} is {seconds!r}; expected seconds from 0, or None")
