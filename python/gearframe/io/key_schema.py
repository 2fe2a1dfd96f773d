"""Parts of keys as columns: ``user:{id:Int64}:{region}``."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from gearframe.dtypes import parse_dtype
from gearframe.exceptions import SchemaError
from gearframe.io import glob
from gearframe.io.definition import Column
from gearframe.schema import normalize_schema

# A doubled brace stands for itself, as in Python's format strings.
_TOKENS = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<part>[^{}]*)\}|(?P<wrong>[{}])|(?P<text>[^{}]+)")


@dataclass(frozen=True)
class KeySchema:
    """What the keys of a scan are made of.

    Attributes
    ----------
    literals
        What stands before the first part, between two parts, and behind the last.
    columns
        The columns of the parts, in order.
    """

    literals: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def pattern(self) -> bytes:
        """The glob pattern that such keys match."""
        return b"*".join(glob.escape(literal.encode()) for literal in self.literals)


def parse_key_schema(text: str, *, reserved: Collection[str]) -> KeySchema:
    """Read what keys are made of.

    Parameters
    ----------
    text : str
        The key with each part in braces: its name, and after a colon its dtype, String if there
        is none. ``{{`` and ``}}`` stand for braces.
    reserved : collection of str
        Names that the frame has already.

    Returns
    -------
    KeySchema

    Raises
    ------
    SchemaError
        For a text without parts, with two parts side by side, or with a name or dtype that cannot
        be.

    Examples
    --------
    >>> from gearframe.io.key_schema import parse_key_schema
    >>> parse_key_schema("user:{id:Int64}:{region}", reserved=()).pattern
    b'user:*:*'
    """
    if not isinstance(text, str):
        raise SchemaError(f"key_schema is {text!r}; expected a text such as {_EXAMPLE!r}")
    literals: list[str] = [""]
    parts: list[tuple[str, pl.DataType]] = []
    for token in _TOKENS.finditer(text):
        if token["wrong"]:
            raise SchemaError(
                f"key_schema {text!r} has a single {token['wrong']!r}; double it, or name a part "
                f"as in {_EXAMPLE!r}"
            )
        if token["part"] is None:
            literals[-1] += token["text"] or token["brace"][0]
            continue
        if parts and not literals[-1]:
            raise SchemaError(
                f"key_schema {text!r} has two parts side by side; where one ends, nothing tells"
            )
        name, colon, dtype = token["part"].partition(":")
        parts.append((name.strip(), parse_dtype(dtype) if colon else pl.String()))
        literals.append("")
    if not parts or not all(name for name, _ in parts):
        raise SchemaError(f"key_schema is {text!r}; expected named parts, such as {_EXAMPLE!r}")
    schema = normalize_schema(parts, reserved=reserved)
    columns = (
        Column(name, dtype, {"from": "key_part", "part": place})
        for place, (name, dtype) in enumerate(schema.items())
    )
    return KeySchema(tuple(literals), tuple(columns))


_EXAMPLE = "user:{id:Int64}:{region}"
