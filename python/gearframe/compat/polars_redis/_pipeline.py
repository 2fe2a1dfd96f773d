"""Many commands at once: `Pipeline`, and `Transaction` between MULTI and EXEC.

The methods only queue; each gives the pipeline back, so that they can be chained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from gearframe.compat.polars_redis._results import PipelineResult, result_of
from gearframe.compat.polars_redis._server import Key, encoded, replies, server
from gearframe.exceptions import OptionError

if TYPE_CHECKING:
    from typing import Self

Value: TypeAlias = str | bytes | int | float
"""What a command takes; a number is written as Python writes it."""


class _Commands:
    """The queue, and the methods that put commands in it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._commands: list[list[bytes]] = []

    def __len__(self) -> int:
        return len(self._commands)

    def is_empty(self) -> bool:
        """Whether nothing is queued."""
        return not self._commands

    def set(self, key: Key, value: Value) -> Self:
        """Queue SET."""
        return self._queue("SET", key, value)

    def set_ex(self, key: Key, value: Value, seconds: int) -> Self:
        """Queue SETEX: a value that expires."""
        return self._queue("SETEX", key, seconds, value)

    def get(self, key: Key) -> Self:
        """Queue GET."""
        return self._queue("GET", key)

    def mget(self, keys: Sequence[Key]) -> Self:
        """Queue MGET."""
        return self._queue("MGET", *_many("keys", keys))

    def incr(self, key: Key) -> Self:
        """Queue INCR."""
        return self._queue("INCR", key)

    def incrby(self, key: Key, increment: int) -> Self:
        """Queue INCRBY."""
        return self._queue("INCRBY", key, increment)

    def decr(self, key: Key) -> Self:
        """Queue DECR."""
        return self._queue("DECR", key)

    def hset(self, key: Key, field: Key, value: Value) -> Self:
        """Queue HSET of one field."""
        return self._queue("HSET", key, field, value)

    def hmset(self, key: Key, fields: Mapping[Key, Value]) -> Self:
        """Queue HSET of many fields."""
        if not isinstance(fields, Mapping) or not fields:
            raise OptionError(f"fields is {fields!r}; expected a dict with at least one field")
        return self._queue("HSET", key, *(word for item in fields.items() for word in item))

    def hget(self, key: Key, field: Key) -> Self:
        """Queue HGET."""
        return self._queue("HGET", key, field)

    def hgetall(self, key: Key) -> Self:
        """Queue HGETALL; its result is an array of fields and values in turn."""
        return self._queue("HGETALL", key)

    def hdel(self, key: Key, fields: Sequence[Key]) -> Self:
        """Queue HDEL."""
        return self._queue("HDEL", key, *_many("fields", fields))

    def hincrby(self, key: Key, field: Key, increment: int) -> Self:
        """Queue HINCRBY."""
        return self._queue("HINCRBY", key, field, increment)

    def lpush(self, key: Key, values: Sequence[Value]) -> Self:
        """Queue LPUSH."""
        return self._queue("LPUSH", key, *_many("values", values))

    def rpush(self, key: Key, values: Sequence[Value]) -> Self:
        """Queue RPUSH."""
        return self._queue("RPUSH", key, *_many("values", values))

    def lrange(self, key: Key, start: int, stop: int) -> Self:
        """Queue LRANGE; ``stop`` is included."""
        return self._queue("LRANGE", key, start, stop)

    def llen(self, key: Key) -> Self:
        """Queue LLEN."""
        return self._queue("LLEN", key)

    def sadd(self, key: Key, members: Sequence[Value]) -> Self:
        """Queue SADD."""
        return self._queue("SADD", key, *_many("members", members))

    def smembers(self, key: Key) -> Self:
        """Queue SMEMBERS."""
        return self._queue("SMEMBERS", key)

    def sismember(self, key: Key, member: Value) -> Self:
        """Queue SISMEMBER."""
        return self._queue("SISMEMBER", key, member)

    def scard(self, key: Key) -> Self:
        """Queue SCARD."""
        return self._queue("SCARD", key)

    def zadd(self, key: Key, members: Sequence[tuple[float, Value]]) -> Self:
        """Queue ZADD; the members are pairs (score, member)."""
        words: list[object] = []
        for pair in _many("members", members):
            if isinstance(pair, str | bytes) or not isinstance(pair, Sequence) or len(pair) != 2:
                raise OptionError(f"members has {pair!r}; expected pairs (score, member)")
            words += pair
        return self._queue("ZADD", key, *words)

    def zrange(self, key: Key, start: int, stop: int) -> Self:
        """Queue ZRANGE by rank; ``stop`` is included."""
        return self._queue("ZRANGE", key, start, stop)

    def zscore(self, key: Key, member: Value) -> Self:
        """Queue ZSCORE; its result is a text."""
        return self._queue("ZSCORE", key, member)

    def zcard(self, key: Key) -> Self:
        """Queue ZCARD."""
        return self._queue("ZCARD", key)

    def delete(self, keys: Sequence[Key]) -> Self:
        """Queue DEL."""
        return self._queue("DEL", *_many("keys", keys))

    def exists(self, keys: Sequence[Key]) -> Self:
        """Queue EXISTS."""
        return self._queue("EXISTS", *_many("keys", keys))

    def expire(self, key: Key, seconds: int) -> Self:
        """Queue EXPIRE."""
        return self._queue("EXPIRE", key, seconds)

    def ttl(self, key: Key) -> Self:
        """Queue TTL."""
        return self._queue("TTL", key)

    def rename(self, key: Key, new_key: Key) -> Self:
        """Queue RENAME."""
        return self._queue("RENAME", key, new_key)

    def key_type(self, key: Key) -> Self:
        """Queue TYPE."""
        return self._queue("TYPE", key)

    def raw(self, command: str, args: Sequence[Value]) -> Self:
        """Queue any command, of one word, with its arguments."""
        if not isinstance(command, str) or not command or not command.isascii():
            raise OptionError(f"command is {command!r}; expected a word such as 'GETRANGE'")
        if isinstance(args, str | bytes) or not isinstance(args, Iterable):
            raise OptionError(f"args is {args!r}; expected a list: [{args!r}]")
        return self._queue(command, *args)

    def _queue(self, command: str, *words: object) -> Self:
        self._commands.append([command.encode(), *(_word(command, word) for word in words)])
        return self

    def _taken(self) -> list[list[bytes]]:
        # Before they are sent: what may have been executed must not be sent a second time.
        commands, self._commands = self._commands, []
        return commands


