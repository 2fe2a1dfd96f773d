"""Sets as frames: one row a member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from gearframe.io.options import ScanOptions, columns_of, scan
from gearframe.io.source import collect

if TYPE_CHECKING:
    from gearframe.client import Client


class SetOptions(ScanOptions, total=False):
    """Keyword arguments of ``scan_sets``."""

    member_column: str


def scan_sets(
    client: Client | str | None,
    pattern: str | bytes = "*",
    dtype: Any = pl.String,
    *,
    member_column: str = "member",
    **options: Unpack[ScanOptions],
) -> pl.LazyFrame:
    """Scan sets into a LazyFrame: one row for each member of each set.

    A member that is in its set from the start of a run to its end comes exactly once, or the run
    fails with an error.

    Parameters
    ----------
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``. None starts a new embedded
        server, which is empty and stays until the program ends.
    pattern : str or bytes, default "*"
        Redis' glob pattern for the keys.
    dtype : dtype, default polars.String
        What the members are; the same dtypes and the same strictness as in `scan_hashes`.
    member_column : str, default "member"
        The name of the column with the members.
    **options
        As for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, its parts, the time to live (as far as they were asked for), then
        the member.

    Raises
    ------
    GearframeError
        As for `scan_hashes`.

    Notes
    -----
    Sends ``SCAN MATCH COUNT`` and ``SRANDMEMBER`` for each key, up to 1,000 keys at once. It
    answers with the whole set where that has fewer members than asked for, 64 at first and up to
    4,096 later, at the cost of ``SMEMBERS``; a larger set is read by ``SSCAN`` in pieces. Memory is
    bounded by a few batches, and some 20 bytes for each member of the large set at hand, for the
    server may return a member twice. Pushes down what `scan_hashes` does.

    Examples
    --------
    >>> client = gf.connect()
    >>> client.execute("SADD", "tags:a", "red", "green")
    2
    >>> gf.scan_sets(client, "tags:*").select("_key", "member").sort("member").collect().rows()
    [('tags:a', 'green'), ('tags:a', 'red')]
    """
    values = columns_of({member_column: (dtype, "value")}, options)
    return scan(client, "sets", pattern, values, options)


def read_sets(
    client: Client | str | None,
    pattern: str | bytes = "*",
    dtype: Any = pl.String,
    **options: Unpack[SetOptions],
) -> pl.DataFrame:
    """Read sets into a DataFrame: `scan_sets`, collected.

    Parameters
    ----------
    client, pattern, dtype, **options
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

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.read_sets(client, "tags:*", pl.Int64).schema
    Schema([('_key', String), ('member', Int64)])
    """
    return collect(scan_sets(client, pattern, dtype, **options))
