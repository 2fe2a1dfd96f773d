"""``gearframe scan``: data of a person's own server as a table or a file."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from cyclopts import Group, Parameter

from gearframe.cli.connection import ConnectionOptions
from gearframe.cli.console import Output
from gearframe.cli.fields import sample_fields
from gearframe.cli.output import check_target, write_file
from gearframe.cli.tables import print_table, printable, size, summary
from gearframe.client import Client
from gearframe.dtypes import NAMES, parse_schema
from gearframe.exceptions import OptionError
from gearframe.io.explain import explain as explain_query
from gearframe.io.explain import reports
from gearframe.io.hashes import scan_hashes
from gearframe.io.strings import scan_strings

_TABLE_ROWS = 20
_QUERY = Group("Query", sort_key=1)
_READING = Group("Reading", sort_key=2)


@Parameter(name="*", group=_QUERY)
@dataclass(frozen=True, kw_only=True)
class Query:
    """What of the data is wanted."""

    schema: Annotated[
        str | None,
        Parameter(
            help="Columns: name=dtype,name=dtype or @file.json with an object of the same. For "
            "strings one column, the value. infer guesses those of hashes. Without it, the fields "
            f"of up to 100 hashes, all as String. Dtypes: {NAMES}."
        ),
    ] = None
    kind: Literal["hashes", "strings"] = "hashes"
    """The type of the keys."""
    where: str | None = None
    """Only these rows: what stands behind WHERE in SQL, such as "age > 40 AND name LIKE 'A%'"."""
    select: str | None = None
    """Only these columns, separated by commas; _key is the key."""
    head: int | None = None
    """At most so many rows; 20 for a table, all for a file."""
    keys_only: Annotated[bool, Parameter(negative="")] = False
    """Only the keys: no value is read."""
    ttl: Annotated[bool, Parameter(negative="")] = False
    """Have a column _ttl with the time to live."""


@Parameter(name="*", group=_READING)
@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the data is read."""

    on_error: Literal["raise", "null", "skip"] = "raise"
    """What to do with a value that does not fit its dtype."""
    throttle: float | None = None
    """The most keys a second."""
    scan_count: int = 1000
    """COUNT of SCAN: more is quicker, and stalls other clients for longer."""
    binary_keys: Annotated[bool, Parameter(negative="")] = False
    """Read keys that are not UTF-8."""
    progress: Annotated[bool | None, Parameter(negative="--no-progress")] = None
    """Show a progress bar; by default where standard error is a terminal."""


def scan(
    url: str,
    pattern: str = "*",
    /,
    *,
    query: Query | None = None,
    reading: Reading | None = None,
    connection: ConnectionOptions | None = None,
    to: Annotated[Path | None, Parameter(group=_QUERY)] = None,
    explain: Annotated[bool, Parameter(group=_QUERY, negative="")] = False,
) -> None:
    """Read hashes or strings of a server into a table or a file.

    The table goes to standard output, the counts to standard error. For example:

    `gearframe scan redis://localhost 'user:*' --schema name=String,age=Int64 --where 'age > 40'`

    Parameters
    ----------
    url
        The server: `redis://host:6379/0`, `rediss://` for TLS, `unix:///path`.
    pattern
        Redis' glob pattern for the keys, in quotes.
    to
        Write to this file instead, all rows unless `--head` is given: `.parquet`, `.csv`,
        `.ndjson` or `.arrow`. It gets its name only once it is whole.
    explain
        Say what would be asked of the server, and read nothing.
    """
    query, reading = query or Query(), reading or Reading()
    if to is not None:
        check_target(to)
    with (connection or ConnectionOptions()).connect(url) as client:
        source = _source(client, pattern, query, reading)
        head = query.head if query.head is not None or to is not None else _TABLE_ROWS
        lf = _narrowed(source, query, head)
        if explain:
            print(explain_query(lf))
        elif to is None:
            _print(lf, is_cut=query.head is None)
        else:
            _write(lf, to)


def _source(client: Client, pattern: str, query: Query, reading: Reading) -> pl.LazyFrame:
    shows = sys.stderr.isatty() if reading.progress is None else reading.progress
    options: dict[str, Any] = {
        "include_ttl": query.ttl,
        "key_dtype": pl.Binary if reading.binary_keys else pl.String,
        "on_error": reading.on_error,
        "throttle": reading.throttle,
        "scan_count": reading.scan_count,
        "progress": shows,
    }
    if query.keys_only and query.schema is not None:
        raise OptionError("--keys-only reads no value, and --schema names some; give one of them")
    if query.kind == "strings":
        return _strings(client, pattern, query, options)
    if query.keys_only:
        return scan_hashes(client, pattern, {}, **options)
    return scan_hashes(client, pattern, _schema(client, pattern, query), **options)


def _schema(client: Client, pattern: str, query: Query) -> Any:
    if query.schema == "infer":
        return query.schema
    return parse_schema(query.schema) if query.schema is not None else _sampled(client, pattern)


def _strings(client: Client, pattern: str, query: Query, options: dict[str, Any]) -> pl.LazyFrame:
    columns = parse_schema(query.schema) if query.schema is not None else {"value": pl.String()}
    if len(columns) != 1:
        raise OptionError(
            f"--schema names {len(columns)} columns; strings have one: --schema value=Int64"
        )
    [(name, dtype)] = columns.items()
    lf = scan_strings(client, pattern, dtype, value_column=name, **options)
    return lf.drop(name) if query.keys_only else lf


def _sampled(client: Client, pattern: str) -> dict[str, pl.DataType]:
    count, fields = sample_fields(client, pattern)
    taken = [name for name in ("_key", "_ttl") if name in fields]
    fields = {name: dtype for name, dtype in fields.items() if name not in taken}
    if count:
        names = printable(", ".join(fields))
        _tell(f"no --schema: the fields of {count} sampled hashes, all as String: {names}")
    if taken:
        _tell(f"left out: {', '.join(taken)}, for these columns are the key and the time to live")
    return fields


def _narrowed(lf: pl.LazyFrame, query: Query, head: int | None) -> pl.LazyFrame:
    if query.where is not None:
        lf = lf.filter(_predicate(query.where))
    if query.select is not None:
        lf = lf.select([name.strip() for name in query.select.split(",")])
    if head is not None:
        if head < 0:
            raise OptionError(f"--head is {head}; expected a number of rows from 0")
        lf = lf.head(head)
    lf.collect_schema()  # a column that does not exist is an error before anything is read
    return lf


def _predicate(where: str) -> pl.Expr:
    try:
        return pl.sql_expr(where)
    except pl.exceptions.PolarsError as error:
        raise OptionError(f"--where {where!r} is not an SQL condition: {error}") from error


def _print(lf: pl.LazyFrame, *, is_cut: bool) -> None:
    started = time.monotonic()
    frame = lf.collect()
    seconds = time.monotonic() - started
    print_table(frame, Output())
    is_full = is_cut and frame.height == _TABLE_ROWS
    more = " (the first; --head asks for more)" if is_full else ""
    _tell(f"{_rows(frame.height)}{more} in {summary(reports(lf), seconds)}")


def _write(lf: pl.LazyFrame, path: Path) -> None:
    started = time.monotonic()
    rows = write_file(lf, path)
    cost = summary(reports(lf), time.monotonic() - started)
    _tell(f"{_rows(rows)} in {cost}; {size(path.stat().st_size)} written to {path}")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _tell(text: str) -> None:
    print(text, file=sys.stderr)
