"""What a query will ask of the server, and what its runs have done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from gearframe.exceptions import OptionError
from gearframe.io.pushdown import PythonScan, python_scans
from gearframe.io.source import ScanSource

if TYPE_CHECKING:
    from gearframe.io.report import ScanReport


def explain(lf: pl.LazyFrame) -> str:
    """Say what a query will ask of the server.

    Parameters
    ----------
    lf : polars.LazyFrame
        A query over one or more scans.

    Returns
    -------
    str
        For each scan: the commands, the parts of the query that are pushed down to them, the
        parts that are not and why, and the counts of its last run, if it has run in this or
        another query. After that the plan as Polars prints it.

    Raises
    ------
    OptionError
        If it is no LazyFrame, has no scan of gearframe in it, or one that Polars cannot show.

    Notes
    -----
    Sends nothing.

    Examples
    --------
    >>> client = gf.connect()
    >>> lf = gf.scan_hashes(client, "user:*", {"name": pl.String, "age": pl.Int64})
    >>> print(gf.explain(lf.filter(pl.col("_key") == "user:1").select("age")).splitlines()[1])
      HMGET age for each key (HGETALL where a sample shows no other fields)
    """
    parts = [_explain_scan(source, scan) for source, scan in _scans(lf)]
    if not parts:
        raise OptionError(
            "the query has no scan of gearframe: give a LazyFrame made by gearframe.scan_hashes "
            "or another scan"
        )
    return "\n\n".join([*parts, lf.explain()])


def reports(lf: pl.LazyFrame) -> list[ScanReport]:
    """Give the counts of the last run of each scan in a query.

    A run belongs to the scan, not to the query: of a LazyFrame that several queries were made
    from, the query that ran last counts.

    Parameters
    ----------
    lf : polars.LazyFrame
        A query that has run.

    Returns
    -------
    list of ScanReport
        One for each scan that has run, in the order of the plan.

    Raises
    ------
    OptionError
        If it is no LazyFrame, or Polars cannot show the plan.

    Notes
    -----
    Sends nothing.

    Examples
    --------
    >>> client = gf.connect()
    >>> lf = gf.scan_hashes(client, "user:*", {"name": pl.String})
    >>> lf.collect().height
    0
    >>> gf.reports(lf)[0].keys_seen
    0
    """
    return [source.runs[-1].report for source, _ in _scans(lf) if source.runs]


def _scans(lf: pl.LazyFrame) -> list[tuple[ScanSource, PythonScan]]:
    if not isinstance(lf, pl.LazyFrame):
        kind = type(lf).__name__
        raise OptionError(f"expected a LazyFrame, not {kind}; ask before .collect()")
    try:
        found = list(python_scans(lf))
    except NotImplementedError as error:
        raise OptionError(
            f"Polars cannot show this plan ({error}): explain the part of it nearer to the scan"
        ) from error
    return [(scan.source, scan) for scan in found if isinstance(scan.source, ScanSource)]


def _explain_scan(source: ScanSource, scan: PythonScan) -> str:
    plan = source.plan_of(scan)
    client = source.client
    server = f"{client.server.name} {client.server.version}".strip()
    lines = [f"SCAN OF {plan.definition.kind.upper()} at {client.options.label} ({server})"]
    lines += [f"  {command}" for command in plan.commands()]
    lines += [f"  pushed down: {text}" for text in plan.pushed]
    lines += [f"  not pushed: {text}; applied to each batch inside the scan" for text in plan.kept]
    if source.runs:
        lines.append(f"  last run: {source.runs[-1].report}")
    return "\n".join(lines)
