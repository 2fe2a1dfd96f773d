"""Another client's GETs while a scan runs, against its GETs without one.

The client is a process of its own that sends a GET each millisecond on a raw socket. It does not
send as fast as it can: on a machine of few cores that would measure the cores.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from statistics import median, quantiles

import polars as pl

import gearframe as gf
from benchmarks import data, floor, load
from benchmarks.measure import wait_for_quiet
from benchmarks.report import Answer, Result
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

SECONDS = 5.0
PAUSE = 0.001
THROTTLE = 50_000
"""Keys a second of the throttled scan."""

PROBES = 1_000
PLACES = {"p50": 499, "p99": 989, "p99.9": 998}
IDLE = "no scan"
KEYS = "keys a second"

Figures = dict[str, float]
Work = Callable[[threading.Event], None]


def run(server: BenchServer, settings: Settings) -> Answer:
    rows = settings.rows
    server.flush()
    with server.wire() as wire, gf.connect(server.url) as client:
        load.load(wire, (load.hset(chunk) for chunk in data.hashes(rows, settings.seed)))
        server.control.mset({f"probe:{i}": i for i in range(PROBES)})
        every = gf.scan_hashes(client, "user:*", data.FIELDS)
        slow = gf.scan_hashes(client, "user:*", data.FIELDS, throttle=THROTTLE)
        small = gf.scan_hashes(client, "user:*", data.FIELDS, scan_count=100)
        works: dict[str, Work | None] = {
            IDLE: None,
            "a scan at full speed": partial(_until, lf=every),
            "the floor's scan": partial(_floor_until, wire=wire),
            "a scan with scan_count=100": partial(_until, lf=small),
            f"a scan with throttle={THROTTLE:,}": partial(_until, lf=slow),
        }
        rounds = [
            {name: _measure(server, work, settings.patience) for name, work in works.items()}
            for _ in range(settings.repeat)
        ]
    found = {name: _median([each[name] for each in rounds]) for name in works}
    idle = found.pop(IDLE)
    return Answer(
        title=f"A GET client beside a scan of {rows:,} hashes",
        results=[
            Result(
                question=f"{percentile} of GET during {name}",
                ours=f"{during[percentile]:.3f} ms",
                reference=f"idle {idle[percentile]:.3f} ms",
                figure=during[percentile] / idle[percentile],
            )
            for name, during in found.items()
            for percentile in PLACES
        ],
        notes=[
            f"{name}: {each[name][KEYS]:,.0f} keys read a second; "
            + ", ".join(f"{p} {each[name][p]:.3f} ms" for p in PLACES)
            for name in works
            for each in rounds
        ],
    )


def _median(found: list[Figures]) -> Figures:
    return {name: median(each[name] for each in found) for name in found[0]}


def _until(stop: threading.Event, lf: pl.LazyFrame) -> None:
    """Scan again and again."""
    while not stop.is_set():
        for _ in lf.collect_batches():
            if stop.is_set():
                break


def _floor_until(stop: threading.Event, wire: floor.Wire) -> None:
    while not stop.is_set():
        floor.read(wire, floor.hgetall)


def _measure(server: BenchServer, work: Work | None, patience: float) -> Figures:
    """Run the GET client, and the work beside it; return milliseconds and keys read a second."""
    command = [sys.executable, "-m", "benchmarks.foreground", str(server.socket_path)]
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,)) if work is not None else None
    _wait_for_end_of_scans(server)
    wait_for_quiet(time.monotonic() + patience)
    server.reset_counts()
    start = time.perf_counter()
    if thread is not None:
        thread.start()
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        keys = server.counts().get("hgetall", 0) / (time.perf_counter() - start)
    finally:
        stop.set()
        if thread is not None:
            thread.join()
    return {**json.loads(done.stdout), KEYS: keys}


def _wait_for_end_of_scans(server: BenchServer) -> None:
    """A scan that Polars has dropped ends with its next batch, which a slow one waits for."""
    for _ in range(60):
        server.reset_counts()
        time.sleep(0.5)
        if not server.counts().keys() & {"scan", "hgetall"}:
            return
    raise RuntimeError("a scan that was dropped half a minute ago still runs")


def _get_client(path: str) -> None:
    commands = [
        b"*2\r\n$3\r\nGET\r\n$%d\r\nprobe:%d\r\n" % (6 + len(str(i)), i) for i in range(PROBES)
    ]
    taken: list[int] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(path)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            command = random.choice(commands)
            start = time.perf_counter_ns()
            client.sendall(command)
            reply = client.recv(64)
            taken.append(time.perf_counter_ns() - start)
            if not reply.startswith(b"$"):
                raise SystemExit(f"GET was answered with {reply!r}")
            time.sleep(PAUSE)
    cuts = quantiles(taken, n=1000)
    found = {name: cuts[place] / 1e6 for name, place in PLACES.items()}
    print(json.dumps(found | {"max": max(taken) / 1e6}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.foreground")
    parser.add_argument("path")
    _get_client(parser.parse_args().path)
