"""Writing a query to a file: whole, or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from gearframe.cli.interrupts import undone_by_interrupt
from gearframe.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import polars as pl


def _parquet(lf: pl.LazyFrame, path: Path) -> None:
    lf.sink_parquet(path)


def _csv(lf: pl.LazyFrame, path: Path) -> None:
    lf.sink_csv(path)


def _ndjson(lf: pl.LazyFrame, path: Path) -> None:
    lf.sink_ndjson(path)


def _ipc(lf: pl.LazyFrame, path: Path) -> None:
    lf.sink_ipc(path)


_SINKS: dict[str, Callable[[pl.LazyFrame, Path], None]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".ndjson": _ndjson,
    ".jsonl": _ndjson,
    ".arrow": _ipc,
    ".ipc": _ipc,
    ".feather": _ipc,
}


def check_target(path: Path) -> None:
    """Refuse a file that cannot be written, before anything is read.

    Parameters
    ----------
    path : pathlib.Path
        The file; its ending names the format.

    Raises
    ------
    OptionError
        If the ending is unknown, there is no such folder, or it is something else than a file.
    """
    if path.suffix.lower() not in _SINKS:
        raise OptionError(
            f"--to {path}: the ending names the format; expected one of {', '.join(_SINKS)}"
        )
    if not path.parent.is_dir():
        raise OptionError(f"--to {path}: there is no folder {path.parent}")
    if path.exists() and not path.is_file():
        raise OptionError(f"--to {path}: it exists and is not a file")


def write_file(lf: pl.LazyFrame, path: Path) -> int:
    """Stream a query into a file, which has its name only once it is whole.

    Parameters
    ----------
    lf : polars.LazyFrame
        The query.
    path : pathlib.Path
        The file, which is replaced; see `check_target`.

    Returns
    -------
    int
        How many rows it has.
    """
    heights: list[int] = []  # several threads append

    def count(batch: pl.DataFrame) -> pl.DataFrame:
        heights.append(batch.height)
        return batch

    with _replacing(path) as part:
        _SINKS[path.suffix.lower()](lf.map_batches(count, streamable=True), part)
    return sum(heights)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a name beside the file; rename it at the end, or remove it after an error."""
    target = path.resolve()  # a link stays a link
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    with undone_by_interrupt(part.unlink):
        try:
            yield part
            os.replace(part, target)
        except BaseException:
            with suppress(FileNotFoundError):
                part.unlink()
            raise
