"""A thousand gears, one after the other: the server's memory is what it was before them."""

from __future__ import annotations

import redis

from benchmarks.gear_questions import QUESTIONS
from benchmarks.gear_server import connected, loaded, run_gear
from benchmarks.report import Answer, Result
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

ROWS = 10_000
WARM_UP = 10
EXECUTIONS = 1_000
LOOKS = 5
"""How often memory is looked at."""

LIMIT_MB = 5
"""CPython and the C library keep memory in pieces of up to 1 MB: some come and go."""


def run(other: BenchServer, settings: Settings) -> Answer:
    other.flush()
    scripts = [each.script for each in QUESTIONS]
    with loaded(settings, rows=min(ROWS, settings.rows)) as server, connected(server) as client:
        _execute(client, scripts, WARM_UP)
        found = [_look(server, client)]
        for _ in range(LOOKS):
            _execute(client, scripts, EXECUTIONS // LOOKS)
            found.append(_look(server, client))
    (resident, python), (resident_after, python_after) = found[0], found[-1]
    number = f"after {EXECUTIONS:,} executions, above the start"
    return Answer(
        title=f"Memory of a server after {EXECUTIONS:,} gears",
        results=[
            _result(f"RSS {number}", resident, resident_after),
            _result(f"RG.PYSTATS CurrAllocated {number}", python, python_after),
        ],
        notes=[
            f"after {i * EXECUTIONS // LOOKS:,}: RSS {rss:.2f} MB, CurrAllocated {held:.2f} MB"
            for i, (rss, held) in enumerate(found)
        ],
    )


def _execute(client: redis.Redis, scripts: list[str], count: int) -> None:
    for i in range(count):
        run_gear(client, scripts[i % len(scripts)])


def _look(server: BenchServer, client: redis.Redis) -> tuple[float, float]:
    """MB of the process, and of Python in it."""
    flat = client.execute_command("RG.PYSTATS")
    stats = dict(zip(flat[::2], flat[1::2], strict=True))
    return server.resident() / 1e6, stats[b"CurrAllocated"] / 1e6


def _result(question: str, before: float, after: float) -> Result:
    return Result(
        question=question,
        ours=f"{after:.2f} MB",
        reference=f"start {before:.2f} MB",
        figure=after - before,
        unit="MB",
        target=LIMIT_MB,
    )
