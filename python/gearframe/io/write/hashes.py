"""Frames written as hashes: one key a row, one field a column."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias, Unpack

from gearframe.exceptions import OptionError, SchemaError
from gearframe.io.write.definition import define, fields_of, schema_of
from gearframe.io.write.options import (
    FIELD_TTL_RANGE,
    LONGEST_FIELD_TTL_MS,
    WriteOptions,
    complete,
    fixed_ttl,
)
from gearframe.io.write.run import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from gearframe.client import Client
    from gearframe.io.report import WriteReport


FieldTtl: TypeAlias = int | timedelta | str


class HashWriteOptions(WriteOptions, total=False):
    """Keyword arguments of ``write_hashes``."""

    columns: Sequence[str] | None
    field_ttl: Mapping[str, FieldTtl] | None


def write_hashes(
    frame: pl.DataFrame | pl.LazyFrame,
    client: Client | str | None,
    *,
    columns: Sequence[str] | None = None,
    field_ttl: Mapping[str, FieldTtl] | None = None,
    **options: Unpack[WriteOptions],
) -> WriteReport:
    """Write a frame as hashes: one key for each row, one field for each column.

    Each hash is written as a whole or not at all, and a key that cannot be written does not stop
    the others.

    Parameters
    ----------
    frame : polars.DataFrame or polars.LazyFrame
        What to write. A LazyFrame is run and written in batches, never collected; a key that
        comes twice in it is written the first time, and fails the second.
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``. None starts a new embedded
        server that nothing else can reach: to keep what is written, give a client.
    columns : sequence of str, optional
        The columns that become fields; all but ``key`` and ``ttl`` if not given. Named here, the
        key's column can be a field too.
    field_ttl : mapping of str to int, timedelta or str, optional
        When single fields expire: after so many seconds, after a time, or the name of a column
        with either (null for no expiry), which is then no field by itself. At most 1,900 years.
        It goes together with ``ttl``: what comes first counts. Needs Redis 7.4 or Valkey 9.0.
    key : str, default "_key"
        The column with the keys, String or Binary. It must have no null, and no key twice.
    key_prefix : str or bytes, default ""
        What is put before each key.
    if_exists : {"replace", "fail", "append"}, default "replace"
        What to do with a key that exists: put the new hash in its place at once, so that a
        refused write leaves the old one; leave it alone and report it as failed; or add the
        fields to it.
    ttl : int, timedelta or str, optional
        When keys expire: after so many seconds, after a time, or the name of a column with either
        (integers or Duration; null for no expiry), which is then no field by itself; ``"_ttl"``
        for a frame that was read with ``include_ttl=True``. With ``"append"`` a null leaves the
        expiry as it is.
    on_failure : {"raise", "report"}, default "raise"
        Raise a `WriteError` if a key was not written, or leave that to the reader of the report.
    batch_size : int, default 50,000
        The rows that are handed over at once. Memory is bounded by a few batches.
    progress : bool, default False
        Show a progress bar on standard error.

    Returns
    -------
    WriteReport
        How many keys were written and skipped; which failed, and why.

    Raises
    ------
    SchemaError
        For a missing column or a dtype that cannot be written. Before anything is sent.
    OptionError
        For an option that cannot be used; in a DataFrame also for a null key, a key that comes
        twice, and a time to live below 1 ms or above 31,000 years. Before anything is sent.
    ServerConnectionError, PermissionDeniedError
        If the server cannot be reached, or the user's ACL forbids ``MULTI``. Before anything is
        written.
    ReplyError
        If fields are to expire and the server cannot do that. Before anything is written.
    WriteError
        If keys were not written, unless ``on_failure="report"``. Whatever ``on_failure`` is, if
        the write was stopped: the connection is lost, or a LazyFrame fails while it runs, or has
        a null key or an impossible time to live in a row. What was written until then stays; the
        error's ``report`` says how much, and its cause is attached.

    Notes
    -----
    A null makes no field, and a field that is written without a time to live has none, whatever
    it had before. A row of nulls fails with "replace" and "fail", as Redis has no empty
    hash, and is skipped with "append".

    Values are written as text that `scan_hashes` reads back: numbers in their shortest form,
    ``true`` and ``false``, ISO 8601 for times, JSON for List, Array and Struct.

    Sends for "replace" ``MULTI``, for each of up to 64 keys ``DEL HSET [PEXPIRE]``, and ``EXEC``;
    the server spends some 4 µs on a key with six short fields, and does nothing else for the
    0.2 ms of a group. When a group is refused, it is sent again without the keys that were the
    reason. For "fail" ``WATCH`` of up to 128 keys and ``EXISTS`` of each, then the same without
    ``DEL``: one round trip for each 128 keys. For "append" ``HSET``, and once that has gone well
    ``PEXPIRE``: an expiry that is refused is reported as a failure of a key whose fields are
    written. With ``field_ttl`` the server is asked once by ``COMMAND INFO`` what it has: where all
    fields of a hash expire together, ``HSETEX`` takes the place of ``HSET``; else ``HPEXPIRE``
    follows it in the same transaction, once for each time to live.

    Examples
    --------
    >>> client = gf.connect()
    >>> users = pl.DataFrame({"_key": ["user:1", "user:2"], "name": ["Ann", "Bob"]})
    >>> gf.write_hashes(users, client).written
    2
    >>> report = gf.write_hashes(users, client, if_exists="fail", on_failure="report")
    >>> report.failed
    {b'user:1': 'exists already', b'user:2': 'exists already'}
    """
    given = complete("write_hashes", options, own=("columns", "field_ttl"))
    schema = schema_of(frame)
    ttls = _field_ttls(field_ttl)
    of_rows = [ttl for ttl in ttls.values() if isinstance(ttl, str)]
    fields = fields_of(schema, columns, given, without=of_rows)
    if not fields:
        raise SchemaError("there is no column to make fields of: Redis has no hash without fields")
    unknown = [name for name in ttls if name not in fields]
    if unknown:
        raise SchemaError(f"field_ttl names {unknown[0]!r}, which is none of the fields {fields}")
    return write(frame, client, define("hashes", schema, fields, given, field_ttls=ttls), given)


def _field_ttls(field_ttl: object) -> dict[str, int | str]:
    """Give milliseconds or the name of a column for each field."""
    if field_ttl is None:
        return {}
    if not isinstance(field_ttl, Mapping):
        raise OptionError(
            f"field_ttl is {field_ttl!r}; expected fields and their times to live, such as "
            "{'session': 3600} or {'session': 'name_of_a_column'}"
        )
    return {
        name: ttl
        if isinstance(ttl, str)
        else fixed_ttl(
            f"field_ttl of {name!r}", ttl, longest=LONGEST_FIELD_TTL_MS, wanted=FIELD_TTL_RANGE
        )
        for name, ttl in field_ttl.items()
    }
