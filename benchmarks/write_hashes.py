"""A frame into hashes of six fields: against the same commands made ready, and plain HSET."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

import gearframe as gf
from benchmarks import data, load, peer
from benchmarks.measure import Contestant, Runs, take_turns
from benchmarks.report import Answer, Result, faster, other_commands, slower
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

ROWS_PER_TRANSACTION = 64
"""For the floor where gearframe itself cannot be asked how many it takes."""


def run(server: BenchServer, settings: Settings) -> Answer:
    frame = pl.concat(data.hashes(settings.rows, settings.seed))
    write: Callable[..., Any] | None = getattr(gf, "write_hashes", None)
    server.flush()
    with server.wire() as wire, gf.connect(server.url) as client, server.peer() as other:
        together = ROWS_PER_TRANSACTION
        contestants: dict[str, Contestant] = {}
        if write is not None:
            together = _rows_per_transaction(server, lambda part: write(part, client), frame)
            server.flush()
            write(frame, client)
            assert_frame_equal(
                gf.read_hashes(client, "*", data.FIELDS).sort("_key"), frame.sort("_key")
            )
            contestants["gearframe"] = lambda: write(frame, client)
        ready = list(load.transactions(_replacing(frame), together))
        plain = list(load.batches(load.hset(part) for part in frame.iter_slices(data.CHUNK)))
        contestants["floor"] = lambda: wire.send_all(ready)
        contestants["plain HSET"] = lambda: wire.send_all(plain)
        found = take_turns(
            server,
            contestants,
            repeat=settings.repeat,
            patience=settings.patience,
            before=server.flush,
        )
        found |= take_turns(
            server,
            {"redis-py + hiredis": lambda: peer.write_hashes(other, frame)},
            repeat=settings.peer_repeat,
            patience=settings.patience,
            before=server.flush,
        )
    title = f"Writing {settings.rows:,} hashes of 6 fields"
    runs = list(found.values())
    if write is None:
        notes = ["gearframe.write_hashes does not exist here: only the floors were measured"]
        return Answer(title=title, runs=runs, notes=notes)
    notes = [f"floor: MULTI, DEL and HSET of {together:,} rows, EXEC"]
    notes += [
        f"not sent alike: {each}" for each in other_commands(found["gearframe"], found["floor"])
    ]
    return Answer(title=title, results=_results(found, settings.rows), runs=runs, notes=notes)


def _results(found: dict[str, Runs], rows: int) -> list[Result]:
    ours = found["gearframe"]
    question = f"write {rows:,} hashes of 6 fields"
    return [
        slower(question, ours, found["floor"], 1.3),
        slower(f"{question}, in place of plain HSET", ours, found["plain HSET"], None),
        faster(question, ours, found["redis-py + hiredis"], None),
    ]


def _replacing(frame: pl.DataFrame) -> Iterable[pl.Series]:
    for part in frame.iter_slices(data.CHUNK):
        yield load.delete(part) + load.hset(part)


def _rows_per_transaction(
    server: BenchServer, write: Callable[[pl.DataFrame], object], frame: pl.DataFrame
) -> int:
    """Count how many rows gearframe puts into one transaction."""
    part = frame.head(20_000)
    server.reset_counts()
    write(part)
    counts = server.counts()
    return round(part.height / counts["multi"]) if counts.get("multi") else 1
