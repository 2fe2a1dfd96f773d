"""Servers that refuse, that are not there, and that answer nonsense: one clear exception each."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe import exceptions as errors
from tests.servers.fixtures import FreshServer
from tests.servers.patience import PATIENCE, connect_impatiently
from tests.servers.scripted import Answer, ScriptedServer, by_command

SECRET = "s3cret-Passw0rd"

HELLO = b"%3\r\n+server\r\n+valkey\r\n+version\r\n+9.1.0\r\n+mode\r\n+standalone\r\n"
GOOD = {
    b"HELLO": HELLO,
    b"SCAN": b"*2\r\n$1\r\n0\r\n*2\r\n$1\r\nx\r\n$1\r\ny\r\n",
    b"HMGET": b"*1\r\n$1\r\n1\r\n",
    b"MGET": b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n",
    b"PTTL": b":-1\r\n",
    b"TYPE": b"+hash\r\n",
    b"DBSIZE": b":2\r\n",
}

Scan = Callable[[gf.Client], pl.LazyFrame]

SCANS: dict[bytes, Scan] = {
    b"SCAN": lambda client: gf.scan_hashes(client, "*", {"a": pl.Int64}),
    b"HMGET": lambda client: gf.scan_hashes(client, "*", {"a": pl.Int64}),
    b"PTTL": lambda client: gf.scan_hashes(client, "*", {"a": pl.Int64}, include_ttl=True),
    b"TYPE": lambda client: gf.scan_hashes(client, schema={}, keys=["x", "y"]),
    b"MGET": lambda client: gf.scan_strings(client),
}


def scripted(changed: dict[bytes, bytes]) -> Answer:
    """Answer well, but for some commands."""
    replies = {**GOOD, **changed}
    return lambda args: replies.get(args[0].upper(), b"-ERR unknown command\r\n")


def outcome_of(
    scan: Scan, replies: dict[bytes, bytes], read_timeout: float = PATIENCE
) -> Exception | None:
    with (
        ScriptedServer(scripted(replies)) as server,
        connect_impatiently(server.url, read_timeout=read_timeout) as client,
    ):
        try:
            scan(client).collect()
        except Exception as error:  # noqa: BLE001 - the class is what is tested
            return error
    return None


@pytest.mark.parametrize("command", SCANS)
def test_the_scripted_server_can_answer_well(command: bytes) -> None:
    assert outcome_of(SCANS[command], {}) is None


# -- the server says no ----------------------------------------------------------------------------

REFUSALS = [
    ("LOADING Valkey is loading the dataset in memory", errors.ServerLoadingError, "try again"),
    ("BUSY Valkey is busy running a script.", errors.ServerBusyError, "SCRIPT KILL"),
    ("NOAUTH Authentication required.", errors.AuthenticationError, "give user and password"),
    ("OOM command not allowed", errors.ServerOutOfMemoryError, "maxmemory"),
    ("NOPERM No permissions to access a key", errors.PermissionDeniedError, "ACL SETUSER"),
    ("READONLY You can't write", errors.ServerReadOnlyError, "primary"),
    ("MISCONF errors writing to disk", errors.ServerReadOnlyError, "the server's log"),
    ("CLUSTERDOWN The cluster is down", errors.ReplyError, ""),
    ("MOVED 866 10.0.0.1:6379", errors.ReplyError, ""),
    ("ERR something else", errors.ReplyError, ""),
]


@pytest.mark.parametrize("command", SCANS)
@pytest.mark.parametrize(("text", "kind", "hint"), REFUSALS, ids=lambda v: str(v).split(" ")[0])
def test_an_error_reply_is_its_exception(
    command: bytes, text: str, kind: type[Exception], hint: str
) -> None:
    error = outcome_of(SCANS[command], {command: b"-%s\r\n" % text.encode()})
    assert type(error) is kind
    assert str(error).startswith(f"{command.decode()}: the server answered «{text}»")
    assert hint in str(error)


@pytest.mark.parametrize(
    ("text", "kind"),
    # Nothing of the greeting is needed, so a user who may not greet can connect.
    [(text, kind) for text, kind, _ in REFUSALS if not text.startswith("NOPERM")],
    ids=lambda v: str(v).split(" ")[0],
)
def test_an_error_reply_to_the_greeting_is_its_exception(text: str, kind: type[Exception]) -> None:
    refuse: Answer = lambda args: b"-%s\r\n" % text.encode()  # noqa: E731
    with ScriptedServer(refuse) as server, pytest.raises(errors.GearframeError) as caught:
        gf.connect(server.url, retries=0)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"cannot connect to 127.0.0.1:{server.port}: ")


def test_a_long_error_text_is_cut_and_cannot_steer_the_terminal() -> None:
    error = outcome_of(SCANS[b"SCAN"], {b"SCAN": b"-ERR \x1b[2J" + b"x" * 60_000 + b"\r\n"})
    assert type(error) is errors.ReplyError
    assert len(str(error)) < 700
    assert "\x1b" not in str(error)


# -- the server talks nonsense ---------------------------------------------------------------------

HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n400 Bad Request"
NOT_RESP = [
    HTTP,
    b"\x15\x03\x01\x00\x02\x02\x16",
    bytes(range(14, 256)),
    b"$99999999999\r\n",
    b"*9999999999\r\n",
    b"$99999999999999999999\r\n",
    b"$-2\r\n",
    b"*-7\r\n",
    b"$-9223372036854775808\r\n",
    b"$1\r\nabc\r\n",
    b"*1\r\n" * 40,
]


@pytest.mark.parametrize("command", SCANS)
@pytest.mark.parametrize("nonsense", NOT_RESP, ids=lambda v: repr(v[:12]))
def test_what_is_not_resp_is_a_protocol_error(command: bytes, nonsense: bytes) -> None:
    error = outcome_of(SCANS[command], {command: nonsense})
    assert type(error) is errors.ProtocolError
    assert 20 < len(str(error)) < 400


@pytest.mark.parametrize("nonsense", NOT_RESP, ids=lambda v: repr(v[:12]))
def test_what_is_not_resp_cannot_be_connected_to(nonsense: bytes) -> None:
    with ScriptedServer(lambda args: nonsense) as server:
        with pytest.raises(errors.GearframeError) as caught:
            gf.connect(server.url, retries=0)
        wanted = errors.ServerConnectionError if nonsense[0] == 0x15 else errors.ProtocolError
        assert type(caught.value) is wanted
        assert str(caught.value).startswith(f"cannot connect to 127.0.0.1:{server.port}: ")


WRONG_SHAPES = [
    (b"SCAN", b":7\r\n", "SCAN", "was answered with"),
    (b"SCAN", b"_\r\n", "SCAN", "was answered with"),
    (b"SCAN", b"*-1\r\n", "SCAN", "was answered with"),
    (b"SCAN", b"*1\r\n$1\r\n0\r\n", "SCAN", "SCAN was answered with 1 elements, not 2"),
    (b"SCAN", b"*2\r\n$-1\r\n*0\r\n", "SCAN", 'the cursor "", not a number'),
    (b"SCAN", b"*2\r\n_\r\n*0\r\n", "SCAN", 'the cursor "", not a number'),
    (b"SCAN", b"*2\r\n$2\r\n-1\r\n*0\r\n", "SCAN", 'the cursor "-1", not a number'),
    (b"SCAN", b"*2\r\n$20\r\n99999999999999999999\r\n*0\r\n", "SCAN", "not a number"),
    (b"SCAN", b"*2\r\n:0\r\n*0\r\n", "SCAN", "SCAN was answered with Integer(0)"),
    (b"SCAN", b"*2\r\n$1\r\n0\r\n$1\r\nx\r\n", "SCAN", "SCAN was answered with Scalar"),
    (b"SCAN", b"*2\r\n$1\r\n0\r\n*1\r\n$-1\r\n", "SCAN", "a null for a key"),
    (b"SCAN", b"*2\r\n$1\r\n0\r\n*1\r\n*1\r\n$1\r\nx\r\n", "SCAN", "a bulk string or null"),
    (b"SCAN", b"*2\r\n$1\r\n7\r\n*0\r\n", "SCAN", "SCAN 7 was answered with the same cursor"),
    (b"HMGET", b"*0\r\n", "HMGET", "HMGET of 1 fields was answered with 0 values"),
    (b"HMGET", b"*2\r\n$1\r\n1\r\n$1\r\n1\r\n", "HMGET", "was answered with 2 values"),
    (b"HMGET", b"$1\r\n1\r\n", "HMGET", "HMGET was answered with Scalar"),
    (b"HMGET", b":1\r\n", "HMGET", "HMGET was answered with Integer(1)"),
    (b"HMGET", b"*1\r\n:1\r\n", "HMGET", "a bulk string or null"),
    (b"HMGET", b"*1\r\n*1\r\n$1\r\n1\r\n", "HMGET", "a bulk string or null"),
    (b"HMGET", b"*1\r\n-ERR in the middle\r\n", "HMGET", "a bulk string or null"),
    (b"HMGET", b"*1\r\n$1\r\n1\r\n$1\r\n1\r\n", "HMGET", "HMGET was answered with Scalar"),
    (b"MGET", b"*1\r\n$1\r\n1\r\n", "MGET", "MGET of 2 keys was answered with 1 values"),
    (b"MGET", b"*3\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n", "MGET", "answered with 3 values"),
    (b"MGET", b"*2\r\n+a\r\n+b\r\n", "MGET", "MGET was answered with Simple"),
    (b"MGET", b"*2\r\n*0\r\n*0\r\n", "MGET", "MGET was answered with Values"),
    (b"MGET", b"*-1\r\n", "MGET", "was answered with"),
    (b"MGET", GOOD[b"MGET"] + b"+OK\r\n", "MGET", "more than it was asked for: «+OK\\r\\n»"),
    (b"PTTL", b"$1\r\n1\r\n", "PTTL", "PTTL was answered with Scalar"),
    (b"PTTL", b":\r\n", "PTTL", "a 64-bit integer"),
    (b"PTTL", b":99999999999999999999\r\n", "PTTL", "a 64-bit integer"),
    (b"TYPE", b":1\r\n", "TYPE", "TYPE was answered with Integer(1)"),
    (b"TYPE", b"*1\r\n$1\r\na\r\n", "TYPE", "TYPE was answered with Values"),
]


@pytest.mark.parametrize(("command", "reply", "scan", "text"), WRONG_SHAPES)
def test_a_reply_of_the_wrong_shape_is_a_protocol_error(
    command: bytes, reply: bytes, scan: str, text: str
) -> None:
    error = outcome_of(SCANS[scan.encode()], {command: reply})
    assert type(error) is errors.ProtocolError
    assert text in str(error)


@pytest.mark.parametrize("announced", [b"$4294967296\r\nabc", b"*2147483648\r\n", b"%9999\r\n"])
@pytest.mark.parametrize("command", [b"HMGET", b"SCAN"])
def test_a_long_announcement_that_does_not_come_is_no_memory(
    command: bytes, announced: bytes
) -> None:
    before = resident_kilobytes()
    # What does not come is waited for, for as long as the time-out.
    error = outcome_of(SCANS[command], {command: announced}, read_timeout=0.5)
    assert type(error) in (errors.ServerTimeoutError, errors.ProtocolError)
    assert resident_kilobytes() - before < 50_000


def resident_kilobytes() -> int:
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * 4


def test_push_messages_between_replies_are_stepped_over() -> None:
    push = b">3\r\n+message\r\n*1\r\n:1\r\n%1\r\n+a\r\n_\r\n"
    replies = {name: push + reply for name, reply in GOOD.items() if name != b"HELLO"}
    for scan in SCANS.values():
        assert outcome_of(scan, replies) is None


def test_a_server_that_never_stops_to_talk_is_an_error() -> None:
    """It sends without end and without reading: memory must not grow with it."""

    class Flood(ScriptedServer):
        def handle(self, client: socket.socket) -> None:
            client.recv(65536)
            client.sendall(HELLO)
            client.recv(65536)
            while True:
                client.sendall(b"*1\r\n$1\r\n1\r\n" * 10_000)

    with Flood(scripted({})) as server:
        client = gf.connect(server.url, retries=0)
        before = resident_kilobytes()
        keys = [f"{number}:{'k' * 1000}" for number in range(20_000)]
        with pytest.raises(errors.ProtocolError):
            gf.scan_strings(client, keys=keys).collect()
        assert resident_kilobytes() - before < 200_000


# -- real servers ----------------------------------------------------------------------------------


def test_nobody_listens() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))  # so that nobody else takes the port
        port = mute.getsockname()[1]
        with pytest.raises(errors.ServerConnectionError) as caught:
            gf.connect(f"redis://127.0.0.1:{port}", retries=0)
    assert str(caught.value) == (
        f"cannot connect to 127.0.0.1:{port}: connection refused; is the server running there?"
    )


def test_no_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with pytest.raises(errors.ServerConnectionError, match="no such file or directory"):
        gf.connect(f"unix://{path}", retries=0)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    with pytest.raises(errors.ServerConnectionError, match="connection refused"):
        gf.connect(f"unix://{path}", retries=0)


@pytest.mark.parametrize("url", ["http://localhost", "localhost:6379", "redis://h:99999", "", "🚀"])
def test_a_url_that_is_not_one(url: str) -> None:
    with pytest.raises(errors.UrlError):
        gf.connect(url, retries=0)


def test_a_database_that_does_not_exist(url: str) -> None:
    with pytest.raises(errors.OptionError, match=r"db=16 is refused: .*\(CONFIG GET databases"):
        gf.connect(url, db=16, retries=0)


@pytest.mark.parametrize("protocol", [2, 3, None])
@pytest.mark.parametrize("name", ["valkey91", "redis82"])
def test_passwords(
    name: str, protocol: int | None, fresh_server: FreshServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = fresh_server(name, requirepass=SECRET)
    texts = []
    for password in (None, "wrong-" + SECRET):
        with pytest.raises(errors.AuthenticationError) as caught:
            gf.connect(server.url, password=password, protocol=protocol, retries=0)  # type: ignore[arg-type]
        texts += [str(caught.value), repr(caught.value)]
    assert "and none was given" in texts[0] or "Authentication required" in texts[0]
    assert "refused the user «default» with this password" in texts[2]
    client = gf.connect(server.url, password=SECRET, protocol=protocol, retries=0)  # type: ignore[arg-type]
    frame = gf.scan_hashes(client, "*", {"a": pl.Int64})
    assert frame.collect().height == 0
    texts += [repr(client), str(client.url), repr(client.options), str(client.options)]
    texts += [repr(frame), frame.explain(), frame.explain(optimized=False), gf.explain(frame)]
    with redis.Redis(port=server.port, password=SECRET) as admin:
        admin.config_set("requirepass", "another")
    with pytest.raises(errors.AuthenticationError) as caught:
        frame.collect()
    texts += [str(caught.value), repr(caught.value), caplog.text]
    assert not [text for text in texts if SECRET in text]


@pytest.mark.parametrize("echo", [b"-ERR unknown command '%s', with args beginning with: %s\r\n"])
def test_a_server_that_repeats_the_password_does_not_get_it_shown(echo: bytes) -> None:
    def answer(args: list[bytes]) -> bytes:
        return echo % (args[0], b" ".join(b"'%s'" % arg for arg in args[1:]))

    for script in (answer, lambda args: b"-ERR no " + b" ".join(args) + b"\r\n"):
        for protocol in (2, 3, None):
            with ScriptedServer(script) as server, pytest.raises(errors.GearframeError) as caught:
                gf.connect(server.url, password=SECRET, protocol=protocol, retries=0)  # type: ignore[arg-type]
            assert SECRET not in str(caught.value)


ACL = [
    # user's rights, the scan's schema and options, what the message must say
    ("~* +@all -scan", "hashes", ["SCAN:", "scan"]),
    ("~* +@all -hmget", "hashes", ["HMGET:", "hmget"]),
    ("~other:* +@all", "hashes", ["HMGET:", "access"]),
    ("~* +@all -hgetall", "many", None),
    ("~* +@all -hlen", "many", None),
    ("~* +@all -mget", "strings", ["MGET:", "mget"]),
    ("~* +@all -pttl", "ttl", ["PTTL:", "pttl"]),
    ("~* +@all -multi", "missing field", ["MULTI:", "multi"]),
]


@pytest.mark.parametrize(("rights", "scan", "said"), ACL, ids=lambda v: str(v))
@pytest.mark.parametrize("name", ["valkey91", "redis82"])
def test_a_missing_right_is_named(
    name: str, rights: str, scan: str, said: list[str] | None, fresh_server: FreshServer
) -> None:
    server = fresh_server(name, users=[f"ann on >{SECRET} {rights}"])
    with redis.Redis(port=server.port) as admin, admin.pipeline() as pipe:
        pipe.set("text", "1")
        for number in range(100):
            pipe.hset(f"hashes:{number}", mapping={"a": number, "z": "unasked"})
            pipe.hset(f"many:{number}", "a", number)
        pipe.execute()
    client = gf.connect(server.url, username="ann", password=SECRET, retries=0)
    schema = {"b" if scan == "missing field" else "a": pl.Int64}
    frame = (
        gf.scan_strings(client, "text")
        if scan == "strings"
        else gf.scan_hashes(
            client, "many:*" if said is None else "hashes:*", schema, include_ttl=scan == "ttl"
        )
    )
    if said is None:
        # HMGET does as well: a right that is not needed is not asked for.
        assert frame.collect().height == 100
        return
    with pytest.raises(errors.PermissionDeniedError) as caught:
        frame.collect()
    assert type(caught.value) is errors.PermissionDeniedError
    assert [
        word for word in [*said, "NOPERM", "ACL SETUSER"] if word not in str(caught.value)
    ] == []
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["valkey91", "redis82"])
def test_a_server_that_runs_a_script_is_busy(name: str, fresh_server: FreshServer) -> None:
    server = fresh_server(name, busy_reply_threshold=50)
    client = gf.connect(server.url, retries=0)
    admin = redis.Redis(port=server.port, socket_timeout=PATIENCE)
    admin.hset("user:1", "a", 1)
    frame = gf.scan_hashes(client, "*", {"a": pl.Int64})
    with busy(admin):
        with pytest.raises(errors.ServerBusyError, match="SCRIPT KILL"):
            frame.collect()
        with pytest.raises(errors.ServerBusyError, match="SCRIPT KILL"):
            client.ping()
    assert frame.collect().height == 1
    admin.close()


class busy:  # noqa: N801 - reads as a block
    """Keep the server busy with a script, then kill that."""

    def __init__(self, admin: redis.Redis) -> None:
        self.admin = admin
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with pytest.raises(redis.ResponseError):
            self.admin.eval("while true do end", 0)

    def __enter__(self) -> None:
        self.thread.start()
        while True:
            time.sleep(0.02)
            try:
                self.admin.ping()
            except redis.exceptions.RedisError as error:
                if "BUSY" in str(error) or "busy" in str(error):
                    return

    def __exit__(self, *ended: object) -> None:
        self.admin.script_kill()
        self.thread.join()


@pytest.fixture(autouse=True)
def no_rust_panic(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert "panicked" not in capfd.readouterr().err


@pytest.mark.parametrize("throttle", [float("inf"), float("nan"), 0, -1])
def test_a_throttle_that_is_no_rate(throttle: float, url: str) -> None:
    with pytest.raises(errors.OptionError, match=r"expected keys a second from 0\.001"):
        gf.scan_hashes(url, "*", {"a": pl.Int64}, throttle=throttle)


def in_a_cluster(primaries: int) -> Answer:
    hello = b"%7\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$7\r\nversion\r\n$5\r\n9.1.2\r\n"
    hello += b"$5\r\nproto\r\n:3\r\n"
    hello += b"$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$7\r\ncluster\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
    hello += b"$7\r\nmodules\r\n*0\r\n"
    info = f"cluster_state:ok\r\ncluster_size:{primaries}\r\n".encode()
    return by_command(
        {
            b"HELLO": hello,
            b"CLUSTER": b"$%d\r\n%s\r\n" % (len(info), info),
            b"SCAN": b"*2\r\n$1\r\n0\r\n*0\r\n",
        }
    )


def test_a_part_of_a_cluster_is_refused() -> None:
    with ScriptedServer(in_a_cluster(primaries=3)) as server:
        with pytest.raises(errors.OptionError, match="one of 3 primaries of a cluster"):
            gf.read_hashes(server.url, "*", {"a": pl.Int64})
        with pytest.raises(errors.GearframeError, match="one of 3 primaries of a cluster"):
            gf.write_hashes(pl.DataFrame({"_key": ["k"], "a": [1]}), server.url)


def test_a_cluster_of_one_is_whole() -> None:
    with ScriptedServer(in_a_cluster(primaries=1)) as server:
        assert gf.read_hashes(server.url, "*", {"a": pl.Int64}).height == 0
