"""Many small streams, 1 ms away: pipelined, against a round trip for each key."""

from __future__ import annotations

import statistics
import time

import polars as pl
import redis
from polars.testing import assert_frame_equal

import gearframe as gf
from benchmarks import elements, floor, load
from benchmarks.delay import delayed
from benchmarks.measure import take_turns
from benchmarks.report import Answer, faster, slower
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

STREAMS = 20_000
ONE_WAY = 0.0005
AHEAD = 20
"""Times as fast as a round trip for each key: nothing that waits for every key comes near."""


def run(server: BenchServer, settings: Settings) -> Answer:
    keys = min(STREAMS, settings.rows)
    server.flush()
    with server.wire() as near, delayed(server.socket_path, ONE_WAY) as path:
        frames = list(elements.entries(keys, settings.seed, per_key=1))
        load.load(near, map(elements.xadd, frames))
        with (
            floor.Wire(path) as wire,
            gf.connect(f"unix://{path}") as client,
            redis.Redis(unix_socket_path=str(path), protocol=2) as other,
        ):
            lf = gf.scan_streams(client, "*", elements.FIELDS)
            assert_frame_equal(lf.collect().sort("_key"), pl.concat(frames).sort("_key"))
            found = take_turns(
                server,
                {
                    "gearframe": lf.collect,
                    "floor": lambda: floor.read(wire, floor.command("XRANGE", "-", "+")),
                },
                repeat=settings.repeat,
                patience=settings.patience,
            )
            # Once: it is the sum of so many round trips that it is an average already.
            found |= take_turns(
                server,
                {"redis-py, key by key": lambda: _key_by_key(other)},
                repeat=1,
                patience=settings.patience,
            )
            trip = _round_trip(other)
    ours, least = found["gearframe"], found["floor"]
    question = f"read {keys:,} streams of one entry, 1 ms away"
    return Answer(
        title=f"Reading {keys:,} streams on a server that is 1 ms away",
        results=[
            faster(question, ours, found["redis-py, key by key"], AHEAD),
            slower(question, ours, least, None),
        ],
        runs=list(found.values()),
        notes=[f"a PING takes {trip * 1000:.2f} ms there and back"],
    )


def _key_by_key(client: redis.Redis) -> int:
    """One XRANGE after the other, as a plain loop over keys does it."""
    return sum(len(client.xrange(key)) for key in client.scan_iter(count=1000))


def _round_trip(client: redis.Redis) -> float:
    times = []
    for _ in range(200):
        start = time.perf_counter()
        client.ping()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
