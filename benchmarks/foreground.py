"""Another client's GETs while a scan runs: how much longer do they take?

The client is a process of its own that sends a GET each millisecond on a raw socket. It does not
send as fast as it can: on a machine of few cores that would measure the cores.
"""

from __future__ import annotations

import argparse
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from statistics import quantiles

import gearframe as gf
from benchmarks import data, floor, load
from benchmarks.report import Answer, Result
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

SECONDS = 5.0
PAUSE = 0.001
THROTTLE = 50_000
"""Keys a second of the throttled scan."""

PROBES = 1_000
Percentiles = dict[str, float]


def run(server: BenchServer, settings: Settings) -> Answer:
    rows = settings.rows
    server.flush()
    with server.wire() as wire, gf.connect(server.url) as client:
        load.load(wire, (load.hset(chunk) for chunk in data.hashes(rows, settings.seed)))
        server.control.mset({f"probe:{i}": i for i in range(PROBES)})
        every = gf.scan_hashes(client, "user:*", data.FIELDS)
        slow = gf.scan_hashes(client, "user:*", data.FIELDS, throttle=THROTTLE)
        small = gf.scan_hashes(client, "user:*", data.FIELDS, scan_count=100)
        loads: dict[str, Callable[[], object]] = {
            "a scan at full speed": lambda: _drain(every),
            "the floor's scan": lambda: floor.read(wire, floor.hgetall),
            "a scan with scan_count=100": lambda: _drain(small),
            f"a scan with throttle={THROTTLE:,}": lambda: _drain(slow),
        }
        idle = _measure(server)
        found = {name: _measure(server, work) for name, work in loads.items()}
        idle_after = _measure(server)
    results = [
        Result(
            question=f"{percentile} of GET during {name}",
            ours=f"{during[percentile]:.3f} ms",
            reference=f"idle {idle[percentile]:.3f} ms",
            figure=during[percentile] / idle[percentile],
        )
        for name, during in found.items()
        for percentile in idle
    ]
    again = ", ".join(f"{name} {value:.3f} ms" for name, value in idle_after.items())
    return Answer(
        title=f"A GET client beside a scan of {rows:,} hashes",
        results=results,
        notes=[f"idle again, after the scans: {again}"],
    )


def _drain(lf: gf.io.hashes.pl.LazyFrame) -> None:
    for _ in lf.collect_batches():
        pass
