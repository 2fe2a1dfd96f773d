"""Writes of keys with many rows: sets, lists, sorted sets."""

from __future__ import annotations

import polars as pl

from gearframe.compat.polars_redis._write_frames import need, with_keys, without_nulls
from gearframe.compat.polars_redis._write_outcome import IfExists, count
from gearframe.io.write.lists import write_lists as real_write_lists
from gearframe.io.write.sets import write_sets as real_write_sets
from gearframe.io.write.zsets import write_zsets as real_write_zsets


def write_sets(
    df: pl.DataFrame,
    url: str,
    key_column: str | None = "_key",
    member_column: str = "member",
    ttl: int | None = None,
    key_prefix: str = "",
    if_exists: IfExists = "replace",
) -> int:
    """Write a frame as sets; see :func:`gearframe.write_sets`.

    Parameters
    ----------
    df : polars.DataFrame
        A row is a member. Rows with a null member are left out.
    key_column : str or None, default "_key"
        The column with the keys. None puts all rows into one key, ``"{key_prefix}0"``.
    member_column : str, default "member"
        The column with the members.
    if_exists : {"replace", "fail", "append"}, default "replace"
        What to do with keys that exist: replace them, skip them, or add to them.
    url, ttl, key_prefix
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
    Sends what :func:`gearframe.write_sets` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> tags = pl.DataFrame({"_key": ["t:1", "t:1", "t:2"], "member": ["red", "blue", "red"]})
    >>> redis.write_sets(tags, gf.connect().url)
    2
    """
    frame, key = with_keys(df, key_column, one_key=True)
    need(frame, member_column)
    options = {"key": key, "ttl": ttl, "key_prefix": key_prefix, "if_exists": if_exists}
    frame = without_nulls(frame, member_column)
    return count(real_write_sets, frame, url, member=member_column, **options)


def write_lists(
    df: pl.DataFrame,
    url: str,
    key_column: str | None = "_key",
    element_column: str = "element",
    index_column: str | None = None,
    ttl: int | None = None,
    key_prefix: str = "",
    if_exists: IfExists = "replace",
) -> int:
    """Write a frame as lists; see :func:`gearframe.write_lists`.

    Parameters
    ----------
    df : polars.DataFrame
        A row is an element. Rows with a null element are left out.
    element_column : str, default "element"
        The column with the elements.
    index_column : str, optional
        The column that gives the order of a list; the order of the rows without it.
    url, key_column, ttl, key_prefix, if_exists
        As for `write_sets`.

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
    Sends what :func:`gearframe.write_lists` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> queue = pl.DataFrame({"_key": ["q", "q"], "n": [2, 1], "element": ["last", "first"]})
    >>> redis.write_lists(queue, client.url, index_column="n")
    1
    >>> client.execute("LRANGE", "q", 0, -1)
    [b'first', b'last']
    """
    frame, key = with_keys(df, key_column, one_key=True)
    need(frame, element_column)
    if index_column is not None:
        need(frame, index_column)
        # Not `frame.sort(name)`: a column may be called like a pattern of Polars.
        places = pl.DataFrame({"place": frame.get_column(index_column)}).with_row_index("row")
        frame = frame[places.sort("place", maintain_order=True).get_column("row")]
    options = {"key": key, "ttl": ttl, "key_prefix": key_prefix, "if_exists": if_exists}
    frame = without_nulls(frame, element_column)
    return count(real_write_lists, frame, url, element=element_column, **options)


def write_zsets(
    df: pl.DataFrame,
    url: str,
    key_column: str | None = "_key",
    member_column: str = "member",
    score_column: str = "score",
    ttl: int | None = None,
    key_prefix: str = "",
    if_exists: IfExists = "replace",
) -> int:
    """Write a frame as sorted sets; see :func:`gearframe.write_zsets`.

    Parameters
    ----------
    df : polars.DataFrame
        A row is a member with its score. Rows with a null in one of them are left out.
    member_column, score_column : str, default "member" and "score"
        The columns with the members and their scores, integers or floats.
    url, key_column, ttl, key_prefix, if_exists
        As for `write_sets`.

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
    Sends what :func:`gearframe.write_zsets` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> board = pl.DataFrame({"_key": ["b", "b"], "member": ["ann", "bob"], "score": [2.5, 1.0]})
    >>> redis.write_zsets(board, gf.connect().url)
    1
    """
    frame, key = with_keys(df, key_column, one_key=True)
    need(frame, member_column, score_column)
    options = {"key": key, "ttl": ttl, "key_prefix": key_prefix, "if_exists": if_exists}
    frame = without_nulls(frame, member_column, score_column)
    return count(real_write_zsets, frame, url, member=member_column, score=score_column, **options)
