"""Sorted sets of ten members into a frame, with scores: against the floor."""

from __future__ import annotations

import gearframe as gf
from benchmarks import against_floor, elements, floor
from benchmarks.report import Answer
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings


def run(server: BenchServer, settings: Settings) -> Answer:
    keys, seed = settings.rows // elements.PER_KEY, settings.seed
    return against_floor.run(
        server,
        settings,
        what=f"{keys:,} sorted sets of {elements.PER_KEY} members",
        commands=(
            elements.grouped("ZADD", chunk.select("_key", "score", "member"))
            for chunk in elements.scored(keys, seed)
        ),
        scan=lambda client: gf.scan_zsets(client, "*"),
        fetch=floor.command("ZRANGE", "0", "-1", "WITHSCORES"),
        expected=elements.scored(keys, seed),
    )
