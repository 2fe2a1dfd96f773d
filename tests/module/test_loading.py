"""Loading the module: arguments, settings, and Pythons that cannot be hosted."""

from __future__ import annotations

import stat
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from gearframe.embedded.module import module_path
from tests.module.gears import assert_clean, connect, send
from tests.servers.catalog import find, with_gears
from tests.servers.fixtures import FreshServer
from tests.servers.patience import wait_until
from tests.servers.server import Server, ServerError

SERVERS = ("valkey91", "redis82", "stack74")


def refused(fresh_server: FreshServer, name: str, arguments: Mapping[str, str | int]) -> str:
    """What the log says of a load that is refused; the server does not start."""
    with pytest.raises(ServerError) as failure:
        fresh_server(name, gears=arguments)
    text = str(failure.value)
    assert "crash" not in text
    assert "gearframe is not loaded" in text
    return text


def program(folder: Path, text: str) -> str:
    file = folder / "python"
    file.write_text(text)
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


@pytest.mark.parametrize("name", SERVERS)
def test_a_python_that_is_not_there(fresh_server: FreshServer, name: str) -> None:
    text = refused(fresh_server, name, {"Python": "/no/such/python"})
    assert "/no/such/python cannot be run" in text
    assert "name the python of the environment" in text


def test_a_file_that_is_no_program(fresh_server: FreshServer, tmp_path: Path) -> None:
    file = tmp_path / "python"
    file.write_text("just a text")
    assert "cannot be run" in refused(fresh_server, "valkey91", {"Python": str(file)})
    assert "cannot be run" in refused(fresh_server, "valkey91", {"Python": str(tmp_path)})


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ("#!/bin/sh\nexit 1\n", "it says nothing"),
        ("#!/bin/sh\necho hello\n", "does not answer as Python does"),
        ("#!/bin/sh\nprintf '3.11.7\\n\\n/usr/bin/python3\\n'\n", "has no shared libpython"),
        ("#!/bin/sh\nprintf '3.11.7\\n/etc/passwd\\n/usr/bin/python3\\n'\n", "/etc/passwd"),
        ("#!/bin/sh\nprintf '3.11.7\\n/no/such.so\\n/usr/bin/python3\\n'\n", "/no/such.so"),
        ("#!/bin/sh\nkill -9 $$\n", "it says nothing"),
    ],
)
def test_programs_that_are_no_python(
    fresh_server: FreshServer, tmp_path: Path, answers: str, said: str
) -> None:
    assert said in refused(fresh_server, "valkey91", {"Python": program(tmp_path, answers)})


@pytest.mark.timeout(180)
def test_a_program_that_never_answers_is_given_up(
    fresh_server: FreshServer, tmp_path: Path
) -> None:
    server = fresh_server("valkey91", enable_module_command="yes")
    hangs = program(tmp_path, "#!/bin/sh\nsleep 100000\n")
    with connect(server, socket_timeout=120) as client:
        with pytest.raises(redis.ResponseError):
            client.execute_command("MODULE", "LOAD", str(module_path()), "Python", hangs)
        assert f"gearframe is not loaded: {hangs} has not answered within 20 s" in server.log()
        client.execute_command("MODULE", "LOAD", str(module_path()), "Python", sys.executable)
        assert send(client, "GB('ShardsIDReader').count().run()") == [[b"1"], []]
    assert_clean(server)


