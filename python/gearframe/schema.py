"""The columns a caller asks for: names and dtypes, checked before anything is read.

Here a schema is completed and checked, written down for the native part, and put into
effect where Arrow has no type for what Polars has. Reading values is the native part's
work; guessing a schema from values belongs to the inference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import polars as pl

from gearframe.exceptions import SchemaError

SchemaInput: TypeAlias = pl.Schema | Mapping[str, Any] | Sequence[tuple[str, Any]]
"""What a caller may give: dtypes, or Python types such as ``int`` and ``datetime.date``."""

_PLAIN: dict[type[pl.DataType], str] = {
    pl.Int8: "int8",
    pl.Int16: "int16",
    pl.Int32: "int32",
    pl.Int64: "int64",
    pl.Int128: "int128",
    pl.UInt8: "uint8",
    pl.UInt16: "uint16",
    pl.UInt32: "uint32",
    pl.UInt64: "uint64",
    pl.UInt128: "uint128",
    pl.Float32: "float32",
    pl.Float64: "float64",
    pl.Boolean: "boolean",
    pl.String: "string",
    pl.Binary: "binary",
    pl.Categorical: "categorical",
    pl.Date: "date",
    pl.Time: "time",
}

_SUPPORTED = (
    "Int8 to Int128, UInt8 to UInt128, Float32, Float64, Boolean, String, Binary, "
    "Categorical, Enum, Date, Time, Datetime, Duration, Decimal, List, Array and Struct"
)

_DEFAULTS: tuple[type[pl.DataType], ...] = (pl.Datetime, pl.Duration, pl.Decimal)

_NEEDS_PARAMETERS: dict[type[pl.DataType], str] = {
    pl.List: "pl.List(pl.Int64)",
    pl.Array: "pl.Array(pl.Float32, 3)",
    pl.Struct: "pl.Struct({'x': pl.Float64})",
    pl.Enum: "pl.Enum(['red', 'green'])",
}

# What a reserved column holds, for a message that says whom the name belongs to.
_RESERVED_ROLES = {"_key": "key", "_ttl": "ttl", "_index": "index", "_id": "id", "_ts": "ts"}

# Arrow has no type for these; the native part sends them as text.
_SENT_AS_TEXT = (pl.Int128, pl.UInt128, pl.Categorical, pl.Enum)


def normalize_schema(schema: SchemaInput, *, reserved: Collection[str]) -> pl.Schema:
    """Complete and check the schema that a caller gives.

    Parameters
    ----------
    schema : pl.Schema, mapping or sequence of pairs
        Column names and dtypes. A dtype may also be a Python type (``int``, ``str``,
        ``float``, ``bool``, ``bytes``, ``datetime.date`` and so on), or a dtype's class,
        which then gets the parameters Polars gives it: ``pl.Datetime`` is
        ``pl.Datetime('us')``. May be empty.
    reserved : collection of str
        Names that the frame has already, such as ``_key``.

    Returns
    -------
    pl.Schema
        The same columns in the same order, each with a complete dtype.

    Raises
    ------
    SchemaError
        For a name that comes twice, is reserved or is not a string, and for a dtype that is
        not supported or lacks what it is a list of.

    Examples
    --------
    >>> import polars as pl
    >>> from gearframe.schema import normalize_schema
    >>> normalize_schema({"name": str, "seen": pl.Datetime}, reserved={"_key"})
    Schema([('name', String), ('seen', Datetime(time_unit='us', time_zone=None))])
    """
    columns: dict[str, pl.DataType] = {}
    for name, dtype in _pairs(schema):
        _check_name(name, columns, reserved)
        columns[name] = _complete(dtype, f"column {name!r}")
    return pl.Schema(columns)


def column_type(dtype: pl.DataType) -> dict[str, Any]:
    """Write a dtype down in the form that the native part reads (its ``ColumnType``).

    Parameters
    ----------
    dtype : pl.DataType
        A dtype out of `normalize_schema`.

    Returns
    -------
    dict
        Its kind in lower case and its parameters, of types that JSON has.

    Raises
    ------
    SchemaError
        If the dtype is not supported.

    Examples
    --------
    >>> import polars as pl
    >>> from gearframe.schema import column_type
    >>> column_type(pl.Datetime("us", "UTC"))
    {'kind': 'datetime', 'unit': 'us', 'zone': 'UTC'}
    >>> column_type(pl.List(pl.Int64()))
    {'kind': 'list', 'inner': {'kind': 'int64'}}
    """
    match dtype:
        case pl.Enum():
            return {"kind": "enum", "categories": dtype.categories.to_list()}
        case pl.Datetime():
            return {"kind": "datetime", "unit": dtype.time_unit, "zone": dtype.time_zone}
        case pl.Duration():
            return {"kind": "duration", "unit": dtype.time_unit}
        case pl.Decimal():
            return {"kind": "decimal", "precision": dtype.precision, "scale": dtype.scale}
        case pl.List():
            return {"kind": "list", "inner": column_type(_instance(dtype.inner))}
        case pl.Array():
            inner = column_type(_instance(dtype.inner))
            return {"kind": "array", "inner": inner, "width": dtype.size}
        case pl.Struct():
            fields = [
                {"name": field.name, "dtype": column_type(_instance(field.dtype))}
                for field in dtype.fields
            ]
            return {"kind": "struct", "fields": fields}
        case _ if type(dtype) in _PLAIN:
            return {"kind": _PLAIN[type(dtype)]}
        case _:
            raise _unsupported(dtype, "a column")


def needs_cast(dtype: pl.DataType) -> bool:
    """Tell whether columns of a dtype come from the native part as something else.

    Parameters
    ----------
    dtype : pl.DataType
        A dtype out of `normalize_schema`.

    Returns
    -------
    bool
        True for Int128, UInt128, Categorical and Enum, and for nested dtypes that hold one.

    Examples
    --------
    >>> import polars as pl
    >>> from gearframe.schema import needs_cast
    >>> needs_cast(pl.Int64()), needs_cast(pl.List(pl.Int128()))
    (False, True)
    """
    match dtype:
        case pl.List() | pl.Array():
            return needs_cast(_instance(dtype.inner))
        case pl.Struct():
            return any(needs_cast(_instance(field.dtype)) for field in dtype.fields)
        case _:
            return isinstance(dtype, _SENT_AS_TEXT)


def cast_frame(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Give the columns of a decoded frame the dtypes of the schema, where Arrow had none.

    Parameters
    ----------
    frame : pl.DataFrame
        A frame from the native part. It may lack columns of the schema, and have others.
    schema : pl.Schema
        The wanted dtypes, out of `normalize_schema`.

    Returns
    -------
    pl.DataFrame
        The frame itself if there is nothing to cast.

    Raises
    ------
    polars.exceptions.InvalidOperationError
        If a text does not fit. The native part has checked each, so that this does not
        happen to its frames.

    Examples
    --------
    >>> import polars as pl
    >>> from gearframe.schema import cast_frame
    >>> cast_frame(pl.DataFrame({"n": ["7"]}), pl.Schema({"n": pl.Int128()})).schema
    Schema([('n', Int128)])
    """
    present = frame.schema
    # Not with a mapping to DataFrame.cast, which passes over a column without a name.
    casts = [
        frame[name].cast(dtype, strict=True)
        for name, dtype in schema.items()
        if name in present and needs_cast(dtype) and present[name] != dtype
    ]
    return frame.with_columns(casts) if casts else frame


