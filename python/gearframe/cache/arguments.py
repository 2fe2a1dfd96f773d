"""From the arguments of a call to a name for its result: same arguments, same name."""

from __future__ import annotations

import enum
import hashlib
import inspect
import io
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

import polars as pl

from gearframe.exceptions import OptionError

_BY_REPR = (bool, int, float, complex, date, datetime, time, timedelta, Decimal, UUID)


def name_of(function: Callable[..., Any]) -> str:
    """Name a function: its module and where it stands in that."""
    return f"{function.__module__}.{function.__qualname__}"


def digest(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Make 32 hexadecimal digits of the arguments of a call.

    Raises
    ------
    OptionError
        If an argument is of a kind whose content is not known; it is named.
    TypeError
        If the function does not take these arguments.
    """
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    found = hashlib.blake2b(digest_size=16)
    for name, value in bound.arguments.items():
        found.update(_labelled(b"argument", name.encode()))
        found.update(_content(value, f"argument {name!r} of {name_of(function)}"))
    return found.hexdigest()


def _content(value: Any, where: str) -> bytes:
    """Give bytes that tell values apart; each is labelled with its type and its length."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}".encode()
    match value:
        case None:
            return b"none;"
        case enum.Flag():
            # Of several flags, or of none, not every Python makes a name.
            return _labelled(kind, repr(value.value).encode())
        case enum.Enum():
            return _labelled(kind, value.name.encode())
        case str():
            return _labelled(kind, value.encode("utf-8", "surrogatepass"))
        case bytes():
            return _labelled(kind, value)
        case _ if isinstance(value, _BY_REPR):
            return _labelled(kind, repr(value).encode())
        case PurePath():
            return _labelled(b"path", str(value).encode("utf-8", "surrogateescape"))
        case pl.DataFrame():
            return _labelled(b"frame", _frame_content(value))
        case pl.Series():
            return _labelled(b"series", _frame_content(value.to_frame()))
        case pl.DataType():
            return _labelled(b"dtype", repr(value).encode())
        case list() | tuple():
            return _labelled(kind, b"".join(_content(each, where) for each in value))
        case set() | frozenset():
            return _labelled(kind, b"".join(sorted(_content(each, where) for each in value)))
        case Mapping():
            pairs = [_content(k, where) + _content(v, where) for k, v in value.items()]
            return _labelled(kind, b"".join(sorted(pairs)))
        case _ if is_dataclass(value) and not isinstance(value, type):
            parts = [_content(getattr(value, each.name), where) for each in fields(value)]
            return _labelled(kind, b"".join(parts))
        case _ if isinstance(value, type) and issubclass(value, pl.DataType):
            return _labelled(b"dtype", value.__name__.encode())
        case _:
            raise _unknown(value, where)


def _frame_content(frame: pl.DataFrame) -> bytes:
    """Hash what a frame holds: names, dtypes and values, not how its memory is cut."""
    if pl.Object in frame.schema.dtypes():
        raise OptionError("a frame with a column of Python objects cannot name a result")
    buffer = io.BytesIO()
    # Parquet leaves out what Arrow may keep: other rows' texts, values behind nulls, chunks.
    frame.rechunk().write_parquet(
        buffer, compression="uncompressed", statistics=False, row_group_size=2**30
    )
    return hashlib.blake2b(buffer.getbuffer(), digest_size=16).digest()


def _labelled(kind: bytes, content: bytes) -> bytes:
    return b"%s:%d:%s;" % (kind, len(content), content)


def _unknown(value: object, where: str) -> OptionError:
    kind = type(value).__name__
    hint = "collect it first, or " if isinstance(value, pl.LazyFrame) else ""
    return OptionError(
        f"{where} is a {kind}, whose content cannot be told apart from another's; {hint}"
        "give key_fn, a function of the same arguments that returns the key"
    )
