"""What the collections' benchmarks share: load, see that the frame is right, take turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl
from polars.testing import assert_frame_equal

import gearframe as gf
from benchmarks import floor, load
from benchmarks.measure import take_turns
from benchmarks.report import Answer, other_commands, slower
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

TARGET = 1.5


def run(
    server: BenchServer,
    settings: Settings,
    *,
    what: str,
    commands: Iterable[pl.Series],
    scan: Callable[[gf.Client], pl.LazyFrame],
    fetch: floor.Fetch,
    expected: Iterable[pl.DataFrame],
) -> Answer:
    """Answer how many times the floor's time a scan takes; ``what`` names the data."""
    server.flush()
    with server.wire() as wire, gf.connect(server.url) as client:
        load.load(wire, commands)
        lf = scan(client)
        assert_frame_equal(_sorted(lf.collect()), _sorted(pl.concat(expected)))
        found = take_turns(
            server,
            {"gearframe": lf.collect, "floor": lambda: floor.read(wire, fetch)},
            repeat=settings.repeat,
            patience=settings.patience,
        )
    ours, least = found["gearframe"], found["floor"]
    return Answer(
        title=f"Reading {what} into a typed frame",
        results=[slower(f"read {what}", ours, least, TARGET)],
        runs=list(found.values()),
        notes=[f"not sent alike: {each}" for each in other_commands(ours, least)],
    )


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort(frame.columns)
