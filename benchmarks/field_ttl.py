"""Which commands set fields and their times to live fastest: HSETEX, or HSET and HPEXPIRE.

``python -m benchmarks.field_ttl`` prints the server's CPU time for each hash, in groups of 64
between MULTI and EXEC, as ``write_hashes`` sends them; and what ``INFO commandstats`` says of the
commands alone.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

from benchmarks.servers import BenchServer

HASHES = 64_000
GROUP = 64
ROUNDS = 5
FIELDS = [f"field{i}" for i in range(6)]
PAIRS = [word for i, name in enumerate(FIELDS) for word in (name, f"value {i}")]
MS = 3_600_000

Commands = list[list[object]]


def hset_hpexpire(fields: int) -> Callable[[str], Commands]:
    return lambda key: [
        ["HSET", key, *PAIRS],
        ["HPEXPIRE", key, MS, "FIELDS", fields, *FIELDS[:fields]],
    ]


def hset_hsetex(fields: int) -> Callable[[str], Commands]:
    return lambda key: [
        ["HSET", key, *PAIRS[2 * fields :]],
        ["HSETEX", key, "PX", MS, "FIELDS", fields, *PAIRS[: 2 * fields]],
    ]


def hsetex(key: str) -> Commands:
    return [["HSETEX", key, "PX", MS, "FIELDS", len(FIELDS), *PAIRS]]


WAYS: dict[str, Callable[[str], Commands]] = {
    "HSET 6": lambda key: [["HSET", key, *PAIRS]],
    "1 of 6: HSET 6, HPEXPIRE 1": hset_hpexpire(1),
    "1 of 6: HSET 5, HSETEX 1": hset_hsetex(1),
    "3 of 6: HSET 6, HPEXPIRE 3": hset_hpexpire(3),
    "3 of 6: HSET 3, HSETEX 3": hset_hsetex(3),
    "6 of 6: HSET 6, HPEXPIRE 6": hset_hpexpire(6),
    "6 of 6: HSETEX 6": hsetex,
}


def encode(command: list[object]) -> bytes:
    words = [str(word).encode() for word in command]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def group(first: int, way: Callable[[str], Commands]) -> bytes:
    commands: Commands = [["MULTI"]]
    for i in range(first, first + GROUP):
        commands += [["DEL", f"key:{i}"], *way(f"key:{i}")]
    return b"".join(map(encode, [*commands, ["EXEC"]]))


def once(server: BenchServer, way: Callable[[str], Commands]) -> tuple[float, float]:
    """Microseconds for each hash: of the server's CPU, and in the commands that set fields."""
    server.flush()
    groups = [group(first, way) for first in range(0, HASHES, GROUP)]
    with server.wire() as wire:
        server.reset_counts()
        before = server.cpu_seconds()
        wire.send_all(groups)
        cpu = server.cpu_seconds() - before
    stats = server.control.info("commandstats")
    names = ("cmdstat_hset", "cmdstat_hsetex", "cmdstat_hpexpire")
    return cpu / HASHES * 1e6, sum(stats[name]["usec"] for name in names if name in stats) / HASHES


def main() -> None:
    for name in ("valkey91", "redis82"):
        with BenchServer(name) as server:
            print(server.version())
            for label, way in WAYS.items():
                runs = [once(server, way) for _ in range(ROUNDS)]
                cpu, usec = (statistics.median(run[i] for run in runs) for i in (0, 1))
                print(f"  {label:28} {cpu:5.1f} us of CPU, {usec:5.2f} us in the commands")


if __name__ == "__main__":
    main()
