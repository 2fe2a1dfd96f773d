"""``gearframe demo``: a server of its own, real data, five questions, and one answer kept."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Annotated

import polars as pl
from cyclopts import Parameter
from rich.syntax import Syntax
from rich.text import Text

from gearframe.cli.console import Output
from gearframe.cli.flights import TABLES, load, read_table
from gearframe.cli.interrupts import undone_by_interrupt
from gearframe.cli.questions import FLIGHTS, QUESTIONS, Question, code, farthest, open_data, words
from gearframe.cli.tables import print_table, size, summary
from gearframe.client import connect
from gearframe.exceptions import OptionError
from gearframe.io.explain import explain, reports
from gearframe.io.hashes import read_hashes
from gearframe.io.write.hashes import write_hashes

if TYPE_CHECKING:
    from gearframe.client import Client

_SAVED = {"tailnum": pl.String(), "flights": pl.Int64(), "miles": pl.Int64()}

_SCHEMA_CODE = """\
flights = gf.scan_hashes(client, "flight:*", {fields})"""

_SAVE_CODE = """\
keyed = answer.with_columns(_key=pl.format("farthest:{}", "tailnum"))
gf.write_hashes(keyed, client, ttl=3600)
gf.read_hashes(client, "farthest:*", {...}, include_ttl=True)"""


def demo(
    *,
    rows: int | None = None,
    keep: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Ask five questions of 336,776 flights in an embedded Valkey.

    Starts a server of its own, loads every flight that left New York in 2013, prints each question
    with its code, its answer and its cost, and stops the server. For example, with a part of the
    data:

    `gearframe demo --rows 20000`

    Parameters
    ----------
    rows
        Load only so many flights.
    keep
        Leave the server running afterwards, until Ctrl-C.
    """
    if rows is not None and rows < 1:
        raise OptionError(f"--rows is {rows}; expected a number of flights from 1")
    started = time.monotonic()
    console = Output()
    read_table(TABLES[0])  # before a server is started: the data may not be installed
    with connect() as client, undone_by_interrupt(client.close):
        _load(client, rows, console)
        answers = _ask_all(client, console)
        _save(client, answers[farthest], console)
        _close(client, time.monotonic() - started, console, keep=keep)


def _load(client: Client, rows: int | None, console: Output) -> None:
    server = client.server
    _heading(f"{server.name.capitalize()} {server.version} at {client.url}", console)
    started = time.monotonic()
    counts = []
    for table in TABLES:
        is_long = table.rows == "flights"
        limit = rows if is_long else None
        count = load(client, table, limit, progress=is_long and sys.stderr.isatty())
        counts.append(f"{count:,} {table.rows}")
    seconds = time.monotonic() - started
    _print(f"{', '.join(counts)}: loaded in {seconds:.1f} s, {_memory(client)}", console, "green")


def _memory(client: Client) -> str:
    info = client.execute("INFO", "memory")
    lines = info.decode("utf-8", "replace").splitlines() if isinstance(info, bytes) else []
    used = dict(line.split(":", 1) for line in lines if ":" in line).get("used_memory", "0")
    return f"{size(int(used))} of memory"


def _ask_all(client: Client, console: Output) -> dict[Question, pl.DataFrame]:
    data = open_data(client)
    _heading("The flights as a LazyFrame; what a question does not use is not read", console)
    _code(_SCHEMA_CODE.format(fields=_schema_code()), console)
    answers: dict[Question, pl.DataFrame] = {}
    for number, question in enumerate(QUESTIONS, 1):
        _heading(f"{number}. {words(question)}", console)
        _code(code(question), console)
        lf = question(data)
        answers[question] = _answer(lf, console)
        if number == 1:
            _explain(lf, console)
    return answers


def _schema_code() -> str:
    fields = "".join(f'\n    "{name}": {_dtype_code(dtype)},' for name, dtype in FLIGHTS.items())
    return f"{{{fields}\n}}"


def _dtype_code(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Datetime):
        return f'pl.Datetime("{dtype.time_unit}", "{dtype.time_zone}")'
    return f"pl.{dtype}"


def _answer(lf: pl.LazyFrame, console: Output) -> pl.DataFrame:
    started = time.monotonic()
    frame = lf.collect()
    seconds = time.monotonic() - started
    print_table(frame, console)
    _print(summary(reports(lf), seconds), console, "green")
    return frame


def _explain(lf: pl.LazyFrame, console: Output) -> None:
    _print("\ngf.explain says what was asked of the server, and what was not:", console)
    # Below the scan stands the plan as Polars prints it.
    scan, _, _ = explain(lf).partition("\n\n")
    for line in scan.splitlines():
        _print(f"  {line}", console, "dim")


def _save(client: Client, answer: pl.DataFrame, console: Output) -> None:
    _heading("Keep the answer to question 4 in the server for an hour, and read it again", console)
    _code(_SAVE_CODE, console)
    keyed = answer.with_columns(_key=pl.format("farthest:{}", "tailnum"))
    started = time.monotonic()
    report = write_hashes(keyed, client, ttl=3600)
    saved = read_hashes(client, "farthest:*", _SAVED, include_ttl=True)
    seconds = time.monotonic() - started
    # Keys have no order, so the rows come in another one.
    saved = saved.sort("miles", "tailnum", descending=[True, False])
    print_table(saved.head(3), console)
    same = saved.select(list(_SAVED)).equals(answer.cast(pl.Schema(_SAVED)))
    verdict = "equal" if same else "NOT EQUAL"
    told = f"{seconds:.2f} s; {report.written} hashes written, {saved.height} read: {verdict}"
    _print(told, console, "green" if same else "red")


def _close(client: Client, seconds: float, console: Output, *, keep: bool) -> None:
    _heading(f"All in {seconds:.1f} s. What next?", console)
    if not keep:
        _print(
            "  gearframe demo --keep           leaves the server running, to ask it yourself",
            console,
        )
        _print("  gearframe scan URL 'user:*'     asks a server of your own", console)
        return
    fields = "--schema carrier=String,dest=String,dep_delay=Int64 --where 'dep_delay > 600'"
    _print(f"  gearframe scan {client.url} 'flight:*' {fields}", console)
    _print("The server stays until Ctrl-C.", console)
    sys.stdout.flush()
    threading.Event().wait()


def _heading(text: str, console: Output) -> None:
    _print(f"\n{text}", console, "bold cyan")


def _print(text: str, console: Output, style: str = "") -> None:
    # Lines that are too long are left to the terminal, so that they can be copied.
    console.print(Text(text, style=style), soft_wrap=True)


def _code(text: str, console: Output) -> None:
    indented = "".join(f"  {line}\n" for line in text.splitlines())
    highlighted = Syntax("", "python", background_color="default").highlight(indented)
    highlighted.rstrip()
    console.print(highlighted, soft_wrap=True, end="\n\n")
