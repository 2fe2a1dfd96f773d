"""Schemas out of a sample of keys, in the few dtypes that polars-redis inferred."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from gearframe.compat.polars_redis._confidence import SchemaConfidence, confidence_of
from gearframe.compat.polars_redis._server import open_client
from gearframe.infer.columns import NO_DTYPE
from gearframe.infer.infer import infer_schema

if TYPE_CHECKING:
    from gearframe.infer.fetch import Kind
    from gearframe.infer.result import InferredSchema


def infer_hash_schema(
    url: str, pattern: str = "*", *, sample_size: int = 100, type_inference: bool = True
) -> dict[str, Any]:
    """Infer the schema of hashes; see :func:`gearframe.infer_schema`, which knows more dtypes.

    Parameters
    ----------
    url : str
        The server.
    pattern : str, default "*"
        Redis' glob pattern for the keys.
    sample_size : int, default 100
        How many keys to look at, chosen at random.
    type_inference : bool, default True
        False makes every column Utf8.

    Returns
    -------
    dict of str to dtype
        In the order of the alphabet. Int64, Float64 or Boolean where every value of the sample
        is one and comes back as it was, UInt64 or Int128 for larger numbers, else Utf8; Binary
        where a value is not UTF-8. Empty without a hash.

    Raises
    ------
    OptionError, ServerConnectionError, ReplyError
        As :func:`gearframe.infer_schema`.

    Notes
    -----
    Sends what :func:`gearframe.infer_schema` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = client.execute("HSET", "user:1", "zip", "01007", "age", 41)
    >>> redis.infer_hash_schema(client.url, "user:*")
    {'age': Int64, 'zip': String}
    """
    inferred = _infer(url, pattern, "hashes", sample_size)
    return _schema(inferred, typed=type_inference)


def infer_json_schema(url: str, pattern: str = "*", *, sample_size: int = 100) -> dict[str, Any]:
    """Infer the schema of JSON documents; see :func:`gearframe.infer_schema`.

    Parameters
    ----------
    url, pattern, sample_size
        As for `infer_hash_schema`.

    Returns
    -------
    dict of str to dtype
        As `infer_hash_schema`, of the members of the documents. Utf8 for objects, arrays and
        mixed values too: `scan_json` gives their JSON text.

    Raises
    ------
    OptionError, ServerConnectionError, ReplyError
        As :func:`gearframe.infer_schema`.

    Notes
    -----
    Sends what :func:`gearframe.infer_schema` sends.
    """
    return _schema(_infer(url, pattern, "json", sample_size))


def infer_hash_schema_with_overwrite(
    url: str,
    pattern: str = "*",
    *,
    schema_overwrite: Mapping[str, Any] | None = None,
    sample_size: int = 100,
    type_inference: bool = True,
) -> dict[str, Any]:
    """Infer the schema of hashes, and put other dtypes in.

    Parameters
    ----------
    schema_overwrite : dict of str to dtype, optional
        Dtypes that take the place of inferred ones; fields that were not found are added.
    url, pattern, sample_size, type_inference
        As for `infer_hash_schema`.

    Returns
    -------
    dict of str to dtype
        In the order of the alphabet.

    Raises
    ------
    OptionError, ServerConnectionError, ReplyError
        As `infer_hash_schema`.

    Notes
    -----
    Sends what `infer_hash_schema` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> _ = client.execute("HSET", "user:1", "born", "1984-02-29", "name", "Ann")
    >>> redis.infer_hash_schema_with_overwrite(client.url, schema_overwrite={"born": pl.Date})
    {'born': Date, 'name': String}
    """
    found = infer_hash_schema(url, pattern, sample_size=sample_size, type_inference=type_inference)
    return _sorted({**found, **(schema_overwrite or {})})


def infer_json_schema_with_overwrite(
    url: str,
    pattern: str = "*",
    *,
    schema_overwrite: Mapping[str, Any] | None = None,
    sample_size: int = 100,
) -> dict[str, Any]:
    """Infer the schema of JSON documents, and put other dtypes in.

    Parameters
    ----------
    url, pattern, schema_overwrite, sample_size
        As for `infer_hash_schema_with_overwrite`.

    Returns
    -------
    dict of str to dtype
        In the order of the alphabet.

    Raises
    ------
    OptionError, ServerConnectionError, ReplyError
        As `infer_json_schema`.

    Notes
    -----
    Sends what `infer_json_schema` sends.
    """
    found = infer_json_schema(url, pattern, sample_size=sample_size)
    return _sorted({**found, **(schema_overwrite or {})})


def infer_hash_schema_with_confidence(
    url: str, pattern: str = "*", *, sample_size: int = 100
) -> SchemaConfidence:
    """Infer the schema of hashes, and say how sure each dtype is.

    Parameters
    ----------
    url, pattern, sample_size
        As for `infer_hash_schema`.

    Returns
    -------
    SchemaConfidence

    Raises
    ------
    OptionError, ServerConnectionError, ReplyError
        As `infer_hash_schema`.

    Notes
    -----
    Sends what `infer_hash_schema` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> for n, age in enumerate((41, 7, "unknown")):
    ...     _ = client.execute("HSET", f"user:{n}", "age", age)
    >>> found = redis.infer_hash_schema_with_confidence(client.url, "user:*")
    >>> found.schema, found.all_confident
    ({'age': String}, False)
    >>> found.field_info["age"]["type_candidates"]
    {'int64': 2, 'float64': 2, 'bool': 0, 'utf8': 3}
    """
    inferred = _infer(url, pattern, "hashes", sample_size)
    return confidence_of(inferred, _schema(inferred))


def _infer(url: str, pattern: str, kind: Kind, sample: int) -> InferredSchema:
    with open_client(url) as client:
        # No name is kept back: a scan can leave its own columns out, or rename them.
        return infer_schema(client, pattern, kind, sample=sample, reserved=())


def _schema(inferred: InferredSchema, *, typed: bool = True) -> dict[str, Any]:
    found = {column.name: _dtype(column.dtype, typed=typed) for column in inferred.columns}
    mixed = {name: pl.String for name, why in inferred.omitted.items() if why == NO_DTYPE}
    return _sorted({**mixed, **found})


def _dtype(dtype: pl.DataType, *, typed: bool) -> Any:
    is_known = dtype.is_integer() or dtype in (pl.Float64, pl.Boolean)
    if isinstance(dtype, pl.Binary) or (typed and is_known):
        return dtype.base_type()
    return pl.String


def _sorted(schema: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(schema.items()))