def _pairs(schema: SchemaInput) -> Iterable[tuple[Any, Any]]:
    if isinstance(schema, Mapping):
        return schema.items()
    if isinstance(schema, Sequence) and not isinstance(schema, (str, bytes)):
        return [_pair(item) for item in schema]
    msg = f"schema: expected a mapping of names to dtypes, not {type(schema).__name__}"
    raise SchemaError(msg)


def _pair(item: Any) -> tuple[Any, Any]:
    match item:
        case (name, dtype):
            return name, dtype
        case _:
            msg = f"schema: expected (name, dtype) pairs, not {item!r}"
            raise SchemaError(msg)


def _check_name(name: object, before: Collection[str], reserved: Collection[str]) -> None:
    if not isinstance(name, str):
        msg = f"schema: a column's name must be a string, not {name!r}"
        raise SchemaError(msg)
    check_characters(name)
    if name in before:
        msg = f"schema: two columns are called {name!r}; rename or remove one"
        raise SchemaError(msg)
    if name in reserved:
        raise SchemaError(_reserved_message(name))


def check_characters(name: str) -> None:
    """Refuse a name that Arrow cannot carry.

    Parameters
    ----------
    name : str
        The name of a column, or of a field of a Struct.

    Raises
    ------
    SchemaError
        If it has a null character, which ends a name in Arrow's C interface, or a surrogate.
    """
    if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in name):
        msg = f"schema: {name!r} has a character that no column name can have; rename it"
        raise SchemaError(msg)


