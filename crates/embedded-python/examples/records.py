"""The Python half of records.rs: takes batches and times them."""

import time

import _gearframe_host as host


def _round(batches):
    """Nanoseconds spent on building and on dropping."""
    build = drop = 0
    host.batch()
    before = host.in_rust()
    for _ in range(batches):
        start = time.perf_counter_ns()
        records = host.batch()
        built = time.perf_counter_ns()
        del records
        drop += time.perf_counter_ns() - built
        build += built - start
    return build - (host.in_rust() - before), drop


def measure(rows):
    for what, fields, shapes in (
        ("6 fields", 6, 1),
        ("6 fields, of 2 sets of names", 6, 2),
        ("6 fields, of 20 sets of names", 6, 20),
        ("1 field", 1, 1),
        ("keys only", -1, 1),
    ):
        host.prepare(fields, shapes)
        batches = max(1, rows // 1000)
        rounds = [_round(batches // 5 or 1) for _ in range(5)]
        build, drop = (
            min(times) / (batches // 5 or 1) / 1000 for times in zip(*rounds, strict=True)
        )
        print(f"  {what:30} {build:7.0f} ns to build, {drop:5.0f} ns to drop", flush=True)
    host.done()
