"""One key of a million elements, or of elements of 1 MB: memory is bounded, and an end is an end.

Each scan runs in a process of its own, which reads its peak from the kernel (VmHWM).
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest
import redis

from tests.integration.test_interrupt import PRELUDE, interrupted, run

pytestmark = pytest.mark.servers("valkey91")

MILLION = 1_000_000
PORTION = 50_000
HEAVY = 400
MEGABYTE = 1 << 20

FILL = """
local command, key, begin = ARGV[1], KEYS[1], tonumber(ARGV[2])
for first = begin, begin + tonumber(ARGV[3]) - 1, 500 do
    local words = {}
    for i = first, first + 499 do
        if command == 'XADD' then
            redis.call('XADD', key, i .. '-1', 'v', 'value-of-' .. i)
        else
            if command == 'ZADD' then words[#words + 1] = i end
            words[#words + 1] = 'element-number-' .. i
            if command == 'HSET' then words[#words + 1] = i end
        end
    end
    if #words > 0 then redis.call(command, key, unpack(words)) end
end
"""
KINDS = {"set": "SADD", "list": "RPUSH", "zset": "ZADD", "stream": "XADD", "hash": "HSET"}

SCANS = {
    "set": "client.scan_sets('{key}')",
    "list": "client.scan_lists('{key}', include_position=True)",
    "zset": "client.scan_zsets('{key}')",
    "ranks": "client.scan_zsets('{key}', include_rank=True)",
    "stream": "client.scan_streams('{key}', {{'v': pl.String}})",
    "hash": "client.scan_hashes('{key}', format='long')",
    "hash with times": "client.scan_hashes('{key}', format='long', field_ttl=True)",
}
TYPE = {"ranks": "zset", "hash with times": "hash"}


@pytest.fixture(scope="module")
def filled(server_pool: object) -> Iterator[str]:
    server = server_pool.get("valkey91")  # type: ignore[attr-defined]
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        for kind, command in KINDS.items():
            for begin in range(1, MILLION, PORTION):
                client.eval(FILL, 1, f"many:{kind}", command, begin, PORTION)
        padding = b"x" * MEGABYTE
        for number in range(HEAVY):
            value = b"%06d" % number + padding
            client.sadd("heavy:set", value)
            client.rpush("heavy:list", value)
            client.zadd("heavy:zset", {value: number})
            client.xadd("heavy:stream", {"v": value})
            client.hset("heavy:hash", str(number), value)
        yield server.url
        client.flushall()


MEASURE = """
    def status(name):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1000

    # What Polars and the allocator take once does not count.
    {scan}.head(10).collect()
    Path("/proc/self/clear_refs").write_text("5")
    before, rows = status("VmRSS"), 0
    for batch in {scan}.collect_batches(chunk_size={chunk}, maintain_order=False, lazy=True):
        rows += batch.height
        del batch
    print(rows, status("VmHWM") - before)
"""


@pytest.mark.parametrize("kind", SCANS)
@pytest.mark.parametrize("size", ["many", "heavy"])
def test_memory_does_not_grow_with_a_key(filled: str, kind: str, size: str) -> None:
    scan = SCANS[kind].format(key=f"{size}:{TYPE.get(kind, kind)}")
    chunk = 50_000 if size == "many" else 10
    program = PRELUDE + textwrap.dedent(MEASURE.format(scan=scan, chunk=chunk))
    done = subprocess.run(
        [sys.executable, "-c", program, filled], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows, grown = done.stdout.split()
    assert int(rows) == (MILLION if size == "many" else HEAVY)
    assert float(grown) < 250, f"{float(grown):.0f} MB"


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize("kind", SCANS)
def test_ctrl_c_in_the_middle_of_a_large_key(filled: str, kind: str, engine: str) -> None:
    scan = SCANS[kind].format(key=f"many:{TYPE.get(kind, kind)}")
    # Throttled, it would take an hour.
    scan = scan[:-1] + ", throttle=300, batch_size=100)"
    program = f"""
        print("running", flush=True)
        quietly(lambda: {scan}.collect(engine="{engine}"))
        print("ended", flush=True)
        expect_nothing_left()
        assert client.ping()
        """
    assert interrupted(program, filled) == "ended\n"


@pytest.mark.parametrize("kind", SCANS)
def test_batches_that_are_dropped_in_the_middle_of_a_large_key(filled: str, kind: str) -> None:
    scan = SCANS[kind].format(key=f"many:{TYPE.get(kind, kind)}")
    program = f"""
        batches = {scan}.collect_batches(chunk_size=1000, maintain_order=False)
        assert next(iter(batches)).height > 0
        del batches
        gc.collect()
        expect_nothing_left()
        found = {scan}.head(2000).collect()
        assert found.height == 2000
        expect_nothing_left()
        """
    assert run(program, filled) == ""
