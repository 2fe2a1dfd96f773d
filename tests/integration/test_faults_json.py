"""The faults of ``test_faults`` in replies that hold JSON documents."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.exceptions import GearframeError, ServerConnectionError
from tests.integration.test_faults import (
    LANES,
    XORS,
    Lane,
    differing_cells,
    payload_of,
    record,
    run_all,
)
from tests.servers.faults import CutAt, GarbleAt, OneByteAtATime, Split
from tests.servers.patience import connect_impatiently
from tests.servers.proxy import FaultProxy
from tests.servers.resp import value_end
from tests.servers.server import Server

pytestmark = pytest.mark.servers("valkey91_modules")

SCHEMA = {"t": pl.String, "n": pl.Int64}
SCANS: dict[str, Callable[[gf.Client], pl.LazyFrame]] = {
    "one path": lambda client: client.scan_json("d:*", {"t": pl.String}),
    # A sample of 64 documents with no other member than those asked for: whole documents.
    "sampled": lambda client: client.scan_json("m:*", {"t": pl.String, "n": pl.Int64}),
    "two paths": lambda client: client.scan_json("d:*", SCHEMA),
    "document and member": lambda client: client.scan_json(
        "d:*", {"n": pl.Int64}, document_column="json"
    ),
    "document": lambda client: client.scan_json("d:*", document_column="json"),
    "document and path": lambda client: client.scan_json(
        "d:*", {"l": pl.List(pl.Int64)}, document_column="json", include_ttl=True
    ),
}


class JsonLane(Lane):
    """A lane whose scans read documents of a server that has several modules."""

    def __init__(self, server: Server, scan: str, protocol: int, read_timeout: float) -> None:
        marker = b"port=%d\r\n\r\n" % server.port if protocol == 2 else end_of_hello(server)
        self.proxy = FaultProxy(server.url, after=marker)
        self.client = connect_impatiently(
            self.proxy.url, protocol=protocol, read_timeout=read_timeout
        )
        self.frame = SCANS[scan](self.client)


def end_of_hello(server: Server) -> bytes:
    """Give the last words of HELLO 3, which names the modules."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"HELLO 3\r\n")
        reply = b""
        while value_end(reply) is None:
            reply += connection.recv(65536)
    return reply[-80:]


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def protocol(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=SCANS)
def lanes(
    request: pytest.FixtureRequest, json_server: Server, json_url: str, protocol: int
) -> Iterator[Callable[[float], list[Lane]]]:
    with redis.Redis.from_url(json_url) as client:
        documents = ['{"t":"two\\r\\nlines","n":-7,"l":[1]}', '{"t":"","l":[]}', "[12]"]
        for number, text in enumerate(documents):
            client.execute_command("JSON.SET", f"d:{number}", "$", text)
        for number in range(64):
            client.execute_command("JSON.SET", f"m:{number}", "$", '{"t":"v","n":1}')
    with ExitStack() as stack:

        def make(read_timeout: float) -> list[Lane]:
            made: list[Lane] = []
            for _ in range(LANES):
                made.append(JsonLane(json_server, request.param, protocol, read_timeout))
                stack.callback(made[-1].close)
            return made

        yield make


def test_a_cut_at_every_byte_is_an_error(lanes: Callable[[float], list[Lane]]) -> None:
    workers = lanes(20)
    frame, replies = record(workers[0])
    cuts = [CutAt(offset) for offset in range(len(replies))]
    for fault, outcome in run_all(workers, cuts):
        assert type(outcome) is ServerConnectionError, (fault, outcome)
    whole = workers[0].run(CutAt(len(replies)))
    assert isinstance(whole, pl.DataFrame)
    assert whole.equals(frame)


def test_garbling_any_byte_gives_no_wrong_structure(lanes: Callable[[float], list[Lane]]) -> None:
    workers = lanes(0.2)
    frame, replies = record(workers[0])
    payload, scan = payload_of(replies), value_end(replies) or 0
    # The long stream gets one garbling a byte, each in turn; the short ones get all.
    most = 1 if frame.height == 64 else len(XORS)
    turns = [(offset, (XORS * 2)[offset % 4 :][:most]) for offset in range(len(replies))]
    faults = [GarbleAt(offset, xor) for offset, xors in turns for xor in xors]
    for fault, outcome in run_all(workers, faults):
        if isinstance(outcome, GearframeError):
            continue
        assert isinstance(fault, GarbleAt)
        where = (fault, replies[max(0, fault.offset - 20) : fault.offset + 10], outcome)
        if fault.offset not in payload:
            assert outcome.equals(frame), where
        elif fault.offset < scan:
            # A key of SCAN's reply has become another key, which does not exist or is known.
            assert outcome.height - frame.height in (-1, 0), where
        else:
            assert outcome.height == frame.height, where
            # A byte of a document may be in its text and in a member of it.
            assert differing_cells(outcome, frame) <= (2 if "json" in frame.columns else 1), where


@pytest.mark.parametrize("fault", [OneByteAtATime(), Split((1, 2, 3, 5, 7))], ids=["one", "split"])
def test_replies_in_pieces_are_read_right(
    lanes: Callable[[float], list[Lane]], fault: OneByteAtATime | Split
) -> None:
    lane = lanes(20)[0]
    frame, _ = record(lane)
    outcome = lane.run(fault)
    assert isinstance(outcome, pl.DataFrame), outcome
    assert outcome.equals(frame)
