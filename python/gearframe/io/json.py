"""JSON documents as frames: one row a key, each column from a path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from gearframe.exceptions import OptionError, SchemaError
from gearframe.io.definition import Column
from gearframe.io.inferred import with_schema
from gearframe.io.json_paths import check_path, is_definite, member_of, member_path
from gearframe.io.options import ScanOptions, check_pattern, columns_of, reserved_names, scan
from gearframe.io.source import collect
from gearframe.schema import normalize_schema

if TYPE_CHECKING:
    from gearframe.client import Client


class JsonOptions(ScanOptions, total=False):
    """Keyword arguments of ``scan_json``."""

    paths: Mapping[str, str] | None
    document_column: str | None


def scan_json(
    client: Client | str | None,
    pattern: str | bytes = "*",
    schema: Any = None,
    *,
    paths: Mapping[str, str] | None = None,
    document_column: str | None = None,
    **options: Unpack[ScanOptions],
) -> pl.LazyFrame:
    r"""Scan JSON documents into a LazyFrame: one row for each key.

    Every key that exists from the start of a run to its end comes exactly once, or the run fails
    with an error. Works with RedisJSON (in Redis 8 and Redis Stack) and valkey-json.

    Parameters
    ----------
    client : Client or str or None
        A client, or a URL such as ``"redis://localhost:6379/0"``. None starts a new embedded
        server, which is empty and stays until the program ends.
    pattern : str or bytes, default "*"
        Redis' glob pattern for the keys.
    schema : mapping, pl.Schema, sequence of pairs, or "infer", optional
        The columns and their dtypes, as for `scan_hashes`. A column is the member of the document
        with its name, unless ``paths`` says otherwise. ``{}`` for no column but the key.
        ``"infer"`` takes the members of 1,000 documents, at once and not when the query runs;
        `infer_schema` shows what it finds, and its result is a schema too.
    paths : mapping of str to str, optional
        For columns of the schema that are not members with their name: a JSONPath that begins with
        ``$``, such as ``"$.address.city"``, ``"$.tags[0]"`` or ``'$["a name"]'``; ``"$"`` is the
        document. Where a path can match more than one value (``$..name``, ``$.tags[*]``, filters,
        slices) the column is the list of all matches, and its dtype a List or Array.
    document_column : str, optional
        Adds a last column with this name: the text of the document as the server writes it.
    **options
        ``keys``, ``key_schema``, ``include_key``, ``key_column``, ``key_dtype``, ``include_ttl``,
        ``ttl_column``, ``row_index_name``, ``row_index_offset``, ``on_error``, ``batch_size``,
        ``scan_count``, ``throttle`` and ``progress``, as for `scan_hashes`.

    Returns
    -------
    polars.LazyFrame
        The row index, the key, its parts, the time to live (as far as they were asked for), then
        the columns of the schema, then the document's text. A member that is missing or null is
        null; a path of many matches without a match is an empty list.

    Raises
    ------
    SchemaError
        For an unsupported dtype, a name that is taken or comes twice, a path of many matches
        without a List; without a schema or ``document_column``; and for ``"infer"`` without a
        document to infer from.
    OptionError
        For an option that cannot be used: a path for no column of the schema, a path without
        ``$``.
    GearframeError
        As for `scan_hashes`, when the query runs. A value must be one of its dtype: ``1.9`` and
        ``"1"`` are no Int64, ``1`` is no String; `DataError` names key, column and path. A server
        without a JSON module is a `ReplyError`.

    Notes
    -----
    Sends ``SCAN MATCH COUNT`` and, for each key, one ``JSON.GET`` with the paths of the columns
    that the query uses, up to 1,000 keys at once. A path costs the server some 0.7 µs, a small
    document 1.3 µs. So ``JSON.GET key`` is sent where a sample of documents (``JSON.OBJKEYS``) has
    no other members than those that the query uses, and for the document's text, from which members
    are taken too. Without a column ``SCAN … TYPE ReJSON-RL`` alone. Pushes down what `scan_hashes`
    does.

    Nested dtypes are read as docs/values.md says. Numbers are those that the server kept: it holds
    integers from -2**63 to 2**64 - 1 exactly, makes larger ones doubles when they are set, and
    writes ``1e3`` as ``1000.0``, which is no integer.

    Examples
    --------
    >>> client = gf.connect()
    >>> orders = gf.scan_json(
    ...     client,
    ...     "order:*",
    ...     {"total": pl.Decimal(10, 2), "city": pl.String, "skus": pl.List(pl.String)},
    ...     paths={"city": "$.address.city", "skus": "$.lines[*].sku"},
    ... )
    >>> orders.collect_schema()["skus"]
    List(String)
    """
    check_pattern(pattern)
    if schema is not None:
        others = () if document_column is None else (document_column,)
        client, schema, options = with_schema(client, pattern, "json", schema, options, others)
    values = _columns(schema, paths, document_column, options)
    return scan(client, "json", pattern, values, options)


def read_json(
    client: Client | str | None,
    pattern: str | bytes = "*",
    schema: Any = None,
    **options: Unpack[JsonOptions],
) -> pl.DataFrame:
    """Read JSON documents into a DataFrame: `scan_json`, collected.

    Parameters
    ----------
    client, pattern, schema, **options
        As for `scan_json`.

    Returns
    -------
    polars.DataFrame
        As for `scan_json`.

    Raises
    ------
    GearframeError
        As for `scan_json`.

    Notes
    -----
    Sends what `scan_json` sends for all columns.

    Examples
    --------
    >>> client = gf.connect()
    >>> gf.read_json(client, "order:*", {"total": pl.Float64}).schema
    Schema([('_key', String), ('total', Float64)])
    """
    return collect(scan_json(client, pattern, schema, **options))


def _columns(
    schema: Any, paths: Mapping[str, str] | None, document_column: str | None, options: ScanOptions
) -> list[Column]:
    """Make the columns of members, paths and the document."""
    if schema is None and document_column is None:
        raise SchemaError(
            "scan_json needs to know what to read: give schema={'name': pl.String, ...} for "
            "members of the documents, schema='infer' to find them in a sample, or "
            "document_column='json' for their text"
        )
    if paths is not None and not isinstance(paths, Mapping):
        raise OptionError(f"paths is {paths!r}; expected a mapping such as {{'city': '$.a.city'}}")
    given = dict(paths or {})
    document = [] if document_column is None else _document(document_column, options)
    taken = reserved_names(options) | {column.name for column in document}
    fields = normalize_schema({} if schema is None else schema, reserved=taken)
    unknown = [name for name in given if name not in fields]
    if unknown:
        raise OptionError(
            f"paths: {unknown[0]!r} is no column of the schema; add it there with its dtype"
        )
    columns = [
        _at_path(name, dtype, check_path(given[name], name))
        if name in given
        else _source(name, dtype, member_path(name), member=name)
        for name, dtype in fields.items()
    ]
    return columns + document


def _document(name: str, options: ScanOptions) -> list[Column]:
    return columns_of({name: (pl.String(), "document")}, options)


def _at_path(name: str, dtype: pl.DataType, path: str) -> Column:
    """Make a column of a path that a caller gave."""
    if not is_definite(path):
        if isinstance(dtype, pl.List | pl.Array):
            return _source(name, dtype, path, member=None, all_matches=True)
        raise SchemaError(
            f"column {name!r}: the path {path!r} can match more than one value; make the dtype a "
            f"list, pl.List(pl.{dtype}), or the path one of members and places alone"
        )
    return _source(name, dtype, path, member=member_of(path))


def _source(
    name: str, dtype: pl.DataType, path: str, *, member: str | None, all_matches: bool = False
) -> Column:
    return Column(name, dtype, {"from": "path", "path": path, "all": all_matches, "member": member})
