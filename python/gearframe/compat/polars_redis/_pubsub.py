"""Messages of channels, collected into frames.

Redis keeps no message: what is published before the subscription, or while the connection is
lost, is gone. So a lost connection is an error here, never a silent reconnection.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, closing
from datetime import UTC, datetime
from typing import Any, Literal

import polars as pl
from redis.backoff import NoBackoff

from gearframe.compat.polars_redis._messages import (
    Message,
    MessageTable,
    Parser,
    message_table,
)
from gearframe.compat.polars_redis._server import encoded_all, open_client, server
from gearframe.control import async_redis_client, server_errors
from gearframe.exceptions import OptionError

_LONGEST_WAIT = 60.0
"""Seconds that one wait takes at most; it then waits again."""


def collect_pubsub(
    url: str,
    channels: Sequence[str | bytes],
    *,
    count: int | None = None,
    timeout_ms: int | None = None,
    window_seconds: float | None = None,
    pattern: bool = False,
    message_format: Literal["raw", "json"] = "raw",
    parser: Parser | None = None,
    schema: dict[str, Any] | None = None,
    include_channel: bool = False,
    include_timestamp: bool = False,
    channel_column: str = "_channel",
    message_column: str = "message",
    timestamp_column: str = "_received_at",
) -> pl.DataFrame:
    """Collect messages until there are enough, or the time is over.

    Parameters
    ----------
    url : str
        The server.
    channels : sequence of str or bytes
        The channels to listen to.
    count : int, optional
        Stop at this many messages.
    timeout_ms, window_seconds : number, optional
        Stop after this time, counted from the subscription; the shorter one, if both are given.
        One of the three limits must be.
    pattern : bool, default False
        The channels are glob patterns. A message that several of them match comes several times.
    message_format : {"raw", "json"}, default "raw"
        The whole message in one column; or a JSON object, one column a field.
    parser : function, optional
        Called with the channel's name and the message's bytes, instead of the format; returns a
        dict, one column a key.
    schema : mapping of str to dtype, optional
        The columns of JSON or of the parser. A missing field is null, others are left out; times
        may be ISO 8601 text. Without it the columns are those that occur. For raw messages,
        ``{"message": pl.Binary}`` reads such as are not UTF-8.
    include_channel, include_timestamp : bool, default False
        Have a column with the channel's name (String), and one with the time of receipt
        (Datetime in µs, UTC).
    channel_column, message_column, timestamp_column : str
        Their names.

    Returns
    -------
    polars.DataFrame
        The channel and the time, as far as asked for, then the message's columns; without any
        message the same, if a schema is given or the messages are raw.

    Raises
    ------
    OptionError, SchemaError
        For an option that cannot be used. Before anything is sent.
    DataError
        For a message that is not what was declared, or that the parser fails on. It names it.
    ServerConnectionError, ReplyError
        If the server cannot be reached or is lost, or refuses.

    Notes
    -----
    Sends ``SUBSCRIBE`` or ``PSUBSCRIBE`` on a connection of its own, and sleeps until a message
    comes.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.collect_pubsub(
    ...     gf.connect().url, ["events"], timeout_ms=10, message_format="json",
    ...     schema={"user": pl.Int64, "action": pl.String},
    ... ).schema
    Schema([('user', Int64), ('action', String)])
    """
    table = message_table(
        message_format=message_format,
        parser=parser,
        schema=schema,
        include_channel=include_channel,
        include_timestamp=include_timestamp,
        channel_column=channel_column,
        message_column=message_column,
        timestamp_column=timestamp_column,
    )
    names = _channel_names(channels)
    limits = [_seconds("timeout_ms", timeout_ms, 1000), _seconds("window_seconds", window_seconds)]
    _check_count("count", count)
    if count is None and limits == [math.inf, math.inf]:
        raise OptionError("this would never end: give count, timeout_ms or window_seconds")
    wanted = math.inf if count is None else count
    messages: list[Message] = []
    with closing(_received(url, names, pattern)) as received:
        next(received)
        end = time.monotonic() + min(limits)
        while len(messages) < wanted:
            message = received.send(end)
            if message is None:
                break
            messages.append(message)
    return table.frame(messages)


def iter_pubsub(
    url: str,
    channels: Sequence[str | bytes],
    *,
    batch_size: int = 100,
    batch_timeout_ms: int = 1000,
    pattern: bool = False,
    message_format: Literal["raw", "json"] = "raw",
    parser: Parser | None = None,
    schema: dict[str, Any] | None = None,
    include_channel: bool = False,
    include_timestamp: bool = False,
    channel_column: str = "_channel",
    message_column: str = "message",
    timestamp_column: str = "_received_at",
) -> Generator[pl.DataFrame, None, None]:
    """Give messages in batches, for ever.

    Parameters
    ----------
    url, channels
        As for `collect_pubsub`. It subscribes when the first batch is asked for.
    batch_size : int, default 100
        The most messages in a batch.
    batch_timeout_ms : int, default 1000
        A batch ends this long after its first message. There is no empty batch.
    pattern, message_format, parser, schema, include_channel, include_timestamp, channel_column, \
