"""Frames written as JSON documents: one key a row, one member a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import polars as pl

from gearframe.exceptions import OptionError, SchemaError
from gearframe.io.write.definition import define, fields_of, schema_of
from gearframe.io.write.options import WriteOptions, complete
from gearframe.io.write.run import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gearframe.client import Client
    from gearframe.io.report import WriteReport

_ROOT = "$"


class JsonWriteOptions(WriteOptions, total=False):
    """Keyword arguments of ``write_json``."""

    columns: Sequence[str] | None
    document: str | None
    path: str


def write_json(
    frame: pl.DataFrame | pl.LazyFrame,
    client: Client | str | None,
    *,
    columns: Sequence[str] | None = None,
    document: str | None = None,
    path: str = _ROOT,
    **options: Unpack[WriteOptions],
) -> WriteReport:
    """Write a frame as JSON documents: one key for each row, one member for each column.

    Each document is written as a whole or not at all, and a key that cannot be written does not
    stop the others. The server needs a JSON module: RedisJSON (in Redis 8 and Redis Stack) or
    valkey-json.

    Parameters
    ----------
    frame : polars.DataFrame or polars.LazyFrame
        What to write. A LazyFrame is run and written in batches, never collected; a key that
        comes twice in it is written the first time, and fails the second.
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``.
    columns : sequence of str, optional
        The columns that become members of an object; all but ``key`` and ``ttl`` if not given.
    document : str, optional
        Instead of ``columns``: one String column with the JSON text of whole documents. It is
        checked before it is sent; a row with a bad one fails, and so does one with a null.
    path : str, default "$"
        Where in the document of a key the value goes. Another path than the root changes a part
        of documents that are there: a key that does not exist fails.
    if_exists : {"replace", "fail", "append"}, default "replace"
        What to do with a key that exists: put the new document in its place at once, so that a
        refused write leaves the old value; leave it alone and report it as failed; or merge the
        new members into the document, as RFC 7396 says: objects are merged, everything else is
        replaced, and a null removes its member.
    **options
        ``key``, ``key_prefix``, ``if_exists``, ``ttl``, ``on_failure``, ``batch_size`` and
        ``progress``, as for `write_hashes`.

    Returns
    -------
    WriteReport
        How many keys were written; which failed, and why.

    Raises
    ------
    SchemaError
        For a missing column, or a dtype that JSON has no text for: Binary, Object. Before
        anything is sent.
    OptionError, ServerConnectionError, PermissionDeniedError, WriteError
        As for `write_hashes`.
    ReplyError
        If the server has no JSON module, or for "append" one without ``JSON.MERGE``. Before
        anything is written.

    Notes
    -----
    Integers of all sizes and Decimal become numbers with all their digits, floats numbers in
    their shortest form, Struct an object, List and Array an array, null ``null``; String,
    Categorical, Enum, Date, Time, Datetime and Duration become strings as in `write_hashes`.
    JSON has no NaN and no infinity: a row with one fails. What the server keeps is its own
    matter: RedisJSON makes doubles of integers beyond 64 bits and of numbers with a fraction.

    Sends ``COMMAND INFO`` once. For "replace" ``MULTI``, for each of up to 64 keys ``DEL JSON.SET
    [PEXPIRE]``, and ``EXEC``; for "fail" ``JSON.SET … NX``, with a ``ttl`` what `write_hashes`
    sends; for "append" ``JSON.MERGE``, and with a ``path`` ``JSON.SET`` or ``JSON.MERGE``, then
    ``PEXPIRE`` once that has gone well.

    Examples
    --------
    The embedded Valkey has no JSON module, and says so; with one, ``user:1`` would hold
    ``{"name":"Ann","tags":["a","b"]}``.

    >>> users = pl.DataFrame({"_key": ["user:1"], "name": ["Ann"], "tags": [["a", "b"]]})
    >>> gf.write_json(users, gf.connect())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    gearframe.exceptions.ReplyError: the server has no JSON.SET: load its JSON module, ...
    """
    given = complete("write_json", options, own=("columns", "document", "path"))
    if not isinstance(path, str) or not path:
        raise OptionError(f"path is {path!r}; expected a JSONPath such as '$' or '$.address'")
    if path != _ROOT and given["if_exists"] == "fail":
        raise OptionError(
            f"path is {path!r} with if_exists='fail', which looks at whole keys; "
            "use 'replace' or 'append'"
        )
    schema = schema_of(frame)
    if document is None:
        fields = fields_of(schema, columns, given)
    else:
        fields = [_document_column(schema, document, columns)]
    if not fields:
        raise SchemaError("there is no column to make members of; name some, or a document")
    settings = {"is_document": document is not None, "path": path}
    return write(frame, client, define("json", schema, fields, given, settings=settings), given)


def _document_column(schema: pl.Schema, document: object, columns: Sequence[str] | None) -> str:
    if not isinstance(document, str):
        raise OptionError(f"document is {document!r}; expected the name of a column with JSON text")
    if columns is not None:
        raise OptionError("columns and document exclude each other: give one of them")
    dtype = schema.get(document)
    if dtype is not None and not isinstance(dtype, pl.String):
        raise SchemaError(
            f"the document column {document!r} is {dtype}; expected String with JSON text, "
            f"such as pl.col({document!r}).struct.json_encode() of a Struct"
        )
    return document
