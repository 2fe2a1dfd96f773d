"""Running a write: the stream of batches to the native part, and the report of what became of them.

Encoding and sending is the native part's work; what a hash or a string is made of belongs to
``hashes``, ``strings`` and the other files beside this one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import polars as pl
from polars.selectors import by_name

from gearframe import _native
from gearframe.client import as_client
from gearframe.exceptions import WriteError
from gearframe.io.progress import ProgressBar
from gearframe.io.report import WriteReport
from gearframe.io.write.checks import check_duplicates, check_schema, check_values
from gearframe.io.write.definition import schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gearframe.client import Client
    from gearframe.io.write.definition import WriteDefinition
    from gearframe.io.write.options import WriteOptions


def write(
    frame: pl.DataFrame | pl.LazyFrame,
    client: Client | str | None,
    definition: WriteDefinition,
    options: WriteOptions,
) -> WriteReport:
    """Check a frame, send it, and report."""
    check_schema(schema_of(frame), definition)
    if isinstance(frame, pl.DataFrame):
        check_values(frame, definition)
        if not definition.has_many_rows:
            check_duplicates(frame, definition.key)
        frame = definition.prepare(frame)
    run = _Run(as_client(client), definition, frame, progress=options["progress"])
    report = run.send(frame, options["batch_size"])
    if options["on_failure"] == "raise":
        report.raise_for_failures()
    return report


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
        total = None
        if isinstance(frame, pl.DataFrame) and not definition.has_many_rows:
            total = frame.height
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
                report, _ = self._finish(complete=False)
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

    def _finish(self, *, complete: bool = True) -> tuple[WriteReport, Exception | None]:
        written, skipped, failed, lost = self._writer.finish(complete=complete)
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
            yield definition.shape(piece)
        return
    for piece in _stream(frame.select(by_name(*definition.columns)), batch_size):
        check_values(piece, definition)
        yield definition.shape(definition.prepare(piece))


def _stream(frame: pl.LazyFrame, batch_size: int) -> Iterator[pl.DataFrame]:
    """Run a query in batches. The one place that knows how: Polars calls this unstable."""
    yield from frame.collect_batches(chunk_size=batch_size)
