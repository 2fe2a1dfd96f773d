"""Scans of keys with many rows: sets, lists, sorted sets."""

from __future__ import annotations

import polars as pl

from gearframe.compat.polars_redis._scan_arguments import finish, settle, shared
from gearframe.compat.polars_redis._server import open_client
from gearframe.compat.polars_redis.options import (
    ListScanOptions,
    SetScanOptions,
    ZSetScanOptions,
)
from gearframe.io.lists import scan_lists as real_scan_lists
from gearframe.io.sets import scan_sets as real_scan_sets
from gearframe.io.zsets import scan_zsets as real_scan_zsets


def scan_sets(
    url: str,
    pattern: str = "*",
    *,
    options: SetScanOptions | None = None,
    include_key: bool = True,
    key_column_name: str = "_key",
    member_column_name: str = "member",
    include_row_index: bool = False,
    row_index_column_name: str = "_index",
    batch_size: int = 1000,
    count_hint: int = 100,
) -> pl.LazyFrame:
    """Scan sets; see :func:`gearframe.scan_sets`.

    Parameters
    ----------
    options : SetScanOptions, optional
        The same as one object, with ``n_rows`` besides.
    member_column_name : str, default "member"
        The column with the members, Utf8.
    url, pattern, include_key, key_column_name, include_row_index, row_index_column_name, \
batch_size, count_hint
        As for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, then the member.

    Raises
    ------
    SchemaError, OptionError, ServerConnectionError, DataError, ReplyError
        As `scan_hashes`.

    Notes
    -----
    Sends what :func:`gearframe.scan_sets` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = client.execute("SADD", "tags:1", "red")
    >>> redis.scan_sets(client.url, "tags:*").collect().rows()
    [('tags:1', 'red')]
    """
    given = {
        "pattern": pattern,
        "include_key": include_key,
        "key_column_name": key_column_name,
        "member_column_name": member_column_name,
        "include_row_index": include_row_index,
        "row_index_column_name": row_index_column_name,
        "batch_size": batch_size,
        "count_hint": count_hint,
    }
    asked = settle(SetScanOptions, options, given)
    member = asked["member_column_name"]
    client = open_client(url)
    lf = real_scan_sets(client, asked["pattern"], member_column=member, **shared(asked))
    return finish(lf, asked)


def scan_lists(
    url: str,
    pattern: str = "*",
    *,
    options: ListScanOptions | None = None,
    include_key: bool = True,
    key_column_name: str = "_key",
    element_column_name: str = "element",
    include_position: bool = False,
    position_column_name: str = "position",
    include_row_index: bool = False,
    row_index_column_name: str = "_index",
    batch_size: int = 1000,
    count_hint: int = 100,
) -> pl.LazyFrame:
    """Scan lists; see :func:`gearframe.scan_lists`.

    Parameters
    ----------
    options : ListScanOptions, optional
        The same as one object, with ``n_rows`` besides.
    element_column_name : str, default "element"
        The column with the elements, Utf8.
    include_position, position_column_name
        A column with the place in the list, from 0, UInt64.
    url, pattern, include_key, key_column_name, include_row_index, row_index_column_name, \
batch_size, count_hint
        As for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, the position, then the element.

    Raises
    ------
    SchemaError, OptionError, ServerConnectionError, DataError, ReplyError
        As `scan_hashes`; `DataError` also for a long list that changes while it is read.

    Notes
    -----
    Sends what :func:`gearframe.scan_lists` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = client.execute("RPUSH", "queue:1", "a", "b")
    >>> redis.scan_lists(client.url, "queue:*", include_position=True).collect().rows()
    [('queue:1', 0, 'a'), ('queue:1', 1, 'b')]
    """
    given = {
        "pattern": pattern,
        "include_key": include_key,
        "key_column_name": key_column_name,
        "element_column_name": element_column_name,
        "include_position": include_position,
        "position_column_name": position_column_name,
        "include_row_index": include_row_index,
        "row_index_column_name": row_index_column_name,
        "batch_size": batch_size,
        "count_hint": count_hint,
    }
    asked = settle(ListScanOptions, options, given)
    lf = real_scan_lists(
        open_client(url),
        asked["pattern"],
        element_column=asked["element_column_name"],
        include_position=asked["include_position"],
        position_column=asked["position_column_name"],
        **shared(asked),
    )
    return finish(lf, asked)


def scan_zsets(
    url: str,
    pattern: str = "*",
    *,
    options: ZSetScanOptions | None = None,
    include_key: bool = True,
    key_column_name: str = "_key",
    member_column_name: str = "member",
    score_column_name: str = "score",
    include_rank: bool = False,
    rank_column_name: str = "rank",
    include_row_index: bool = False,
    row_index_column_name: str = "_index",
    batch_size: int = 1000,
    count_hint: int = 100,
) -> pl.LazyFrame:
    """Scan sorted sets; see :func:`gearframe.scan_zsets`.

    Parameters
    ----------
    options : ZSetScanOptions, optional
        The same as one object, with ``n_rows`` besides.
    member_column_name, score_column_name : str, default "member" and "score"
        The columns with the members, Utf8, and their scores, Float64.
    include_rank, rank_column_name
        A column with the rank, UInt64: 0 has the lowest score.
    url, pattern, include_key, key_column_name, include_row_index, row_index_column_name, \
batch_size, count_hint
        As for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, the rank, the member, then the score.

    Raises
    ------
    SchemaError, OptionError, ServerConnectionError, DataError, ReplyError
        As `scan_lists`.

    Notes
    -----
    Sends what :func:`gearframe.scan_zsets` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = client.execute("ZADD", "board:1", 10, "ann")
    >>> redis.scan_zsets(client.url, "board:*").collect().rows()
    [('board:1', 'ann', 10.0)]
    """
    given = {
        "pattern": pattern,
        "include_key": include_key,
        "key_column_name": key_column_name,
        "member_column_name": member_column_name,
        "score_column_name": score_column_name,
        "include_rank": include_rank,
        "rank_column_name": rank_column_name,
        "include_row_index": include_row_index,
        "row_index_column_name": row_index_column_name,
        "batch_size": batch_size,
        "count_hint": count_hint,
    }
    asked = settle(ZSetScanOptions, options, given)
    lf = real_scan_zsets(
        open_client(url),
        asked["pattern"],
        member_column=asked["member_column_name"],
        score_column=asked["score_column_name"],
        include_rank=asked["include_rank"],
        rank_column=asked["rank_column_name"],
        **shared(asked),
    )
    return finish(lf, asked)
