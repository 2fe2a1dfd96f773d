"""Scans of sets, lists and sorted sets, collected; without ``options`` and ``parallel``."""

from __future__ import annotations

import polars as pl

from gearframe.compat.polars_redis._scan_elements import scan_lists, scan_sets, scan_zsets
from gearframe.io.source import collect


def read_sets(
    url: str,
    pattern: str = "*",
    *,
    include_key: bool = True,
    key_column_name: str = "_key",
    member_column_name: str = "member",
    include_row_index: bool = False,
    row_index_column_name: str = "_index",
    batch_size: int = 1000,
    count_hint: int = 100,
) -> pl.DataFrame:
    """Read sets: `scan_sets`, collected.

    Parameters
    ----------
    url, pattern, include_key, key_column_name, member_column_name, include_row_index, \
row_index_column_name, batch_size, count_hint
        As for `scan_sets`.

    Returns
    -------
    polars.DataFrame
        As for `scan_sets`.

    Raises
    ------
    GearframeError
        As for `scan_sets`.

    Notes
    -----
    Sends what `scan_sets` sends.
    """
    return collect(
        scan_sets(
            url,
            pattern,
            include_key=include_key,
            key_column_name=key_column_name,
            member_column_name=member_column_name,
            include_row_index=include_row_index,
            row_index_column_name=row_index_column_name,
            batch_size=batch_size,
            count_hint=count_hint,
        )
    )


def read_lists(
    url: str,
    pattern: str = "*",
    *,
    include_key: bool = True,
    key_column_name: str = "_key",
    element_column_name: str = "element",
    include_position: bool = False,
    position_column_name: str = "position",
    include_row_index: bool = False,
    row_index_column_name: str = "_index",
    batch_size: int = 1000,
    count_hint: int = 100,
) -> pl.DataFrame:
    """Read lists: `scan_lists`, collected.

    Parameters
    ----------
    url, pattern, include_key, key_column_name, element_column_name, include_position, \
position_column_name, include_row_index, row_index_column_name, batch_size, count_hint
        As for `scan_lists`.

    Returns
    -------
    polars.DataFrame
        As for `scan_lists`.

    Raises
    ------
    GearframeError
        As for `scan_lists`.

    Notes
    -----
    Sends what `scan_lists` sends.
    """
    return collect(
        scan_lists(
            url,
            pattern,
            include_key=include_key,
            key_column_name=key_column_name,
            element_column_name=element_column_name,
            include_position=include_position,
            position_column_name=position_column_name,
            include_row_index=include_row_index,
            row_index_column_name=row_index_column_name,
            batch_size=batch_size,
            count_hint=count_hint,
        )
    )


def read_zsets(
    url: str,
    pattern: str = "*",
    *,
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
) -> pl.DataFrame:
    """Read sorted sets: `scan_zsets`, collected.

    Parameters
    ----------
    url, pattern, include_key, key_column_name, member_column_name, score_column_name, \
include_rank, rank_column_name, include_row_index, row_index_column_name, batch_size, \
count_hint
        As for `scan_zsets`.

    Returns
    -------
    polars.DataFrame
        As for `scan_zsets`.

    Raises
    ------
    GearframeError
        As for `scan_zsets`.

    Notes
    -----
    Sends what `scan_zsets` sends.
    """
    return collect(
        scan_zsets(
            url,
            pattern,
            include_key=include_key,
            key_column_name=key_column_name,
            member_column_name=member_column_name,
            score_column_name=score_column_name,
            include_rank=include_rank,
            rank_column_name=rank_column_name,
            include_row_index=include_row_index,
            row_index_column_name=row_index_column_name,
            batch_size=batch_size,
            count_hint=count_hint,
        )
    )
