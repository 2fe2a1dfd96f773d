"""Inferring a schema: what choosing 1,000 keys costs in each way, and how long the whole takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

import gearframe as gf
from benchmarks import data, load
from benchmarks.measure import Runs, take_turns
from benchmarks.report import Answer, Result
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings
from gearframe.infer import sampling

SIZE = 1000


def run(server: BenchServer, settings: Settings) -> Answer:
    server.flush()
    with server.wire() as wire:
        load.load(wire, (load.hset(chunk) for chunk in data.hashes(settings.rows, settings.seed)))
    with gf.connect(server.url) as client, server.peer() as control:
        control.response_callbacks.clear()
        ways = _ways(client, control, settings.rows)
        runs = take_turns(server, ways, repeat=settings.repeat, patience=settings.patience)
    rows = f"{settings.rows:,} hashes"
    results = [_result(f"{name}, of {rows}", each) for name, each in runs.items()]
    return Answer(title="Inferring a schema", results=results, runs=list(runs.values()))


def _ways(client: gf.Client, control: redis.Redis, total: int) -> dict[str, Callable[[], object]]:
    def spread(*search: Any) -> object:
        return sampling._spread(control, search, total, SIZE, 1)

    def whole(*search: Any) -> object:
        return sampling._whole(control, search, SIZE, 1)

    def random_keys() -> object:
        pipeline = control.pipeline(transaction=False)
        for _ in range(SIZE):
            pipeline.execute_command("RANDOMKEY")  # type: ignore[no-untyped-call]
        return pipeline.execute()

    return {
        "pages from random cursors": lambda: spread("MATCH", "*"),
        "the same with TYPE": lambda: spread("MATCH", "*", "TYPE", "hash"),
        "the same, one key in ten matches": lambda: spread("MATCH", "*7"),
        "the same, one key in a hundred matches": lambda: spread("MATCH", "*77"),
        "the same, none matches": lambda: spread("MATCH", "none:*"),
        "all names": lambda: whole("MATCH", "*"),
        "all names, none matches": lambda: whole("MATCH", "none:*"),
        "RANDOMKEY": random_keys,
        "infer_schema": lambda: gf.infer_schema(client, "*", "hashes", seed=1),
    }


def _result(question: str, runs: Runs) -> Result:
    commands = ", ".join(f"{name} x {n:,}" for name, n in runs.runs[-1].commands.items())
    return Result(
        question=question,
        ours=f"{runs.seconds * 1e3:,.0f} ms",
        reference=f"{runs.server_cpu * 1e3:,.0f} ms of the server; {commands}",
        figure=runs.seconds * 1e3,
        unit="ms",
        disturbed=runs.disturbed,
    )