message_column, timestamp_column
        As for `collect_pubsub`. Without a schema each batch has the columns that occur in it.

    Yields
    ------
    polars.DataFrame
        As `collect_pubsub` returns. Messages that come while a batch is worked on wait in the
        connection; the server ends it where it has to keep too many
        (``client-output-buffer-limit pubsub``).

    Raises
    ------
    OptionError, SchemaError
        Here, for an option that cannot be used.
    DataError, ServerConnectionError, ReplyError
        From the iterator, as from `collect_pubsub`.

    Notes
    -----
    Sends what `collect_pubsub` sends. The connection is closed with the iterator: at the end of a
    ``for`` that is left, or by its ``close()``.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> batches = redis.iter_pubsub(gf.connect().url, ["events"], batch_size=10)
    >>> batches.close()
    """
    table = message_table(
        message_format=message_format,
        parser=parser,
        schema=schema,
        include_channel=include_channel,
        include_timestamp=include_timestamp,
        channel_column=channel_column,
        message_column=message_column,
        timestamp_column=timestamp_column,
    )
    names, wait = _channel_names(channels), _batch_wait(batch_size, batch_timeout_ms)
    return _batches(url, names, pattern, table, batch_size, wait)


def iter_pubsub_async(
    url: str,
    channels: Sequence[str | bytes],
    *,
    batch_size: int = 100,
    batch_timeout_ms: int = 1000,
    pattern: bool = False,
    message_format: Literal["raw", "json"] = "raw",
    parser: Parser | None = None,
    schema: dict[str, Any] | None = None,
    include_channel: bool = False,
    include_timestamp: bool = False,
    channel_column: str = "_channel",
    message_column: str = "message",
    timestamp_column: str = "_received_at",
) -> AsyncGenerator[pl.DataFrame, None]:
    """Give messages in batches, for ever, in asyncio.

    Parameters
    ----------
    url, channels, batch_size, batch_timeout_ms, pattern, message_format, parser, schema, \
