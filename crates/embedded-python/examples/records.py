"""The Python half of records.rs: takes batches and times them."""

import time

import _gearframe_host as host

ROUNDS = 50


def _round(batches, batch):
    """Nanoseconds a record spent on building and on dropping."""
    build = drop = 0
    before = host.in_rust()
    for _ in range(batches):
        start = time.perf_counter_ns()
        records = batch()
        built = time.perf_counter_ns()
        del records
        drop += time.perf_counter_ns() - built
        build += built - start
    return (build - (host.in_rust() - before)) / batches / 1000, drop / batches / 1000


def measure(rows):
    for what, fields, shapes, batch in (
        ("6 fields", 6, 1, host.batch),
        ("6 fields, key by key", 6, 1, host.tree),
        ("6 fields, 2 sets of names", 6, 2, host.batch),
        ("6 fields, 20 sets of names", 6, 20, host.batch),
        ("1 field", 1, 1, host.batch),
        ("1 field, key by key", 1, 1, host.tree),
        ("keys only", -1, 1, host.batch),
    ):
        host.prepare(fields, shapes)
        batches = max(1, rows // 1000 // ROUNDS)
        rounds = [_round(batches, batch) for _ in range(ROUNDS)]
        build, drop = (min(times) for times in zip(*rounds, strict=True))
        print(f"  {what:28} {build:7.0f} ns to build, {drop:5.0f} ns to drop", flush=True)
    host.done()
