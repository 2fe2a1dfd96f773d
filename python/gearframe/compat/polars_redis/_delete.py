"""Deleting keys in bulk.

Every function opens one connection, sends its commands in pipelines of 1,000 and closes it. A
key that the server refuses stops nothing: it stands in the result, with the server's words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import redis

from gearframe.compat.polars_redis._frame_columns import key_list
from gearframe.compat.polars_redis._keyspace import pages
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

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class DeleteResult:
    """What was deleted.

    Attributes
    ----------
    deleted, not_found : int
        How many keys.
    failed : int
        How many keys the server refused to delete.
    errors : list of (key, message)
        Each of them, as text where it is UTF-8, and why.
    """

    deleted: int
    not_found: int
    failed: int = 0
    errors: list[tuple[Key, str]] = field(default_factory=list)


def delete_keys(url: str, keys: Sequence[Key]) -> DeleteResult:
    """Delete keys.

    Parameters
    ----------
    url : str
        The server.
    keys : sequence of str or bytes
        The keys. One that is named twice is deleted once, and not found once.

    Returns
    -------
    DeleteResult

    Raises
    ------
    OptionError
        For what is no key. Before anything is sent.
    ServerConnectionError
        If the server cannot be reached or is lost; keys before that are deleted.

    Notes
    -----
    Sends ``UNLINK`` for each key: the server frees the memory of large ones in the background.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> client.execute("SET", "temp:1", "x")
    b'OK'
    >>> redis.delete_keys(client.url, ["temp:1", "temp:2"])
    DeleteResult(deleted=1, not_found=1, failed=0, errors=[])
    """
    names = encoded_all(keys, "keys")
    with server(url) as control:
        return _unlink(control, names)


def delete_keys_pattern(url: str, pattern: Key) -> DeleteResult:
    """Delete all keys that match a pattern.

    Parameters
    ----------
    url : str
        The server.
    pattern : str or bytes
        Redis' glob pattern. ``"*"`` is every key of the database, and they will be gone.

    Returns
    -------
    DeleteResult
        ``not_found`` counts keys that vanished between being found and being deleted.

    Raises
    ------
    OptionError
        For what is no pattern.
    ServerConnectionError
        If the server cannot be reached or is lost; keys before that are deleted.

    Notes
    -----
    Sends ``SCAN`` with ``COUNT 1000`` until it has been through all keys, and ``UNLINK`` for each
    match. A key that is made meanwhile may stay.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> client.execute("MSET", "temp:1", "x", "temp:2", "y", "kept", "z")
    b'OK'
    >>> redis.delete_keys_pattern(client.url, "temp:*").deleted
    2
    """
    results = []
    with server(url) as control:
        for page in pages(control, encoded(pattern, "pattern")):
            results.append(_unlink(control, page))
    return DeleteResult(
        deleted=sum(result.deleted for result in results),
        not_found=sum(result.not_found for result in results),
        failed=sum(result.failed for result in results),
        errors=[error for result in results for error in result.errors],
    )


def delete_keys_from_column(url: str, df: pl.DataFrame, key_column: str) -> DeleteResult:
    """Delete the keys that a column names.

    Parameters
    ----------
    url : str
        The server.
    df : polars.DataFrame
        One row for each key.
    key_column : str
        The column with the keys: String or Binary, no nulls.

    Returns
    -------
    DeleteResult

    Raises
    ------
    SchemaError
        If the column is missing or has another dtype.
    OptionError
        For a null. Before anything is sent.
    ServerConnectionError
        If the server cannot be reached or is lost; keys before that are deleted.

    Notes
    -----
    Sends ``UNLINK`` for each key.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> df = pl.DataFrame({"key": ["temp:1", "temp:2"]})
    >>> redis.delete_keys_from_column(gf.connect().url, df, "key").not_found
    2
    """
    names = key_list(df, key_column)
    with server(url) as control:
        return _unlink(control, names)


def _unlink(control: redis.Redis, names: list[bytes]) -> DeleteResult:
    deleted = 0
    errors: list[tuple[Key, str]] = []
    commands = (("UNLINK", name) for name in names)
    for name, reply in zip(names, replies(control, commands), strict=True):
        refusal = refusal_of(reply)
        if refusal is None:
            deleted += whole(reply)
        else:
            errors.append((shown(name), refusal))
    return DeleteResult(deleted, len(names) - deleted - len(errors), len(errors), errors)
