"""The faults hit the byte they name, and nothing else; no thread or socket is left."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import redis

from tests.servers.faults import (
    Close,
    CutAt,
    DelayAt,
    Fault,
    GarbleAt,
    Latency,
    OneByteAtATime,
    ReplaceReply,
    Split,
    Stall,
    StallAt,
    Wait,
)
from tests.servers.patience import wait_until
from tests.servers.proxy import FaultProxy, _apply
from tests.servers.resp import commands, value_end
from tests.servers.scripted import ScriptedServer, by_command, in_order
from tests.servers.server import Server

PING = b"*1\r\n$4\r\nPING\r\n"
PONG = b"+PONG\r\n"


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    # Threads of earlier tests may end meanwhile.
    assert set(threading.enumerate()) <= before


def connect(proxy: FaultProxy | ScriptedServer) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", proxy.port))
    client.settimeout(20)
    return client


def read_all(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(4096), b""))


def read_exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += client.recv(size - len(data))
    return data


# -- faults without sockets ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (CutAt(0), [b"", Close()]),
        (CutAt(3), [b"abc", Close()]),
        (CutAt(5, reset=True), [b"abcd", b"e", Close(reset=True)]),
        (GarbleAt(0), [b"\x9ebcd", b"efgh"]),
        (GarbleAt(4, xor=1), [b"abcd", b"dfgh"]),
        (GarbleAt(7, xor=1), [b"abcd", b"efgi"]),
        (GarbleAt(8), [b"abcd", b"efgh"]),
        (DelayAt(6, 2.0), [b"abcd", b"ef", Wait(2.0), b"gh"]),
        (StallAt(1), [b"a", Stall(), b"bcd", b"efgh"]),
        (Latency(0.5), [Wait(0.5), b"abcd", Wait(0.5), b"efgh"]),
        (Split((1, 5)), [b"a", b"bcd", b"ef", b"gh"]),
        (OneByteAtATime(), [b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h"]),
    ],
    ids=repr,
)
def test_fault_acts_where_it_says(fault: Fault, expected: list[object]) -> None:
    act = fault.filter()
    actions: list[object] = []
    for chunk in (b"abcd", b"efgh"):
        for action in act(chunk):
            actions.append(action)
            if isinstance(action, Close):
                break
        if Close in map(type, actions):
            break
    assert actions == expected


def test_replace_reply_takes_one_whole_reply() -> None:
    act = ReplaceReply(b"-BUSY\r\n", index=1).filter()
    chunks = [b"+O", b"K\r\n*2\r\n:1\r\n", b"$3\r\na\r\n\r\n+C\r\n", b"+D\r\n"]
    sent = b"".join(piece for chunk in chunks for piece in act(chunk))  # type: ignore[misc]
    assert sent == b"+OK\r\n-BUSY\r\n+C\r\n+D\r\n"


def test_faults_combine() -> None:
    filters = [Split((2,)).filter(), CutAt(3).filter()]
    assert list(_apply(filters, b"abcd"))[:3] == [b"ab", b"c", Close()]


@pytest.mark.parametrize(
    "value",
    [
        b"+OK\r\n",
        b":12\r\n",
        b"$-1\r\n",
        b"$0\r\n\r\n",
        b"$4\r\n\r\n\r\n\r\n",
        b"*-1\r\n",
        b"*2\r\n*1\r\n:1\r\n$1\r\na\r\n",
        b"%1\r\n+a\r\n,1.5\r\n",
        b"~2\r\n#t\r\n_\r\n",
        b"|1\r\n+ttl\r\n:1\r\n$1\r\na\r\n",
    ],
    ids=repr,
)
def test_value_end(value: bytes) -> None:
    assert value_end(value + b"+more") == len(value)
    assert [value_end(value[:size]) for size in range(len(value))] == [None] * len(value)


def test_commands_are_taken_when_complete() -> None:
    buffer = bytearray(b"*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n*1\r\n$4\r\nPI")
    assert list(commands(buffer)) == [[b"GET", b"a\r\nb"]]
    buffer += b"NG\r\n"
    assert list(commands(buffer)) == [[b"PING"]]
    assert buffer == b""


# -- the proxy before a scripted server ----------------------------------------------------------


@pytest.fixture
def pong() -> Iterator[ScriptedServer]:
    with ScriptedServer(by_command({b"PING": PONG, b"HELLO": b"+HI\r\n"})) as server:
        yield server


def test_no_fault_changes_nothing(pong: ScriptedServer) -> None:
    with FaultProxy(pong.url) as proxy, connect(proxy) as client:
        client.sendall(PING * 1000)
        assert read_exactly(client, 7000) == PONG * 1000
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""
        assert (proxy.bytes_to_clients, proxy.bytes_to_server) == (7000, 14000)
        assert proxy.connections == 1
    assert len(pong.received) == 1000


@pytest.mark.parametrize("offset", [1, 6, 7, 8, 20, 6999])
def test_cut_delivers_exactly_so_many_bytes(pong: ScriptedServer, offset: int) -> None:
    with FaultProxy(pong.url, CutAt(offset)) as proxy, connect(proxy) as client:
        client.sendall(PING * 1000)
        assert read_all(client) == (PONG * 1000)[:offset]
        assert proxy.bytes_to_clients == offset


def test_cut_with_reset(pong: ScriptedServer) -> None:
    with FaultProxy(pong.url, CutAt(0, reset=True)) as proxy, connect(proxy) as client:
        client.sendall(PING)
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_each_connection_counts_for_itself(pong: ScriptedServer) -> None:
    with FaultProxy(pong.url, CutAt(3)) as proxy:
        for _ in range(3):
            with connect(proxy) as client:
                client.sendall(PING)
                assert read_all(client) == b"+PO"
        assert proxy.connections == 3


def test_offsets_count_after_the_marker(pong: ScriptedServer) -> None:
    with FaultProxy(pong.url, CutAt(2), after=b"+HI\r\n") as proxy, connect(proxy) as client:
        client.sendall(PING + b"*1\r\n$5\r\nHELLO\r\n" + PING)
        assert read_all(client) == b"+PONG\r\n+HI\r\n+P"


@pytest.mark.parametrize("sizes", [(1,), (3, 100), (9,)])
def test_marker_is_found_across_packets(pong: ScriptedServer, sizes: tuple[int, ...]) -> None:
    with (
        FaultProxy(pong.url, Split(sizes)) as splitter,
        FaultProxy(splitter.url, GarbleAt(1, xor=1), after=b"G\r\n+HI\r\n") as proxy,
        connect(proxy) as client,
    ):
        client.sendall(PING + b"*1\r\n$5\r\nHELLO\r\n" + PING)
        assert read_exactly(client, 19) == b"+PONG\r\n+HI\r\n+QONG\r\n"


def test_skip_bytes(pong: ScriptedServer) -> None:
    with FaultProxy(pong.url, CutAt(1), skip_bytes=7) as proxy, connect(proxy) as client:
        client.sendall(PING * 3)
        assert read_all(client) == b"+PONG\r\n+"


def test_stall_keeps_the_connection_open_until_faults_change(pong: ScriptedServer) -> None:
    with FaultProxy(pong.url, StallAt(2)) as proxy, connect(proxy) as client:
        client.sendall(PING)
        assert read_exactly(client, 2) == b"+P"
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(20)
        proxy.inject()
        assert read_exactly(client, 5) == b"ONG\r\n"


def test_injected_fault_counts_from_the_next_byte(pong: ScriptedServer) -> None:
    with FaultProxy(pong.url) as proxy, connect(proxy) as client:
        client.sendall(PING)
        assert read_exactly(client, 7) == PONG
        proxy.inject(GarbleAt(1, xor=1))
        client.sendall(PING * 2)
        assert read_exactly(client, 14) == b"+QONG\r\n+PONG\r\n"


def test_delay_and_latency_wait(pong: ScriptedServer) -> None:
    for fault in (DelayAt(3, 0.1), Latency(0.1)):
        with FaultProxy(pong.url, fault) as proxy, connect(proxy) as client:
            began = time.monotonic()
            client.sendall(PING)
            assert read_exactly(client, 7) == PONG
            assert time.monotonic() - began >= 0.1


def test_command_faults(pong: ScriptedServer) -> None:
    with (
        FaultProxy(pong.url, command_faults=[GarbleAt(8, xor=0x20)]) as proxy,
        connect(proxy) as client,
    ):
        client.sendall(PING)
        assert read_exactly(client, 7) == PONG
    assert pong.received == [[b"pING"]]


def test_close_ends_stalls_delays_and_full_sockets(pong: ScriptedServer) -> None:
    proxy = FaultProxy(pong.url, DelayAt(7, 3600), StallAt(14))
    with connect(proxy) as waiting, connect(proxy) as idle:
        waiting.sendall(PING * 3)
        assert read_exactly(waiting, 7) == PONG
        wait_until(lambda: proxy.connections == 2)  # the kernel refuses those not yet taken
        proxy.close()
        assert idle.recv(1) == b""


def test_client_that_leaves_ends_a_stall(pong: ScriptedServer) -> None:
    with FaultProxy(pong.url, StallAt(0)) as proxy:
        with connect(proxy) as client:
            client.sendall(PING)
            wait_until(lambda: pong.received)
            assert proxy._sockets
        wait_until(lambda: not proxy._sockets)


def test_upstream_that_is_not_there_closes_the_client() -> None:
    with FaultProxy(("127.0.0.1", 1)) as proxy, connect(proxy) as client:
        assert client.recv(1) == b""


@pytest.mark.parametrize(
    ("upstream", "url"),
    [
        ("redis://u:p@localhost:1234/3?protocol=3", "redis://u:p@127.0.0.1:PORT/3?protocol=3"),
        ("unix:///tmp/x", "redis://127.0.0.1:PORT"),
        (("127.0.0.1", 1234), "redis://127.0.0.1:PORT"),
    ],
)
def test_url(upstream: str | tuple[str, int], url: str) -> None:
    with FaultProxy(upstream) as proxy:
        assert proxy.url == url.replace("PORT", str(proxy.port))


# -- real clients and servers --------------------------------------------------------------------


def test_a_real_client_through_one_byte_packets(server: Server, url: str) -> None:
    values = {f"key{number}": b"\r\n\x00" * number for number in range(30)}
    with FaultProxy(url, OneByteAtATime()) as proxy, redis.Redis.from_url(proxy.url) as client:
        client.mset(values)
        assert client.mget(list(values)) == list(values.values())


def test_replaced_reply_reaches_a_real_client(url: str) -> None:
    with FaultProxy(url) as proxy, redis.Redis.from_url(proxy.url) as client:
        client.set("a", 1)
        proxy.inject(ReplaceReply(b"-OOM above maxmemory\r\n"))
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.set("a", 2)
        assert client.get("a") == b"2"


def test_unix_upstream(fresh_server: object) -> None:
    server = fresh_server(unix=True)  # type: ignore[operator]
    with FaultProxy(server.url) as proxy, redis.Redis.from_url(proxy.url) as client:
        assert client.ping() is True


# -- the scripted server -------------------------------------------------------------------------


def test_scripted_replies_in_order() -> None:
    with ScriptedServer(in_order(b"-LOADING wait\r\n", b"\xff\x00garbage")) as server:
        with connect(server) as client:
            client.sendall(PING * 3)
            assert read_all(client) == b"-LOADING wait\r\n\xff\x00garbage"
        assert server.received == [[b"PING"]] * 3


def test_scripted_server_speaks_to_a_real_client() -> None:
    script = by_command({b"GET": b"-BUSY a script runs\r\n"})
    with ScriptedServer(script) as server:
        url = f"{server.url}?protocol=2"
        with (
            redis.Redis.from_url(url) as client,
            pytest.raises(redis.exceptions.ResponseError, match="a script runs"),
        ):
            client.get("key")
        assert server.received[-1] == [b"GET", b"key"]
