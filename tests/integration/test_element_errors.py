"""Refusals and nonsense in answer to each command that reads elements: one clear exception each."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe import exceptions as errors
from tests.integration.test_server_errors import HELLO, SECRET
from tests.servers.fixtures import FreshServer
from tests.servers.scripted import Answer, ScriptedServer

MANY = 5_000


def texts(count: int) -> bytes:
    return b"*%d\r\n" % count + b"$1\r\nx\r\n" * count


def window(args: list[bytes]) -> bytes:
    """What LRANGE answers of a long list."""
    return texts(max(0, min(int(args[3]), MANY - 1) - int(args[2]) + 1))


def members(args: list[bytes]) -> bytes:
    """What SRANDMEMBER answers of a large set."""
    return texts(min(int(args[2]), MANY))


def ranked(args: list[bytes]) -> bytes:
    """What ZRANGE WITHSCORES answers of a large set in RESP3."""
    count = int(args[7]) if b"BYSCORE" in args else int(args[3]) - int(args[2]) + 1
    return b"*%d\r\n" % count + b"*2\r\n$1\r\nx\r\n,1.5\r\n" * count


Replies = dict[bytes, bytes | Answer]
Scan = Callable[[gf.Client], pl.LazyFrame]

COMMON: Replies = {
    b"HELLO": HELLO,
    b"SCAN": b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n",
    b"MULTI": b"+OK\r\n",
    b"WATCH": b"+OK\r\n",
    b"EXEC": b"*0\r\n",
    b"TYPE": b"+list\r\n",
}
PIECE = b"*2\r\n$1\r\n%d\r\n"
SMALL_HASH = PIECE % 0 + texts(2)

# Each scan with all that it asks for, and what is answered when all is well.
SCANS: dict[str, tuple[Scan, Replies]] = {
    "set": (lambda client: gf.scan_sets(client), {b"SRANDMEMBER": texts(2)}),
    "large set": (
        lambda client: gf.scan_sets(client),
        {b"SRANDMEMBER": members, b"SSCAN": PIECE % 0 + texts(1)},
    ),
    "list": (lambda client: gf.scan_lists(client), {b"LRANGE": texts(2)}),
    "end of a list": (
        lambda client: gf.scan_lists(client, start=-2, include_position=True),
        {b"LLEN": b"+QUEUED\r\n", b"LRANGE": b"+QUEUED\r\n", b"EXEC": b"*2\r\n:2\r\n" + texts(2)},
    ),
    "long list": (
        lambda client: gf.scan_lists(client),
        {b"LRANGE": window, b"LLEN": b":%d\r\n" % MANY},
    ),
    "scores": (
        lambda client: gf.scan_zsets(client, min_score=1),
        {b"ZRANGE": b"*1\r\n*2\r\n$1\r\nx\r\n,1.5\r\n"},
    ),
    "ranks of scores": (
        lambda client: gf.scan_zsets(client, min_score=1, include_rank=True),
        {
            b"ZCOUNT": b"+QUEUED\r\n",
            b"ZRANGE": b"+QUEUED\r\n",
            b"EXEC": b"*2\r\n:0\r\n*1\r\n*2\r\n$1\r\nx\r\n,1.5\r\n",
        },
    ),
    "many scores": (
        lambda client: gf.scan_zsets(client, min_score=1),
        {b"ZRANGE": ranked, b"ZCOUNT": b":500\r\n"},
    ),
    "many ranks": (
        lambda client: gf.scan_zsets(client, include_rank=True),
        {b"ZRANGE": ranked, b"ZCARD": b":500\r\n"},
    ),
    "large zset": (
        lambda client: gf.scan_zsets(client),
        {b"ZRANGE": ranked, b"ZSCAN": PIECE % 0 + b"*2\r\n$1\r\nx\r\n$1\r\n1\r\n"},
    ),
    "stream": (
        lambda client: gf.scan_streams(client, schema={"x": pl.String}),
        {b"XRANGE": b"*1\r\n*2\r\n$3\r\n1-1\r\n" + texts(2)},
    ),
    "fields": (lambda client: gf.scan_hashes(client, format="long"), {b"HSCAN": SMALL_HASH}),
    "times of fields": (
        lambda client: gf.scan_hashes(client, format="long", field_ttl=True),
        {b"HSCAN": SMALL_HASH, b"HPTTL": b"*1\r\n:-1\r\n"},
    ),
    "times of columns": (
        lambda client: gf.scan_hashes(client, "*", {"x": pl.String}, field_ttl=True),
        {b"HMGET": texts(1), b"HPTTL": b"*1\r\n:-1\r\n"},
    ),
    "facts": (
        lambda client: gf.scan_keys(client).select("encoding", "memory", "length"),
        {b"OBJECT": b"$3\r\nraw\r\n", b"MEMORY": b":7\r\n", b"LLEN": b":7\r\n"},
    ),
}  # fmt: skip

COMMANDS = [
    (name, command)
    for name, (_, replies) in SCANS.items()
    for command in replies
    if command != b"EXEC"
] + [
    ("end of a list", b"MULTI"), ("end of a list", b"EXEC"), ("ranks of scores", b"EXEC"),
    ("long list", b"WATCH"), ("long list", b"MULTI"), ("long list", b"EXEC"),
    ("many scores", b"WATCH"), ("facts", b"TYPE"),
]  # fmt: skip
IDS = [f"{name} {command.decode()}" for name, command in COMMANDS]


def outcome_of(name: str, changed: Replies) -> Exception | None:
    scan, good = SCANS[name]
    replies = {**COMMON, **good, **changed}

    def answer(args: list[bytes]) -> bytes | None:
        reply = replies.get(args[0].upper(), b"-ERR unknown command\r\n")
        return reply(args) if callable(reply) else reply

    with (
        ScriptedServer(answer) as server,
        gf.connect(server.url, retries=0) as client,
    ):
        try:
            scan(client).collect()
        except Exception as error:  # noqa: BLE001 - the class is what is tested
            return error
    return None


@pytest.mark.parametrize("name", SCANS)
def test_the_scripted_server_can_answer_well(name: str) -> None:
    assert outcome_of(name, {}) is None


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=IDS)
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("NOPERM No permissions", errors.PermissionDeniedError),
        ("LOADING the dataset", errors.ServerLoadingError),
        ("ERR something else", errors.ReplyError),
    ],
    ids=lambda value: str(value).split(" ")[0],
)
def test_a_refusal_names_the_command(
    name: str, command: bytes, text: str, kind: type[Exception]
) -> None:
    error = outcome_of(name, {command: b"-%s\r\n" % text.encode()})
    assert type(error) is kind
    called = {b"OBJECT": "OBJECT ENCODING", b"MEMORY": "MEMORY USAGE"}
    said = called.get(command, command.decode())
    assert str(error).startswith(f"{said}: the server answered «{text}»")


NONSENSE = [
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"$99999999999\r\n",
    b"*9999999999\r\n",
    b"*-7\r\n",
    b"#t\r\n",
    b"%1\r\n$1\r\na\r\n$1\r\nb\r\n",
]


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=IDS)
@pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda value: repr(value[:12]))
def test_nonsense_is_a_protocol_error(name: str, command: bytes, nonsense: bytes) -> None:
    error = outcome_of(name, {command: nonsense})
    assert type(error) is errors.ProtocolError, error
    assert 20 < len(str(error)) < 400


WRONG_SHAPES = [
    ("set", b"SRANDMEMBER", b"$1\r\nx\r\n"),
    ("set", b"SRANDMEMBER", b"*1\r\n$-1\r\n"),
    ("set", b"SRANDMEMBER", b"*1\r\n*1\r\n$1\r\nx\r\n"),
    ("large set", b"SSCAN", texts(2)),
    ("large set", b"SSCAN", texts(1)),
    ("large set", b"SSCAN", PIECE % 0 + b"$1\r\nx\r\n"),
    ("large set", b"SSCAN", b"*2\r\n$-1\r\n*0\r\n"),
    ("large set", b"SSCAN", b"*2\r\n$2\r\n-1\r\n*0\r\n"),
    ("list", b"LRANGE", b":7\r\n"),
    ("list", b"LRANGE", b"*-1\r\n"),
    ("list", b"LRANGE", b"*1\r\n:7\r\n"),
    ("list", b"LRANGE", texts(2) + b"+OK\r\n"),
    ("end of a list", b"MULTI", b"+QUEUED\r\n"),
    ("end of a list", b"LLEN", b":2\r\n"),
    ("end of a list", b"LRANGE", texts(2)),
    ("end of a list", b"EXEC", b"*-1\r\n"),
    ("end of a list", b"EXEC", b"*1\r\n:2\r\n"),
    ("end of a list", b"EXEC", b"*2\r\n$1\r\n2\r\n" + texts(2)),
    ("end of a list", b"EXEC", b"*2\r\n:2\r\n:2\r\n"),
    ("long list", b"LLEN", b"$4\r\n1000\r\n"),
    ("long list", b"EXEC", b"+OK\r\n"),
    ("long list", b"EXEC", b"*1\r\n:1\r\n"),
    ("ranks of scores", b"EXEC", b"*2\r\n_\r\n*0\r\n"),
    ("scores", b"ZRANGE", b"*1\r\n$1\r\nx\r\n"),
    ("scores", b"ZRANGE", b"*2\r\n$1\r\nx\r\n$1\r\n1\r\n"),
    ("scores", b"ZRANGE", b"*1\r\n*3\r\n$1\r\nx\r\n,1.5\r\n,1.5\r\n"),
    ("large zset", b"ZSCAN", PIECE % 0 + texts(3)),
    ("stream", b"XRANGE", b"*1\r\n$3\r\n1-1\r\n"),
    ("stream", b"XRANGE", b"*1\r\n*1\r\n$3\r\n1-1\r\n"),
    ("stream", b"XRANGE", b"*1\r\n*2\r\n$1\r\n1\r\n" + texts(2)),
    ("stream", b"XRANGE", b"*1\r\n*2\r\n$21\r\n18446744073709551616-\r\n"),
    ("stream", b"XRANGE", b"*1\r\n*2\r\n$3\r\n1-1\r\n$1\r\nx\r\n"),
    ("stream", b"XRANGE", b"*1\r\n*2\r\n$3\r\n1-1\r\n" + texts(3)),
    ("fields", b"HSCAN", PIECE % 0 + texts(3)),
    ("times of fields", b"HPTTL", b"*2\r\n:-1\r\n:-1\r\n"),
    ("times of fields", b"HPTTL", b"*0\r\n"),
    ("times of fields", b"HPTTL", b"*1\r\n$2\r\n-1\r\n"),
    ("times of columns", b"HPTTL", b":-1\r\n"),
    ("facts", b"OBJECT", b":7\r\n"),
    ("facts", b"MEMORY", b"$1\r\n7\r\n"),
    ("facts", b"LLEN", b"_\r\n"),
]


@pytest.mark.parametrize(("name", "command", "reply"), WRONG_SHAPES)
def test_a_reply_of_the_wrong_shape_is_a_protocol_error(
    name: str, command: bytes, reply: bytes
) -> None:
    error = outcome_of(name, {command: reply})
    assert type(error) is errors.ProtocolError, error


def test_a_score_that_is_no_number_is_no_crash() -> None:
    error = outcome_of("scores", {b"ZRANGE": b"*1\r\n*2\r\n$1\r\nx\r\n$1\r\nx\r\n"})
    assert type(error) in (errors.DataError, errors.ProtocolError)


REFUSED: list[tuple[str, Scan, str]] = [
    ("srandmember", lambda client: gf.scan_sets(client), "SRANDMEMBER"),
    ("sscan", lambda client: gf.scan_sets(client), "SSCAN"),
    ("lrange", lambda client: gf.scan_lists(client), "LRANGE"),
    ("watch", lambda client: gf.scan_lists(client), "WATCH"),
    ("multi", lambda client: gf.scan_lists(client), "MULTI"),
    ("llen", lambda client: gf.scan_lists(client), "LLEN"),
    ("llen", lambda client: gf.scan_lists(client, start=-2, include_position=True), "LLEN"),
    ("multi", lambda client: gf.scan_lists(client, start=-2, include_position=True), "MULTI"),
    ("zrange", lambda client: gf.scan_zsets(client), "ZRANGE"),
    ("zscan", lambda client: gf.scan_zsets(client), "ZSCAN"),
    ("zcard", lambda client: gf.scan_zsets(client, include_rank=True), "ZCARD"),
    ("zcount", lambda client: gf.scan_zsets(client, min_score=1), "ZCOUNT"),
    ("zcount", lambda client: gf.scan_zsets(client, min_score=1, include_rank=True), "ZCOUNT"),
    ("xrange", lambda client: gf.scan_streams(client), "XRANGE"),
    ("hscan", lambda client: gf.scan_hashes(client, format="long"), "HSCAN"),
    ("hpttl", lambda client: gf.scan_hashes(client, format="long", field_ttl=True), "HPTTL"),
    ("object|encoding", lambda client: gf.scan_keys(client), "OBJECT ENCODING"),
    ("memory|usage", lambda client: gf.scan_keys(client), "MEMORY USAGE"),
    ("xlen", lambda client: gf.scan_keys(client), "XLEN"),
]


@pytest.mark.parametrize("name", ["valkey91", "redis82"])
def test_a_missing_right_is_named(name: str, fresh_server: FreshServer) -> None:
    users = [
        f"u{number} on >{SECRET} ~* +@all -{command}"
        for number, (command, _, _) in enumerate(REFUSED)
    ]
    server = fresh_server(name, users=users)
    with redis.Redis(port=server.port) as admin:
        admin.sadd("set", *range(MANY))
        admin.rpush("list", *range(MANY))
        admin.zadd("zset", {str(number): number for number in range(MANY)})
        admin.hset("hash", mapping={str(number): number for number in range(MANY)})
        admin.xadd("stream", {"a": "1"})
    for number, (command, scan, said) in enumerate(REFUSED):
        client = gf.connect(server.url, username=f"u{number}", password=SECRET, retries=0)
        with client, pytest.raises(errors.PermissionDeniedError) as caught:
            scan(client).collect()
        assert str(caught.value).startswith(f"{said}: the server answered «NOPERM"), command
        assert SECRET not in str(caught.value)
