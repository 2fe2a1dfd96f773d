"""Messages of channels as frames: raw, JSON or through a parser; typed, also when there is none.

Receiving them is ``_pubsub.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import polars as pl

from gearframe.compat.polars_redis._server import shown
from gearframe.exceptions import DataError, OptionError, SchemaError
from gearframe.schema import normalize_schema

Parser: TypeAlias = Callable[[str, bytes], dict[str, Any]]
MessageFormat: TypeAlias = Literal["raw", "json"]

_SHOWN_BYTES = 200
_MICROSECOND_DIGITS = 6


class Message(NamedTuple):
    """One message, as received."""

    channel: bytes
    payload: bytes
    received: datetime


@dataclass(frozen=True, kw_only=True)
class MessageTable:
    """How messages become a frame; the functions of ``_pubsub.py`` say what each option means."""

    message_format: MessageFormat
    parser: Parser | None
    schema: pl.Schema | None
    channel_column: str | None
    message_column: str
    timestamp_column: str | None

    def frame(self, messages: Sequence[Message]) -> pl.DataFrame:
        """Make the frame of some messages."""
        columns: list[pl.Series] = []
        if self.channel_column is not None:
            names = [_channel(message) for message in messages]
            columns.append(pl.Series(self.channel_column, names, dtype=pl.String))
        if self.timestamp_column is not None:
            times = [message.received for message in messages]
            columns.append(pl.Series(self.timestamp_column, times, dtype=pl.Datetime("us", "UTC")))
        return pl.DataFrame([*columns, *self._values(messages)])

    def _values(self, messages: Sequence[Message]) -> list[pl.Series]:
        if self.parser is None and self.message_format == "raw":
            return [self._raw(messages)]
        rows = [self._row(message) for message in messages]
        if self.schema is None:
            return self._inferred(rows)
        return [
            _typed(name, dtype, [row.get(name) for row in rows], messages)
            for name, dtype in self.schema.items()
        ]

    def _raw(self, messages: Sequence[Message]) -> pl.Series:
        dtype = pl.String() if self.schema is None else self.schema[self.message_column]
        payloads = [message.payload for message in messages]
        if dtype == pl.Binary:
            return pl.Series(self.message_column, payloads, dtype=pl.Binary)
        texts = []
        for message in messages:
            try:
                texts.append(message.payload.decode())
            except UnicodeDecodeError:
                advice = f"read it with schema={{{self.message_column!r}: pl.Binary}}"
                raise _data_error(message, f"it is not UTF-8; {advice}") from None
        return pl.Series(self.message_column, texts, dtype=pl.String)

    def _row(self, message: Message) -> Mapping[str, Any]:
        if self.parser is not None:
            try:
                row: object = self.parser(_channel(message), message.payload)
            except Exception as error:
                reason = f"the parser failed: {type(error).__name__}: {error}"
                raise _data_error(message, reason) from error
            made = "the parser made"
        else:
            try:
                row = json.loads(message.payload)
            except ValueError as error:
                raise _data_error(message, f"it is not JSON: {error}") from error
            made = "its JSON is"
        if not isinstance(row, Mapping) or not all(isinstance(name, str) for name in row):
            raise _data_error(message, f"{made} {_cut(repr(row))}; expected an object with fields")
        return row

    def _inferred(self, rows: Sequence[Mapping[str, Any]]) -> list[pl.Series]:
        names = dict.fromkeys(name for row in rows for name in row)
        taken = {self.channel_column, self.timestamp_column} & names.keys()
        if taken:
            raise SchemaError(f"a message has a field {taken.pop()!r}; rename the column")
        found = []
        for name in names:
            values = [row.get(name) for row in rows]
            try:
                found.append(pl.Series(name, values, strict=True))
            except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
                msg = f"field {name!r} has values of several types; give a schema ({error})"
                raise DataError(msg) from error
        return found


def message_table(
    *,
    message_format: str,
    parser: Parser | None,
    schema: Mapping[str, Any] | None,
    include_channel: bool,
    include_timestamp: bool,
    channel_column: str,
    message_column: str,
    timestamp_column: str,
) -> MessageTable:
    """Check the options that say what the frames are like."""
    if message_format not in ("raw", "json"):
        raise OptionError(f"message_format is {message_format!r}; expected 'raw' or 'json'")
    if parser is not None and not callable(parser):
        raise OptionError(f"parser is {parser!r}; expected a function of a channel and a payload")
    names = [channel_column] * include_channel + [timestamp_column] * include_timestamp
    is_raw = parser is None and message_format == "raw"
    if len(set(names)) < len(names) or (is_raw and message_column in names):
        raise SchemaError(f"two columns share a name among {[*names, message_column]}")
    checked = None if schema is None else normalize_schema(schema, reserved=names)
    if is_raw and checked is not None and not _is_raw_schema(checked, message_column):
        raise SchemaError(
            f"schema is {dict(checked)}; a raw message is one column, {message_column!r}, of "
            "String or Binary: for others give message_format='json' or a parser"
        )
    return MessageTable(
        message_format="json" if message_format == "json" else "raw",
        parser=parser,
        schema=checked,
        channel_column=channel_column if include_channel else None,
        message_column=message_column,
        timestamp_column=timestamp_column if include_timestamp else None,
    )


def _is_raw_schema(schema: pl.Schema, column: str) -> bool:
    return list(schema) == [column] and schema[column] in (pl.String, pl.Binary)


def _typed(
    name: str, dtype: pl.DataType, values: list[Any], messages: Sequence[Message]
) -> pl.Series:
    """Make a column of its dtype; on failure, look for the first message that does not fit."""
    try:
        return pl.Series(name, [_prepared(value, dtype) for value in values], dtype=dtype)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as failure:
        for value, message in zip(values, messages, strict=True):
            try:
                pl.Series(name, [_prepared(value, dtype)], dtype=dtype)
            except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
                reason = f"field {name!r} is {_cut(repr(value))}, which is no {dtype}"
                raise _data_error(message, reason, field=name, dtype=dtype) from error
        raise DataError(f"field {name!r} does not fit {dtype}: {failure}") from failure


def _prepared(value: Any, dtype: pl.DataType) -> Any:
    """Read the ISO 8601 text of a time, which JSON has no type for; refuse true as a number."""
    if isinstance(value, bool) and dtype.is_numeric():
        raise TypeError("a truth is no number")
    if not isinstance(value, str):
        return value
    match dtype:
        case pl.Date():
            if len(value) != len("2024-02-29"):
                raise ValueError("expected YYYY-MM-DD")
            return date.fromisoformat(value)
        case pl.Time():
            return time.fromisoformat(_microseconds(value))
        case pl.Datetime():
            return _datetime(value, dtype)
    return value


def _datetime(text: str, dtype: pl.Datetime) -> datetime:
    if "T" not in text and " " not in text:
        raise ValueError("expected a date and a time")
    moment = datetime.fromisoformat(_microseconds(text))
    if dtype.time_zone is None:
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    return moment.replace(tzinfo=ZoneInfo(dtype.time_zone)) if moment.tzinfo is None else moment


def _microseconds(text: str) -> str:
    """Refuse digits that Python would cut off."""
    _, _, fraction = text.partition(".")
    digits = len(fraction) - len(fraction.lstrip("0123456789"))
    if digits > _MICROSECOND_DIGITS:
        raise ValueError("finer than microseconds")
    return text


def _channel(message: Message) -> str:
    name = shown(message.channel)
    if isinstance(name, str):
        return name
    raise _data_error(message, "the name of its channel is not UTF-8; leave the channel out")


def _data_error(
    message: Message, reason: str, *, field: str | None = None, dtype: pl.DataType | None = None
) -> DataError:
    payload = message.payload[:_SHOWN_BYTES]
    rest = "…" if len(message.payload) > _SHOWN_BYTES else ""
    error = DataError(f"message {payload!r}{rest} of channel {shown(message.channel)!r}: {reason}")
    error.key, error.field, error.value = message.channel, field, payload
    error.dtype = None if dtype is None else str(dtype)
    return error


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_BYTES else f"{text[:_SHOWN_BYTES]}…"
