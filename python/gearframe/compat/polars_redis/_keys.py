"""Changing keys in bulk: their time to live and their names.

Every function opens one connection, sends its commands in pipelines of 1,000 and closes it. A
key that the server refuses stops nothing: it stands in the result, with the server's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gearframe.compat.polars_redis._frame_columns import key_list, milliseconds_list
from gearframe.compat.polars_redis._server import (
    Key,
    encoded,
    encoded_all,
    refusal_of,
    replies,
    server,
    shown,
    whole,
)
from gearframe.exceptions import OptionError

if TYPE_CHECKING:
    import polars as pl

_MISSING = "no such key"
_LONGEST = 31_000 * 365 * 24 * 3600


@dataclass(frozen=True)
class TtlResult:
    """What became of the times to live.

    Attributes
    ----------
    succeeded, failed : int
        How many keys.
    errors : list of (key, message)
        Each key that failed, as text where it is UTF-8, and why.
    """

    succeeded: int
    failed: int
    errors: list[tuple[Key, str]]


@dataclass(frozen=True)
class RenameResult:
    """What was renamed.

    Attributes
    ----------
    succeeded, failed : int
        How many keys.
    errors : list of (key, message)
        The old name of each key that failed, as text where it is UTF-8, and why.
    """

    succeeded: int
    failed: int
    errors: list[tuple[Key, str]]


def set_ttl(url: str, keys: Sequence[Key], ttl_seconds: int) -> TtlResult:
    """Let keys expire after a time.

    Parameters
    ----------
    url : str
        The server.
    keys : sequence of str or bytes
        The keys.
    ttl_seconds : int
        Seconds, at least 1: Redis deletes a key at once for less.

    Returns
    -------
    TtlResult
        A key that does not exist is a failure.

    Raises
    ------
    OptionError
        For what is no key, and for a time that cannot be used. Before anything is sent.
    ServerConnectionError
        If the server cannot be reached or is lost; keys before that have got their time.

    Notes
    -----
    Sends ``PEXPIRE`` for each key.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> redis.set_ttl(client.url, ["session:1"], 3600)
    TtlResult(succeeded=0, failed=1, errors=[('session:1', 'no such key')])
    """
    names = encoded_all(keys, "keys")
    if isinstance(ttl_seconds, bool) or not isinstance(ttl_seconds, int):
        raise OptionError(f"ttl_seconds is {ttl_seconds!r}; expected a whole number of seconds")
    return _expire(url, names, [1000 * ttl_seconds] * len(names))


def set_ttl_from_column(url: str, df: pl.DataFrame, key_column: str, ttl_column: str) -> TtlResult:
    """Let keys expire, each after its own time.

    Parameters
    ----------
    url : str
        The server.
    df : polars.DataFrame
        One row for each key.
    key_column : str
        The column with the keys: String or Binary, no nulls.
    ttl_column : str
        The column with the times: whole seconds from 1, or Duration; no nulls.

    Returns
    -------
    TtlResult
        A key that does not exist is a failure.

    Raises
    ------
    SchemaError
        If a column is missing or has another dtype.
    OptionError
        For a null, and for a time that cannot be used. Before anything is sent.
    ServerConnectionError
        If the server cannot be reached or is lost.

    Notes
    -----
    Sends ``PEXPIRE`` for each key.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> client.execute("SET", "session:7", "x")
    b'OK'
    >>> df = pl.DataFrame({"key": ["session:7"], "ttl": [60]})
    >>> redis.set_ttl_from_column(client.url, df, "key", "ttl").succeeded
    1
    """
    return _expire(url, key_list(df, key_column), milliseconds_list(df, ttl_column))


def persist_keys(url: str, keys: Sequence[Key]) -> TtlResult:
    """Let keys live for ever.

    Parameters
    ----------
    url : str
        The server.
    keys : sequence of str or bytes
        The keys.

    Returns
    -------
    TtlResult
        A key that had no time to live is a success, a key that does not exist a failure.

    Raises
    ------
    OptionError
        For what is no key. Before anything is sent.
    ServerConnectionError
        If the server cannot be reached or is lost.

    Notes
    -----
    Sends ``PERSIST`` and ``EXISTS`` for each key: the first answers 0 in both cases above.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.persist_keys(gf.connect().url, []).failed
    0
    """
    names = encoded_all(keys, "keys")
    errors: list[tuple[Key, str]] = []
    with server(url) as control:
        commands = ((word, name) for name in names for word in ("PERSIST", "EXISTS"))
        answers = replies(control, commands)
        for name, persisted, exists in zip(names, answers, answers, strict=False):
            refusal = refusal_of(persisted)
            if refusal is None and not whole(persisted) and not whole(exists):
                refusal = _MISSING
            if refusal is not None:
                errors.append((shown(name), refusal))
    return TtlResult(len(names) - len(errors), len(errors), errors)


def rename_keys(url: str, renames: Sequence[tuple[Key, Key]]) -> RenameResult:
    """Rename keys, in the order given.

    Parameters
    ----------
    url : str
        The server.
    renames : sequence of (old, new)
        Names, each a str or bytes. A key that has the new name already is replaced.

    Returns
    -------
    RenameResult
        A key that does not exist is a failure.

    Raises
    ------
    OptionError
        For what is no pair of names. Before anything is sent.
    ServerConnectionError
        If the server cannot be reached or is lost; keys before that are renamed.

    Notes
    -----
    Sends ``RENAME`` for each pair.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.rename_keys(gf.connect().url, [("old:1", "user:1")])
    RenameResult(succeeded=0, failed=1, errors=[('old:1', 'no such key')])
    """
    return _rename(url, list(_pairs(renames)))


def rename_keys_from_columns(
    url: str, df: pl.DataFrame, old_key_column: str, new_key_column: str
) -> RenameResult:
    """Rename the keys of one column to those of another.

    Parameters
    ----------
    url : str
        The server.
    df : polars.DataFrame
        One row for each key.
    old_key_column, new_key_column : str
        The columns with the names: String or Binary, no nulls.

    Returns
    -------
    RenameResult
        A key that does not exist is a failure.

    Raises
    ------
    SchemaError
        If a column is missing or has another dtype.
    OptionError
        For a null. Before anything is sent.
    ServerConnectionError
        If the server cannot be reached or is lost; keys before that are renamed.

    Notes
    -----
    Sends ``RENAME`` for each row.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> client.execute("SET", "old:1", "x")
    b'OK'
    >>> df = pl.DataFrame({"old": ["old:1"], "new": ["user:1"]})
    >>> redis.rename_keys_from_columns(client.url, df, "old", "new").succeeded
    1
    """
    old, new = key_list(df, old_key_column), key_list(df, new_key_column)
    return _rename(url, list(zip(old, new, strict=True)))


def _expire(url: str, names: list[bytes], milliseconds: list[int]) -> TtlResult:
    for name, time in zip(names, milliseconds, strict=True):
        if not 1 <= time <= 1000 * _LONGEST:
            raise OptionError(
                f"the time to live of key {shown(name)!r} is {time / 1000:g} seconds; expected "
                "more than 0 and less than 31,000 years (delete_keys deletes, persist_keys keeps)"
            )
    errors: list[tuple[Key, str]] = []
    with server(url) as control:
        commands = (("PEXPIRE", name, time) for name, time in zip(names, milliseconds, strict=True))
        for name, reply in zip(names, replies(control, commands), strict=True):
            refusal = refusal_of(reply)
            if refusal is None and not whole(reply):
                refusal = _MISSING
            if refusal is not None:
                errors.append((shown(name), refusal))
    return TtlResult(len(names) - len(errors), len(errors), errors)


def _pairs(renames: Iterable[tuple[Key, Key]]) -> Iterator[tuple[bytes, bytes]]:
    for number, pair in enumerate(renames):
        what = f"renames[{number}]"
        if isinstance(pair, str | bytes) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise OptionError(f"{what} is {pair!r}; expected a pair (old, new)")
        yield encoded(pair[0], what), encoded(pair[1], what)


def _rename(url: str, pairs: list[tuple[bytes, bytes]]) -> RenameResult:
    errors: list[tuple[Key, str]] = []
    with server(url) as control:
        commands = (("RENAME", old, new) for old, new in pairs)
        for (old, _), reply in zip(pairs, replies(control, commands), strict=True):
            refusal = refusal_of(reply)
            if refusal is not None:
                errors.append((shown(old), refusal))
    return RenameResult(len(pairs) - len(errors), len(errors), errors)
