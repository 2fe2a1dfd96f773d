"""Ids of entries as callers give them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import polars as pl

from gearframe.exceptions import OptionError
from gearframe.streams.entries import parse_id

Ids: TypeAlias = Iterable[str] | pl.Series | pl.DataFrame


def ids_of(given: Ids, column: str) -> list[bytes]:
    """Check ids, and give them as the server wants them."""
    if isinstance(given, pl.DataFrame):
        if column not in given.columns:
            raise OptionError(
                f"the frame has no column {column!r} with ids; it has {given.columns}"
            )
        given = given[column]
    if isinstance(given, str | bytes):
        raise OptionError(f"ids is {given!r}; expected several: [{given!r}]")
    listed: list[Any] = list(given)
    for each in listed:
        if not isinstance(each, str | bytes) or parse_id(each) is None:
            raise OptionError(f"{each!r} is no id of an entry, such as '1526919030474-0'")
    return [each.encode() if isinstance(each, str) else each for each in listed]
