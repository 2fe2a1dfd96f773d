"""One list of millions of elements: time against the floor, and peak memory above the start.

The memory is that of a process of its own, which streams the list to Parquet.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl

import gearframe as gf
from benchmarks import floor, load, memory
from benchmarks.measure import take_turns
from benchmarks.report import Answer, Result, slower
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

KEY = "list"
WINDOW = 10_000
"""Elements of the floor's LRANGE."""

_PUSHED = 1_000


def run(server: BenchServer, settings: Settings) -> Answer:
    results, loaded, size = [], 0, 0
    server.flush()
    with server.wire() as wire, gf.connect(server.url) as client:
        for times in memory.TIMES:
            size = settings.rows * times
            load.load(wire, _rpush(loaded, size))
            loaded = size
            results.append(_peak(server.url, size))
        lf = gf.scan_lists(client, KEY, pl.Int64)
        elements = lf.collect()["element"]
        assert elements.equals(pl.int_range(size, eager=True).alias("element"))
        found = take_turns(
            server,
            {
                "gearframe": lf.collect,
                "floor": lambda: floor.windows(wire, KEY, size, WINDOW),
            },
            repeat=settings.repeat,
            patience=settings.patience,
        )
    ours, least = found["gearframe"], found["floor"]
    results.append(slower(f"read one list of {size:,} elements", ours, least, None))
    sent = ours.runs[-1].commands.get("lrange", 0)
    return Answer(
        title="One long list",
        results=results,
        runs=list(found.values()),
        notes=[f"gearframe sent {sent:,} LRANGE, the floor {-(-size // WINDOW):,}"],
    )


def _rpush(start: int, end: int) -> Iterator[pl.Series]:
    """Encode ``RPUSH list n …`` by the thousand."""
    head = f"$5\r\nRPUSH\r\n${len(KEY)}\r\n{KEY}\r\n"
    for first in range(start, end, _PUSHED):
        numbers = pl.int_range(first, min(first + _PUSHED, end), eager=True).cast(pl.String)
        elements = numbers.to_frame("n").select(load.bulk(pl.col("n")).str.join("")).item()
        yield pl.Series([f"*{2 + len(numbers)}\r\n{head}{elements}"])


def _peak(url: str, rows: int) -> Result:
    command = [sys.executable, "-m", "benchmarks.long_list", url, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    start, peak, seconds = map(float, done.stdout.split())
    return Result(
        question=f"stream one list of {rows:,} elements to Parquet: peak above start",
        ours=f"{start + peak:.0f} MB, {seconds:.1f} s",
        reference=f"start {start:.0f} MB",
        figure=peak,
        unit="MB",
        target=memory.LIMIT_MB,
    )


def _measure(url: str, rows: int) -> None:
    with gf.connect(url) as client, tempfile.TemporaryDirectory() as folder:
        lf = gf.scan_lists(client, KEY, pl.Int64)
        memory.forget_peak()
        start = memory.status("VmRSS")
        began = time.perf_counter()
        lf.sink_parquet(Path(folder) / "list.parquet")
        seconds = time.perf_counter() - began
        peak = memory.status("VmHWM")
        written = gf.reports(lf)[0].rows_out
    if written != rows:
        raise SystemExit(f"{written:,} rows were written, not {rows:,}")
    print(start, peak - start, seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_list")
    parser.add_argument("url")
    parser.add_argument("rows", type=int)
    _measure(**vars(parser.parse_args()))
