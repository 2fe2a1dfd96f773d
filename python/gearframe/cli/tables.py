"""Frames as tables in a terminal, and counts as a line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl
from rich import box
from rich.table import Table
from rich.text import Text

from gearframe.dtypes import dtype_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from gearframe.io.report import ScanReport

_CELL_WIDTH = 48
_BORDER = 3


def print_table(frame: pl.DataFrame, console: Console) -> None:
    """Print a frame: as many columns as fit, and the names of the others below.

    Where the output is no terminal all columns are printed, on lines as long as they need.

    Parameters
    ----------
    frame : polars.DataFrame
        Its rows are all printed; the caller takes the head.
    console : rich.console.Console
        Where to print.
    """
    cells = {series.name: _texts(series) for series in frame}
    widths = {name: _width(name, frame.schema[name], cells[name]) for name in frame.columns}
    shown = _fitting(widths, console.width) if console.is_terminal else frame.columns
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in shown:
        dtype = frame.schema[name]
        heading = Text.assemble((printable(name), "bold"), "\n", (_short(dtype), "dim"))
        is_right = dtype.is_numeric() or dtype.is_temporal()
        align: Literal["left", "right"] = "right" if is_right else "left"
        table.add_column(heading, justify=align, no_wrap=True, min_width=widths[name])
    for row in zip(*(cells[name] for name in shown), strict=True):
        table.add_row(*row)
    needed = sum(widths[name] + _BORDER for name in shown)
    console.print(table, width=max(console.width, needed), crop=False)
    left_out = [printable(name) for name in frame.columns if name not in shown]
    if left_out:
        told = f"not shown, for want of width: {', '.join(left_out)}"
        console.print(Text(told, style="dim"), soft_wrap=True)


def summary(reports: Iterable[ScanReport], seconds: float) -> str:
    """Say what a query has cost: ``0.83 s; SCAN x 337, HMGET x 336,776; 12.3 MB read``.

    Parameters
    ----------
    reports : iterable of ScanReport
        One for each scan in the query.
    seconds : float
        How long the whole query took.

    Returns
    -------
    str
    """
    commands: dict[str, int] = {}
    read = 0
    for report in reports:
        read += report.bytes_read
        for name, n in report.commands.items():
            commands[name] = commands.get(name, 0) + n
    sent = ", ".join(f"{name} x {n:,}" for name, n in commands.items()) or "no command"
    return f"{seconds:.2f} s; {sent}; {size(read)} read"


def size(count: int) -> str:
    """Write a number of bytes for a person.

    Examples
    --------
    >>> size(512), size(12_345_678)
    ('512 bytes', '12.3 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    for unit, scale in (("kB", 10**3), ("MB", 10**6), ("GB", 10**9)):
        if count < 1000 * scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count / 10**12:.1f} TB"


def printable(text: str) -> str:
    r"""Escape what is no visible character: a value must not be able to steer the terminal.

    Examples
    --------
    >>> printable("caf\u00e9\x1b[2J\n")
    'café\\x1b[2J\\n'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _short(dtype: pl.DataType) -> str:
    text = printable(dtype_text(dtype))
    return text if len(text) <= _CELL_WIDTH else f"{text[: _CELL_WIDTH - 1]}…"


def _texts(series: pl.Series) -> list[Text]:
    dtype = series.dtype
    if isinstance(dtype, pl.Duration):
        values: list[object] = series.dt.to_string("polars").to_list()
    elif dtype.is_nested() or dtype == pl.Binary:
        values = series.to_list()
    else:
        values = series.cast(pl.String).to_list()
    return [_text(value) for value in values]


def _text(value: object) -> Text:
    if value is None:
        return Text("null", style="dim italic")
    # Cut before it is escaped: a value may be a text of many megabytes.
    text = printable(str(value)[: _CELL_WIDTH + 1])
    return Text(text if len(text) <= _CELL_WIDTH else f"{text[: _CELL_WIDTH - 1]}…")


def _width(name: str, dtype: pl.DataType, cells: list[Text]) -> int:
    headings = [Text(printable(name)), Text(_short(dtype))]
    return max(cell.cell_len for cell in [*headings, *cells])


def _fitting(widths: dict[str, int], available: int) -> list[str]:
    """Take columns from the left while they fit; at least one."""
    shown: list[str] = []
    for name, width in widths.items():
        available -= width + _BORDER
        if shown and available < -_BORDER:
            break
        shown.append(name)
    return shown
