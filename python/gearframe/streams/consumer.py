"""Consumers of a group: batches as frames, acknowledged when they have been processed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Self, Unpack

from gearframe.streams.consuming import ConsumerBase, ConsumerOptions
from gearframe.streams.ids import Ids
from gearframe.streams.signals import stop_on_signals
from gearframe.streams.steps import open_async_control, open_control, run, run_async

if TYPE_CHECKING:
    import polars as pl

    from gearframe.client import Client
    from gearframe.schema import SchemaInput


class StreamConsumer(ConsumerBase):
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
    CREATE`` and ``XINFO STREAM`` where the group is missing; ``XPENDING`` for each checkpoint. Each
    costs what its entries cost.

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
        with stop_on_signals(self.stop) if self._handle_signals else nullcontext():
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


class AsyncStreamConsumer(ConsumerBase):
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
