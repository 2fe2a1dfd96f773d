"""Writes of keys that are one row each: hashes, JSON documents, strings."""

from __future__ import annotations

import polars as pl

from gearframe.compat.polars_redis._write_frames import (
    last_rows,
    merged_rows,
    need,
    with_keys,
    without_nulls,
)
from gearframe.compat.polars_redis._write_outcome import (
    IfExists,
    WriteResult,
    count,
    keys_of,
    result,
)
from gearframe.io.write.hashes import write_hashes as real_write_hashes
from gearframe.io.write.json import write_json as real_write_json
from gearframe.io.write.strings import write_strings as real_write_strings


def write_hashes(
    df: pl.DataFrame,
    url: str,
    key_column: str | None = "_key",
    ttl: int | None = None,
    key_prefix: str = "",
    if_exists: IfExists = "replace",
) -> int:
    """Write a frame as hashes; see :func:`gearframe.write_hashes`.

    Parameters
    ----------
    df : polars.DataFrame
        A row is a hash, a column a field; a null makes none. Of rows with the same key the last
        value of each field counts.
    url : str
        The server.
    key_column : str or None, default "_key"
        The column with the keys. None numbers them: ``"{key_prefix}0"``, ``"{key_prefix}1"`` …
    ttl : int, optional
        Seconds to live.
    key_prefix : str, default ""
        What is put before each key.
    if_exists : {"replace", "fail", "append"}, default "replace"
        What to do with keys that exist: replace them, skip them, or add the fields.

    Returns
    -------
    int
        How many keys were written; those that were skipped are not counted.

    Raises
    ------
    WriteError
        If keys were not written for another reason than that they exist; the others are.
    SchemaError, OptionError, ServerConnectionError
        As :func:`gearframe.write_hashes`.

    Notes
    -----
    Sends what :func:`gearframe.write_hashes` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> users = pl.DataFrame({"_key": ["user:1", "user:2"], "name": ["Ann", "Bob"]})
    >>> client = gf.connect()
    >>> redis.write_hashes(users, client.url, ttl=60)
    2
    >>> redis.write_hashes(users, client.url, if_exists="fail")
    0
    """
    frame, key = with_keys(df, key_column)
    options = {"key": key, "ttl": ttl, "key_prefix": key_prefix, "if_exists": if_exists}
    return count(real_write_hashes, merged_rows(frame, key), url, **options)


def write_hashes_detailed(
    df: pl.DataFrame,
    url: str,
    key_column: str | None = "_key",
    ttl: int | None = None,
    key_prefix: str = "",
    if_exists: IfExists = "replace",
) -> WriteResult:
    """Write a frame as hashes, and report what became of each key.

    Parameters
    ----------
    df, url, key_column, ttl, key_prefix, if_exists
        As for `write_hashes`.

    Returns
    -------
    WriteResult
        Keys that were not written stand in it: also when the connection is lost on the way.

    Raises
    ------
    SchemaError, OptionError, ServerConnectionError
        As :func:`gearframe.write_hashes`: before anything is written.

    Notes
    -----
    Sends what :func:`gearframe.write_hashes` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> users = pl.DataFrame({"_key": ["user:1"], "name": ["Ann"]})
    >>> redis.write_hashes_detailed(users, gf.connect().url).is_complete_success()
    True
    """
    frame, key = with_keys(df, key_column)
    options = {"key": key, "ttl": ttl, "key_prefix": key_prefix, "if_exists": if_exists}
    frame = merged_rows(frame, key)
    skipped = _without_fields(frame, key, key_prefix, ttl) if if_exists == "append" else set()
    return result(real_write_hashes, frame, url, skipped, **options)


def write_json(
    df: pl.DataFrame,
    url: str,
    key_column: str | None = "_key",
    ttl: int | None = None,
    key_prefix: str = "",
    if_exists: IfExists = "replace",
) -> int:
    """Write a frame as JSON documents; see :func:`gearframe.write_json`.

    Parameters
    ----------
    df : polars.DataFrame
        A row is a document, a column a member. Of rows with the same key the last one counts.
    if_exists : {"replace", "fail", "append"}, default "replace"
        What to do with keys that exist: replace them, skip them; "append" replaces too.
    url, key_column, ttl, key_prefix
        As for `write_hashes`.

    Returns
    -------
    int
        How many keys were written; those that were skipped are not counted.

    Raises
    ------
    WriteError, SchemaError, OptionError, ServerConnectionError
        As `write_hashes`.
    ReplyError
        If the server has no JSON module.

    Notes
    -----
    Sends what :func:`gearframe.write_json` sends.
    """
    frame, key = with_keys(df, key_column)
    options = {"key": key, "ttl": ttl, "key_prefix": key_prefix, "if_exists": _whole(if_exists)}
    return count(real_write_json, last_rows(frame, key), url, **options)


def write_strings(
    df: pl.DataFrame,
    url: str,
    key_column: str | None = "_key",
    value_column: str = "value",
    ttl: int | None = None,
    key_prefix: str = "",
    if_exists: IfExists = "replace",
) -> int:
    """Write a frame as strings; see :func:`gearframe.write_strings`.

    Parameters
    ----------
    df : polars.DataFrame
        A row is a key with its value. Rows with a null value are left out, and of rows with the
        same key the last one counts.
    value_column : str, default "value"
        The column with the values.
    if_exists : {"replace", "fail", "append"}, default "replace"
        What to do with keys that exist: replace them, skip them; "append" replaces too.
    url, key_column, ttl, key_prefix
        As for `write_hashes`.

    Returns
    -------
    int
        How many keys were written; those that were skipped are not counted.

    Raises
    ------
    WriteError, SchemaError, OptionError, ServerConnectionError
        As `write_hashes`.

    Notes
    -----
    Sends what :func:`gearframe.write_strings` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> hits = pl.DataFrame({"value": [3, 4]})
    >>> redis.write_strings(hits, gf.connect().url, key_column=None, key_prefix="hits:")
    2
    """
    frame, key = with_keys(df, key_column)
    need(frame, value_column)
    frame = last_rows(without_nulls(frame, value_column), key)
    options = {"key": key, "ttl": ttl, "key_prefix": key_prefix, "if_exists": _whole(if_exists)}
    return count(real_write_strings, frame, url, value=value_column, **options)


def _whole(if_exists: IfExists) -> IfExists:
    """Documents and strings are replaced as a whole, as they were there."""
    return "replace" if if_exists == "append" else if_exists


def _without_fields(frame: pl.DataFrame, key: str, prefix: str, ttl: object) -> set[bytes]:
    """Give the keys that get no field, as all of their values are null."""
    fields = [frame.get_column(name) for name in frame.columns if name not in (key, ttl)]
    if not fields:
        return set()
    named = (field.alias(str(number)) for number, field in enumerate(fields))
    nulls = pl.DataFrame([field.is_null() for field in named])
    empty = frame.filter(nulls.select(pl.all_horizontal(pl.all())).to_series())
    return set(keys_of(empty, key, prefix))
