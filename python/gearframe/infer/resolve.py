"""``schema="infer"`` of a scan: one place for all kinds."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from gearframe.exceptions import SchemaError
from gearframe.infer.fetch import TYPE_NAMES, Kind
from gearframe.infer.infer import infer_schema
from gearframe.infer.result import InferredSchema

if TYPE_CHECKING:
    from gearframe.client import Client


def resolve_schema(
    client: Client | str | None,
    pattern: str | bytes,
    kind: Kind,
    schema: Any,
    keys: Iterable[str | bytes] | None = None,
    reserved: Collection[str] | None = None,
) -> Any:
    """Give the schema of a scan: what the caller gave, or for ``"infer"`` what a sample shows.

    Parameters
    ----------
    client : Client or str or None
        The server.
    pattern, keys
        Which keys the scan reads.
    kind : str
        What the scan reads.
    schema : object
        What the caller gave.
    reserved : collection of str, optional
        The names of the scan's own columns.

    Returns
    -------
    object
        A `polars.Schema` for ``"infer"`` and for an `InferredSchema`, else `schema` itself.

    Raises
    ------
    SchemaError
        For another text than ``"infer"``, or if there is no key to infer from.
    """
    if isinstance(schema, InferredSchema):
        return schema.schema
    if not isinstance(schema, str):
        return schema
    if schema != "infer":
        raise SchemaError(
            f"schema is {schema!r}; expected a mapping of names to dtypes, or 'infer'"
        )
    inferred = infer_schema(client, pattern, kind, keys=keys, reserved=reserved)
    if not inferred.sampled_keys:
        option = "dtype" if kind == "strings" else "schema"
        wanted = "the dtype" if kind == "strings" else "the columns and their dtypes"
        raise SchemaError(
            f"{option}='infer': there is nothing to infer from, for no key of {pattern!r} is of "
            f"type {TYPE_NAMES[kind]}; give {wanted}"
        )
    return inferred.schema
