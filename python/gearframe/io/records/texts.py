"""Bytes of the server as Python objects: text where it is UTF-8, bytes where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

Name: TypeAlias = str | bytes
Text: TypeAlias = str | bytearray


def name_of(raw: bytes) -> Name:
    """Give a key, a field or a member: what stands where Python wants something hashable."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def text_of(raw: bytes) -> Text:
    """Give a value; a bytearray where it is not UTF-8, as RedisGears has it."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return bytearray(raw)


def names_of(column: pl.Series) -> Sequence[Name]:
    """Give the names of a column of bytes."""
    decoded = _decoded(column)
    return [name_of(raw) for raw in column] if decoded is None else decoded


def texts_of(column: pl.Series) -> Sequence[Text | None]:
    """Give the values of a column of bytes; None for what is not there."""
    decoded = _decoded(column)
    if decoded is not None:
        return decoded
    return [None if raw is None else text_of(raw) for raw in column]


def _decoded(column: pl.Series) -> list[str] | None:
    """Decode a whole column at once; None if something in it is not UTF-8."""
    try:
        return column.cast(pl.String).to_list()
    except pl.exceptions.PolarsError:
        return None