include_channel, include_timestamp, channel_column, message_column, timestamp_column
        As for `iter_pubsub`.

    Yields
    ------
    polars.DataFrame
        As `iter_pubsub`.

    Raises
    ------
    OptionError, SchemaError
        Here, for an option that cannot be used.
    DataError, ServerConnectionError, ReplyError
        From the iterator, as from `collect_pubsub`.

    Notes
    -----
    Sends what `collect_pubsub` sends. The task sleeps until a message comes, and can be cancelled
    at any time; the connection is closed then, or by the iterator's ``aclose()``.

    Examples
    --------
    >>> import asyncio
    >>> from gearframe.compat import polars_redis as redis
    >>> async def first_batch(url):
    ...     async for batch in redis.iter_pubsub_async(url, ["events"]):
    ...         return batch
    >>> asyncio.run(asyncio.wait_for(first_batch(gf.connect().url), timeout=0.05))
    Traceback (most recent call last):
    TimeoutError
    """
    table = message_table(
        message_format=message_format,
        parser=parser,
        schema=schema,
        include_channel=include_channel,
        include_timestamp=include_timestamp,
        channel_column=channel_column,
        message_column=message_column,
        timestamp_column=timestamp_column,
    )
    names, wait = _channel_names(channels), _batch_wait(batch_size, batch_timeout_ms)
    return _async_batches(url, names, pattern, table, batch_size, wait)


def _received(
    url: str, channels: list[bytes], is_pattern: bool
) -> Generator[Message | None, float, None]:
    """Subscribe and give None; then, for each end of patience sent, a message or None."""
    with server(url) as control, control.pubsub() as pubsub:  # type: ignore[no-untyped-call]
        (pubsub.psubscribe if is_pattern else pubsub.subscribe)(*channels)
        waiting = _Waiting(len(channels))
        while waiting.confirmations:
            waiting.take(pubsub.get_message(timeout=_LONGEST_WAIT))
        end = yield None
        while True:
            while not waiting.messages and (left := end - time.monotonic()) > 0:
                waiting.take(pubsub.get_message(timeout=min(left, _LONGEST_WAIT)))
            end = yield waiting.next()


def _batches(
    url: str,
    channels: list[bytes],
    is_pattern: bool,
    table: MessageTable,
    size: int,
    wait: float,
) -> Generator[pl.DataFrame, None, None]:
    with closing(_received(url, channels, is_pattern)) as received:
        next(received)
        while True:
            messages: list[Message] = []
            end = math.inf
            while len(messages) < size:
                message = received.send(end)
                if message is None:
                    break
                if not messages:
                    end = time.monotonic() + wait
                messages.append(message)
            yield table.frame(messages)


async def _async_received(
    url: str, channels: list[bytes], is_pattern: bool
) -> AsyncGenerator[Message | None, float]:
    """Do what `_received` does in asyncio."""
    from redis.asyncio.retry import Retry

    client = await asyncio.to_thread(open_client, url)
    client.close()
    control = async_redis_client(client, protocol=2, retry=Retry(NoBackoff(), 0))
    with server_errors(client.options.label):
        async with control, control.pubsub() as pubsub:
            await (pubsub.psubscribe if is_pattern else pubsub.subscribe)(*channels)
            waiting = _Waiting(len(channels))
            while waiting.confirmations:
                waiting.take(await pubsub.get_message(timeout=_LONGEST_WAIT))
            end = yield None
            while True:
                while not waiting.messages and (left := end - time.monotonic()) > 0:
                    waiting.take(await pubsub.get_message(timeout=min(left, _LONGEST_WAIT)))
                end = yield waiting.next()


async def _async_batches(
    url: str,
    channels: list[bytes],
    is_pattern: bool,
    table: MessageTable,
    size: int,
    wait: float,
) -> AsyncGenerator[pl.DataFrame, None]:
    async with aclosing(_async_received(url, channels, is_pattern)) as received:
        await anext(received)
        while True:
            messages: list[Message] = []
            end = math.inf
            while len(messages) < size:
                message = await received.asend(end)
                if message is None:
                    break
                if not messages:
                    end = time.monotonic() + wait
                messages.append(message)
            yield table.frame(messages)


class _Waiting:
    """What has come and is not handed over: a channel may speak before another is confirmed."""

    def __init__(self, confirmations: int) -> None:
        self.confirmations = confirmations
        self.messages: deque[Message] = deque()

    def take(self, found: dict[str, Any] | None) -> None:
        """Sort in what redis-py gives; None is a wait that was in vain."""
        if found is None:
            return
        if found["type"] in ("subscribe", "psubscribe"):
            self.confirmations -= 1
        elif found["type"] in ("message", "pmessage"):
            self.messages.append(Message(found["channel"], found["data"], datetime.now(UTC)))

    def next(self) -> Message | None:
        """Hand over the oldest message, if there is one."""
        return self.messages.popleft() if self.messages else None


def _channel_names(channels: Sequence[str | bytes]) -> list[bytes]:
    names = list(dict.fromkeys(encoded_all(channels, "channels")))
    if not names:
        raise OptionError("channels is empty; name at least one channel")
    return names


def _batch_wait(batch_size: int, batch_timeout_ms: int) -> float:
    if batch_size is None or batch_timeout_ms is None:
        raise OptionError("batch_size and batch_timeout_ms must be numbers, not None")
    _check_count("batch_size", batch_size)
    return _seconds("batch_timeout_ms", batch_timeout_ms, 1000)


def _check_count(name: str, number: int | None) -> None:
    is_whole = isinstance(number, int) and not isinstance(number, bool)
    if number is not None and not (is_whole and number >= 1):
        raise OptionError(f"{name} is {number!r}; expected a whole number from 1")


def _seconds(name: str, given: float | None, parts: int = 1) -> float:
    if given is None:
        return math.inf
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not (is_number and 0 < given < math.inf):
        raise OptionError(f"{name} is {given!r}; expected a number above 0")
    return given / parts
