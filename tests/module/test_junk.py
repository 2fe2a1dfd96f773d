"""Junk in every command and option: each command is answered, and the server lives."""

from __future__ import annotations

import random

import redis

from tests.module.gears import assert_clean, connect, send
from tests.servers.server import Server

SEED = 20_240_607
ROUNDS = 40

COMMANDS = [
    "PYEXECUTE",
    "DUMPEXECUTIONS",
    "GETEXECUTION",
    "GETRESULTS",
    "GETRESULTSBLOCKING",
    "ABORTEXECUTION",
    "DROPEXECUTION",
    "DUMPREGISTRATIONS",
    "UNREGISTER",
    "PAUSEREGISTRATIONS",
    "UNPAUSEREGISTRATIONS",
    "CLEARREGISTRATIONSSTATS",
    "TRIGGER",
    "TRIGGERONKEY",
    "PYDUMPSESSIONS",
    "PYDUMPREQS",
    "PYEXPORTREQ",
    "PYIMPORTREQ",
    "PYSTATS",
    "PYPROFILE",
    "REFRESHCLUSTER",
    "INFOCLUSTER",
    "DUMPPLUGINS",
    "CONFIGGET",
    "CONFIGSET",
    "PYEXECUTEREMOTE",
    "PYFREEINTERPRETER",
]

WORDS = [
    "UNBLOCKING",
    "UPGRADE",
    "FORCE_REINSTALL_REQUIREMENTS",
    "REPLACE_WITH",
    "ID",
    "DESCRIPTION",
    "ISOLATION",
    "shared",
    "SHARD",
    "CLUSTER",
    "VERBOSE",
    "DEAD",
    "SESSIONS",
    "STATS",
    "RESET",
    "ABORTPENDING",
    "0",
    "-1",
    "1",
    "99999999999999999999",
    "MaxExecutions",
    "Isolation",
    "nan",
]


def argument(chance: random.Random) -> bytes:
    kind = chance.randrange(8)
    if kind < 3:
        return chance.choice(WORDS).encode()
    if kind == 3:
        return b""
    if kind == 4:
        return chance.randbytes(chance.randrange(1, 60))
    if kind == 5:
        return chance.choice([b"\0", b"\xff\xfe", b"\r\n", b"%s%n", b"'\"\\", "\u20ac".encode()])
    if kind == 6:
        return bytes([chance.randrange(256)]) * chance.choice([1000, 100_000])
    return b"0" * 40 + b"-%d" % chance.randrange(100)


def test_junk_in_every_command(module_server: Server, module_url: str) -> None:
    chance, start = random.Random(SEED), len(module_server.log())
    with connect(module_server) as client:
        for name in COMMANDS:
            for _ in range(ROUNDS):
                arguments = [argument(chance) for _ in range(chance.randrange(6))]
                if name == "CONFIGSET":  # the settings of a server that others use
                    arguments = [b"junk" + each for each in arguments]
                try:
                    client.execute_command(f"RG.{name}", *arguments)
                except (redis.ResponseError, redis.exceptions.NoPermissionError):
                    continue
        assert client.ping()
        assert send(client, "1") == b"OK"
    assert_clean(module_server, start)


def test_very_many_and_very_large_arguments(module_server: Server, module_url: str) -> None:
    with connect(module_server) as client:
        for name in COMMANDS:
            for arguments in ([b"x"] * 50_000, [b"x" * 5_000_000], [b"1", b"ID"] * 10_000):
                try:
                    client.execute_command(f"RG.{name}", *arguments)
                except redis.ResponseError:
                    continue
        assert send(client, "1") == b"OK"


def test_scripts_of_junk(module_server: Server, module_url: str) -> None:
    chance, start = random.Random(SEED), len(module_server.log())
    with connect(module_server) as client:
        for script in (
            *(chance.randbytes(200) for _ in range(100)),
            b"",
            b"\0",
            b"\xff",
            b"#" * 10_000_000,
            b"(" * 100_000,
            b"x = 1\n" * 200_000,
            b"\xef\xbb\xbf1",
            b"# coding: utf-16\n1",
            b"\tif",
            b"a" * 1_000_000,
            b"lambda:" * 50_000,
            b"-" * 1_000_000 + b"1",
            b"[" * 90 + b"]" * 90,
        ):
            try:
                client.execute_command("RG.PYEXECUTE", script)
            except redis.ResponseError:
                continue
        assert send(client, "1") == b"OK"
    assert_clean(module_server, start)
