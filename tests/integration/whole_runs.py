"""What every run that went to its end must show."""

from __future__ import annotations

import polars as pl

import gearframe as gf


def whole_run(lf: pl.LazyFrame) -> tuple[pl.DataFrame, gf.ScanReport]:
    """Collect, and check that the report of the run adds up."""
    frame = lf.collect()
    report = gf.reports(lf)[-1]
    assert report.finished
    counted = (
        report.keys_read + report.keys_empty + report.keys_vanished + report.keys_of_other_type
    )
    assert report.keys_seen == counted, report
    return frame, report


def commands_in(lf: pl.LazyFrame) -> list[str]:
    """Give what ``explain`` says that a query sends and pushes down, without the server's name."""
    _, *lines = gf.explain(lf).split("\n\n")[0].splitlines()
    return [line.strip() for line in lines]
