"""Asking about keys: which there are, of what type, how long they live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl
import redis

from gearframe.compat.polars_redis._server import (
    CHUNK,
    Key,
    accepted,
    ask,
    encoded,
    encoded_all,
    replies,
    server,
    shown,
    text,
    text_column,
    whole,
)
from gearframe.exceptions import OptionError

_GONE = -2


def pages(control: redis.Redis, pattern: bytes, *, count: int = CHUNK) -> Iterator[list[bytes]]:
    """Give the keys that match, each once, in the portions that SCAN makes."""
    seen: set[bytes] = set()
    cursor: bytes | int = b"0"
    while True:
        reply = ask(control, "SCAN", cursor, "MATCH", pattern, "COUNT", count)
        if not isinstance(reply, list) or len(reply) != 2:
            raise redis.InvalidResponse(f"expected a cursor and keys, not {reply!r}")
        cursor, found = reply
        fresh = [key for key in dict.fromkeys(found) if key not in seen]
        seen.update(fresh)
        if fresh:
            yield fresh
        if cursor in (b"0", 0):
            return


def scan_keys(connection_url: str, pattern: Key, count: int = 10) -> list[Key]:
    """List all keys that match a pattern.

    Parameters
    ----------
    connection_url : str
        The server.
    pattern : str or bytes
        Redis' glob pattern.
    count : int, default 10
        COUNT of SCAN, at least 1,000 of which are asked for: smaller steps take many times as
        long. It limits nothing. polars-redis returned no more than ``count`` keys, 10 if it was
        not given; ``[:count]`` does so here.

    Returns
    -------
    list of str
        Each key once, in no order; bytes for a key that is not UTF-8.

    Raises
    ------
    OptionError
        For what is no pattern, and for a count below 1.
    ServerConnectionError, ReplyError
        If the server cannot be reached, or refuses.

    Notes
    -----
    Sends ``SCAN MATCH COUNT`` until it has been through all keys of the database.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> client.execute("MSET", "user:1", "x", "user:2", "y")
    b'OK'
    >>> sorted(redis.scan_keys(client.url, "user:*"))
    ['user:1', 'user:2']
    """
    wanted = encoded(pattern, "pattern")
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count < 2**31:
        raise OptionError(f"count is {count!r}; expected a whole number from 1")
    with server(connection_url) as control:
        found = pages(control, wanted, count=max(count, CHUNK))
        return [shown(key) for page in found for key in page]


def key_info(url: str, pattern: Key, *, include_memory: bool = False) -> pl.DataFrame:
    """Describe the keys that match a pattern.

    Parameters
    ----------
    url : str
        The server.
    pattern : str or bytes
        Redis' glob pattern.
    include_memory : bool, default False
        Ask what each key takes; the server looks at a few values of each.

    Returns
    -------
    polars.DataFrame
        One row for each key: ``key`` (String; Binary if a key is not UTF-8), ``key_type``
        (String), ``ttl`` (Int64, seconds, -1 where there is none), ``memory_usage`` (Int64, bytes;
        null without ``include_memory``) and ``encoding`` (String). Keys that vanish meanwhile
        are left out.

    Raises
    ------
    OptionError
        For what is no pattern.
    ServerConnectionError, ReplyError
        If the server cannot be reached, or refuses; such as ``PermissionDeniedError``.

    Notes
    -----
    Sends ``SCAN``, and for each key ``TYPE``, ``TTL``, ``OBJECT ENCODING`` and for the memory
    ``MEMORY USAGE``, in pipelines of 1,000 commands.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> client.execute("SET", "visits:today", 7)
    b'OK'
    >>> redis.key_info(client.url, "visits:*").row(0)
    ('visits:today', 'string', -1, None, 'int')
    """
    wanted = encoded(pattern, "pattern")
    keys: list[bytes] = []
    rows: list[tuple[str | None, int, int | None, str | None]] = []
    with server(url) as control:
        for page in pages(control, wanted):
            for key, row in zip(page, _describe(control, page, include_memory), strict=True):
                if row is not None:
                    keys.append(key)
                    rows.append(row)
    names = ("key_type", "ttl", "memory_usage", "encoding")
    dtypes = (pl.String, pl.Int64, pl.Int64, pl.String)
    schema = dict(zip(names, dtypes, strict=True))
    described = pl.DataFrame(rows, schema=schema, orient="row")
    return described.insert_column(0, text_column("key", keys))


def exists_keys(url: str, keys: Sequence[Key]) -> pl.DataFrame:
    """Tell which keys exist.

    Parameters
    ----------
    url : str
        The server.
    keys : sequence of str or bytes
        The keys.

    Returns
    -------
    polars.DataFrame
        ``key`` (String; Binary if a key is not UTF-8) and ``exists`` (Boolean), in the order
        given.

    Raises
    ------
    OptionError
        For what is no key. Before anything is sent.
    ServerConnectionError, ReplyError
        If the server cannot be reached, or refuses.

    Notes
    -----
    Sends ``EXISTS`` for each key.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.exists_keys(gf.connect().url, ["no:such:key"]).row(0)
    ('no:such:key', False)
    """
    names = encoded_all(keys, "keys")
    with server(url) as control:
        found = [whole(reply) == 1 for reply in replies(control, (("EXISTS", n) for n in names))]
    return pl.DataFrame([text_column("key", names), pl.Series("exists", found, dtype=pl.Boolean)])


def get_ttl(url: str, keys: Sequence[Key]) -> pl.DataFrame:
    """Tell how long keys have to live.

    Parameters
    ----------
    url : str
        The server.
    keys : sequence of str or bytes
        The keys.

    Returns
    -------
    polars.DataFrame
        ``key`` (String; Binary if a key is not UTF-8) and ``ttl`` (Int64, seconds; -1 for a key
        that does not expire, -2 for one that does not exist), in the order given.

    Raises
    ------
    OptionError
        For what is no key. Before anything is sent.
    ServerConnectionError, ReplyError
        If the server cannot be reached, or refuses.

    Notes
    -----
    Sends ``TTL`` for each key.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.get_ttl(gf.connect().url, ["no:such:key"]).row(0)
    ('no:such:key', -2)
    """
    names = encoded_all(keys, "keys")
    with server(url) as control:
        found = [whole(reply) for reply in replies(control, (("TTL", name) for name in names))]
    return pl.DataFrame([text_column("key", names), pl.Series("ttl", found, dtype=pl.Int64)])


def _describe(
    control: redis.Redis, keys: list[bytes], include_memory: bool
) -> Iterator[tuple[str | None, int, int | None, str | None] | None]:
    """Describe each key, or give None for one that has vanished."""
    questions: list[tuple[str, ...]] = [("TYPE",), ("TTL",), ("OBJECT", "ENCODING")]
    if include_memory:
        questions.append(("MEMORY", "USAGE"))
    commands: Iterator[Sequence[Key]]
    commands = ((*question, key) for key in keys for question in questions)
    answers = replies(control, commands)
    for key in keys:
        kind, ttl, encoding, *rest = (next(answers) for _ in questions)
        if kind == b"none" or ttl == _GONE or _is_gone(encoding) or None in rest:
            yield None
            continue
        memory = whole(rest[0]) if rest else None
        what = f"the type of key {shown(key)!r}"
        described = text(accepted(kind), what), whole(ttl), memory, text(accepted(encoding), what)
        yield described


def _is_gone(reply: object) -> bool:
    return reply is None or (isinstance(reply, redis.ResponseError) and "no such key" in str(reply))
