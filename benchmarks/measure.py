"""Timing: contestants take turns on one server, and everything that was measured is kept."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil

from benchmarks.servers import BenchServer

Contestant = Callable[[], object]


@dataclass(frozen=True)
class Run:
    """One run: wall time, CPU time on both sides, and how often each command was run."""

    seconds: float
    server_cpu: float
    client_cpu: float
    commands: dict[str, int]


@dataclass(frozen=True)
class Runs:
    """All runs of one contestant."""

    name: str
    runs: list[Run]

    @property
    def seconds(self) -> float:
        return statistics.median(run.seconds for run in self.runs)

    @property
    def server_cpu(self) -> float:
        return statistics.median(run.server_cpu for run in self.runs)

    @property
    def client_cpu(self) -> float:
        return statistics.median(run.client_cpu for run in self.runs)


def take_turns(
    server: BenchServer,
    contestants: Mapping[str, Contestant],
    *,
    repeat: int,
    before: Callable[[], object] = lambda: None,
) -> dict[str, Runs]:
    """Run the contestants in turns (ABCABC…), each after ``before``, which is not timed."""
    found: dict[str, list[Run]] = {name: [] for name in contestants}
    for _ in range(repeat):
        for name, contestant in contestants.items():
            before()
            found[name].append(_timed(server, contestant))
    return {name: Runs(name, runs) for name, runs in found.items()}


def _timed(server: BenchServer, contestant: Contestant) -> Run:
    client = psutil.Process()
    gc.collect()
    server.reset_counts()
    server_before, client_before = server.cpu_seconds(), _cpu(client)
    start = time.perf_counter()
    kept = contestant()
    seconds = time.perf_counter() - start
    run = Run(
        seconds=seconds,
        server_cpu=server.cpu_seconds() - server_before,
        client_cpu=_cpu(client) - client_before,
        commands=server.counts(),
    )
    del kept  # freeing a result is not part of the question
    return run


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