class Pipeline(_Commands):
    """Many commands, sent without waiting for each reply.

    A command that the server refuses stops none of the others: it is an error among the results.

    Parameters
    ----------
    url : str
        The server; a connection is opened by `execute` and closed by it.

    Raises
    ------
    OptionError
        From a method, for an argument that no command takes.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> pipe = redis.Pipeline(gf.connect().url)
    >>> results = pipe.set("counter", 5).incr("counter").get("counter").execute()
    >>> results.all_succeeded(), [result.value for result in results]
    (True, [None, 6, '6'])
    """

    def clear(self) -> None:
        """Take all commands out of the queue."""
        self._commands.clear()

    def execute(self) -> PipelineResult:
        """Send the commands, 1,000 at a time.

        Returns
        -------
        PipelineResult
            One result for each command. The queue is empty then, whatever comes of it.

        Raises
        ------
        ServerConnectionError
            If the server cannot be reached or is lost; commands before that have been executed,
            and none is sent twice.

        Examples
        --------
        >>> from gearframe.compat import polars_redis as redis
        >>> redis.Pipeline(gf.connect().url).get("no:such:key").execute().get(0).is_nil()
        True
        """
        commands = self._taken()
        if not commands:
            return PipelineResult([])
        with server(self._url) as control:
            return _results(commands, replies(control, commands))


class Transaction(_Commands):
    """Commands that are executed together, with none of another client between them.

    Redis takes nothing back: a command that fails when it runs, such as INCR of a text, is an
    error among the results, and the others are done.

    Parameters
    ----------
    url : str
        The server; a connection is opened by `execute` and closed by it.

    Raises
    ------
    OptionError
        From a method, for an argument that no command takes.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> tx = redis.Transaction(gf.connect().url)
    >>> tx.incrby("balance:ann", -25).incrby("balance:bob", 25).execute().succeeded
    2
    """

    def discard(self) -> None:
        """Take all commands out of the queue."""
        self._commands.clear()

    def execute(self) -> PipelineResult:
        """Send ``MULTI``, the commands and ``EXEC``.

        Returns
        -------
        PipelineResult
            One result for each command. The queue is empty then, whatever comes of it.

        Raises
        ------
        ReplyError
            If the server does not take a command (an unknown one, or forbidden); then none is
            executed.
        ServerConnectionError
            If the server cannot be reached or is lost; then all or none are executed.

        Examples
        --------
        >>> from gearframe.compat import polars_redis as redis
        >>> redis.Transaction(gf.connect().url).rpush("queue", ["a", "b"]).execute().get(0).value
        2
        """
        commands = self._taken()
        if not commands:
            return PipelineResult([])
        with server(self._url) as control, control.pipeline(transaction=True) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
            return _results(commands, pipeline.execute(raise_on_error=False))


def _results(commands: list[list[bytes]], answers: Iterable[object]) -> PipelineResult:
    pairs = zip(commands, answers, strict=True)
    return PipelineResult(
        [result_of(command[0].decode().upper(), reply) for command, reply in pairs]
    )


def _many(name: str, values: object) -> list[object]:
    """Give a list of at least one; a text alone would be a list of letters."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise OptionError(f"{name} is {values!r}; expected a list: [{values!r}]")
    found = list(values)
    if not found:
        raise OptionError(f"{name} is empty, which Redis refuses; leave the command out")
    return found


def _word(command: str, word: object) -> bytes:
    if isinstance(word, bool) or not isinstance(word, str | bytes | int | float):
        raise OptionError(f"an argument of {command} is {word!r}; expected text, bytes or a number")
    if isinstance(word, int | float):
        return repr(word).encode()
    return encoded(word, f"an argument of {command}")
