"""Sets of ten members into a frame: against the floor."""

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
        what=f"{keys:,} sets of {elements.PER_KEY} members",
        commands=(
            elements.grouped("SADD", chunk) for chunk in elements.texts(keys, seed, "member")
        ),
        scan=lambda client: gf.scan_sets(client, "*"),
        fetch=floor.command("SMEMBERS"),
        expected=elements.texts(keys, seed, "member"),
    )
