"""Hashes of six fields into a typed frame: against the floor, and against redis-py."""

from __future__ import annotations

import polars as pl
from polars.testing import assert_frame_equal

import gearframe as gf
from benchmarks import data, floor, load, peer
from benchmarks.measure import take_turns
from benchmarks.report import Answer, faster, other_commands, slower
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

SOME = [name for name in data.FIELDS if name != "country"]


def run(server: BenchServer, settings: Settings) -> Answer:
    rows, seed = settings.rows, settings.seed
    server.flush()
    with server.wire() as wire, gf.connect(server.url) as client, server.peer() as other:
        load.load(wire, (load.hset(chunk) for chunk in data.hashes(rows, seed)))
        lf = gf.scan_hashes(client, "*", data.FIELDS)
        expected = pl.concat(data.hashes(rows, seed)).sort("_key")
        assert_frame_equal(lf.collect().sort("_key"), expected)
        found = take_turns(
            server,
            {
                "gearframe": lf.collect,
                "floor": lambda: floor.read(wire, floor.hgetall),
                "gearframe, 5 of 6": lf.select("_key", *SOME).collect,
                "floor, HMGET 5": lambda: floor.read(wire, floor.hmget(SOME)),
                "floor, HMGET 6": lambda: floor.read(wire, floor.hmget(data.FIELDS)),
            },
            repeat=settings.repeat,
            patience=settings.patience,
        )
        found |= take_turns(
            server,
            {"redis-py + hiredis": lambda: peer.read_hashes(other)},
            repeat=settings.peer_repeat,
            patience=settings.patience,
        )
        assert_frame_equal(peer.read_hashes(other).sort("_key"), expected)
    ours, least = found["gearframe"], found["floor"]
    some, some_least = found["gearframe, 5 of 6"], found["floor, HMGET 5"]
    size = f"{rows:,} hashes of 6 fields"
    return Answer(
        title=f"Reading {size} into a typed frame",
        results=[
            slower(f"read {size}", ours, least, 1.25),
            faster(f"read {size}", ours, found["redis-py + hiredis"], 6),
            slower("of which 5 fields (HMGET)", some, some_least, None),
        ],
        runs=list(found.values()),
        notes=[
            *(f"not sent alike: {each}" for each in other_commands(ours, least)),
            *(f"not sent alike: {each}" for each in other_commands(some, some_least)),
        ],
    )