def _reserved_message(name: str) -> str:
    role = _RESERVED_ROLES.get(name)
    if role is None:
        return f"a column called {name!r} is in the frame already; rename one of the two"
    return f"a column called {name!r} is the {role} column already; rename it or set {role}_column"


def _complete(dtype: Any, where: str) -> pl.DataType:
    """Make a complete dtype of a dtype, a dtype's class or a Python type."""
    if isinstance(dtype, type) and not issubclass(dtype, pl.DataType):
        dtype = _from_python(dtype, where)
    if isinstance(dtype, type):
        dtype = _from_class(dtype, where)
    match dtype:
        case pl.List():
            return pl.List(_complete(dtype.inner, where))
        case pl.Array():
            return pl.Array(_complete(dtype.inner, where), dtype.size)
        case pl.Struct():
            return _complete_struct(dtype, where)
        case pl.Datetime() if dtype.time_zone == "*":
            msg = f"{where}: the time zone '*' stands for any; name one, such as 'UTC'"
            raise SchemaError(msg)
        case _ if isinstance(dtype, (*_DEFAULTS, pl.Enum)) or type(dtype) in _PLAIN:
            complete: pl.DataType = dtype
            return complete
        case _:
            raise _unsupported(dtype, where)


def _complete_struct(dtype: pl.Struct, where: str) -> pl.Struct:
    fields: dict[str, pl.DataType] = {}
    for field in dtype.fields:
        check_characters(field.name)
        if field.name in fields:
            msg = f"{where}: two fields are called {field.name!r}; rename or remove one"
            raise SchemaError(msg)
        fields[field.name] = _complete(field.dtype, f"{where}, field {field.name!r}")
    return pl.Struct(fields)


def _from_python(given: type, where: str) -> object:
    try:
        return pl.DataType.from_python(given)
    except TypeError:
        raise _unsupported(given, where) from None


def _from_class(given: type[pl.DataType], where: str) -> pl.DataType:
    if given in _NEEDS_PARAMETERS:
        example = _NEEDS_PARAMETERS[given]
        msg = (
            f"{where}: {given.__name__} does not say what it holds; write, for instance, {example}"
        )
        raise SchemaError(msg)
    if given in _DEFAULTS or given in _PLAIN:
        return given()
    raise _unsupported(given, where)


def _instance(inner: Any) -> pl.DataType:
    """Return what a nested dtype holds, of which Polars keeps the class if that was given."""
    return _complete(inner, "a nested dtype") if isinstance(inner, type) else inner


def _unsupported(dtype: object, where: str) -> SchemaError:
    name = dtype.__name__ if isinstance(dtype, type) else str(dtype)
    return SchemaError(f"{where}: {name} is not supported; use one of {_SUPPORTED}")
