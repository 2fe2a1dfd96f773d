"""Writing frames as keys: the checks, the times to live, the stream of batches, the report.

Encoding and sending is the native part's work; what a hash or a string is made of belongs to
``hashes`` and ``strings``.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

import polars as pl

from gearframe import _native
from gearframe.client import as_client
from gearframe.exceptions import OptionError, SchemaError, WriteError
from gearframe.io.options import as_bytes, check_whole
from gearframe.io.progress import ProgressBar
from gearframe.io.report import WriteReport
from gearframe.io.wire import check_dtype, to_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gearframe.client import Client

Kind: TypeAlias = Literal["hashes", "strings"]
IfExists: TypeAlias = Literal["replace", "fail", "append"]
OnFailure: TypeAlias = Literal["raise", "report"]
Ttl: TypeAlias = int | timedelta | str | None

# About 31,700 years. What Redis refuses starts at 2**63 ms, and it does so after the value is
# written.
_LONGEST_TTL_MS = 10**15


@dataclass(frozen=True, kw_only=True)
class WriteDefinition:
    """What is written, and how."""

    kind: Kind
    key: str
    fields: list[str]
    key_prefix: bytes
    if_exists: IfExists
    ttl_column: str | None
    ttl_ms: int | None

    def to_json(self, *, find_duplicates: bool) -> str:
        """Write it down for the native part."""
        return json.dumps(
            {
                "kind": self.kind,
                "key": self.key,
                "fields": self.fields,
                "key_prefix": list(self.key_prefix),
                "if_exists": self.if_exists,
                "ttl_column": self.ttl_column,
                "ttl_ms": self.ttl_ms,
                "find_duplicates": find_duplicates,
            }
        )


def write(
    frame: pl.DataFrame | pl.LazyFrame,
    client: Client | str | None,
    definition: WriteDefinition,
    *,
    on_failure: OnFailure,
    batch_size: int,
    progress: bool,
) -> WriteReport:
    """Check a frame, send it, and report."""
    if on_failure not in ("raise", "report"):
        raise OptionError(f"on_failure is {on_failure!r}; expected 'raise' or 'report'")
    check_whole("batch_size", batch_size, least=1)
    schema = schema_of(frame)
    _check_schema(schema, definition)
    if isinstance(frame, pl.DataFrame):
        _check_values(frame, definition)
        _check_duplicates(frame, definition.key)
    run = _Run(as_client(client), definition, frame, progress=progress)
    report = run.send(frame, batch_size)
    if on_failure == "raise":
        report.raise_for_failures()
    return report


def schema_of(frame: pl.DataFrame | pl.LazyFrame) -> pl.Schema:
    """Give the columns of either kind of frame."""
    if isinstance(frame, pl.LazyFrame):
        return frame.collect_schema()
    if isinstance(frame, pl.DataFrame):
        return frame.schema
    raise OptionError(f"expected a polars DataFrame or LazyFrame, not {type(frame).__name__}")


def define(
    kind: Kind,
    schema: pl.Schema,
    *,
    key: str,
    fields: list[str],
    key_prefix: str | bytes,
    if_exists: IfExists,
    ttl: Ttl,
) -> WriteDefinition:
    """Check the options that both kinds of key share."""
    if if_exists not in ("replace", "fail", "append"):
        raise OptionError(f"if_exists is {if_exists!r}; expected 'replace', 'fail' or 'append'")
    if not isinstance(key_prefix, str | bytes):
        raise OptionError(f"key_prefix is {key_prefix!r}; expected a text or bytes")
    if not isinstance(key, str):
        raise OptionError(f"key is {key!r}; expected the name of the column with the keys")
    ttl_column = ttl if isinstance(ttl, str) else None
    for name in (key, *fields, *([ttl_column] if ttl_column is not None else [])):
        if name not in schema:
            shown = ", ".join(repr(each) for each in list(schema)[:20])
            hint = "; name the column with the keys as key=" if name == key else ""
            raise SchemaError(f"the frame has no column {name!r}; it has {shown or 'none'}{hint}")
    return WriteDefinition(
        kind=kind,
        key=key,
        fields=fields,
        key_prefix=as_bytes(key_prefix),
        if_exists=if_exists,
        ttl_column=ttl_column,
        ttl_ms=None if isinstance(ttl, str) else _fixed_ttl(ttl),
    )


def _fixed_ttl(ttl: int | timedelta | None) -> int | None:
    if ttl is None:
        return None
    if isinstance(ttl, timedelta):
        milliseconds = ttl // timedelta(milliseconds=1)
    elif isinstance(ttl, int) and not isinstance(ttl, bool):
        milliseconds = ttl * 1000
    else:
        raise OptionError(
            f"ttl is {ttl!r}; expected whole seconds, a timedelta, or the name of a column"
        )
    if not 0 < milliseconds <= _LONGEST_TTL_MS:
        raise OptionError(f"ttl is {ttl!r}; expected {_TTL_RANGE}, or None for no expiry")
    return milliseconds


_TTL_RANGE = "a time from 1 ms to 31,000 years"


def _check_schema(schema: pl.Schema, definition: WriteDefinition) -> None:
    dtype = schema[definition.key]
    if dtype not in (pl.String, pl.Binary):
        raise SchemaError(
            f"the key column {definition.key!r} is {dtype}; expected String or Binary: "
            f"pl.col({definition.key!r}).cast(pl.String)"
        )
    if definition.ttl_column is not None:
        dtype = schema[definition.ttl_column]
        if not dtype.is_integer() and not isinstance(dtype, pl.Duration):
            raise SchemaError(
                f"the ttl column {definition.ttl_column!r} is {dtype}; "
                "expected integers (seconds) or Duration"
            )
    for name in definition.fields:
        check_dtype(name, schema[name])


def _check_values(frame: pl.DataFrame, definition: WriteDefinition) -> None:
    """Find null keys and times to live that cannot be."""
    keys = frame[definition.key]
    if keys.null_count():
        row = keys.is_null().arg_max()
        raise OptionError(f"row {row}: the key in column {definition.key!r} is null")
    if definition.ttl_column is None:
        return
    ttls = frame[definition.ttl_column]
    wrong = frame.select(_ttl_is_wrong(definition.ttl_column, ttls.dtype).fill_null(False))
    row = wrong.to_series().arg_max()
    if row is not None and wrong.item(row, 0):
        raise OptionError(
            f"row {row}: the key {_shown(keys[row])} has the time to live {ttls[row]} in column "
            f"{definition.ttl_column!r}; expected {_TTL_RANGE}, or null for no expiry"
        )


def _ttl_is_wrong(name: str, dtype: pl.DataType) -> pl.Expr:
    column, longest = pl.col(name), _LONGEST_TTL_MS // 1000
    if isinstance(dtype, pl.Duration):
        column, longest = column.dt.total_milliseconds(), _LONGEST_TTL_MS
    wrong = column <= 0
    # Of narrow integers none is too large, and the limit would not fit their dtype.
    if isinstance(dtype, pl.Int8 | pl.Int16 | pl.Int32 | pl.UInt8 | pl.UInt16 | pl.UInt32):
        return wrong
    return wrong | (column > longest)


def _check_duplicates(frame: pl.DataFrame, key: str) -> None:
    keys = frame[key]
    if keys.n_unique() == len(keys):
        return
    repeated = keys.filter(~keys.is_first_distinct())
    raise OptionError(
        f"the key {_shown(repeated[0])} is there more than once, and {len(repeated) - 1:,} more "
        f"rows repeat a key; keep one row a key: frame.unique({key!r}, keep='last')"
    )


def _shown(key: str | bytes) -> str:
    return repr(key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else key)


class _Run:
    """One write from its start to its report."""

    def __init__(
        self,
        client: Client,
        definition: WriteDefinition,
        frame: pl.DataFrame | pl.LazyFrame,
        *,
        progress: bool,
    ) -> None:
        self._definition = definition
        self._started = time.monotonic()
        # A DataFrame has been checked as a whole.
        request = definition.to_json(find_duplicates=isinstance(frame, pl.LazyFrame))
        self._writer = _native.Writer(client.options.to_json(), request)
        total = frame.height if isinstance(frame, pl.DataFrame) else None
        self._bar = ProgressBar(f"write {definition.kind}", total) if progress else None

    def send(self, frame: pl.DataFrame | pl.LazyFrame, batch_size: int) -> WriteReport:
        """Hand all batches over, and wait for what becomes of them."""
        is_lazy = isinstance(frame, pl.LazyFrame)
        try:
            try:
                for batch in _batches(frame, self._definition, batch_size):
                    # The rows of a DataFrame are all reported; a query is not run for that.
                    if not self._writer.write(batch) and is_lazy:
                        break
                    self._advance()
            except Exception as error:
                report, _ = self._finish()
                raise _stopped(report, error) from error
            report, lost = self._finish()
        finally:
            self._writer.close()
            if self._bar is not None:
                self._bar.finish()
        if lost is not None:
            raise _stopped(report, lost) from lost
        return report

    def _advance(self) -> None:
        if self._bar is not None:
            stats = self._writer.stats()
            self._bar.advance_to(stats["written"] + stats["skipped"] + stats["failed"])

    def _finish(self) -> tuple[WriteReport, Exception | None]:
        written, skipped, failed, lost = self._writer.finish()
        self._advance()
        report = WriteReport.from_counters(
            self._writer.stats(),
            written=written,
            skipped=skipped,
            failed=dict(failed),
            seconds=time.monotonic() - self._started,
        )
        return report, lost


def _stopped(report: WriteReport, error: Exception) -> WriteError:
    written = WriteError(
        f"the write was stopped after {report.written:,} keys: {error}; "
        "see .report for what was written"
    )
    written.report = report
    return written


def _batches(
    frame: pl.DataFrame | pl.LazyFrame, definition: WriteDefinition, batch_size: int
) -> Iterator[pl.DataFrame]:
    """Give the frame in pieces, as the native part takes them."""
    if isinstance(frame, pl.DataFrame):
        for piece in frame.iter_slices(batch_size):
            yield _shape(piece, definition)
        return
    names = [definition.key, *definition.fields]
    if definition.ttl_column is not None:
        names.append(definition.ttl_column)
    for piece in _stream(frame.select(list(dict.fromkeys(names))), batch_size):
        _check_values(piece, definition)
        yield _shape(piece, definition)


def _stream(frame: pl.LazyFrame, batch_size: int) -> Iterator[pl.DataFrame]:
    """Run a query in batches. The one place that knows how: Polars calls this unstable."""
    yield from frame.collect_batches(chunk_size=batch_size)


def _shape(frame: pl.DataFrame, definition: WriteDefinition) -> pl.DataFrame:
    schema = frame.schema
    columns = [pl.col(definition.key)]
    columns += [to_wire(name, schema[name]) for name in definition.fields]
    name = definition.ttl_column
    if name is not None:
        ttl = pl.col(name)
        is_duration = isinstance(schema[name], pl.Duration)
        ttl = ttl.dt.total_milliseconds() if is_duration else ttl.cast(pl.Int64) * 1000
        columns.append(ttl)
    return frame.select(columns)
