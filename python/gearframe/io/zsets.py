"""Sorted sets as frames: one row a member with its score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from gearframe.exceptions import OptionError
from gearframe.io.definition import OnChange
from gearframe.io.options import ScanOptions, check_distinct, check_place, columns_of, scan
from gearframe.io.source import collect

if TYPE_CHECKING:
    from gearframe.client import Client


class ZsetOptions(ScanOptions, total=False):
    """Keyword arguments of ``scan_zsets``."""

    member_column: str
    score_column: str
    include_rank: bool
    rank_column: str
    min_score: float | str | None
    max_score: float | str | None
    min_rank: int | None
    max_rank: int | None
    on_change: OnChange


def scan_zsets(
    client: Client | str | None,
    pattern: str | bytes = "*",
    dtype: Any = pl.String,
    *,
    member_column: str = "member",
    score_column: str = "score",
    include_rank: bool = False,
    rank_column: str = "rank",
    min_score: float | str | None = None,
    max_score: float | str | None = None,
    min_rank: int | None = None,
    max_rank: int | None = None,
    on_change: OnChange = "raise",
    **options: Unpack[ScanOptions],
) -> pl.LazyFrame:
    """Scan sorted sets into a LazyFrame: one row for each member of each set.

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
    member_column, score_column : str, default "member" and "score"
        The names of the columns with the members and their scores.
    include_rank : bool, default False
        Have a column with the rank of each member, UInt64: 0 has the lowest score.
    rank_column : str, default "rank"
        Its name.
    min_score, max_score : float or str, optional
        The lowest and highest score to read, both included; as text also as ``ZRANGE`` takes
        them, ``"(1.5"`` to leave 1.5 itself out.
    min_rank, max_rank : int, optional
        The lowest and highest rank to read, both included; below 0 from the end. Not together
        with scores.
    on_change : {"raise", "keep"}, default "raise"
        What to do with a large set that is changed while it is read by ranks or by score, as for
        `scan_lists`. One that is read as a whole and without ranks bears changes.
    **options
        As for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, its parts, the time to live, the rank (as far as they were asked
        for), the member, then the score (Float64).

    Raises
    ------
    GearframeError
        As for `scan_hashes`; `KeyChangedError` also for a set that changed (``on_change="raise"``).

    Notes
    -----
    Sends ``SCAN MATCH COUNT`` and ``ZRANGE WITHSCORES`` for each key (with ``BYSCORE`` for a
    range of scores), up to 1,000 keys at once; ``ZCARD`` or ``ZCOUNT`` with it in ``MULTI`` where
    ranks need it. A large set is read by ``ZSCAN`` if neither ranks nor a range is asked for, and
    else by ``WATCH``, windows of ``ZRANGE`` and ``MULTI EXEC``. A filter that compares the score
    or the rank narrows the range (and so a large set that changes may raise, as ``on_change``
    says); otherwise pushes down what `scan_hashes` does.

    Examples
    --------
    >>> client = gf.connect()
    >>> client.execute("ZADD", "board:a", 10, "ann", 30, "bob", 20, "cid")
    3
    >>> lf = gf.scan_zsets(client, "board:*", include_rank=True)
    >>> lf.filter(pl.col("score") > 15).sort("rank").collect().rows()
    [('board:a', 1, 'cid', 20.0), ('board:a', 2, 'bob', 30.0)]
    """
    check_distinct(member_column, score_column, *([rank_column] if include_rank else ()))
    given: dict[str, tuple[Any, str]] = {}
    if include_rank:
        given[rank_column] = (pl.UInt64, "index")
    given |= {member_column: (dtype, "value"), score_column: (pl.Float64, "score")}
    return scan(
        client,
        "zsets",
        pattern,
        columns_of(given, options),
        options,
        elements=_range(min_score, max_score, min_rank, max_rank),
        on_change=on_change,
    )


def _range(
    min_score: float | str | None,
    max_score: float | str | None,
    min_rank: int | None,
    max_rank: int | None,
) -> dict[str, Any]:
    by_score = min_score is not None or max_score is not None
    if by_score and (min_rank is not None or max_rank is not None):
        raise OptionError("both scores and ranks are limited; give one, and filter by the other")
    if by_score:
        low = "-inf" if min_score is None else _bound("min_score", min_score)
        high = "+inf" if max_score is None else _bound("max_score", max_score)
        return {"by": "score", "range": [low, high]}
    first = 0 if min_rank is None else min_rank
    last = -1 if max_rank is None else max_rank
    check_place("min_rank", first)
    check_place("max_rank", last)
    return {"by": "rank", "range": [first, last]}


def _bound(name: str, score: float | str) -> str:
    text = score.removeprefix("(") if isinstance(score, str) else score
    try:
        number = float(text) if not isinstance(score, bool) else float("nan")
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if number != number:
        raise OptionError(f"{name} is {score!r}; expected a number, or a text such as '(1.5'")
    return ("(" if text is not score and str(score).startswith("(") else "") + repr(number)


def read_zsets(
    client: Client | str | None,
    pattern: str | bytes = "*",
    dtype: Any = pl.String,
    **options: Unpack[ZsetOptions],
) -> pl.DataFrame:
    """Read sorted sets into a DataFrame: `scan_zsets`, collected.

    Parameters
    ----------
    client, pattern, dtype, **options
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

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.read_zsets(client, "board:*").schema
    Schema([('_key', String), ('member', String), ('score', Float64)])
    """
    return collect(scan_zsets(client, pattern, dtype, **options))
