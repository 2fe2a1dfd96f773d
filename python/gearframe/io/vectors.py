"""Vector sets as frames: one row a member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from gearframe.exceptions import OptionError, SchemaError
from gearframe.io.definition import Column
from gearframe.io.options import ScanOptions, check_whole, columns_of, scan
from gearframe.io.source import collect

if TYPE_CHECKING:
    from gearframe.client import Client

_MOST_NUMBERS = 65_536
"""Redis' own limit. A wrong dim of a billion would take the memory for nulls of that width."""


class VectorOptions(ScanOptions, total=False):
    """Keyword arguments of ``scan_vectors``."""

    member_column: str
    member_dtype: Any
    vector_column: str


def scan_vectors(
    client: Client | str | None,
    pattern: str | bytes,
    dim: int,
    *,
    member_column: str = "member",
    member_dtype: Any = pl.String,
    vector_column: str = "vector",
    **options: Unpack[ScanOptions],
) -> pl.LazyFrame:
    """Scan vector sets into a LazyFrame: one row for each member of each set.

    Needs Redis 8. A member that is in its set from the start of a run to its end comes exactly
    once, or the run fails with an error. One that is removed after its name has come and before
    its vector is left out, and counted as ``elements_vanished`` in the report.

    Parameters
    ----------
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``. None starts a new embedded
        server, which has no vector sets.
    pattern : str or bytes
        Redis' glob pattern for the keys.
    dim : int
        How many numbers each vector has, as ``VDIM`` answers it.
    member_column : str, default "member"
        The name of the column with the members.
    member_dtype : dtype, default polars.String
        What the members are; the same dtypes and the same strictness as in `scan_hashes`.
    vector_column : str, default "vector"
        The name of the column with the vectors, Array(Float32, dim).
    **options
        ``keys``, ``key_schema``, ``include_key``, ``key_column``, ``key_dtype``, ``include_ttl``,
        ``ttl_column``, ``row_index_name``, ``row_index_offset``, ``on_error``, ``batch_size``,
        ``scan_count``, ``throttle`` and ``progress``, as for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, its parts, the time to live (as far as they were asked for), then
        the member and its vector. Redis keeps vectors quantised, unless they were added with
        ``NOQUANT``: as 8-bit integers by default, or one bit a number (``BIN``). What comes is
        what the server makes of these, near to what was added (0.496 for 0.5) or, of bits, 1 and
        -1. A set made with ``REDUCE`` gives the reduced vectors.

    Raises
    ------
    GearframeError
        As for `scan_hashes`; `DataError` also for a vector of another length, which names key and
        member (with ``on_error="null"`` or ``"skip"`` there is no error, as for other values);
        `ReplyError` if the server has no vector sets.

    Notes
    -----
    Sends ``SCAN MATCH COUNT``; for each key ``VRANGE`` in pages of up to 4,096 members (Redis
    8.4), or where there is none ``VRANDMEMBER`` of all members, whose names are kept until their
    vectors have come; then ``VEMB`` for each member, in pipelines of about a megabyte of replies.
    Without the vector column no ``VEMB``. Pushes down what `scan_hashes` does.

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.scan_vectors(client, "docs:*", 3).collect_schema()
    Schema([('_key', String), ('member', String), ('vector', Array(Float32, shape=(3,)))])
    """
    check_whole("dim", dim, least=1)
    if dim > _MOST_NUMBERS:
        raise OptionError(f"dim is {dim:,}; no vector has more than {_MOST_NUMBERS:,} numbers")
    if member_column == vector_column:
        raise SchemaError(f"two columns are called {member_column!r}; rename one")
    given = {member_column: (member_dtype, "value"), vector_column: (pl.Binary, "vector")}
    member, vector = columns_of(given, options)
    source = {"from": "vector", "dim": dim}
    values = [member, Column(vector.name, pl.Array(pl.Float32, dim), source)]
    return scan(client, "vectors", pattern, values, options)


def read_vectors(
    client: Client | str | None,
    pattern: str | bytes,
    dim: int,
    **options: Unpack[VectorOptions],
) -> pl.DataFrame:
    """Read vector sets into a DataFrame: `scan_vectors`, collected.

    Parameters
    ----------
    client, pattern, dim, **options
        As for `scan_vectors`.

    Returns
    -------
    polars.DataFrame
        As for `scan_vectors`.

    Raises
    ------
    GearframeError
        As for `scan_vectors`.

    Notes
    -----
    Sends what `scan_vectors` sends.

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.read_vectors(client, "docs:*", 3).columns
    ['_key', 'member', 'vector']
    """
    return collect(scan_vectors(client, pattern, dim, **options))
