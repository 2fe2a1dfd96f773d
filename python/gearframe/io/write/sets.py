"""Frames written as sets: one member a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from gearframe.io.write.collection import define_collection
from gearframe.io.write.definition import schema_of
from gearframe.io.write.options import WriteOptions, complete
from gearframe.io.write.run import write

if TYPE_CHECKING:
    import polars as pl

    from gearframe.client import Client
    from gearframe.io.report import WriteReport


class SetWriteOptions(WriteOptions, total=False):
    """Keyword arguments of ``write_sets``."""

    member: str


def write_sets(
    frame: pl.DataFrame | pl.LazyFrame,
    client: Client | str | None,
    *,
    member: str = "member",
    **options: Unpack[WriteOptions],
) -> WriteReport:
    """Write a frame as sets: one member for each row, one key for all rows that name it.

    Parameters
    ----------
    frame : polars.DataFrame or polars.LazyFrame
        What to write, as for `write_lists`. Rows that are alike become one member.
    client : Client or str or None
        As for `write_hashes`.
    member : str, default "member"
        The column with the members, of any dtype that can be written. A null fails its key.
    **options
        ``key``, ``key_prefix``, ``if_exists``, ``ttl``, ``on_failure``, ``batch_size`` and
        ``progress``, as for `write_lists`; with ``if_exists="append"`` members are
        added.

    Returns
    -------
    WriteReport
        How many keys were written; which failed, and why. ``elements`` counts rows, also those
        that are alike.

    Raises
    ------
    SchemaError, OptionError, ServerConnectionError, PermissionDeniedError, WriteError
        As for `write_lists`.

    Notes
    -----
    Sends what `write_lists` sends, with ``SADD`` for ``RPUSH``.

    Examples
    --------
    >>> client = gf.connect()
    >>> tags = pl.DataFrame({"_key": ["t:1", "t:2", "t:1"], "member": ["red", "new", "old"]})
    >>> gf.write_sets(tags, client).elements
    3
    >>> sorted(client.execute("SMEMBERS", "t:1"))
    [b'old', b'red']
    """
    given = complete("write_sets", options, own=("member",))
    definition = define_collection("sets", schema_of(frame), [member], given)
    return write(frame, client, definition, given)
