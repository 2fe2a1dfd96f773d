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

QUIET = 0.15
"""Cores that others may use during a run that counts as undisturbed."""


@dataclass(frozen=True)
class Run:
    """One run: wall time, CPU time of both sides and all others, and the commands' counts."""

    seconds: float
    server_cpu: float
    client_cpu: float
    others_cpu: float
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
    def others_cpu(self) -> float:
        """CPU time of everybody else on the machine: what makes a figure doubtful."""
        return statistics.median(run.others_cpu for run in self.runs)

    @property
    def disturbed(self) -> bool:
        """Whether others used so much of the machine that the median says little."""
        return self.others_cpu > QUIET * self.seconds

    @property
    def client_cpu(self) -> float:
        return statistics.median(run.client_cpu for run in self.runs)


def take_turns(
    server: BenchServer,
    contestants: Mapping[str, Contestant],
    *,
    repeat: int,
    patience: float,
    before: Callable[[], object] = lambda: None,
) -> dict[str, Runs]:
    """Run the contestants in turns (ABCABC…), each after ``before``, which is not timed.

    For ``patience`` seconds a run waits for the machine to be quiet, and is made again when it
    was disturbed.
    """
    found: dict[str, list[Run]] = {name: [] for name in contestants}
    for _ in range(repeat):
        for name, contestant in contestants.items():
            found[name].append(_patiently(server, contestant, before, patience))
    return {name: Runs(name, runs) for name, runs in found.items()}


def _patiently(
    server: BenchServer, contestant: Contestant, before: Contestant, patience: float
) -> Run:
    limit = time.monotonic() + patience
    while True:
        before()
        wait_for_quiet(limit)
        run = _timed(server, contestant)
        if run.others_cpu <= QUIET * run.seconds or time.monotonic() >= limit:
            return run


def wait_for_quiet(limit: float) -> None:
    """Wait until nobody uses the machine, or until the clock says ``limit``."""
    while time.monotonic() < limit:
        used, start = _machine_cpu(), time.monotonic()
        time.sleep(0.3)
        if _machine_cpu() - used <= QUIET * (time.monotonic() - start):
            return


def _timed(server: BenchServer, contestant: Contestant) -> Run:
    client = psutil.Process()
    gc.collect()
    server.reset_counts()
    before = (server.cpu_seconds(), _cpu(client), _machine_cpu())
    start = time.perf_counter()
    kept = contestant()
    seconds = time.perf_counter() - start
    after = (server.cpu_seconds(), _cpu(client), _machine_cpu())
    del kept  # freeing a result is not part of the question
    served, asked, everybody = (b - a for a, b in zip(before, after, strict=True))
    return Run(
        seconds=seconds,
        server_cpu=served,
        client_cpu=asked,
        others_cpu=max(0.0, everybody - served - asked),
        commands=server.counts(),
    )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _machine_cpu() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))
