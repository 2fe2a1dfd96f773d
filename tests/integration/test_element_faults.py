"""Scans of elements through a proxy that cuts, stalls and garbles: see ``test_faults``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.exceptions import GearframeError, ServerConnectionError, ServerTimeoutError
from tests.integration.test_faults import XORS, Lane, Record, payload_of, run_all
from tests.servers.faults import CutAt, Fault, GarbleAt, OneByteAtATime, Split, StallAt
from tests.servers.patience import ATTEMPTS
from tests.servers.server import Server

pytestmark = pytest.mark.servers("valkey91")

LANES = 8
LONG_LIST = 4_200
"""More than fit into a first answer, so that windows come under WATCH."""

SCANS: dict[str, Callable[[gf.Client], pl.LazyFrame]] = {
    "sets": lambda client: gf.scan_sets(client, "set:*"),
    "lists": lambda client: gf.scan_lists(client, "list:*", pl.Int64, include_position=True),
    "ends of lists": lambda client: gf.scan_lists(
        client, "list:*", pl.Int64, start=-2, include_position=True
    ),
    "ranks": lambda client: gf.scan_zsets(client, "zset:*", include_rank=True, min_score=1),
    "streams": lambda client: gf.scan_streams(client, "stream:*", {"a": pl.String}),
    "fields": lambda client: gf.scan_hashes(client, "hash:*", format="long", field_ttl=True),
    "field_ttl": lambda client: gf.scan_hashes(client, "hash:*", {"a": pl.String}, field_ttl=True),
    "keys": lambda client: gf.scan_keys(client, "list:*").select("_key", "encoding", "length"),
    "a long list": lambda client: gf.scan_lists(client, "long", pl.Int64),
}
SLOW = ("a long list",)


def step_of(scan: str, replies: bytes) -> int:
    """Every byte, or some 300 places of the replies that are long; not a multiple of an element."""
    return len(replies) // 300 * 2 + 1 if scan in SLOW else 1


class ElementLane(Lane):
    """A lane whose rows are compared as a whole."""

    def __init__(self, server: Server, scan: str, protocol: int, read_timeout: float) -> None:
        super().__init__(server, "strings", protocol, read_timeout)
        self.frame = SCANS[scan](self.client)

    def run(self, *faults: Fault) -> pl.DataFrame | GearframeError:
        self.proxy.inject(*faults)
        try:
            return self.frame.collect().sort(pl.all())
        except GearframeError as error:
            return error


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
        pipe.sadd("set:1", "a", "two\r\nlines")
        pipe.sadd("set:2", "")
        pipe.rpush("list:1", 1, 2, 3)
        pipe.rpush("list:2", 4)
        pipe.zadd("zset:1", {"a": 1.5, "b": 2, "c": 0})
        pipe.zadd("zset:2", {"d": 3})
        pipe.xadd("stream:1", {"a": "1", "b": "x"}, id="1-1")
        pipe.xadd("stream:1", {"b": "y"}, id="2-1")
        pipe.hset("hash:1", mapping={"a": "1", "b": "x"})
        pipe.hset("hash:2", mapping={"a": "2"})
        pipe.execute_command("PEXPIREAT", "hash:1", 2**42)
        pipe.rpush("long", *range(LONG_LIST))
        pipe.execute()
    with ExitStack() as stack:

        def make(read_timeout: float) -> list[Lane]:
            made: list[Lane] = []
            for _ in range(LANES):
                lane = ElementLane(server, scan, protocol, read_timeout)
                stack.callback(lane.close)
                made.append(lane)
            return made

        yield make


def record(lane: Lane) -> tuple[pl.DataFrame, bytes]:
    """Give the right result, and the replies that make it."""
    for _ in range(ATTEMPTS):
        seen = Record()
        frame = lane.run(seen)
        # A busy machine may be slower than a time-out that is short for the test's sake.
        if type(frame) is not ServerTimeoutError:
            break
    assert isinstance(frame, pl.DataFrame), frame
    assert frame.height in (2, 3, 4, LONG_LIST)
    return frame, bytes(seen.data)


def test_a_cut_at_every_byte_is_an_error(lanes: Callable[[float], list[Lane]], scan: str) -> None:
    workers = lanes(20)
    frame, replies = record(workers[0])
    step = step_of(scan, replies)
    cuts: list[Fault] = [CutAt(offset) for offset in range(0, len(replies), step)]
    cuts += [CutAt(offset, reset=True) for offset in range(0, len(replies), 19 * step)]
    for fault, outcome in run_all(workers, cuts):
        assert type(outcome) is ServerConnectionError, (fault, outcome)
    whole = workers[0].run(CutAt(len(replies)))
    assert isinstance(whole, pl.DataFrame)
    assert whole.equals(frame)


def test_garbling_any_byte_gives_no_wrong_structure(
    lanes: Callable[[float], list[Lane]], scan: str
) -> None:
    workers = lanes(0.2)
    frame, replies = record(workers[0])
    payload = payload_of(replies)
    step = step_of(scan, replies)
    # One garbling a byte, each in turn.
    faults = [GarbleAt(offset, XORS[offset % 4]) for offset in range(0, len(replies), step)]
    for fault, outcome in run_all(workers, faults):
        if isinstance(outcome, GearframeError):
            continue
        assert isinstance(fault, GarbleAt)
        where = (fault, replies[max(0, fault.offset - 20) : fault.offset + 10], outcome)
        if fault.offset not in payload:
            assert outcome.equals(frame), where
            continue
        # One text or number is another: of one key at most, something is not as it is.
        key = pl.col("_key")
        wrong = outcome.join(frame, on=frame.columns, how="anti", nulls_equal=True)
        lost = frame.join(outcome, on=frame.columns, how="anti", nulls_equal=True)
        assert wrong.select(key.n_unique()).item() <= 1, where
        assert lost.select(key.n_unique()).item() <= 1, where


def test_silence_anywhere_is_a_time_out(lanes: Callable[[float], list[Lane]]) -> None:
    workers = lanes(0.3)
    _, replies = record(workers[0])
    faults = [StallAt(round(len(replies) * share / 8)) for share in range(8)]
    for fault, outcome in run_all(workers, faults):
        assert type(outcome) is ServerTimeoutError, (fault, outcome)


@pytest.mark.parametrize(
    "fault", [OneByteAtATime(), Split((1, 2, 3, 5, 7))], ids=lambda fault: type(fault).__name__
)
def test_broken_up_replies_are_read_right(
    lanes: Callable[[float], list[Lane]], fault: Fault
) -> None:
    lane = lanes(20)[0]
    frame, _ = record(lane)
    outcome = lane.run(fault)
    assert isinstance(outcome, pl.DataFrame), outcome
    assert outcome.equals(frame)
