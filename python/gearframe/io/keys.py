"""The keyspace itself as a frame: one row a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from gearframe.exceptions import OptionError
from gearframe.io.definition import Column
from gearframe.io.options import ScanOptions, reserved_names, scan
from gearframe.io.source import collect
from gearframe.schema import normalize_schema

if TYPE_CHECKING:
    from gearframe.client import Client

_FACTS: dict[str, tuple[Any, str]] = {
    "type": (pl.String, "type"),
    "ttl": (pl.Duration("ms"), "ttl"),
    "encoding": (pl.String, "encoding"),
    "memory": (pl.UInt64, "memory"),
    "idle": (pl.Duration("ms"), "idle"),
    "length": (pl.UInt64, "length"),
}


def scan_keys(
    client: Client | str | None,
    pattern: str | bytes = "*",
    **options: Unpack[ScanOptions],
) -> pl.LazyFrame:
    """Scan the keyspace into a LazyFrame: one row for each key, with what the server knows of it.

    Every key that exists from the start of a run to its end comes exactly once, or the run fails
    with an error. A query asks only for the columns that it uses.

    Parameters
    ----------
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``. None starts a new embedded
        server, which is empty and stays until the program ends.
    pattern : str or bytes, default "*"
        Redis' glob pattern for the keys.
    **options
        ``keys``, ``key_schema``, ``include_key``, ``key_column``, ``key_dtype``,
        ``row_index_name``, ``row_index_offset``, ``on_error``, ``batch_size``, ``scan_count``,
        ``throttle`` and ``progress``, as for `scan_hashes`; there is no ``include_ttl``, for the
        time to live is there anyway.

    Returns
    -------
    polars.LazyFrame
        The row index (if asked for), ``_key``, the parts of the key (with ``key_schema``), then

        - ``type`` (String): what ``TYPE`` answers, such as hash or zset;
        - ``ttl`` (Duration in milliseconds): the time to live, null for none;
        - ``encoding`` (String): how the server keeps it, such as listpack;
        - ``memory`` (UInt64): bytes, an estimate for large collections;
        - ``idle`` (Duration in milliseconds, whole seconds): since it was used last;
        - ``length`` (UInt64): elements of a collection, bytes of a string; null for types of
          modules, and for a key that changes its type meanwhile.

    Raises
    ------
    GearframeError
        As for `scan_hashes`; `ReplyError` also where the server keeps no idle times, because it
        evicts by frequency (``maxmemory-policy`` with ``lfu``).

    Notes
    -----
    Sends ``SCAN MATCH COUNT``, and for each key what the query's columns need: ``TYPE``,
    ``PTTL``, ``OBJECT ENCODING``, ``MEMORY USAGE``, ``OBJECT IDLETIME``, and for the length
    ``TYPE`` and then ``STRLEN``, ``LLEN``, ``SCARD``, ``ZCARD``, ``HLEN``, ``XLEN`` or ``VCARD``.
    None but the last counts as a use of the key. A filter ``type ==`` one of the types of Redis
    itself becomes ``SCAN … TYPE``; otherwise pushes down what `scan_hashes` does. The facts of a
    key come from several commands, so a key that changes meanwhile may show some of each state.

    Examples
    --------
    >>> client = gf.connect()
    >>> client.execute("RPUSH", "scan_keys:list", 1, 2, 3)
    3
    >>> gf.scan_keys(client, "scan_keys:*").select("_key", "type", "length").collect().rows()
    [('scan_keys:list', 'list', 3)]
    """
    if "include_ttl" in options or "ttl_column" in options:
        raise OptionError(
            "scan_keys has a column 'ttl' anyway; leave include_ttl and ttl_column out"
        )
    reserved = reserved_names(options) - {"_ttl"}
    dtypes = {name: dtype for name, (dtype, _) in _FACTS.items()}
    schema = normalize_schema(dtypes, reserved=reserved)
    columns = [Column(name, dtype, {"from": _FACTS[name][1]}) for name, dtype in schema.items()]
    return scan(client, "keys", pattern, columns, options, elements={"type": None})


def read_keys(
    client: Client | str | None,
    pattern: str | bytes = "*",
    **options: Unpack[ScanOptions],
) -> pl.DataFrame:
    """Read the keyspace into a DataFrame: `scan_keys`, collected.

    Parameters
    ----------
    client, pattern, **options
        As for `scan_keys`.

    Returns
    -------
    polars.DataFrame
        As for `scan_keys`, with all columns.

    Raises
    ------
    GearframeError
        As for `scan_keys`.

    Notes
    -----
    Sends what `scan_keys` sends for all columns: six commands a key.

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.read_keys(client, "nothing:*").columns
    ['_key', 'type', 'ttl', 'encoding', 'memory', 'idle', 'length']
    """
    return collect(scan_keys(client, pattern, **options))
