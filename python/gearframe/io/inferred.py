"""``"infer"`` in the place of a schema: asks the inference, which knows scans, when wanted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from gearframe.client import as_client
from gearframe.io.options import ScanOptions, pattern_of, reserved_names

if TYPE_CHECKING:
    from gearframe.client import Client
    from gearframe.infer.fetch import Kind


def with_schema(
    client: Client | str | None,
    pattern: str | bytes,
    kind: Kind,
    schema: Any,
    options: ScanOptions,
    others: Collection[str] = (),
) -> tuple[Client | str | None, Any, ScanOptions]:
    """Put an inferred schema in the place of ``"infer"``.

    ``others`` are names of columns that the scan has beside those of all scans.

    Returns
    -------
    tuple
        The client, now connected if something was inferred; the schema; and the options, with
        the keys of an iterator kept, for they are read twice.

    Notes
    -----
    Sends nothing for a schema that is given. For ``"infer"`` see `infer_schema`.
    """
    if schema is None or isinstance(schema, Mapping | list | tuple):
        return client, schema, options
    from gearframe.infer.resolve import resolve_schema

    keys = options.get("keys")
    if keys is not None and not isinstance(keys, str | bytes):
        keys = tuple(keys)
        options = {**options, "keys": keys}
    if isinstance(schema, str):
        client = as_client(client)
    sampled = pattern_of(pattern, options)
    found = resolve_schema(
        client, sampled, kind, schema, keys, reserved_names(options) | set(others)
    )
    return client, found, options


def with_dtype(
    client: Client | str | None, pattern: str | bytes, dtype: Any, options: ScanOptions
) -> tuple[Client | str | None, Any, ScanOptions]:
    """Put an inferred dtype in the place of ``"infer"``, for strings: they have one column.

    Returns
    -------
    tuple
        As of `with_schema`, with the dtype.
    """
    if not isinstance(dtype, str) or dtype != "infer":
        return client, dtype, options
    client, schema, options = with_schema(client, pattern, "strings", dtype, options)
    [found] = schema.values()
    return client, found, options