IGNORING = """
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def test_a_server_that_never_hears_how_its_children_end() -> None:
    """Whoever started it ignores SIGCHLD; then the kernel forgets how a child has ended."""
    entry = with_gears(find("valkey91"))
    command = (sys.executable, "-c", IGNORING, *entry.command)
    with Server(replace(entry, command=command)) as server, connect(server) as client:
        assert send(client, "GB('ShardsIDReader').count().run()") == [[b"1"], []]
        assert_clean(server)


def old_pythons() -> list[Path]:
    found = Path.home().glob(".pyenv/versions/3.[6-9].*/bin/python")
    return [*found, *Path.home().glob(".pyenv/versions/3.10.*/bin/python")]


def test_pythons_that_are_too_old(fresh_server: FreshServer) -> None:
    for python in old_pythons():
        text = refused(fresh_server, "valkey91", {"Python": str(python)})
        assert "3.11" in text, text


def test_a_python_without_what_gearframe_needs_is_told(
    fresh_server: FreshServer, tmp_path: Path
) -> None:
    fake = "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'cloudpickle'\" >&2\nexit 1\n"
    text = refused(fresh_server, "valkey91", {"Python": program(tmp_path, fake)})
    assert "No module named 'cloudpickle'" in text


@pytest.mark.parametrize("name", SERVERS)
def test_arguments_that_cannot_be(fresh_server: FreshServer, name: str) -> None:
    for arguments, said in (
        ({"MaxExecutions": "many"}, "MaxExecutions takes a whole number"),
        ({"MaxExecutions": -1}, "MaxExecutions takes 0 or more"),
        ({"Isolation": "none"}, "Isolation takes shared or subinterpreter"),
        ({"ExecutionThreads": 0}, "ExecutionThreads takes 1 to 1024"),
        ({"MaxExecutions": "99999999999999999999"}, "MaxExecutions takes a whole number"),
    ):
        assert said in refused(fresh_server, name, arguments)


def test_an_argument_without_a_value(fresh_server: FreshServer) -> None:
    with pytest.raises(ServerError, match="arguments are pairs"):
        fresh_server("valkey91", modules=[f"{module_path()} MaxExecutions"])


@pytest.mark.parametrize("name", SERVERS)
def test_loading_at_run_time(fresh_server: FreshServer, name: str) -> None:
    server = fresh_server(name, enable_module_command="yes")
    with connect(server) as client:
        client.set("kept", 1)
        for arguments in (["Python", "/no/such/python"], ["Python"], ["MaxExecutions", "x"]):
            with pytest.raises(redis.ResponseError):
                client.execute_command("MODULE", "LOAD", str(module_path()), *arguments)
        assert client.get("kept") == b"1"
        assert "gearframe is not loaded" in server.log()
        client.execute_command("MODULE", "LOAD", str(module_path()), "Python", sys.executable)
        assert send(client, "GB().count().run()") == [[b"1"], []]
        with pytest.raises(redis.ResponseError):
            client.execute_command("MODULE", "LOAD", str(module_path()), "Python", sys.executable)
        assert send(client, "GB().count().run()") == [[b"1"], []]
    assert_clean(server)


@pytest.mark.parametrize("name", SERVERS)
def test_what_nobody_knows_is_kept_and_what_is_known_is_set(
    fresh_server: FreshServer, name: str
) -> None:
    server = fresh_server(
        name, gears={"mine": "a value", "maxEXECUTIONS": 7, "ExecutionThreads": 2}
    )
    with connect(server) as client:
        get = ("RG.CONFIGGET", "mine", "MaxExecutions", "ExecutionThreads", "other")
        *known, other = client.execute_command(*get)
        assert known == [b"a value", b"7", b"2"]
        assert other == b"(error) Unsupported config parameter: other"
        assert client.config_get("rg.maxexecutions") == {"rg.maxexecutions": "7"} or (
            client.config_get("rg.maxexecutions") == {b"rg.maxexecutions": b"7"}
        )
        assert send(client, "if configGet('mine') != 'a value': raise ValueError") == b"OK"


@pytest.mark.parametrize("name", SERVERS)
def test_settings_of_the_configuration_file(
    fresh_server: FreshServer, name: str, tmp_path: Path
) -> None:
    server = fresh_server(name, gears=True, **{"rg.maxexecutions": 5})
    with connect(server) as client:
        assert client.execute_command("RG.CONFIGGET", "MaxExecutions") == [b"5"]
        client.config_set("rg.maxexecutions", 6)
        assert client.execute_command("RG.CONFIGGET", "MaxExecutions") == [b"6"]
        client.execute_command("RG.CONFIGSET", "MaxExecutions", 8)
        assert str(client.config_get("rg.maxexecutions")).count("8") == 1
        for setting, value in (("maxexecutions", "-1"), ("isolation", "none")):
            with pytest.raises(redis.ResponseError):
                client.config_set(f"rg.{setting}", value)
        with pytest.raises(redis.ResponseError):
            client.config_set("rg.executionthreads", 9)
        answers = client.execute_command(
            "RG.CONFIGSET", "ExecutionThreads", 9, "MaxExecutions", "x"
        )
        assert all(each.startswith(b"(error)") for each in answers)
        assert client.execute_command("RG.CONFIGSET", "new", "x")[0].startswith(b"OK")


def test_rewriting_the_configuration_file(fresh_server: FreshServer) -> None:
    """A file that is written by CONFIG REWRITE is one that a server starts with."""
    server = fresh_server("valkey91")
    assert server.folder is not None
    file = server.folder / "own.conf"
    other = fresh_server("valkey91", gears=True)
    assert other.folder is not None
    file.write_text(
        f"dir {server.folder}\nunixsocket {server.folder}/own\nport 0\n"
        f"loadmodule {module_path()} Python {sys.executable}\nrg.maxexecutions 5\n"
    )
    import subprocess

    for expected in (b"5", b"9"):
        process = subprocess.Popen(
            [*other.entry.command, str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with redis.Redis(unix_socket_path=f"{server.folder}/own", protocol=2) as client:
                wait_until(lambda client=client: _there(client))
                assert client.execute_command("RG.CONFIGGET", "MaxExecutions") == [expected]
                client.config_set("rg.maxexecutions", 9)
                client.config_set("rg.isolation", "subinterpreter")
                client.config_rewrite()
            assert "rg.maxexecutions 9" in file.read_text()
        finally:
            process.terminate()
            process.wait(20)
        assert process.returncode == 0


def _there(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
