"""JSON documents of ten fields into a typed frame: against the floor.

The documents stand on a server of their own, which has the module.
"""

from __future__ import annotations

from tests.servers.catalog import WITH_JSON

import gearframe as gf
from benchmarks import against_floor, elements, floor
from benchmarks.report import Answer
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings


def run(server: BenchServer, settings: Settings) -> Answer:
    keys, seed = settings.rows // elements.PER_KEY, settings.seed
    name = settings.server if settings.server in WITH_JSON else f"{settings.server}_modules"
    with BenchServer(name) as with_json:
        return against_floor.run(
            with_json,
            settings,
            what=f"{keys:,} JSON documents, {len(elements.DOCUMENT)} fields",
            commands=map(elements.json_set, elements.documents(keys, seed)),
            scan=lambda client: gf.scan_json(client, "*", elements.DOCUMENT),
            # All members are wanted: without paths the server takes a fraction of the time.
            fetch=floor.command("JSON.GET"),
            expected=elements.documents(keys, seed),
        )
