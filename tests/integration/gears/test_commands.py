"""The RG.* commands of a server, as a client of redis-py sees them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.servers.fixtures import FreshServer
from tests.servers.patience import wait_until
from tests.unit.shard.plane import pairs
from tests.unit.shard.wheels import make_wheel

LOOP = "def forever(record):\n    while True: pass\n"
ENDLESS = LOOP + "GB('PythonReader').foreach(forever).run(lambda: [1])"
ONE = "GB('PythonReader').run(lambda: [1])"

Ask = Callable[..., Any]


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def client(request: pytest.FixtureRequest, module_url: str) -> Iterator[redis.Redis]:
    found = redis.Redis.from_url(
        module_url, protocol=request.param, decode_responses=True, retry=None, socket_timeout=60
    )
    with found:
        yield found
        for line in found.execute_command("RG.DUMPEXECUTIONS"):
            with suppress(redis.ResponseError):  # one that a client waited for is gone when done
                found.execute_command("RG.ABORTEXECUTION", line[1])
                found.execute_command("RG.DROPEXECUTION", line[1])
        wait_until(lambda: sessions(found.execute_command) == [])


@pytest.fixture
def ask(client: redis.Redis) -> Ask:
    return client.execute_command  # type: ignore[no-any-return]


def refusal(ask: Ask, *command: str | bytes) -> str:
    with pytest.raises(redis.ResponseError) as raised:
        ask(*command)
    return str(raised.value)


@contextmanager
def pip_may_be_silent(ask: Ask) -> Iterator[None]:
    """Let pip print nothing for minutes: so it begins, and a busy machine takes long for that."""
    (before,) = ask("RG.CONFIGGET", "PythonInstallReqMaxIdleTime")
    ask("RG.CONFIGSET", "PythonInstallReqMaxIdleTime", "300000")
    try:
        yield
    finally:
        ask("RG.CONFIGSET", "PythonInstallReqMaxIdleTime", before)


def sessions(ask: Ask, *options: str) -> list[str]:
    return [pairs(each)["ID"] for each in ask("RG.PYDUMPSESSIONS", *options)]


def test_a_script(ask: Ask) -> None:
    assert ask("RG.PYEXECUTE", "x = 1") == "OK"
    assert ask("RG.PYEXECUTE", ONE) == [["1"], []]
    assert sessions(ask) == []


def test_errors(ask: Ask) -> None:
    raised = refusal(ask, "RG.PYEXECUTE", "raise ValueError('so')", "ID", "e")
    assert raised.startswith("Traceback (most recent call last):")
    assert raised.endswith("ValueError: so")
    assert refusal(ask, "RG.PYEXECUTE", "flat_error('flat')") == "flat"
    assert refusal(ask, "RG.PYEXECUTE", "x", "ID") == "ID is missing"
    assert refusal(ask, "RG.PYEXECUTE", b"\xff").startswith("the script is not UTF-8 text")
    assert refusal(ask, "RG.GETRESULTS", "x") == "execution plan does not exist"
    assert refusal(ask, "RG.UNREGISTER", "x") == "execution is not registered"
    assert refusal(ask, "RG.TRIGGER", "x") == "subcommand not found"
    assert refusal(ask, "RG.GETRESULTS") == "wrong number of arguments for 'rg.getresults' command"


def test_an_execution_from_its_id_to_its_end(ask: Ask) -> None:
    name = ask("RG.PYEXECUTE", ONE, "UNBLOCKING", "ID", "a")
    assert ask("RG.GETRESULTSBLOCKING", name) == [["1"], []]
    assert ask("RG.GETRESULTS", name) == [["1"], []]
    assert ["executionId", name, "status", "done", "registered", 0] in ask("RG.DUMPEXECUTIONS")
    ((_, shard, _, plan),) = ask("RG.GETEXECUTION", name)
    assert name.startswith(shard)
    assert [pairs(each)["type"] for each in pairs(plan)["steps"]] == ["map", "collect"]
    assert sessions(ask) == ["a"]
    assert ask("RG.DROPEXECUTION", name) == "OK"
    assert sessions(ask) == []


def test_an_endless_loop_is_aborted(ask: Ask) -> None:
    name = ask("RG.PYEXECUTE", ENDLESS, "UNBLOCKING")
    assert refusal(ask, "RG.GETRESULTS", name) == "execution is still running"
    assert refusal(ask, "RG.DROPEXECUTION", name).startswith("can not drop a not yet finished")
    assert ask("RG.ABORTEXECUTION", name) == "OK"
    assert ask("RG.GETRESULTS", name) == [[], ["execution was aborted"]]


@pytest.mark.parametrize("script", [ENDLESS, LOOP + "forever(1)"], ids=["step", "body"])
@pytest.mark.parametrize("isolation", ["shared", "subinterpreter"])
def test_a_client_that_leaves_ends_what_it_runs(
    module_url: str, ask: Ask, script: str, isolation: str
) -> None:
    leaving = redis.Redis.from_url(module_url).connection_pool.get_connection()
    leaving.send_command("RG.PYEXECUTE", script, "ID", "leaving", "ISOLATION", isolation)
    wait_until(lambda: "leaving" in sessions(ask))
    leaving.disconnect()
    wait_until(lambda: "leaving" not in sessions(ask))


def test_many_wait_for_one(module_url: str, ask: Ask) -> None:
    name = ask("RG.PYEXECUTE", ENDLESS, "UNBLOCKING")
    replies: list[Any] = []

    def wait() -> None:
        with redis.Redis.from_url(module_url) as other:
            replies.append(other.execute_command("RG.GETRESULTSBLOCKING", name))

    threads = [threading.Thread(target=wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    ask("RG.ABORTEXECUTION", name)
    for thread in threads:
        thread.join(60)
    assert len(replies) == 5
    assert all(each == [[], [b"execution was aborted"]] for each in replies)


def test_an_upgrade(ask: Ask) -> None:
    name = ask("RG.PYEXECUTE", ENDLESS, "UNBLOCKING", "ID", "a")
    assert refusal(ask, "RG.PYEXECUTE", ONE, "ID", "a") == "Session a already exists"
    assert ask("RG.PYEXECUTE", ONE, "ID", "a", "UPGRADE") == [["1"], []]
    assert sessions(ask, "DEAD") == ["a"]
    ask("RG.ABORTEXECUTION", name)
    ask("RG.DROPEXECUTION", name)
    assert sessions(ask, "DEAD") == []


@pytest.mark.parametrize("isolation", ["shared", "subinterpreter"])
def test_a_requirement(ask: Ask, tmp_path: Path, isolation: str) -> None:
    wheel = make_wheel(tmp_path, f"thing{isolation}")
    script = f"import thing{isolation} as t\n"
    script += "GB('PythonReader').map(lambda _: t.VERSION).run(lambda: [1])"
    with pip_may_be_silent(ask):
        reply = ask("RG.PYEXECUTE", script, "ISOLATION", isolation, "REQUIREMENTS", wheel)
    assert reply == [["1.0"], []]
    (line,) = [each for each in map(pairs, ask("RG.PYDUMPREQS")) if each["Name"] == wheel]
    assert line["Wheels"] == [f"thing{isolation}-1.0"]


def test_a_requirement_that_is_not_there(ask: Ask, tmp_path: Path) -> None:
    text = "Could not satisfy requirements (look at redis log file for more information)"
    absent = (tmp_path / "absent-1.0-py3-none-any.whl").as_uri()
    assert refusal(ask, "RG.PYEXECUTE", ONE, "REQUIREMENTS", absent) == text


def test_settings(fresh_server: FreshServer) -> None:
    server = fresh_server(gears={"ExecutionTimeLimit": 200, "MaxExecutions": 2})
    with redis.Redis.from_url(server.url, decode_responses=True) as client:

        def outcome() -> Any:
            try:
                return client.execute_command("RG.PYEXECUTE", ENDLESS)
            except redis.ResponseError as error:  # a slow machine has not come to the execution
                if "timed out after 200 ms" not in str(error):
                    raise
                return None

        _, (error,) = wait_until(outcome)
        assert "timed out after 200 ms" in error
        client.config_set("rg.executiontimelimit", "0")
        names = []
        for _ in range(4):  # one after another: those that run at once end in any order
            names.append(client.execute_command("RG.PYEXECUTE", ONE, "UNBLOCKING"))
            client.execute_command("RG.GETRESULTSBLOCKING", names[-1])
        assert [each[1] for each in client.execute_command("RG.DUMPEXECUTIONS")] == names[2:]
        client.config_set("rg.executionenabled", "0")
        refused = refusal(client.execute_command, "RG.PYEXECUTE", ONE)
        assert "switched off" in refused


def test_info(ask: Ask, client: redis.Redis) -> None:
    name = ask("RG.PYEXECUTE", ONE, "UNBLOCKING")
    ask("RG.GETRESULTSBLOCKING", name)
    found = client.info("everything")
    assert found["rg_nexecutions"] == 1
    assert found["rg_nregistrations"] == 0
    assert found["rg_nsessions"] == 1
    assert found["rg_result_bytes"] > 0
    assert found["rg_CurrAllocated"] > 0


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("RG.DUMPREGISTRATIONS", []),
        ("RG.INFOCLUSTER", "no cluster mode"),
        ("RG.REFRESHCLUSTER", "OK"),
    ],
)
def test_plain_answers(ask: Ask, command: str, reply: object) -> None:
    assert ask(command) == reply
