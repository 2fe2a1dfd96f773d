"""From entries to frames: which columns there are, and with which dtypes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypedDict

import polars as pl

from gearframe.exceptions import DataError, OptionError, SchemaError
from gearframe.interrupts import LateInterrupt
from gearframe.schema import SchemaInput, normalize_schema
from gearframe.streams.entries import Entry, EntryId, id_of
from gearframe.texts import mismatches, parse_texts

OnError: TypeAlias = Literal["raise", "null", "skip"]

# The last moment of a Datetime in milliseconds.
_LAST_MILLISECOND = 2**63 - 1


class EntryOptions(TypedDict, total=False):
    """Keyword arguments about the columns; :func:`gearframe.read_stream` says what each means."""

    include_id: bool
    id_column: str
    include_timestamp: bool
    timestamp_column: str
    include_sequence: bool
    sequence_column: str
    other_fields: bool
    on_error: OnError


_DEFAULTS = EntryOptions(
    include_id=True,
    id_column="_id",
    include_timestamp=True,
    timestamp_column="_ts",
    include_sequence=False,
    sequence_column="_seq",
    other_fields=False,
    on_error="raise",
)


@dataclass(frozen=True)
class EntryFrames:
    """What frames of entries look like."""

    ids: dict[str, str]
    """Role to name: which of the columns made of the id there are, in their order."""
    schema: pl.Schema | None
    other_fields: bool
    on_error: OnError

    @classmethod
    def define(cls, schema: SchemaInput | None, options: EntryOptions) -> EntryFrames:
        """Check a schema and options."""
        unknown = options.keys() - _DEFAULTS.keys()
        if unknown:
            known = ", ".join(_DEFAULTS)
            raise TypeError(
                f"unexpected keyword argument {sorted(unknown)[0]!r}; there are {known}"
            )
        given: Any = {**_DEFAULTS, **options}
        if given["on_error"] not in ("raise", "null", "skip"):
            shown = f"on_error is {given['on_error']!r}"
            raise OptionError(f"{shown}; expected 'raise', 'null' or 'skip'")
        roles = ("id", "timestamp", "sequence")
        ids = {role: given[f"{role}_column"] for role in roles if given[f"include_{role}"]}
        # It checks the names; the dtypes are given below.
        normalize_schema([(name, str) for name in ids.values()], reserved=())
        checked = None if schema is None else normalize_schema(schema, reserved=set(ids.values()))
        return cls(ids, checked, given["other_fields"], given["on_error"])

    def frame(self, stream: str | bytes, entries: list[Entry]) -> pl.DataFrame:
        """Make the frame of some entries, none of which has lost its fields."""
        with LateInterrupt():
            return self._frame(stream, entries)

    def _frame(self, stream: str | bytes, entries: list[Entry]) -> pl.DataFrame:
        columns = self._id_columns(entries)
        found = self._values(entries)
        left_out: set[int] = set()
        for name, dtype in (self.schema or {}).items():
            values = found.pop(name.encode())
            columns.append(self._parsed(stream, entries, name, dtype, values))
            if self.on_error == "skip":
                left_out.update(row for row, _ in mismatches(values, dtype))
        taken = set(self.ids.values())
        for field, values in found.items():
            name = _field_name(stream, field, taken)
            columns.append(self._parsed(stream, entries, name, pl.String(), values))
        if not columns:
            return pl.DataFrame()
        kept = [row not in left_out for row in range(len(entries))]
        frame = pl.DataFrame(columns)
        return frame.filter(pl.Series(kept, dtype=pl.Boolean)) if left_out else frame

    def _id_columns(self, entries: list[Entry]) -> list[pl.Series]:
        made = []
        ids = [id_of(entry) for entry in entries]
        for role, name in self.ids.items():
            if role == "id":
                texts = [entry.id.decode("ascii") for entry in entries]
                made.append(pl.Series(name, texts, dtype=pl.String))
            elif role == "timestamp":
                made.append(_times(name, ids))
            else:
                made.append(pl.Series(name, [each.sequence for each in ids], dtype=pl.UInt64))
        return made

    def _values(self, entries: list[Entry]) -> dict[bytes, list[bytes | None]]:
        """Give each wanted field its values, a row an entry; of two in an entry the last."""
        found: dict[bytes, list[bytes | None]] = {
            name.encode(): [None] * len(entries) for name in self.schema or ()
        }
        are_all_wanted = self.schema is None or self.other_fields
        for row, entry in enumerate(entries):
            words = iter(entry.pairs or ())
            for name, value in zip(words, words, strict=True):
                column = found.get(name)
                if column is None:
                    if not are_all_wanted:
                        continue
                    column = found[name] = [None] * len(entries)
                column[row] = value
        return found

    def _parsed(
        self,
        stream: str | bytes,
        entries: list[Entry],
        name: str,
        dtype: pl.DataType,
        values: list[bytes | None],
    ) -> pl.Series:
        if self.on_error != "raise":
            return parse_texts(values, dtype, name=name, on_error="null")
        try:
            return parse_texts(values, dtype, name=name)
        except DataError as error:
            row, reason = mismatches(values, dtype)[0]
            raise _located(error, stream, entries[row], name, dtype, reason) from None


def _located(
    error: DataError,
    stream: str | bytes,
    entry: Entry,
    name: str,
    dtype: pl.DataType,
    reason: str,
) -> DataError:
    """Make the error that says which entry of which stream it is."""
    shown = stream.decode("utf-8", "backslashreplace") if isinstance(stream, bytes) else stream
    located = DataError(
        f"entry {entry.id.decode('ascii')} of stream {shown!r}, field {name!r}: "
        f"{error.value!r} is not {dtype}: {reason}; declare another dtype in the schema, such as "
        'pl.String or pl.Binary, or choose on_error="null" or "skip"'
    )
    located.key = stream.encode() if isinstance(stream, str) else stream
    located.field, located.value, located.dtype = name, error.value, error.dtype
    return located


def _field_name(stream: str | bytes, name: bytes, taken: set[str]) -> str:
    try:
        text = name.decode()
    except UnicodeDecodeError:
        raise DataError(
            f"stream {stream!r} has a field called {name!r}, which is no UTF-8 and so no column's "
            "name; give a schema with the fields that are wanted"
        ) from None
    if text in taken:
        raise SchemaError(
            f"stream {stream!r} has a field called {text!r}, which is a column made of the id "
            "already; give that another name (id_column, timestamp_column, sequence_column)"
        )
    return text


def _times(name: str, ids: list[EntryId]) -> pl.Series:
    late = [each for each in ids if each.milliseconds > _LAST_MILLISECOND]
    if late:
        raise DataError(f"the id {late[0]} is no time; read with include_timestamp=False")
    times = pl.Series(name, [each.milliseconds for each in ids], dtype=pl.Int64)
    return times.cast(pl.Datetime("ms"))
