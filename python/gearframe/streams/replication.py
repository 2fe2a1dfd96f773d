"""Copying a stream's entries to other servers: a batch is done when every key is everywhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, Unpack

import polars as pl

from gearframe.client import Client, as_client
from gearframe.exceptions import (
    DataError,
    GearframeError,
    OptionError,
    PermissionDeniedError,
    WriteError,
)
from gearframe.io.options import check_whole
from gearframe.streams.consumer import StreamConsumer
from gearframe.streams.consuming import ConsumerOptions, ConsumerStats
from gearframe.streams.destinations import (
    DestinationResult,
    Kind,
    Transform,
    shown_failures,
    write_to,
)

if TYPE_CHECKING:
    from gearframe.schema import SchemaInput

# What another attempt will not mend.
_FINAL = (OptionError, DataError, PermissionDeniedError)


@dataclass(kw_only=True)
class ReplicationDestination:
    """Where entries go, and as what.

    Attributes
    ----------
    client : Client or str
        The server, or its URL; connected when first needed.
    name : str, optional
        For messages and statistics; without it the server's address.
    filter : polars.Expr, optional
        Which entries; it may use the columns of the id.
    key_column : str, default "key"
        The column of keys. Of a key that a batch has twice, the last entry counts.
    key_prefix : str or bytes, default ""
        What stands before each key.
    transform : callable, optional
        Gets the filtered frame, and gives the one to be written.
    write_type : {"hashes", "json"}, default "hashes"
        What a row becomes. The new hash or document takes the place of the old one.
    write_ids : bool, default False
        Write the columns of the id (``_id``, ``_ts``) too. Those that `transform` has renamed
        are written in any case.
    """

    client: Client | str = field(repr=False)  # a URL may have a password
    name: str | None = None
    filter: pl.Expr | None = None
    key_column: str = "key"
    key_prefix: str | bytes = ""
    transform: Transform | None = None
    write_type: Kind = "hashes"
    write_ids: bool = False

    def __post_init__(self) -> None:
        if self.write_type not in ("hashes", "json"):
            shown = f"write_type is {self.write_type!r}"
            raise OptionError(f"{shown}; expected 'hashes' or 'json'")

    @property
    def label(self) -> str:
        """The name, or the address."""
        if self.name is not None:
            return self.name
        return self.client.options.label if isinstance(self.client, Client) else "a destination"


@dataclass
class ReplicationStats:
    """What a pipeline has done since it was made.

    Attributes
    ----------
    batches_processed, source_entries_read : int
        Batches that arrived everywhere, and entries read, those of repeated batches each time.
    total_keys_written, total_keys_failed : int
        Over all destinations and attempts.
    per_destination_written, per_destination_failed : dict of str to int
        The same, by the destination's name.
    attempts_repeated : int
        Writes that were tried once more.
    start_time, last_batch_time : float
        Seconds since 1970.
    """

    batches_processed: int = 0
    source_entries_read: int = 0
    total_keys_written: int = 0
    total_keys_failed: int = 0
    per_destination_written: dict[str, int] = field(default_factory=dict)
    per_destination_failed: dict[str, int] = field(default_factory=dict)
    attempts_repeated: int = 0
    start_time: float = field(default_factory=time.time)
    last_batch_time: float | None = None

    @property
    def uptime_seconds(self) -> float:
        """Seconds since the pipeline was made."""
        return time.time() - self.start_time

    @property
    def entries_per_second(self) -> float:
        """Entries read for each second since then."""
        return self.source_entries_read / max(self.uptime_seconds, 1e-9)

    def add(self, result: DestinationResult) -> None:
        """Count the result of one attempt."""
        name = result.destination.label
        written, failed = self.per_destination_written, self.per_destination_failed
        written[name] = written.get(name, 0) + result.keys_written
        failed[name] = failed.get(name, 0) + result.keys_failed
        self.total_keys_written += result.keys_written
        self.total_keys_failed += result.keys_failed


@dataclass
class BatchResult:
    """What became of one batch: the last attempt at each destination."""

    source_entries: int
    destination_results: list[DestinationResult]
    duration_ms: float

    @property
    def all_succeeded(self) -> bool:
        """Whether every key is at every destination."""
        return all(result.success for result in self.destination_results)


class ReplicationPipeline:
    """Copy the entries of a stream to other servers as hashes or JSON documents.

    Parameters
    ----------
    client, stream, group, consumer, schema
        The stream, and as whom it is read; as for :class:`StreamConsumer`.
    attempts : int, default 5
        How often a batch is written to a destination before the pipeline gives up.
    backoff, max_backoff : float, default 0.1 and 5.0
        Seconds before the second attempt, which double, and the longest pause.
    handle_signals : bool, default False
        As for :class:`StreamConsumer`.
    **options
        ``batch_size``, ``claim_idle``, ``checkpoint_store`` and so on, as for
        :class:`StreamConsumer`.

    Raises
    ------
    WriteError
        By `run` and `run_once`, if keys are not written after all attempts. It names the
        destination and the keys, the batch stays pending, and the next run begins with it.

    Notes
    -----
    A batch is acknowledged when every key of it has been written to every destination, not
    before: after a crash it is written once more, which changes nothing. A destination that has
    all is not written again while another is tried. What another attempt cannot mend (a missing
    column, a null key, a right that is missing) is not tried again.

    Examples
    --------
    >>> source, target = gf.connect(), gf.connect()
    >>> _ = source.execute("XADD", "changes", "*", "key", "user:1", "name", "Ann")
    >>> with gf.ReplicationPipeline(source, "changes", "copy", "one", timeout=0) as pipeline:
    ...     _ = pipeline.add_destination(gf.ReplicationDestination(client=target))
    ...     pipeline.run().batches_processed
    1
    >>> target.execute("HGETALL", "user:1")
    {b'name': b'Ann'}
    """

    def __init__(
        self,
        client: Client | str | None,
        stream: str | bytes,
        group: str,
        consumer: str,
        schema: SchemaInput | None = None,
        *,
        attempts: int = 5,
        backoff: float = 0.1,
        max_backoff: float = 5.0,
        handle_signals: bool = False,
        **options: Unpack[ConsumerOptions],
    ) -> None:
        check_whole("attempts", attempts, least=1)
        if "auto_ack" in options:
            raise OptionError("auto_ack: a pipeline acknowledges what has arrived; leave it out")
        self._attempts, self._backoff, self._max_backoff = attempts, backoff, max_backoff
        self._timeout = options.get("timeout")
        self._id_columns = [
            options.get("id_column", "_id"),
            options.get("timestamp_column", "_ts"),
            options.get("sequence_column", "_seq"),
        ]
        options["auto_ack"] = False
        self._consumer = StreamConsumer(
            client, stream, group, consumer, schema, handle_signals=handle_signals, **options
        )
        self._destinations: list[ReplicationDestination] = []
        self._opened: list[tuple[ReplicationDestination, Client]] = []
        self._stats = ReplicationStats()
        self._is_stopping = False

    @property
    def stats(self) -> ReplicationStats:
        """What has been done so far."""
        return self._stats

    @property
    def consumer_stats(self) -> ConsumerStats:
        """What has been acknowledged so far."""
        return self._consumer.stats

    def add_destination(self, destination: ReplicationDestination) -> Self:
        """Write to one more server; gives the pipeline itself."""
        if not isinstance(destination, ReplicationDestination):
            kind = type(destination).__name__
            raise OptionError(f"expected a ReplicationDestination, not {kind}")
        self._destinations.append(destination)
        return self

    def stop(self) -> None:
        """End `run` after the batch that is being written; from any thread or signal handler."""
        self._is_stopping = True
        self._consumer.stop()

    def run(self, on_batch: Callable[[BatchResult], None] | None = None) -> ReplicationStats:
        """Copy until `stop`, a signal, or ``timeout`` seconds without an entry.

        Parameters
        ----------
        on_batch : callable, optional
            Called with the result of each batch that was acknowledged.

        Returns
        -------
        ReplicationStats
        """
        self._expect_destinations()
        try:
            for batch in self._consumer:
                result = self._copy(batch)
                if on_batch is not None:
                    on_batch(result)
        finally:
            self._forget_stop()
        return self._stats

    def run_once(self, timeout: float | None = 0.0) -> BatchResult | None:
        """Copy one batch.

        Parameters
        ----------
        timeout : float, default 0
            Seconds to wait for an entry.

        Returns
        -------
        BatchResult or None
            None if there was no entry.
        """
        self._expect_destinations()
        try:
            batch = self._consumer.next_batch(timeout)
            return None if batch is None else self._copy(batch)
        finally:
            self._forget_stop()

    def close(self) -> None:
        """Close the connections that the pipeline has opened."""
        self._consumer.close()
        for destination, client in self._opened:
            if destination.client is not client:
                client.close()
        self._opened.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _forget_stop(self) -> None:
        self._is_stopping = False
        self._consumer.forget_stop()

    def _expect_destinations(self) -> None:
        if not self._destinations:
            raise OptionError("the pipeline has no destination; call add_destination first")

    def _copy(self, batch: pl.DataFrame) -> BatchResult:
        started = time.monotonic()
        self._stats.source_entries_read += batch.height
        try:
            results = [self._deliver(each, batch) for each in self._destinations]
        except BaseException:
            # Nothing of it is acknowledged: the batch comes again.
            self._consumer.rollback()
            raise
        self._consumer.commit()
        self._stats.batches_processed += 1
        self._stats.last_batch_time = time.time()
        return BatchResult(batch.height, results, (time.monotonic() - started) * 1000)

    def _deliver(
        self, destination: ReplicationDestination, batch: pl.DataFrame
    ) -> DestinationResult:
        frame = self._prepared(destination, batch)
        if frame.is_empty():
            return DestinationResult(destination)
        result = self._attempt(destination, frame)
        for attempt in range(1, self._attempts):
            if result.success or isinstance(result.cause, _FINAL) or self._is_stopping:
                break
            self._pause(attempt)
            self._stats.attempts_repeated += 1
            result = self._attempt(destination, frame)
        if not result.success:
            raise self._given_up(result)
        return result

    def _prepared(self, destination: ReplicationDestination, batch: pl.DataFrame) -> pl.DataFrame:
        frame = batch if destination.filter is None else batch.filter(destination.filter)
        if destination.transform is not None:
            frame = destination.transform(frame)
        key = destination.key_column
        if key not in frame.columns:
            raise OptionError(
                f"destination {destination.label!r}: the batch has no column {key!r} with keys; "
                f"it has {frame.columns}; give key_column"
            )
        if not destination.write_ids:
            frame = frame.drop([name for name in self._id_columns if name != key], strict=False)
        return frame.unique(key, keep="last", maintain_order=True)

    def _attempt(
        self, destination: ReplicationDestination, frame: pl.DataFrame
    ) -> DestinationResult:
        try:
            client = self._client_of(destination)
        except GearframeError as error:
            result = DestinationResult(destination, 0, frame.height, False, str(error))
            result.cause = error
        else:
            result = write_to(
                destination, client, destination.write_type, frame,
                key=destination.key_column, key_prefix=destination.key_prefix,
            )  # fmt: skip
        self._stats.add(result)
        return result

    def _client_of(self, destination: ReplicationDestination) -> Client:
        for known, client in self._opened:
            if known is destination:
                return client
        client = as_client(destination.client)
        self._opened.append((destination, client))
        return client

    def _pause(self, attempt: int) -> None:
        until = time.monotonic() + min(self._max_backoff, self._backoff * 2 ** (attempt - 1))
        while not self._is_stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    def _given_up(self, result: DestinationResult) -> WriteError:
        why = shown_failures(result.failed) or result.error
        error = WriteError(
            f"destination {result.destination.label!r}: {result.keys_failed:,} keys of a batch of "
            f"stream {self._consumer.stream!r} were not written: {why}; the batch stays pending in "
            f"group {self._consumer.group!r} and comes first in the next run"
        )
        error.report = getattr(result.cause, "report", None)
        error.__cause__ = result.cause
        return error
