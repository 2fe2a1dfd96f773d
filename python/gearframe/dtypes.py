"""Dtypes and schemas as text: ``age=Int64,seen=Datetime[us,UTC]``.

The names are Polars' own. Which dtypes can be read is the business of ``gearframe.schema``.
"""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import Any

import polars as pl

from gearframe.exceptions import SchemaError

_PLAIN: dict[str, pl.DataType] = {
    dtype.__name__: dtype()
    for dtype in (
        pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128,
        pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.UInt128,
        pl.Float32, pl.Float64, pl.Boolean, pl.String, pl.Binary, pl.Categorical,
        pl.Date, pl.Time,
    )
}  # fmt: skip

_FORMS = {
    "Datetime": "Datetime, Datetime[ms] or Datetime[us,UTC]",
    "Duration": "Duration or Duration[ms]",
    "Decimal": "Decimal or Decimal[10,2]",
    "List": "List[Int64]",
    "Array": "Array[Float32,3]",
    "Struct": "Struct[x=Float64,y=Float64]",
    "Enum": "Enum[red,green]",
}

NAMES = ", ".join([*_PLAIN, *_FORMS.values()])
"""Every dtype that can be written, for help and messages."""


def parse_dtype(text: str) -> pl.DataType:
    """Read a dtype.

    Parameters
    ----------
    text : str
        Polars' name, with parameters in brackets; exact, but for spaces around.

    Returns
    -------
    polars.DataType

    Raises
    ------
    SchemaError
        If it is not a dtype.

    Examples
    --------
    >>> parse_dtype("List[Datetime[ms,UTC]]")
    List(Datetime(time_unit='ms', time_zone='UTC'))
    """
    matched = re.fullmatch(r"\s*(\w+)\s*(?:\[(.*)\])?\s*", text, re.DOTALL)
    if matched is None:
        raise SchemaError(f"{text!r} is not a dtype; expected one of {NAMES}")
    name, inside = matched.groups()
    if name in _PLAIN:
        if inside is not None:
            raise SchemaError(f"{text!r}: {name} takes nothing in brackets; write {name}")
        return _PLAIN[name]
    if name not in _FORMS:
        raise SchemaError(_unknown(name))
    parts = [part.strip() for part in _split(inside)] if inside is not None else []
    dtype = _with_parameters(name, parts)
    if dtype is None:
        raise SchemaError(f"{text!r} lacks a parameter or has a wrong one; write {_FORMS[name]}")
    return dtype


def dtype_text(dtype: pl.DataType) -> str:
    """Write a dtype as `parse_dtype` reads it.

    Examples
    --------
    >>> dtype_text(pl.List(pl.Datetime("ms", "UTC")))
    'List[Datetime[ms,UTC]]'
    """
    match dtype:
        case pl.Datetime():
            zone = f",{dtype.time_zone}" if dtype.time_zone else ""
            return f"Datetime[{dtype.time_unit}{zone}]"
        case pl.Duration():
            return f"Duration[{dtype.time_unit}]"
        case pl.Decimal():
            return f"Decimal[{dtype.precision},{dtype.scale}]"
        case pl.List():
            return f"List[{dtype_text(_instance(dtype.inner))}]"
        case pl.Array():
            return f"Array[{dtype_text(_instance(dtype.inner))},{dtype.size}]"
        case pl.Struct():
            fields = (
                f"{field.name}={dtype_text(_instance(field.dtype))}" for field in dtype.fields
            )
            return f"Struct[{','.join(fields)}]"
        case pl.Enum():
            return f"Enum[{','.join(dtype.categories)}]"
        case _:
            return str(dtype)


def parse_schema(text: str) -> dict[str, pl.DataType]:
    """Read a schema: ``name=dtype,name=dtype``, or ``@file`` with a JSON object of the same.

    Parameters
    ----------
    text : str
        The schema. Only the file can name a field with a comma or an equals sign in it.

    Returns
    -------
    dict of str to polars.DataType

    Raises
    ------
    SchemaError
        If it is not a schema, a field comes twice, or the file cannot be read.

    Examples
    --------
    >>> parse_schema("name=String, price=Decimal[10,2]")
    {'name': String, 'price': Decimal(precision=10, scale=2)}
    """
    pairs = _pairs_of_file(text[1:]) if text.startswith("@") else _pairs(text)
    schema: dict[str, pl.DataType] = {}
    for name, dtype in pairs:
        if name in schema:
            raise SchemaError(f"the schema names {name!r} twice; leave one out")
        try:
            schema[name] = parse_dtype(dtype)
        except SchemaError as error:
            raise SchemaError(f"field {name!r}: {error}") from None
    return schema


