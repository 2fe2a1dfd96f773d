"""Frames written as streams: one entry a row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Unpack

import polars as pl

from gearframe.exceptions import OptionError, SchemaError
from gearframe.io.options import check_whole
from gearframe.io.write.collection import as_milliseconds, define_collection
from gearframe.io.write.definition import fields_of, schema_of
from gearframe.io.write.options import WriteOptions, complete
from gearframe.io.write.run import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gearframe.client import Client
    from gearframe.io.report import WriteReport

_ID = "__gearframe_id"


class StreamWriteOptions(WriteOptions, total=False):
    """Keyword arguments of ``write_streams``."""

    id: str | None
    columns: Sequence[str] | None
    maxlen: int | None
    minid: str | int | None
    approximate: bool


def write_streams(
    frame: pl.DataFrame | pl.LazyFrame,
    client: Client | str | None,
    *,
    id: str | None = None,
    columns: Sequence[str] | None = None,
    maxlen: int | None = None,
    minid: str | int | None = None,
    approximate: bool = True,
    **options: Unpack[WriteOptions],
) -> WriteReport:
    """Write a frame as streams: one entry for each row, one key for all rows that name it.

    Parameters
    ----------
    frame : polars.DataFrame or polars.LazyFrame
        What to write, as for `write_lists`. A null makes no field; a row of nulls fails its key.
    client : Client or str or None
        As for `write_hashes`.
    id : str, optional
        The column with the ids: String, such as ``"1700000000000-0"`` or ``"1700000000000-*"``
        for the next free one of that millisecond; or Datetime in whole milliseconds, which
        becomes such an id. The server makes the ids if it is not given.
    columns : sequence of str, optional
        The columns that become fields; all but ``key``, ``ttl`` and ``id`` if not given.
    maxlen : int, optional
        Keep so many entries, the newest.
    minid : str or int, optional
        Keep entries from this id on. Not together with ``maxlen``.
    approximate : bool, default True
        Let the server keep some more, which is much cheaper for it (``~``).
    **options
        ``key``, ``key_prefix``, ``if_exists``, ``ttl``, ``on_failure``, ``batch_size`` and
        ``progress``, as for `write_lists`. With ``if_exists="replace"``, the default, a
        stream is made anew, and its consumer groups are gone; ``"append"`` adds entries.

    Returns
    -------
    WriteReport
        How many keys were written, and how many entries as ``elements``; which failed, and why.
        An id that is not above the last one is refused by the server, and the reason names it.

    Raises
    ------
    SchemaError, OptionError, ServerConnectionError, PermissionDeniedError, WriteError
        As for `write_lists`; `OptionError` also for a time with a part below a millisecond.

    Notes
    -----
    Sends what `write_lists` sends, with one ``XADD`` for each row in place of ``RPUSH``, 256 of
    them at a time, and 1,024 in a stream that is not built aside. With "append" each entry is for
    itself: those that are refused are missing, the others are there.

    A stream whose ids are not sure to be in order is built aside like a long list, so that a
    refused one leaves the old stream in place.

    Examples
    --------
    >>> client = gf.connect()
    >>> log = pl.DataFrame({"_key": ["log", "log"], "at": ["5-1", "6-1"], "level": [1, None],
    ...                     "text": ["up", "down"]})
    >>> gf.write_streams(log, client, id="at", if_exists="append").elements
    2
    >>> client.execute("XRANGE", "log", 6, 6)
    [[b'6-1', [b'text', b'down']]]
    """
    own = ("id", "columns", "maxlen", "minid", "approximate")
    given = complete("write_streams", options, own=own)
    schema = schema_of(frame)
    fields = fields_of(schema, columns, given, without=[] if id is None else [id])
    if not fields:
        raise SchemaError("there is no column to make fields of: Redis has no entry without fields")
    definition = define_collection(
        "streams",
        schema,
        fields,
        given,
        {"id": None if id is None else _ID, "trim": _trim(maxlen, minid, approximate=approximate)},
        casts={} if id is None else _ids(id, schema),
        extras={} if id is None else {_ID: id},
        moments=[] if id is None else [id],
    )
    return write(frame, client, definition, given)


def _ids(name: str, schema: pl.Schema) -> dict[str, pl.Expr]:
    dtype = schema.get(name)
    if isinstance(dtype, pl.Datetime):
        return {name: pl.format("{}-*", as_milliseconds(name))}
    if dtype is not None and not isinstance(dtype, pl.String):
        raise SchemaError(f"the id column {name!r} is {dtype}; expected String or Datetime")
    return {}


def _trim(maxlen: int | None, minid: str | int | None, *, approximate: bool) -> list[str]:
    """Give the words between the key and the id."""
    if maxlen is not None and minid is not None:
        raise OptionError("maxlen and minid are both given; a stream is trimmed by one of them")
    how = "~" if approximate else "="
    if maxlen is not None:
        check_whole("maxlen", maxlen, least=0)
        return ["MAXLEN", how, str(maxlen)]
    if minid is None:
        return []
    # The server would find a wrong one only after the old stream is gone.
    if isinstance(minid, bool) or not isinstance(minid, str | int) or not _is_id(str(minid)):
        raise OptionError(f"minid is {minid!r}; expected an id such as '1700000000000-0'")
    return ["MINID", how, str(minid)]


def _is_id(text: str) -> bool:
    """Whether a text is an entry's id, with its second part or without."""
    parts = re.fullmatch(r"([0-9]{1,20})(?:-([0-9]{1,20}))?", text, re.ASCII)
    return parts is not None and all(int(part or 0) < 2**64 for part in parts.groups())
