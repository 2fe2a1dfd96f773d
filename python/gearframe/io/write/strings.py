"""Frames written as strings: one key a row, one value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from gearframe.exceptions import SchemaError
from gearframe.io.write.definition import define, schema_of
from gearframe.io.write.options import WriteOptions, complete
from gearframe.io.write.run import write

if TYPE_CHECKING:
    import polars as pl

    from gearframe.client import Client
    from gearframe.io.report import WriteReport


class StringWriteOptions(WriteOptions, total=False):
    """Keyword arguments of ``write_strings``."""

    value: str


def write_strings(
    frame: pl.DataFrame | pl.LazyFrame,
    client: Client | str | None,
    *,
    value: str = "value",
    **options: Unpack[WriteOptions],
) -> WriteReport:
    """Write a frame as strings: one key for each row.

    A key that cannot be written does not stop the others.

    Parameters
    ----------
    frame : polars.DataFrame or polars.LazyFrame
        What to write. A LazyFrame is run and written in batches, never collected; a key that
        comes twice in it is written the first time, and fails the second.
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``. None starts a new embedded
        server that nothing else can reach: to keep what is written, give a client.
    value : str, default "value"
        The column with the values. A null fails: Redis has no string without a value.
    if_exists : {"replace", "fail", "append"}, default "replace"
        What to do with a key that exists: replace whatever it holds; leave it alone and report
        it as failed; or add the bytes to the string.
    **options
        ``key``, ``key_prefix``, ``if_exists``, ``ttl``, ``on_failure``, ``batch_size`` and
        ``progress``, as for `write_hashes`.

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
    ServerConnectionError
        If the server cannot be reached. Before anything is written.
    WriteError
        If keys were not written, unless ``on_failure="report"``. Whatever ``on_failure`` is, if
        the write was stopped: the connection is lost, or a LazyFrame fails while it runs, or has
        a null key or an impossible time to live in a row. What was written until then stays; the
        error's ``report`` says how much, and its cause is attached.

    Notes
    -----
    Sends ``SET [NX] [PX]`` for each key; for "append" ``APPEND``, and once that has gone well
    ``PEXPIRE``: an expiry that is refused is reported as a failure of a key whose bytes are
    written. Values are written as in `write_hashes`.

    Examples
    --------
    >>> client = gf.connect()
    >>> hits = pl.DataFrame({"_key": ["a", "b"], "value": [3, 4]})
    >>> gf.write_strings(hits, client, key_prefix="hits:", ttl=3600).written
    2
    >>> client.execute("GET", "hits:b")
    b'4'
    """
    given = complete("write_strings", options, own=("value",))
    if value in (given["key"], given["ttl"]):
        raise SchemaError(f"the column {value!r} cannot be the value and something else")
    schema = schema_of(frame)
    return write(frame, client, define("strings", schema, [value], given), given)
