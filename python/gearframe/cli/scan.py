"""``gearframe scan``: data of a person's own server as a table or a file."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from cyclopts import Group, Parameter

from gearframe.cli.connection import ConnectionOptions
from gearframe.cli.console import Output, tell
from gearframe.cli.output import check_target, write_file
from gearframe.cli.samples import sample_types
from gearframe.cli.source import TYPES, Elements, Kind, Source
from gearframe.cli.sources import open_source
from gearframe.cli.tables import print_table, printable, size, summary
from gearframe.client import Client
from gearframe.dtypes import NAMES
from gearframe.exceptions import OptionError
from gearframe.io.explain import explain as explain_query
from gearframe.io.explain import reports

_TABLE_ROWS = 20
_QUERY = Group("Query", sort_key=1)
_READING = Group("Reading", sort_key=3)


@Parameter(name="*", group=_QUERY)
@dataclass(frozen=True, kw_only=True)
class Query:
    """What of the data is wanted."""

    schema: Annotated[
        str | None,
        Parameter(
            help="Columns: name=dtype,name=dtype or @file.json with an object of the same. Fields "
            "of hashes and streams, members of json documents; for other kinds one column, the "
            "element. infer guesses them for hashes, strings, streams and json. Without it, the "
            "fields of up to 100 hashes or streams, the text of documents, and elements, all as "
            f"String. Dtypes: {NAMES}."
        ),
    ] = None
    kind: Kind = "hashes"
    """What to read. Of hashes, strings and json one row a key; of the others one row an element,
    of fields one row for each field of a hash. keys are keys of all types, with what the server
    knows of them."""
    where: str | None = None
    """Only these rows: what stands behind WHERE in SQL, such as "age > 40 AND name LIKE 'A%'"."""
    select: str | None = None
    """Only these columns, separated by commas; _key is the key."""
    head: int | None = None
    """At most so many rows; 20 for a table, all for a file."""
    key_schema: str | None = None
    """Columns out of the keys: user:{id:Int64}:{region}."""
    keys_only: Annotated[bool, Parameter(negative="")] = False
    """Only the keys, one row each: no value is read."""
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
    elements: Elements | None = None,
    reading: Reading | None = None,
    connection: ConnectionOptions | None = None,
    to: Annotated[Path | None, Parameter(group=_QUERY)] = None,
    explain: Annotated[bool, Parameter(group=_QUERY, negative="")] = False,
) -> None:
    """Read keys of a server into a table or a file.

    The table goes to standard output, the counts to standard error. For example:

    `gearframe scan redis://localhost 'user:*' --schema name=String,age=Int64 --where 'age > 40'`

    `gearframe scan redis://localhost 'board:*' --kind zsets --rank --start -10`

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
        source = _source(client, pattern, query, reading, elements or Elements())
        head = query.head if query.head is not None or to is not None else _TABLE_ROWS
        lf = _narrowed(open_source(source, keys_only=query.keys_only), query, head)
        if explain:
            print(explain_query(lf))
            return
        rows = _print(lf, is_cut=query.head is None) if to is None else _write(lf, to)
        if rows == 0 and head != 0:
            _tell_types(source)


def _source(
    client: Client, pattern: str, query: Query, reading: Reading, elements: Elements
) -> Source:
    shows = sys.stderr.isatty() if reading.progress is None else reading.progress
    return Source(
        client=client,
        pattern=pattern,
        kind=query.kind,
        schema=query.schema,
        elements=elements,
        options={
            "key_schema": query.key_schema,
            "include_ttl": query.ttl,
            "key_dtype": pl.Binary if reading.binary_keys else pl.String,
            "on_error": reading.on_error,
            "throttle": reading.throttle,
            "scan_count": reading.scan_count,
            "progress": shows,
        },
    )


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


def _print(lf: pl.LazyFrame, *, is_cut: bool) -> int:
    started = time.monotonic()
    frame = lf.collect()
    seconds = time.monotonic() - started
    print_table(frame, Output())
    is_full = is_cut and frame.height == _TABLE_ROWS
    more = " (the first; --head asks for more)" if is_full else ""
    tell(f"{_rows(frame.height)}{more} in {summary(reports(lf), seconds)}")
    return frame.height


def _write(lf: pl.LazyFrame, path: Path) -> int:
    started = time.monotonic()
    rows = write_file(lf, path)
    cost = summary(reports(lf), time.monotonic() - started)
    tell(f"{_rows(rows)} in {cost}; {size(path.stat().st_size)} written to {path}")
    return rows


def _tell_types(source: Source) -> None:
    """After no row: say so if the keys are of other types than was thought."""
    wanted = TYPES.get(source.kind)
    counts = sample_types(source.client, source.keys)
    if wanted is None or not counts or wanted in counts:
        return
    found = ", ".join(f"{count} {printable(name)}" for name, count in counts.most_common())
    kinds = [kind for kind, name in TYPES.items() if name == counts.most_common(1)[0][0]]
    hint = f"; try --kind {kinds[0]}" if kinds else ""
    keys = "1 key" if counts.total() == 1 else f"{counts.total()} keys"
    tell(f"of {keys} looked at, none is of type {wanted}: {found}{hint}")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
