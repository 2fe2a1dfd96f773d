"""Dtypes and schemas as Python to paste."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from gearframe.infer.fetch import Kind


def python_text(kind: Kind | None, pattern: str | bytes, schema: Mapping[str, pl.DataType]) -> str:
    """Write a schema and the scan that takes it."""
    if kind == "strings":
        [dtype] = schema.values() or [pl.String()]
        return f"lf = gf.scan_strings(client, {pattern!r}, {dtype_python(dtype)})"
    lines = [f"    {_quoted(name)}: {dtype_python(dtype)}," for name, dtype in schema.items()]
    scan = f"lf = gf.scan_{kind or 'hashes'}(client, {pattern!r}, schema)"
    return "\n".join(["schema = {", *lines, "}", scan])


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


def dtype_python(dtype: Any) -> str:
    """Write a dtype as Python.

    Examples
    --------
    >>> dtype_python(pl.List(pl.Datetime("us", "UTC")))
    'pl.List(pl.Datetime("us", "UTC"))'
    """
    match dtype:
        case pl.Datetime():
            zone = f", {_quoted(dtype.time_zone)}" if dtype.time_zone else ""
            return f'pl.Datetime("{dtype.time_unit}"{zone})'
        case pl.Duration():
            return f'pl.Duration("{dtype.time_unit}")'
        case pl.Decimal():
            return f"pl.Decimal({dtype.precision}, {dtype.scale})"
        case pl.List():
            return f"pl.List({dtype_python(dtype.inner)})"
        case pl.Array():
            return f"pl.Array({dtype_python(dtype.inner)}, {dtype.size})"
        case pl.Struct():
            fields = (f"{_quoted(each.name)}: {dtype_python(each.dtype)}" for each in dtype.fields)
            return f"pl.Struct({{{', '.join(fields)}}})"
        case pl.Enum():
            return f"pl.Enum([{', '.join(map(_quoted, dtype.categories))}])"
        case _:
            return f"pl.{dtype}"
