"""Frames written as lists: one element a row."""

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


class ListWriteOptions(WriteOptions, total=False):
    """Keyword arguments of ``write_lists``."""

    element: str


def write_lists(
    frame: pl.DataFrame | pl.LazyFrame,
    client: Client | str | None,
    *,
    element: str = "element",
    **options: Unpack[WriteOptions],
) -> WriteReport:
    """Write a frame as lists: one element for each row, one key for all rows that name it.

    A list has the order of its rows in the frame. Each list is written as a whole or not at all
    (``"append"`` excepted), and a key that cannot be written does not stop the others.

    Parameters
    ----------
    frame : polars.DataFrame or polars.LazyFrame
        What to write. The rows of a key need not stand together; where they do, nothing is
        sorted. A LazyFrame is run and written in batches, never collected: see the notes.
    client : Client or str or None
        As for `write_hashes`.
    element : str, default "element"
        The column with the elements, of any dtype that can be written. A null fails its key, as
        Redis has none.
    key : str, default "_key"
        The column with the keys, String or Binary, without nulls.
    key_prefix : str or bytes, default ""
        What is put before each key.
    if_exists : {"replace", "fail", "append"}, default "replace"
        What to do with a key that exists: put the new list in its place at once, so that a
        refused write leaves the old one; leave it alone and report it as failed; or add the
        elements at its end. A long list that is refused in the middle of an ``"append"`` keeps
        what was added until then, and the reason says how much.
    ttl : int, timedelta or str, optional
        As for `write_hashes`. In a column, all rows of a key must have the same, or the key
        fails; rows of a LazyFrame that are appended, the rows that come together.
    on_failure : {"raise", "report"}, default "raise"
        Raise a `WriteError` if a key was not written, or leave that to the reader of the report.
    batch_size : int, default 50,000
        The rows that are handed over at once. Memory is bounded by a few batches.
    progress : bool, default False
        Show a progress bar on standard error; it counts keys.

    Returns
    -------
    WriteReport
        How many keys were written, and how many ``elements``; which keys failed, and why.

    Raises
    ------
    SchemaError
        For a missing column or a dtype that cannot be written. Before anything is sent.
    OptionError
        For an option that cannot be used; in a DataFrame also for a null key, and a time to live
        below 1 ms or above 31,000 years. Before anything is sent.
    ServerConnectionError, PermissionDeniedError
        If the server cannot be reached, or the user's ACL forbids ``MULTI``. Before anything is
        written.
    WriteError
        If keys were not written, unless ``on_failure="report"``; and whatever ``on_failure`` is,
        if the write was stopped, as for `write_hashes`.

    Notes
    -----
    Sends for "replace" ``MULTI``, for each of up to 64 keys ``UNLINK RPUSH [PEXPIRE]``, and
    ``EXEC``; for "fail" ``WATCH`` and ``EXISTS`` before, which is a round trip for each 64 keys.

    A list of more than 4,096 elements or 256 KiB is built aside in a key ``gearframe:tmp:…``, 1,024
    elements at a time so that no command holds the server for long. It expires after ten minutes
    without news; when it is complete, ``RENAME`` or ``RENAMENX`` gives it its name. A LazyFrame
    may bring rows of a key at any time, so all its lists are built so, and get their names at the
    end: until then the old ones stay, the server holds both, and this process the name of each
    key. A LazyFrame that is appended needs nothing of this: ``RPUSH``, and ``PEXPIRE`` when that
    has gone well.

    Examples
    --------
    >>> client = gf.connect()
    >>> visits = pl.DataFrame({"_key": ["v:1", "v:2", "v:1"], "element": ["/", "/buy", "/help"]})
    >>> report = gf.write_lists(visits, client)
    >>> report.written, report.elements
    (2, 3)
    >>> client.execute("LRANGE", "v:1", 0, -1)
    [b'/', b'/help']
    """
    given = complete("write_lists", options, own=("element",))
    definition = define_collection("lists", schema_of(frame), [element], given)
    return write(frame, client, definition, given)
