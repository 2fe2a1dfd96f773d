"""Strings that hold integers into a typed frame: against the floor, and against redis-py."""

from __future__ import annotations

import polars as pl
from polars.testing import assert_frame_equal

import gearframe as gf
from benchmarks import data, floor, load, peer
from benchmarks.measure import take_turns
from benchmarks.report import Answer, faster, other_commands, slower
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings


def run(server: BenchServer, settings: Settings) -> Answer:
    rows, seed = settings.rows, settings.seed
    server.flush()
    with server.wire() as wire, gf.connect(server.url) as client, server.peer() as other:
        load.load(wire, (load.set_string(chunk) for chunk in data.strings(rows, seed)))
        lf = gf.scan_strings(client, "*", pl.Int64)
        expected = pl.concat(data.strings(rows, seed)).sort("_key")
        assert_frame_equal(lf.collect().sort("_key"), expected)
        assert_frame_equal(peer.read_strings(other).sort("_key"), expected)
        found = take_turns(
            server,
            {
                "gearframe": lf.collect,
                "floor": lambda: floor.read(wire, floor.mget),
                "redis-py + hiredis": lambda: peer.read_strings(other),
            },
            repeat=settings.repeat,
            patience=settings.patience,
        )
    ours, least = found["gearframe"], found["floor"]
    return Answer(
        title=f"Reading {rows:,} strings into a typed frame",
        results=[
            slower(f"read {rows:,} strings", ours, least, 1.3),
            faster(f"read {rows:,} strings", ours, found["redis-py + hiredis"], None),
        ],
        runs=list(found.values()),
        notes=[f"not sent alike: {each}" for each in other_commands(ours, least)],
    )
