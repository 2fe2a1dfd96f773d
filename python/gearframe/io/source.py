"""A scan as a Polars source: the one place that speaks Polars' IO plugin protocol."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

from gearframe import _native
from gearframe.exceptions import PermissionDeniedError
from gearframe.interrupts import LateInterrupt
from gearframe.io.definition import ROW_A_KEY, ROWS_COLUMN, ScanDefinition
from gearframe.io.plan import ScanPlan, make_plan
from gearframe.io.progress import ProgressBar
from gearframe.io.pushdown import KeyFilter, PythonScan, read_predicate, read_scan
from gearframe.io.report import ScanReport
from gearframe.schema import cast_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gearframe.client import Client

_KEPT_RUNS = 16


def collect(lf: pl.LazyFrame) -> pl.DataFrame:
    """Collect a scan; Ctrl-C raises KeyboardInterrupt once.

    Polars raises it a second time while the first is being handled (pola-rs/polars#23988).
    """
    try:
        return lf.collect()
    except KeyboardInterrupt:
        try:  # noqa: SIM105  entering suppress() would let it in before it is suppressed
            _let_signals_in()
        except KeyboardInterrupt:
            pass  # the second of the two; the first goes on below
        raise


def _let_signals_in() -> None:
    """Do nothing: Python looks for signals when it enters a function."""


class Run:
    """One run's report, which outlives the run and is renewed with each batch."""

    def __init__(self) -> None:
        self.report = ScanReport()


_PATIENCE = 0.2
"""Seconds without a batch after which Polars gets an empty one. Only between batches does its
streaming engine see Ctrl-C, or that nobody wants the rest any more."""


class ScanSource:
    """What Polars calls each time a query over a scan runs.

    Polars hands over the columns, the predicate and the number of rows that it needs; the source
    must honour all three, for Polars does not apply them again.
    """

    def __init__(self, client: Client, definition: ScanDefinition, *, progress: bool) -> None:
        self.client = client
        self.definition = definition
        self.progress = progress
        self.runs: deque[Run] = deque(maxlen=_KEPT_RUNS)

    def lazy(self) -> pl.LazyFrame:
        """Make the LazyFrame."""
        schema = self.definition.schema
        chosen = self.definition.pattern.decode("utf-8", "backslashreplace")
        if self.definition.keys is not None:
            chosen = f"{len(self.definition.keys):,} keys"
        source = register_io_source(
            self,
            schema={**schema, ROWS_COLUMN: pl.Null()},
            explain_name=f"redis {self.definition.kind}",
            explain_detail=f"{chosen} at {self.client.options.label}; more with gearframe.explain",
        )
        # The column that counts rows is projected away, so that only `len()` ever asks for it.
        # Not `select`: that takes a field called '*' for all columns, and '^x$' for a pattern.
        return source.drop(ROWS_COLUMN)

    def plan(self, columns: list[str] | None, where: KeyFilter, n_rows: int | None) -> ScanPlan:
        """Decide what to ask of the server."""
        return make_plan(self.definition, columns, where, n_rows)

    def plan_of(self, scan: PythonScan) -> ScanPlan:
        """Decide the same for a scan in an optimised plan, for ``explain``."""
        where = read_scan(scan, self.definition.key_column)
        return self.plan(scan.columns, where, scan.n_rows)

    def __call__(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # a hint of 100,000 whatever is asked: ours is better
    ) -> Iterator[pl.DataFrame]:
        """Run the scan; Polars pulls the batches."""
        schema = {**self.definition.schema, ROWS_COLUMN: pl.Null()}
        where = read_predicate(predicate, schema, self.definition.key_column)
        columns = with_columns
        if with_columns is not None and predicate is not None:
            columns = list(dict.fromkeys([*with_columns, *predicate.meta.root_names()]))
        # A limit counts the rows that pass the predicate, which only the client can tell.
        plan = self.plan(columns, where, n_rows if predicate is None else None)
        return Batches(self, plan, with_columns or list(schema), predicate, n_rows)


def _let_polars_drop() -> None:
    """Call Polars, whatever for.

    Its streaming engine drops a source that it needs no more without the GIL. PyO3 puts that off
    until Polars is called the next time, and until then the reading thread would wait for ever.
    """
    pl.col("")


class Batches:
    """The frames of one run.

    Not a generator: Polars drops it in the middle when it needs no more or is interrupted, and
    then only the native reader has something to stop, which it does when it is freed.
    """

    def __init__(
        self,
        source: ScanSource,
        plan: ScanPlan,
        columns: list[str],
        predicate: pl.Expr | None,
        n_rows: int | None,
    ) -> None:
        self._source = source
        self._plan = plan
        self._columns = columns
        self._predicate = predicate
        self._left = n_rows
        self._rows_in = 0
        self._rows_out = 0
        self._started = time.monotonic()
        self._bar: ProgressBar | None = None
        self._reader: _native.Reader | None = None
        schema = {**source.definition.schema, ROWS_COLUMN: pl.Null()}
        with LateInterrupt():
            self._empty = pl.DataFrame(schema={name: schema[name] for name in columns})
        self._run = Run()
        source.runs.append(self._run)
        if plan.is_empty:
            self._run.report = ScanReport(finished=True)
            return
        if source.progress:
            self._bar = ProgressBar(f"scan {source.definition.kind}", self._expected_keys())
        self._reader = _native.Reader(
            source.client.options.to_json(),
            plan.to_json(),
            pattern=plan.pattern,
            keys=plan.keys,
            stalled=_let_polars_drop,
        )

    def _expected_keys(self) -> int | None:
        if self._plan.keys is not None:
            return len(self._plan.keys)
        try:
            return self._source.client.dbsize()
        except PermissionDeniedError:
            return None  # a bar without an end: the scan itself does not need DBSIZE

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> pl.DataFrame:
        """Wait for the next batch, without the GIL."""
        try:
            return self._next()
        except StopIteration:
            raise
        except BaseException:
            # The traceback keeps this object alive for as long as somebody keeps the exception.
            self._stop(finished=False)
            raise

    def _next(self) -> pl.DataFrame:
        if self._reader is None:
            raise StopIteration
        batch = self._reader.next_batch(_PATIENCE)
        if batch is None:
            self._stop(finished=self._left != 0)
            raise StopIteration
        if batch is False:
            return self._empty
        # A frame without rows goes to Polars too: a long search can then be interrupted.
        with LateInterrupt():
            frame = self._numbered(cast_frame(pl.DataFrame(batch), self._source.definition.schema))
        if self._predicate is not None:
            frame = frame.filter(self._predicate)  # may call the user's functions
        with LateInterrupt():
            return self._delivered(frame)

    def _numbered(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give a batch its row index, where Polars asked for one."""
        definition = self._source.definition
        name = definition.row_index_name
        if name in self._plan.columns:
            offset = definition.row_index_offset + self._rows_in
            frame = frame.with_row_index(name or "", offset)
        self._rows_in += frame.height
        return frame

    def _delivered(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give a batch the rows and columns that Polars asked for, and count it."""
        if self._left is not None:
            frame = frame.head(self._left)
            self._left -= frame.height
        self._rows_out += frame.height
        self._report(finished=False)
        if self._left == 0:
            self._stop(finished=False)
        # Not `select`, to which a name such as ^a$ is a pattern.
        return frame[self._columns]

    def _report(self, *, finished: bool) -> None:
        if self._reader is None:
            return
        report = ScanReport.from_counters(
            self._reader.stats(),
            row_a_key=self._source.definition.kind in ROW_A_KEY,
            rows_out=self._rows_out,
            finished=finished,
            seconds=time.monotonic() - self._started,
        )
        self._run.report = report
        if self._bar is not None:
            self._bar.advance_to(report.keys_seen)

    def _stop(self, *, finished: bool) -> None:
        self._report(finished=finished)
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._bar is not None:
            self._bar.finish() if finished else self._bar.stop()
        self._bar = None
