"""Lists of ten elements into a frame: against the floor."""

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
        what=f"{keys:,} lists of {elements.PER_KEY} elements",
        commands=(
            elements.grouped("RPUSH", chunk) for chunk in elements.texts(keys, seed, "element")
        ),
        scan=lambda client: gf.scan_lists(client, "*"),
        fetch=floor.command("LRANGE", "0", "-1"),
        expected=elements.texts(keys, seed, "element"),
    )
