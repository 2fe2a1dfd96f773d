"""Scans through a proxy that cuts, stalls and garbles the replies at every byte.

A garbled byte cannot always be told: RESP has no checksum (TCP and TLS have). What is tested is
that damage to the structure of a reply is always an error, and that damage inside a text, a
cursor or a number changes no more than that text, cursor or number stands for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.exceptions import GearframeError, ServerConnectionError, ServerTimeoutError
from tests.servers.faults import (
    CutAt,
    DelayAt,
    Fault,
    Filter,
    GarbleAt,
    Latency,
    OneByteAtATime,
    Split,
    StallAt,
)
from tests.servers.patience import ATTEMPTS, connect_impatiently
from tests.servers.proxy import FaultProxy
from tests.servers.resp import value_end
from tests.servers.server import Server

pytestmark = pytest.mark.servers("valkey91")

LANES = 8
"""Scans at the same time: those that wait for a time-out do so together."""

XORS = (0x01, 0x04, 0x0F, 0xFF)
"""Turns digits into other digits, ``*`` into ``%`` and back, and all into what is no ASCII."""

SCANS: dict[str, Callable[[gf.Client], pl.LazyFrame]] = {
    # Three fields in each hash and two are asked for, so HMGET; one is missing somewhere.
    "hmget": lambda client: gf.scan_hashes(client, "few:*", {"a": pl.String, "b": pl.Int64}),
    # A sample of 64 hashes with no other field than those asked for: HLEN, then HGETALL.
    "hgetall": lambda client: gf.scan_hashes(client, "many:*", {"a": pl.String}),
    "second look": lambda client: gf.scan_hashes(client, "few:*", {"none": pl.String}),
    "ttl": lambda client: gf.scan_hashes(client, "few:*", {"b": pl.Int64}, include_ttl=True),
    "keys": lambda client: gf.scan_hashes(client, "few:*", {}),
    "strings": lambda client: gf.scan_strings(client, "text:*"),
}


@dataclass(frozen=True)
class Record:
    """No fault: keep what passes."""

    data: bytearray = field(default_factory=bytearray)

    def filter(self) -> Filter:
        def keep(chunk: bytes) -> Iterator[bytes]:
            self.data.extend(chunk)
            yield chunk

        return keep


class Lane:
    """One proxy and a client whose scans go through it; faults begin after the handshake."""

    def __init__(self, server: Server, scan: str, protocol: int, read_timeout: float) -> None:
        # The last words of HELLO, and of INFO server, which RESP2 asks for instead.
        marker = b"args\r\n*0\r\n" if protocol == 3 else b"port=%d\r\n\r\n" % server.port
        self.proxy = FaultProxy(server.url, after=marker)
        self.client = connect_impatiently(
            self.proxy.url, protocol=protocol, read_timeout=read_timeout
        )
        self.frame = SCANS[scan](self.client)

    def run(self, *faults: Fault) -> pl.DataFrame | GearframeError:
        self.proxy.inject(*faults)
        try:
            return self.frame.collect().sort("_key")
        except GearframeError as error:
            return error

    def close(self) -> None:
        self.client.close()
        self.proxy.close()


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def protocol(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=SCANS)
def scan(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lanes(
    redis_client: redis.Redis, server: Server, scan: str, protocol: int
) -> Iterator[Callable[[float], list[Lane]]]:
    with redis_client.pipeline() as pipe:
        pipe.hset("few:1", mapping={"a": "x" * 12, "b": "-7", "c": "unasked"})
        pipe.hset("few:2", mapping={"a": "two\r\nlines", "c": "unasked"})
        pipe.hset("few:3", mapping={"a": "", "b": "123456", "c": "unasked"})
        pipe.mset({"text:1": "", "text:2": "two\r\nlines", "text:3": "x" * 120})
        for number in range(64):
            pipe.hset(f"many:{number}", "a", "v")
        pipe.execute()
    with ExitStack() as stack:

        def make(read_timeout: float) -> list[Lane]:
            made = [Lane(server, scan, protocol, read_timeout) for _ in range(LANES)]
            for lane in made:
                stack.callback(lane.close)
            return made

        yield make


def record(lane: Lane) -> tuple[pl.DataFrame, bytes]:
    """Give the right result, and the replies that make it."""
    for _ in range(ATTEMPTS):
        record = Record()
        frame = lane.run(record)
        # A busy machine may be slower than a time-out that is short for the test's sake.
        if type(frame) is not ServerTimeoutError:
            break
    assert isinstance(frame, pl.DataFrame), frame
    assert frame.height in (3, 64)
    return frame, bytes(record.data)


def run_all(
    lanes: Sequence[Lane], faults: Sequence[Fault]
) -> list[tuple[Fault, pl.DataFrame | GearframeError]]:
    """Run a scan with each fault alone."""
    with ThreadPoolExecutor(len(lanes)) as pool:
        shares = [faults[start :: len(lanes)] for start in range(len(lanes))]
        jobs = [
            pool.submit(lambda lane, share: [(f, lane.run(f)) for f in share], lane, share)
            for lane, share in zip(lanes, shares, strict=True)
        ]
        return [outcome for job in jobs for outcome in job.result()]


def test_a_cut_at_every_byte_is_an_error(lanes: Callable[[float], list[Lane]]) -> None:
    workers = lanes(20)
    frame, replies = record(workers[0])
    cuts = [CutAt(offset) for offset in range(len(replies))]
    resets = [CutAt(offset, reset=True) for offset in range(0, len(replies), 9)]
    for fault, outcome in run_all(workers, [*cuts, *resets]):
        assert type(outcome) is ServerConnectionError, (fault, outcome)
        assert "closed the connection" in str(outcome)
    whole = workers[0].run(CutAt(len(replies)))
    assert isinstance(whole, pl.DataFrame)
    assert whole.equals(frame)


def test_garbling_any_byte_gives_no_wrong_structure(
    lanes: Callable[[float], list[Lane]], scan: str
) -> None:
    workers = lanes(0.2)
    frame, replies = record(workers[0])
    payload, texts = payload_of(replies), value_end(replies) or 0
    offsets = range(len(replies))
    # The long stream gets one garbling a byte, each in turn; the short ones get all.
    turns = [(offset, XORS[offset % 4 :][:1] if scan == "hgetall" else XORS) for offset in offsets]
    faults = [GarbleAt(offset, xor) for offset, xors in turns for xor in xors]
    for fault, outcome in run_all(workers, faults):
        if isinstance(outcome, GearframeError):
            continue
        assert isinstance(fault, GarbleAt)
        where = (fault, replies[max(0, fault.offset - 20) : fault.offset + 10], outcome)
        if fault.offset not in payload:
            assert outcome.equals(frame), where
        elif fault.offset < texts:
            # A key of SCAN's reply has become another key, which does not exist or is known.
            lost = frame.join(outcome, on="_key", how="anti").height
            assert lost <= 1, where
            assert outcome.height - frame.height in (-1, 0), where
        else:
            assert outcome.height == frame.height, where
            assert differing_cells(outcome, frame) <= 1, where


def test_silence_anywhere_is_a_time_out(lanes: Callable[[float], list[Lane]]) -> None:
    workers = lanes(0.3)
    _, replies = record(workers[0])
    started = time.monotonic()
    faults = [StallAt(round(len(replies) * share / 16)) for share in range(16)]
    for fault, outcome in run_all(workers, faults):
        assert type(outcome) is ServerTimeoutError, (fault, outcome)
        assert "silent for 0.3 s (read_timeout)" in str(outcome)
    rounds = len(faults) / len(workers)
    assert time.monotonic() - started < rounds * 0.3 + 30


@pytest.mark.parametrize(
    "fault",
    [OneByteAtATime(), Split((1, 2, 3, 5, 7)), Latency(0.02), DelayAt(9, 0.2)],
    ids=lambda fault: type(fault).__name__,
)
def test_slow_and_broken_up_replies_are_read_right(
    lanes: Callable[[float], list[Lane]], fault: Fault
) -> None:
    lane = lanes(20)[0]
    frame, _ = record(lane)
    outcome = lane.run(fault)
    assert isinstance(outcome, pl.DataFrame), outcome
    assert outcome.equals(frame)


def payload_of(replies: bytes) -> set[int]:
    """Give the offsets that no client can check: the bytes of texts and the digits of numbers."""
    found: set[int] = set()
    at = 0
    while at < len(replies):
        line_end = replies.index(b"\r\n", at)
        after = line_end + 2
        if replies[at : at + 1] == b"$" and replies[at + 1 : line_end] != b"-1":
            length = int(replies[at + 1 : line_end])
            found.update(range(after, after + length))
            after += length + 2
        elif replies[at : at + 1] in (b":", b"+", b","):
            found.update(range(at + 1, line_end))
        at = after
    return found


def differing_cells(one: pl.DataFrame, other: pl.DataFrame) -> int:
    pairs = zip(one.rows(), other.rows(), strict=True)
    return sum(a != b for left, right in pairs for a, b in zip(left, right, strict=True))