def _pairs(text: str) -> list[tuple[str, str]]:
    pairs = []
    for part in _split(text):
        name, equals, dtype = part.partition("=")
        if not equals or not name.strip():
            raise SchemaError(
                f"{part.strip()!r} in the schema is not name=dtype; write, for instance, "
                "name=String,age=Int64"
            )
        pairs.append((name.strip(), dtype))
    return pairs


def _pairs_of_file(path: str) -> list[tuple[str, str]]:
    expected = 'expected a JSON object such as {"name": "String", "age": "Int64"}'
    try:
        # Pairs, because a dict would hide a name that comes twice.
        pairs = json.loads(Path(path).read_text("utf-8"), object_pairs_hook=lambda found: found)
    except OSError as error:
        raise SchemaError(f"cannot read the schema in {path}: {error.strerror}") from error
    except ValueError as error:
        raise SchemaError(f"{path} is not JSON ({error}); {expected}") from error
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        raise SchemaError(f"{path} holds no schema; {expected}")
    for name, dtype in pairs:
        if not isinstance(dtype, str):
            raise SchemaError(f"{path}: the dtype of {name!r} is not a text; {expected}")
    return pairs


def _split(text: str) -> list[str]:
    """Split at the commas that stand outside of brackets."""
    parts, depth = [""], 0
    for c in text:
        depth += (c == "[") - (c == "]")
        if depth < 0:
            raise SchemaError(f"{text!r} has a ] without its [")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    if depth:
        raise SchemaError(f"{text!r} has a [ without its ]")
    return parts


def _with_parameters(name: str, parts: list[str]) -> pl.DataType | None:
    """Make a dtype that has parameters; None when they are not right."""
    match name, parts:
        case "Datetime", []:
            return pl.Datetime("us")
        case "Datetime", ["ms" | "us" | "ns" as unit]:
            return pl.Datetime(unit)
        case "Datetime", ["ms" | "us" | "ns" as unit, zone] if zone and zone != "*":
            return pl.Datetime(unit, zone)
        case "Duration", []:
            return pl.Duration("us")
        case "Duration", ["ms" | "us" | "ns" as unit]:
            return pl.Duration(unit)
        case "Decimal", []:
            return pl.Decimal(38, 0)
        case "Decimal", [precision, scale]:
            return _decimal(precision, scale)
        case "List", [inner]:
            return pl.List(parse_dtype(inner))
        case "Array", [inner, width] if re.fullmatch("[1-9][0-9]{0,8}", width):
            return pl.Array(parse_dtype(inner), int(width))
        case "Struct", [_, *_]:
            return pl.Struct(parse_schema(",".join(parts)))
        case "Enum", [_, *_] if all(parts) and len(set(parts)) == len(parts):
            return pl.Enum(parts)
        case _:
            return None


def _instance(dtype: Any) -> pl.DataType:
    """Polars keeps the class of a nested dtype where that was given."""
    instance: pl.DataType = dtype() if isinstance(dtype, type) else dtype
    return instance


def _decimal(precision: str, scale: str) -> pl.DataType | None:
    if not re.fullmatch("[0-9]{1,2}", precision) or not re.fullmatch("[0-9]{1,2}", scale):
        return None
    if not 1 <= int(precision) <= 38 or int(scale) > int(precision):
        return None
    return pl.Decimal(int(precision), int(scale))


def _unknown(name: str) -> str:
    folded = {known.lower(): known for known in (*_PLAIN, *_FORMS)}
    folded |= {"str": "String", "int": "Int64", "float": "Float64"}
    near = difflib.get_close_matches(name.lower(), folded, n=1)
    hint = f"did you mean {folded[near[0]]}? Expected" if near else "expected"
    return f"there is no dtype {name!r}; {hint} one of {NAMES}"
