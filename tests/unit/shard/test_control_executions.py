"""Executions: what is listed, waited for, aborted, dropped and kept."""

from __future__ import annotations

import pytest

from tests.unit.shard.plane import SHARD, Plane, pairs

UNKNOWN = "execution plan does not exist"


def status(plane: Plane, name: str) -> str:
    found = [each for each in plane.ask("RG.DUMPEXECUTIONS") if each[1] == name]
    return str(pairs(found[0])["status"]) if found else "none"


def test_the_list(plane: Plane) -> None:
    assert plane.ask("RG.DUMPEXECUTIONS") == []
    _, first = plane.run()
    second = plane.finished("1")
    assert plane.ask("RG.DUMPEXECUTIONS") == [
        ["executionId", first, "status", "running", "registered", 0],
        ["executionId", second, "status", "done", "registered", 0],
    ]


@pytest.mark.parametrize("scope", [(), ("SHARD",), ("cluster",)])
def test_a_description(plane: Plane, scope: tuple[str, ...]) -> None:
    _, name = plane.run("UNBLOCKING")
    ((_, shard, _, running),) = plane.ask("RG.GETEXECUTION", name, *scope)
    assert shard == SHARD
    assert running == [
        *("status", "running", "shards_received", 0, "shards_completed", 0, "results", -1),
        *("errors", [], "total_duration", 0, "read_duration", 0),
        *("steps", [["type", "map", "duration", 0, "name", "f", "arg", ""]]),
    ]
    plane.done(name, "a", "b", errors=["e"])
    ((_, _, _, done),) = plane.ask("RG.GETEXECUTION", name, *scope)
    assert done == [
        *("status", "done", "shards_received", 0, "shards_completed", 0, "results", 2),
        *("errors", ["e"], "total_duration", 12, "read_duration", 3),
        *("steps", [["type", "map", "duration", 1, "name", "f", "arg", ""]]),
    ]


def test_a_description_of_nothing(plane: Plane) -> None:
    name = plane.finished()
    assert plane.error("RG.GETEXECUTION", name, "x") == (
        "Unknown arguments were given: x; expected SHARD or CLUSTER"
    )


@pytest.mark.parametrize(
    "command", ["GETEXECUTION", "GETRESULTS", "GETRESULTSBLOCKING", "ABORTEXECUTION"]
)
@pytest.mark.parametrize("name", ["x", "", b"\xff\x00", "9" * 100_000])
def test_what_does_not_exist(plane: Plane, command: str, name: str | bytes) -> None:
    assert plane.error(f"RG.{command}", name) == UNKNOWN
    assert plane.error("RG.DROPEXECUTION", name) == UNKNOWN


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("RG.DUMPEXECUTIONS", ["x"]),
        ("RG.GETEXECUTION", []),
        ("RG.GETEXECUTION", ["x", "SHARD", "x"]),
        ("RG.GETRESULTS", []),
        ("RG.GETRESULTSBLOCKING", ["x", "x"]),
        ("RG.ABORTEXECUTION", []),
        ("RG.DROPEXECUTION", ["x", "x"]),
    ],
)
def test_wrong_number_of_arguments(plane: Plane, command: str, wrong: list[str]) -> None:
    text = f"wrong number of arguments for '{command.lower()}' command"
    assert plane.error(command, *wrong) == text


# -- results ---------------------------------------------------------------------------------------


def test_results(plane: Plane) -> None:
    _, name = plane.run("UNBLOCKING")
    assert plane.error("RG.GETRESULTS", name) == "execution is still running"
    plane.done(name, "1", 2, errors=["e"])
    assert plane.ask("RG.GETRESULTS", name) == [["1", 2], ["e"]]
    assert plane.ask("RG.GETRESULTSBLOCKING", name) == [["1", 2], ["e"]]


def test_many_wait_and_some_leave(plane: Plane) -> None:
    _, name = plane.run("UNBLOCKING")
    tokens = [plane.send("RG.GETRESULTSBLOCKING", name) for _ in range(5)]
    plane.leave(tokens[1])
    plane.leave(tokens[4])
    assert plane.got() == []
    plane.done(name, "1")
    assert [plane.answered(each) for each in tokens] == [True, False, True, True, False]
    assert plane.reply(tokens[3]) == [["1"], []]
    assert len(plane.control.clients) == 0


def test_waiting_for_what_another_client_runs(plane: Plane) -> None:
    owner, name = plane.run()
    token = plane.send("RG.GETRESULTSBLOCKING", name)
    plane.leave(owner)
    plane.done(name, "1", aborted=True, errors=["stopped"])
    assert plane.reply(token) == [["1"], ["stopped"]]
    assert not plane.answered(owner)


def test_an_outcome_is_told_once(plane: Plane) -> None:
    name = plane.finished("1")
    plane.done(name, "2")
    assert plane.ask("RG.GETRESULTS", name) == [["1"], []]


# -- abort and drop --------------------------------------------------------------------------------


def test_abort_is_answered_when_it_has_ended(plane: Plane) -> None:
    _, name = plane.run("UNBLOCKING")
    plane.got()
    tokens = [plane.send("RG.ABORTEXECUTION", name) for _ in range(2)]
    assert plane.got() == [("abort", name)] * 2
    assert status(plane, name) == "pending_termination"
    assert not any(map(plane.answered, tokens))
    plane.done(name, "1", aborted=True)
    assert [plane.reply(each) for each in tokens] == [("simple", "OK")] * 2
    assert status(plane, name) == "aborted"
    assert plane.ask("RG.GETRESULTS", name) == [["1"], []]
    assert plane.ask("RG.ABORTEXECUTION", name) == ("simple", "OK")
    assert plane.ask("RG.DROPEXECUTION", name) == ("simple", "OK")
    assert plane.error("RG.GETRESULTS", name) == UNKNOWN


