"""A frame into lists of ten elements: against the same commands made ready, and redis-py."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

import gearframe as gf
from benchmarks import data, load, peer
from benchmarks.measure import Contestant, Runs, take_turns
from benchmarks.report import Answer, Result, faster, other_commands, slower
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

TOGETHER = 64
"""Lists of one transaction."""


def run(server: BenchServer, settings: Settings) -> Answer:
    frame = pl.concat(data.lists(settings.rows, settings.seed))
    ready = list(load.transactions(_replacing(frame), TOGETHER))
    server.flush()
    with server.wire() as wire, gf.connect(server.url) as client, server.peer() as other:
        _check(server, client, frame)
        contestants: dict[str, Contestant] = {
            "gearframe": lambda: gf.write_lists(frame, client),
            "floor": lambda: wire.send_all(ready),
            "gearframe, LazyFrame": lambda: gf.write_lists(frame.lazy(), client),
        }
        found = take_turns(
            server,
            contestants,
            repeat=settings.repeat,
            patience=settings.patience,
            before=server.flush,
        )
        grouped = frame.group_by("_key", maintain_order=True).agg("element")
        found |= take_turns(
            server,
            {"redis-py + hiredis": lambda: peer.write_lists(other, grouped)},
            repeat=settings.peer_repeat,
            patience=settings.patience,
            before=server.flush,
        )
    notes = [f"floor: MULTI, UNLINK and RPUSH of {TOGETHER:,} lists, EXEC"]
    notes += [
        f"not sent alike: {each}" for each in other_commands(found["gearframe"], found["floor"])
    ]
    notes.append("a LazyFrame: each list under a temporary key, and its name at the end")
    title = f"Writing {settings.rows:,} elements of {settings.rows // 10:,} lists"
    return Answer(
        title=title, results=_results(found, settings.rows), runs=list(found.values()), notes=notes
    )


def _results(found: dict[str, Runs], rows: int) -> list[Result]:
    ours = found["gearframe"]
    question = f"write {rows:,} elements of {rows // 10:,} lists"
    return [
        slower(question, ours, found["floor"], 1.3),
        faster(question, ours, found["redis-py + hiredis"], None),
        slower(f"{question}, LazyFrame", found["gearframe, LazyFrame"], found["floor"], None),
    ]


def _replacing(frame: pl.DataFrame) -> Iterable[pl.Series]:
    for part in frame.iter_slices(data.CHUNK):
        yield load.unlink(part.select(pl.col("_key").unique(maintain_order=True))) + load.rpush(
            part
        )


def _check(server: BenchServer, client: gf.Client, frame: pl.DataFrame) -> None:
    """Make sure that what is measured is right."""
    gf.write_lists(frame, client)
    for key, elements in frame.head(1000).group_by("_key").agg("element").iter_rows():
        found = client.execute("LRANGE", key, 0, -1)
        if found != [element.encode() for element in elements]:
            raise AssertionError(f"{key} holds {found!r}, and should hold {elements!r}")
    server.flush()
