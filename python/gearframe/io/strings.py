"""Strings as frames: one row a key, one value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from gearframe.exceptions import SchemaError
from gearframe.io.options import ScanOptions, columns_of, scan
from gearframe.io.source import collect
from gearframe.io.write import IfExists, OnFailure, Ttl, define, schema_of, write

if TYPE_CHECKING:
    from gearframe.client import Client
    from gearframe.io.report import WriteReport


class StringOptions(ScanOptions, total=False):
    """Keyword arguments of ``scan_strings``."""

    value_column: str


def scan_strings(
    client: Client | str | None,
    pattern: str | bytes = "*",
    dtype: Any = pl.String,
    *,
    value_column: str = "value",
    **options: Unpack[ScanOptions],
) -> pl.LazyFrame:
    """Scan strings into a LazyFrame: one row for each key.

    Every key that exists from the start of a run to its end comes exactly once, or the run fails
    with an error.

    Parameters
    ----------
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``. None starts a new embedded
        server, which is empty and stays until the program ends.
    pattern : str or bytes, default "*"
        Redis' glob pattern for the keys.
    dtype : dtype, default polars.String
        What the values are; the same dtypes and the same strictness as in `scan_hashes`.
    value_column : str, default "value"
        The name of the column with the values.
    **options
        As for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, the time to live (as far as they were asked for), then the value.

    Raises
    ------
    GearframeError
        As for `scan_hashes`.

    Notes
    -----
    Sends ``SCAN MATCH COUNT`` and ``MGET`` of up to 1,000 keys at once (some 1 µs of server time
    a key); without the value column ``SCAN … TYPE string`` alone. Where MGET answers null, ``TYPE``
    tells a key of another type from one that has vanished. Pushes down what `scan_hashes` does.

    Examples
    --------
    >>> client = gf.connect()
    >>> client.execute("MSET", "hits:a", "3", "hits:b", "4")
    b'OK'
    >>> gf.scan_strings(client, "hits:*", pl.Int64).select(pl.col("value").sum()).collect().item()
    7
    """
    values = columns_of({value_column: (dtype, "value")}, options)
    return scan(client, "strings", pattern, values, options)


def read_strings(
    client: Client | str | None,
    pattern: str | bytes = "*",
    dtype: Any = pl.String,
    *,
    value_column: str = "value",
    **options: Unpack[ScanOptions],
) -> pl.DataFrame:
    """Read strings into a DataFrame: `scan_strings`, collected.

    Parameters
    ----------
    client, pattern, dtype, value_column, **options
        As for `scan_strings`.

    Returns
    -------
    polars.DataFrame
        As for `scan_strings`.

    Raises
    ------
    GearframeError
        As for `scan_strings`.

    Notes
    -----
    Sends what `scan_strings` sends for all columns.

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.read_strings(client, "hits:*", pl.Int64).schema
    Schema([('_key', String), ('value', Int64)])
    """
    return collect(scan_strings(client, pattern, dtype, value_column=value_column, **options))


def write_strings(
    frame: pl.DataFrame | pl.LazyFrame,
    client: Client | str | None,
    *,
    key: str = "_key",
    value: str = "value",
    key_prefix: str | bytes = "",
    if_exists: IfExists = "replace",
    ttl: Ttl = None,
    on_failure: OnFailure = "raise",
    batch_size: int = 50_000,
    progress: bool = False,
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
    key : str, default "_key"
        The column with the keys, String or Binary. It must have no null, and no key twice.
    value : str, default "value"
        The column with the values. A null fails: Redis has no string without a value.
    key_prefix : str or bytes, default ""
        What is put before each key.
    if_exists : {"replace", "fail", "append"}, default "replace"
        What to do with a key that exists: replace whatever it holds; leave it alone and report
        it as failed; or add the bytes to the string.
    ttl : int, timedelta or str, optional
        When keys expire: after so many seconds, after a time, or the name of a column with either
        (integers or Duration; null for no expiry), which is then not written itself; ``"_ttl"``
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
    schema = schema_of(frame)
    if value in (key, ttl):
        raise SchemaError(f"the column {value!r} cannot be the value and something else")
    definition = define(
        "strings",
        schema,
        key=key,
        fields=[value],
        key_prefix=key_prefix,
        if_exists=if_exists,
        ttl=ttl,
    )
    return write(
        frame,
        client,
        definition,
        on_failure=on_failure,
        batch_size=batch_size,
        progress=progress,
    )
