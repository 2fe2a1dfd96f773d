"""Streaming hashes to Parquet: peak memory above the start, which must not grow with the rows.

Each scan runs in a process of its own, which reads its peak from the kernel (VmHWM).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import gearframe as gf
from benchmarks import data, load
from benchmarks.report import Answer, Result
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

LIMIT_MB = 300
TIMES = (1, 5)
"""Parts of five million rows, when the other benchmarks use one million."""


def run(server: BenchServer, settings: Settings) -> Answer:
    results = []
    server.flush()
    with server.wire() as wire:
        for times in TIMES:
            rows = settings.rows * times
            # The rows of a shorter run are the first of a longer one: they are written again.
            load.load(wire, (load.hset(chunk) for chunk in data.hashes(rows, settings.seed)))
            start, peak, seconds = _in_a_process(server.url, rows)
            results.append(
                Result(
                    question=f"stream {rows:,} hashes to Parquet: peak above start",
                    ours=f"{start + peak:.0f} MB, {seconds:.1f} s",
                    reference=f"start {start:.0f} MB",
                    figure=peak,
                    unit="MB",
                    target=LIMIT_MB,
                )
            )
    notes = [f"the server holds {server.memory() / 1e6:,.0f} MB"]
    return Answer(title="Memory of streaming to Parquet", results=results, notes=notes)


def _in_a_process(url: str, rows: int) -> tuple[float, float, float]:
    """Return MB at the start, MB above it at the peak, and seconds."""
    command = [sys.executable, "-m", "benchmarks.memory", url, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    start, peak, seconds = map(float, done.stdout.split())
    return start, peak, seconds


def _measure(url: str, rows: int) -> None:
    import time

    with gf.connect(url) as client, tempfile.TemporaryDirectory() as folder:
        lf = gf.scan_hashes(client, "*", data.FIELDS)
        forget_peak()
        start = status("VmRSS")
        began = time.perf_counter()
        lf.sink_parquet(Path(folder) / "hashes.parquet")
        seconds = time.perf_counter() - began
        peak = status("VmHWM")
        written = gf.reports(lf)[0].rows_out
    if written != rows:
        raise SystemExit(f"{written:,} rows were written, not {rows:,}")
    print(start, peak - start, seconds)


def forget_peak() -> None:
    """Let the kernel measure the peak from here on (man 5 proc, clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def status(name: str) -> float:
    """Read MB from this process's status, such as ``VmRSS``."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise LookupError(f"/proc/self/status has no {name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    parser.add_argument("url")
    parser.add_argument("rows", type=int)
    _measure(**vars(parser.parse_args()))
