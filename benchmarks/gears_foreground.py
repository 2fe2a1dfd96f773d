"""Another client's GETs while a gear runs again and again, against its GETs without one.

The client is that of the benchmark "foreground": a process of its own, a GET each millisecond.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

from benchmarks.foreground import PLACES, PROBES, Figures
from benchmarks.gear_questions import QUESTIONS
from benchmarks.gear_server import connected, loaded, run_gear
from benchmarks.measure import wait_for_quiet
from benchmarks.report import Answer, Result
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

IDLE = "no gear"
RUNS = "gears a second"
_SHOWN = (*PLACES, "max")


def run(other: BenchServer, settings: Settings) -> Answer:
    other.flush()
    with loaded(settings) as server:
        server.control.mset({f"probe:{i}": i for i in range(PROBES)})
        scripts = {IDLE: None} | {each.title: each.script for each in QUESTIONS}
        rounds = [
            {name: _measure(server, script, settings) for name, script in scripts.items()}
            for _ in range(settings.repeat)
        ]
        longest = server.control.info("everything").get("rg_longest_lock_hold_us")
    found = {name: _middle([each[name] for each in rounds]) for name in scripts}
    idle = found.pop(IDLE)
    return Answer(
        title=f"A GET client beside a gear over {settings.rows:,} hashes",
        results=[
            Result(
                question=f"{percentile} of GET during {name}",
                ours=f"{during[percentile]:.3f} ms",
                reference=f"idle {idle[percentile]:.3f} ms",
                figure=during[percentile] / idle[percentile],
            )
            for name, during in found.items()
            for percentile in _SHOWN
        ],
        notes=[
            f"{name}: {each[name][RUNS]:.2f} gears a second; "
            + ", ".join(f"{p} {each[name][p]:.3f} ms" for p in _SHOWN)
            for name in scripts
            for each in rounds
        ]
        + [f"the longest hold of the server's lock took {longest} us"],
    )


def _middle(found: list[Figures]) -> Figures:
    """The round whose p99 is the median."""
    return sorted(found, key=lambda each: each["p99"])[len(found) // 2]


def _measure(server: BenchServer, script: str | None, settings: Settings) -> Figures:
    command = [sys.executable, "-m", "benchmarks.foreground", str(server.socket_path)]
    stop = threading.Event()
    done: list[float] = []

    def again() -> None:
        assert script is not None
        with connected(server) as client:
            while not stop.is_set():
                run_gear(client, script)
                done.append(time.perf_counter())

    thread = threading.Thread(target=again) if script is not None else None
    wait_for_quiet(time.monotonic() + settings.patience)
    start = time.perf_counter()
    if thread is not None:
        thread.start()
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        stop.set()
        if thread is not None:
            thread.join()
    runs = len(done) / (done[-1] - start) if done else 0.0
    return {**json.loads(ran.stdout), RUNS: runs}
