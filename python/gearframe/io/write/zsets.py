"""Frames written as sorted sets: one member with its score a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from gearframe.io.write.collection import as_double, define_collection
from gearframe.io.write.definition import schema_of
from gearframe.io.write.options import WriteOptions, complete
from gearframe.io.write.run import write

if TYPE_CHECKING:
    import polars as pl

    from gearframe.client import Client
    from gearframe.io.report import WriteReport


class ZsetWriteOptions(WriteOptions, total=False):
    """Keyword arguments of ``write_zsets``."""

    member: str
    score: str


def write_zsets(
    frame: pl.DataFrame | pl.LazyFrame,
    client: Client | str | None,
    *,
    member: str = "member",
    score: str = "score",
    **options: Unpack[WriteOptions],
) -> WriteReport:
    """Write a frame as sorted sets: one member for each row, one key for all rows that name it.

    Parameters
    ----------
    frame : polars.DataFrame or polars.LazyFrame
        What to write, as for `write_lists`. Of rows with the same member the last one counts.
    client : Client or str or None
        As for `write_hashes`.
    member : str, default "member"
        The column with the members, of any dtype that can be written. A null fails its key.
    score : str, default "score"
        The column with the scores, integers or floats, infinities among them. A null, NaN, or an
        integer that a double does not hold exactly fails its key.
    **options
        ``key``, ``key_prefix``, ``if_exists``, ``ttl``, ``on_failure``, ``batch_size`` and
        ``progress``, as for `write_lists`; with ``if_exists="append"`` members are added,
        and those that are there get their new score.

    Returns
    -------
    WriteReport
        How many keys were written; which failed, and why. ``elements`` counts rows.

    Raises
    ------
    SchemaError, OptionError, ServerConnectionError, PermissionDeniedError, WriteError
        As for `write_lists`.

    Notes
    -----
    Sends what `write_lists` sends, with ``ZADD`` for ``RPUSH``, 512 members at a time and 2,048 in
    a sorted set that is not built aside.

    Examples
    --------
    >>> client = gf.connect()
    >>> ranks = pl.DataFrame({"_key": ["r", "r"], "member": ["Ann", "Bob"], "score": [2.5, 1.0]})
    >>> gf.write_zsets(ranks, client).written
    1
    >>> client.execute("ZRANGE", "r", 0, -1)
    [b'Bob', b'Ann']
    """
    given = complete("write_zsets", options, own=("member", "score"))
    schema = schema_of(frame)
    casts = as_double(score, schema, "score")
    definition = define_collection("zsets", schema, [member, score], given, casts=casts)
    return write(frame, client, definition, given)
