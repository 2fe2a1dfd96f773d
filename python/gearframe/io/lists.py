"""Lists as frames: one row an element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from gearframe.io.definition import OnChange
from gearframe.io.options import ScanOptions, check_distinct, check_place, columns_of, scan
from gearframe.io.source import collect

if TYPE_CHECKING:
    from gearframe.client import Client


class ListOptions(ScanOptions, total=False):
    """Keyword arguments of ``scan_lists``."""

    element_column: str
    include_position: bool
    position_column: str
    start: int
    end: int
    on_change: OnChange


def scan_lists(
    client: Client | str | None,
    pattern: str | bytes = "*",
    dtype: Any = pl.String,
    *,
    element_column: str = "element",
    include_position: bool = False,
    position_column: str = "position",
    start: int = 0,
    end: int = -1,
    on_change: OnChange = "raise",
    **options: Unpack[ScanOptions],
) -> pl.LazyFrame:
    """Scan lists into a LazyFrame: one row for each element of each list.

    Parameters
    ----------
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``. None starts a new embedded
        server, which is empty and stays until the program ends.
    pattern : str or bytes, default "*"
        Redis' glob pattern for the keys.
    dtype : dtype, default polars.String
        What the elements are; the same dtypes and the same strictness as in `scan_hashes`.
    element_column : str, default "element"
        The name of the column with the elements.
    include_position : bool, default False
        Have a column with the place of each element in its list, UInt64, from 0.
    position_column : str, default "position"
        Its name.
    start, end : int, default 0 and -1
        The places of the first and the last element to read, both included, as ``LRANGE`` takes
        them: below 0 from the end.
    on_change : {"raise", "keep"}, default "raise"
        What to do with a list that is changed while it is read in pieces, so that elements may
        have come twice or not at all: raise a `KeyChangedError`, or keep what came and count
        the key in the report. A list of up to 4,096 elements (fewer, if they are long) comes in one piece,
        which no change can break.
    **options
        As for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, its parts, the time to live, the position (as far as they were
        asked for), then the element. The elements of a list come in their order, and stay together
        (Polars' engines may change the order of rows later; sort by position where it matters).

    Raises
    ------
    GearframeError
        As for `scan_hashes`; `KeyChangedError` also for a list that changed (``on_change="raise"``).

    Notes
    -----
    Sends ``SCAN MATCH COUNT`` and ``LRANGE`` for each key, up to 1,000 keys at once; where places
    count from the end and the length is needed, ``MULTI LLEN LRANGE EXEC``. A large list is read
    by ``WATCH LLEN``, windows of ``LRANGE`` and ``MULTI EXEC``. A filter that compares the
    position narrows the range; otherwise pushes down what `scan_hashes` does.

    Examples
    --------
    >>> client = gf.connect()
    >>> client.execute("RPUSH", "queue:a", "x", "y", "z")
    3
    >>> gf.scan_lists(client, "queue:*", include_position=True, start=-2).collect().rows()
    [('queue:a', 1, 'y'), ('queue:a', 2, 'z')]
    """
    for name, place in (("start", start), ("end", end)):
        check_place(name, place)
    given: dict[str, tuple[Any, str]] = {}
    if include_position:
        check_distinct(position_column, element_column)
        given[position_column] = (pl.UInt64, "index")
    values = columns_of(given | {element_column: (dtype, "value")}, options)
    elements = {"range": [start, end]}
    return scan(client, "lists", pattern, values, options, elements=elements, on_change=on_change)


def read_lists(
    client: Client | str | None,
    pattern: str | bytes = "*",
    dtype: Any = pl.String,
    **options: Unpack[ListOptions],
) -> pl.DataFrame:
    """Read lists into a DataFrame: `scan_lists`, collected.

    Parameters
    ----------
    client, pattern, dtype, **options
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

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.read_lists(client, "queue:*", pl.Int64).schema
    Schema([('_key', String), ('element', Int64)])
    """
    return collect(scan_lists(client, pattern, dtype, **options))