def test_done_before_the_abort_arrives(plane: Plane) -> None:
    _, name = plane.run("UNBLOCKING")
    token = plane.send("RG.ABORTEXECUTION", name)
    plane.done(name, "1")
    assert plane.reply(token) == ("simple", "OK")
    assert status(plane, name) == "done"


def test_a_blocking_run_is_aborted_by_another(plane: Plane) -> None:
    owner, name = plane.run()
    token = plane.send("RG.ABORTEXECUTION", name)
    plane.done(name, errors=["stopped"], aborted=True)
    assert plane.reply(owner) == [[], ["stopped"]]
    assert plane.reply(token) == ("simple", "OK")
    assert status(plane, name) == "none"


def test_code_that_does_not_stop(plane: Plane) -> None:
    _, name = plane.run("UNBLOCKING")
    token = plane.send("RG.ABORTEXECUTION", name)
    plane.now = 9.9
    plane.tell("disconnected", 10_000)
    assert not plane.answered(token)
    plane.now = 10.0
    plane.tell("disconnected", 10_001)
    kind, text = plane.reply(token)
    assert kind == "error"
    assert text.startswith(f"ERR execution {name} has not stopped within 10 s: its code waits")
    plane.done(name, aborted=True)
    assert status(plane, name) == "aborted"


def test_who_aborts_may_leave(plane: Plane) -> None:
    _, name = plane.run("UNBLOCKING")
    token = plane.send("RG.ABORTEXECUTION", name)
    plane.leave(token)
    plane.now = 100.0
    plane.done(name, aborted=True)
    assert not plane.answered(token)


def test_what_runs_is_not_dropped(plane: Plane) -> None:
    _, name = plane.run("UNBLOCKING")
    text = "can not drop a not yet finished execution, abort it first."
    assert plane.error("RG.DROPEXECUTION", name) == text
    plane.send("RG.ABORTEXECUTION", name)
    assert plane.error("RG.DROPEXECUTION", name) == text


# -- what is kept ----------------------------------------------------------------------------------


def test_the_oldest_finished_are_dropped(plane: Plane) -> None:
    plane.host.settings["MaxExecutions"] = "2"
    _, running = plane.run("UNBLOCKING")
    names = [plane.finished(str(n)) for n in range(4)]
    assert [status(plane, each) for each in names] == ["none", "none", "done", "done"]
    assert status(plane, running) == "running"
    plane.host.settings["MaxExecutions"] = "1"
    plane.done(running, "x")
    assert [status(plane, each) for each in [*names, running]] == ["none"] * 4 + ["done"]


def test_results_that_are_too_large_together(plane: Plane) -> None:
    plane.host.settings["MaxResultBytes"] = "10000"
    names = [plane.finished("x" * 4000) for _ in range(3)]
    assert [status(plane, each) for each in names] == ["none", "done", "done"]
    last = plane.finished("x" * 50_000)
    assert [status(plane, each) for each in [*names, last]] == ["none"] * 3 + ["done"]


def test_memory_of_results_is_counted(plane: Plane) -> None:
    name = plane.finished("x" * 1000, b"y" * 1000)
    counted = plane.host.sections["gears"]["result_bytes"]
    assert isinstance(counted, int)
    assert 2000 < counted < 2500
    plane.ask("RG.DROPEXECUTION", name)
    assert plane.host.sections["gears"]["result_bytes"] == 0


@pytest.mark.parametrize("junk", ["", "-1", "many", "1e3", "\u0663"])
def test_a_setting_that_is_no_number_counts_as_its_default(plane: Plane, junk: str) -> None:
    plane.host.settings["MaxExecutions"] = junk
    names = [plane.finished() for _ in range(3)]
    assert [status(plane, each) for each in names] == ["done"] * 3


# -- executions that steps create ------------------------------------------------------------------


def test_a_spawned_execution_is_dropped_when_it_is_done(plane: Plane) -> None:
    token, name = plane.run()
    plane.tell("spawned", name, "child", [["map", "g", ""]])
    assert status(plane, "child") == "created"
    plane.tell("started", None, "child", [["map", "g", ""]])
    assert status(plane, "child") == "running"
    plane.done(name, "1")
    assert plane.answered(token)
    assert [each["refCount"] for each in plane.sessions()] == [1]
    plane.done("child", "2")
    assert status(plane, "child") == "none"
    assert plane.sessions() == []


def test_a_spawned_execution_is_aborted(plane: Plane) -> None:
    _, name = plane.run()
    plane.tell("spawned", name, "child", [])
    token = plane.send("RG.ABORTEXECUTION", "child")
    assert plane.got() == [("abort", "child")]
    plane.done("child", aborted=True)
    assert plane.reply(token) == ("simple", "OK")


def test_a_thread_that_a_script_left_behind_runs_a_gear(plane: Plane) -> None:
    token, job, name = plane.script("ID", "a")
    plane.tell("no_execution", job)
    assert plane.reply(token) == ("simple", "OK")
    plane.tell("spawned", name, f"{name}.1", [])
    plane.tell("spawned", f"{name}.1", f"{name}.2", [])
    assert status(plane, f"{name}.1") == "created"
    assert [each["dead"] for each in plane.sessions("DEAD")] == ["true"]
    plane.got()
    plane.send("RG.ABORTEXECUTION", f"{name}.2")
    assert plane.got() == [("abort", f"{name}.2")]
    plane.done(f"{name}.1", "x")
    plane.done(f"{name}.2", aborted=True)
    assert plane.sessions("DEAD") == []
    plane.script("ID", "a")
