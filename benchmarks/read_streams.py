"""Streams of ten entries into a typed frame: against the floor."""

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
        what=f"{keys:,} streams of {elements.PER_KEY} entries",
        commands=map(elements.xadd, elements.entries(keys, seed)),
        scan=lambda client: gf.scan_streams(client, "*", elements.FIELDS),
        fetch=floor.command("XRANGE", "-", "+"),
        expected=elements.entries(keys, seed),
    )
