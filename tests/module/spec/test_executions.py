"""Section 2.2: executions, in both protocols."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import redis

from tests.module.spec.speaker import Speaker, pairs
from tests.servers.patience import wait_until

ONE = "GB('PythonReader').run(lambda: [1])"
LOOP = "def f(x):\n    while True: pass\nGB('PythonReader').foreach(f).run(lambda: [1])"
SHARD = "0" * 40


def ended(gears: Speaker, script: str = ONE) -> str:
    name = gears(script, "UNBLOCKING")
    gears.ask("RG.GETRESULTSBLOCKING", name)
    return str(name)


def test_a_list_of_them(both: Speaker) -> None:
    assert both.ask("RG.DUMPEXECUTIONS") == []
    name = ended(both)
    assert both.ask("RG.DUMPEXECUTIONS") == [
        ["executionId", name, "status", "done", "registered", 0]
    ]


def test_their_ids_count(both: Speaker) -> None:
    first, second = ended(both), ended(both)
    assert first.startswith(f"{SHARD}-")
    assert int(second.rpartition("-")[2]) == int(first.rpartition("-")[2]) + 1


@pytest.mark.parametrize("where", [[], ["SHARD"], ["CLUSTER"], ["shard"]], ids=str)
def test_one_that_is_done(both: Speaker, where: list[str]) -> None:
    steps = "filter(len).map(lambda x: x)"
    name = ended(both, f"GB('PythonReader').{steps}.run(lambda: ['a', ''])")
    ((_, shard, label, plan),) = both.ask("RG.GETEXECUTION", name, *where)
    assert (shard, label) == (SHARD, "execution_plan")
    assert plan[::2] == [
        "status", "shards_received", "shards_completed", "results", "errors", "total_duration",
        "read_duration", "steps",
    ]  # fmt: skip
    found = pairs(plan)
    assert found["status"] == "done"
    assert found["results"] == 1
    assert found["errors"] == []
    assert (type(found["total_duration"]), type(found["read_duration"])) == (int, int)
    assert [each[::2] for each in found["steps"]] == [["type", "duration", "name", "arg"]] * 4
    assert [(step["type"], step["name"]) for step in map(pairs, found["steps"])] == [
        ("filter", "len"),
        ("map", "<lambda>"),
        ("map", "str"),
        ("collect", ""),
    ]


def test_one_that_runs(both: Speaker) -> None:
    name = both(LOOP, "UNBLOCKING")
    ((*_, plan),) = both.ask("RG.GETEXECUTION", name)
    assert (pairs(plan)["status"], pairs(plan)["results"]) == ("running", -1)
    assert both.refusal("RG.GETRESULTS", name) == "execution is still running"
    text = "can not drop a not yet finished execution, abort it first."
    assert both.refusal("RG.DROPEXECUTION", name) == text
    assert both.ask("RG.ABORTEXECUTION", name) == "OK"
    ((*_, plan),) = both.ask("RG.GETEXECUTION", name)
    assert pairs(plan)["status"] == "aborted"
    assert both.ask("RG.GETRESULTS", name) == [[], ["execution was aborted"]]
    assert both.ask("RG.DROPEXECUTION", name) == "OK"


def test_one_with_errors(both: Speaker) -> None:
    name = ended(both, "GB('PythonReader').map(lambda x: flat_error('no')).run(lambda: [1])")
    ((*_, plan),) = both.ask("RG.GETEXECUTION", name)
    assert (pairs(plan)["results"], pairs(plan)["errors"]) == (0, ["no"])
    assert both.ask("RG.GETRESULTS", name) == [[], ["no"]]


def test_results_can_be_had_again(both: Speaker) -> None:
    name = ended(both)
    for _ in range(2):
        assert both.ask("RG.GETRESULTS", name) == [["1"], []]
        assert both.ask("RG.GETRESULTSBLOCKING", name) == [["1"], []]


def test_results_are_waited_for(both: Speaker) -> None:
    script = """
import time
def wait(x):
    while not execute('EXISTS', 'go'):
        time.sleep(0.001)
GB('PythonReader').foreach(wait).run(lambda: [1])
"""
    name = both(script, "UNBLOCKING")
    other = Speaker(both.url, both.protocol)
    replies: list[Any] = []
    with other.client:
        thread = threading.Thread(
            target=lambda: replies.append(other.ask("RG.GETRESULTSBLOCKING", name))
        )
        thread.start()
        wait_until(lambda: int(both.client.info("clients")["blocked_clients"]) == 1)
        assert replies == []
        both.ask("SET", "go", "1")
        thread.join(60)
    assert replies == [[["1"], []]]


@pytest.mark.parametrize(
    "command",
    ["RG.GETEXECUTION", "RG.GETRESULTS", "RG.GETRESULTSBLOCKING", "RG.ABORTEXECUTION",
     "RG.DROPEXECUTION"],
)  # fmt: skip
def test_one_that_is_not_there(both: Speaker, command: str) -> None:
    assert both.refusal(command, f"{SHARD}-999999999") == "execution plan does not exist"
    assert both.refusal(command, b"\xff\0") == "execution plan does not exist"
    assert "wrong number of arguments" in both.refusal(command)
    assert command in ("RG.GETEXECUTION",) or "wrong number" in both.refusal(command, "a", "b")


def test_one_that_was_dropped(both: Speaker) -> None:
    name = ended(both)
    assert both.ask("RG.DROPEXECUTION", name) == "OK"
    assert both.refusal("RG.GETRESULTS", name) == "execution plan does not exist"
    assert both.ask("RG.DUMPEXECUTIONS") == []


def test_an_abort_of_one_that_is_done(both: Speaker) -> None:
    name = ended(both)
    assert both.ask("RG.ABORTEXECUTION", name) == "OK"
    assert both.ask("RG.GETRESULTS", name) == [["1"], []]


def test_one_that_waits_for_its_turn(gears: Speaker) -> None:
    """There are ExecutionThreads of them at a time; an abort does not wait for a turn."""
    running = [gears(LOOP, "UNBLOCKING") for _ in range(3)]
    assert [each[3] for each in gears.ask("RG.DUMPEXECUTIONS")] == ["running"] * 3
    for name in running:
        assert gears.ask("RG.ABORTEXECUTION", name) == "OK"
    assert gears(ONE) == [["1"], []]


def test_the_oldest_go_first(gears: Speaker) -> None:
    with gears.setting("MaxExecutions", "3"):
        names = [ended(gears) for _ in range(5)]
        assert [each[1] for each in gears.ask("RG.DUMPEXECUTIONS")] == names[2:]
        running = gears(LOOP, "UNBLOCKING")
        names.append(ended(gears))
        listed = {each[1] for each in gears.ask("RG.DUMPEXECUTIONS")}
        assert listed == {running, *names[3:]}


def test_a_time_limit(gears: Speaker) -> None:
    told = "execution timed out after 100 ms (ExecutionTimeLimit)"

    def outcome() -> Any:
        try:
            return gears(LOOP)
        except redis.ResponseError as error:  # a slow machine has not come to the execution
            if str(error) != told:
                raise
            return None

    with gears.setting("ExecutionTimeLimit", "100"):
        assert wait_until(outcome) == [[], [told]]


def test_a_limit_of_results(gears: Speaker) -> None:
    with gears.setting("MaxResultBytes", "1000"):
        results, (error,) = gears("GB('PythonReader').run(lambda: ['x' * 2000])")
    assert results == []
    assert "MaxResultBytes" in error
