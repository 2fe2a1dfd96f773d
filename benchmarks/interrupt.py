"""How long a query goes on after Ctrl-C, in each way that Polars runs one."""

from __future__ import annotations

import math
import os
import signal
import statistics
import threading
import time
from collections.abc import Callable

import polars as pl

import gearframe as gf
from benchmarks import data, load
from benchmarks.report import Answer, Result
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

ROWS = 100_000
RATE = 500
"""Keys a second: the scans would take more than three minutes."""
AFTER = 0.6
MOST = 1.0
PRESSES = 5


def run(server: BenchServer, settings: Settings) -> Answer:
    server.flush()
    with server.wire() as wire:
        load.load(wire, (load.hset(chunk) for chunk in data.hashes(ROWS, settings.seed)))
    with gf.connect(server.url) as client:
        results = [_result(name, query) for name, query in _queries(client).items()]
    return Answer(title="Ctrl-C", results=results)


def _queries(client: gf.Client) -> dict[str, Callable[[], object]]:
    lf = gf.scan_hashes(client, "*", data.FIELDS, throttle=RATE)
    groups = lf.group_by("_key").len()
    return {
        "in-memory engine": lambda: lf.collect(engine="in-memory"),
        "streaming engine": lambda: lf.collect(engine="streaming"),
        "group by, streaming": lambda: groups.collect(engine="streaming"),
        "read_hashes": lambda: gf.read_hashes(client, "*", data.FIELDS, throttle=RATE),
        "a count": lambda: lf.select(pl.len()).collect(),
        "a file": lambda: lf.sink_parquet(os.devnull),
        "a command that waits": lambda: client.execute("BLPOP", "nothing", 0),
    }


def _result(name: str, query: Callable[[], object]) -> Result:
    times = [_interrupted(query) for _ in range(PRESSES)]
    return Result(
        question=f"Ctrl-C, {name}",
        ours=f"median {statistics.median(times):.3f} s",
        reference=f"the longest of {PRESSES}",
        figure=max(times),
        unit="s",
        target=MOST,
    )


def _interrupted(query: Callable[[], object]) -> float:
    """Press Ctrl-C while a query runs; give the seconds until it has ended."""
    pressed, ended = math.nan, math.inf

    def press() -> None:
        nonlocal pressed
        pressed = time.perf_counter()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Timer(AFTER, press).start()
    try:
        try:
            query()
        except KeyboardInterrupt:
            ended = time.perf_counter()
            time.sleep(0.2)
    except KeyboardInterrupt:  # Polars' streaming engine raises it twice
        ended = min(ended, time.perf_counter())
    return ended - pressed
