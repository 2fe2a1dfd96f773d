"""Sessions: how long they stay, what replaces them, and where they run."""

from __future__ import annotations

import pytest

from tests.unit.shard.plane import Plane, pairs

REFUSED = (
    "ImportError: module numpy._core._multiarray_umath does not support loading in subinterpreters"
)


def ids(plane: Plane, *options: str) -> list[str]:
    return [each["ID"] for each in plane.sessions(*options)]


def test_a_session_as_it_is_shown(plane: Plane) -> None:
    plane.run("ID", "a", "DESCRIPTION", "d")
    (item,) = plane.ask("RG.PYDUMPSESSIONS")
    assert item == [
        *("ID", "a", "sessionDescription", "d", "refCount", 1, "linked", "primary"),
        *("dead", "false", "requirementInstallationNeeded", 0),
        *("requirements", [], "registrations", []),
    ]


def test_a_session_stays_as_long_as_its_results(plane: Plane) -> None:
    _, name = plane.run("ID", "a", "UNBLOCKING")
    assert plane.error("RG.PYEXECUTE", "x", "ID", "a") == "Session a already exists"
    plane.got()
    plane.done(name, "1")
    assert plane.got() == [("close", "a")], "its worker forgets it, no code of it can run"
    assert plane.error("RG.PYEXECUTE", "x", "ID", "a") == "Session a already exists"
    plane.ask("RG.DROPEXECUTION", name)
    assert plane.sessions() == []
    plane.script("ID", "a")


def test_an_id_is_taken_while_the_body_runs(plane: Plane) -> None:
    _, job, _ = plane.script("ID", "a")
    assert [each["linked"] for each in plane.sessions()] == ["temprary"]
    assert plane.error("RG.PYEXECUTE", "x", "ID", "a") == "Session a already exists"
    plane.tell("failed", job, "x")
    plane.script("ID", "a")


def test_upgrade(plane: Plane) -> None:
    _, old = plane.run("ID", "a", "UNBLOCKING")
    _, job, new = plane.script("ID", "a", "UPGRADE", "UNBLOCKING")
    assert ids(plane) == ["a"]
    assert ids(plane, "DEAD") == []
    plane.tell("started", job, new, [])
    assert ids(plane) == ["a"]
    (dead,) = plane.sessions("DEAD")
    assert (dead["ID"], dead["linked"], dead["dead"]) == ("a", "None", "true")
    assert ids(plane, "TS") == ["a"]
    plane.done(old)
    plane.ask("RG.DROPEXECUTION", old)
    assert ids(plane, "DEAD") == []
    assert ids(plane) == ["a"]


def test_an_upgrade_has_a_name_of_its_own_towards_the_worker(plane: Plane) -> None:
    plane.run("ID", "a")
    plane.send("RG.PYEXECUTE", "x", "ID", "a", "UPGRADE")
    assert [each[1] for each in plane.got() if each[0] == "open"] == ["a#2"]


def test_an_upgrade_that_fails_changes_nothing(plane: Plane) -> None:
    _, old = plane.run("ID", "a", "UNBLOCKING")
    _, job, _ = plane.script("ID", "a", "UPGRADE")
    plane.tell("failed", job, "x")
    (found,) = plane.sessions()
    assert (found["linked"], found["refCount"]) == ("primary", 1)
    plane.done(old, "1")
    assert plane.ask("RG.GETRESULTS", old) == [["1"], []]


def test_upgrade_of_nothing_is_a_new_session(plane: Plane) -> None:
    plane.run("ID", "a", "UPGRADE")
    assert ids(plane) == ["a"]


def test_two_upgrades_at_once(plane: Plane) -> None:
    plane.run("ID", "a", "UNBLOCKING")
    _, first, one = plane.script("ID", "a", "UPGRADE", "UNBLOCKING")
    _, second, two = plane.script("ID", "a", "UPGRADE", "UNBLOCKING")
    plane.tell("started", second, two, [])
    plane.tell("started", first, one, [])
    assert ids(plane) == ["a"]
    assert ids(plane, "DEAD") == ["a", "a"]
    plane.done(one)
    plane.ask("RG.DROPEXECUTION", one)
    assert ids(plane) == []


def test_a_thread_of_a_session_that_is_gone_leaves_its_successor_alone(plane: Plane) -> None:
    """What a script left behind runs a gear when its session's id belongs to another one."""
    _, old = plane.run("ID", "a")
    plane.done(old)
    assert ids(plane) == []
    token, new = plane.run("ID", "a")
    plane.got()
    plane.tell("spawned", old, f"{old}.1", [])
    assert ids(plane, "DEAD") == ["a"]
    plane.tell("done", f"{old}.1", {"results": [], "errors": [], "aborted": False})
    assert ids(plane, "DEAD") == []
    assert ids(plane) == ["a"]
    assert plane.got() == [("close", "a#2")], "the successor's worker keeps it"
    plane.done(new, "1")
    assert plane.reply(token) == [["1"], []]
    assert ids(plane) == []
    plane.run("ID", "a")


def test_replace_with(plane: Plane) -> None:
    plane.run("ID", "old", "UNBLOCKING")
    _, job, name = plane.script("ID", "new", "REPLACE_WITH", "old", "UNBLOCKING")
    assert ids(plane) == ["old", "new"]
    plane.tell("started", job, name, [])
    assert ids(plane) == ["new"]
    assert ids(plane, "DEAD") == ["old"]


def test_replace_with_an_id_that_exists(plane: Plane) -> None:
    plane.run("ID", "old")
    plane.run("ID", "new")
    text = "Can not replace an existing session new with old"
    assert plane.error("RG.PYEXECUTE", "x", "ID", "new", "REPLACE_WITH", "old") == text
    assert ids(plane) == ["old", "new"]


# -- RG.PYDUMPSESSIONS -----------------------------------------------------------------------------


def test_named_sessions(plane: Plane) -> None:
    for name in "abc":
        plane.run("ID", name)
    assert ids(plane, "sessions", "c", "a", "c") == ["c", "a"]
    assert ids(plane, "SESSIONS") == []
    assert plane.error("RG.PYDUMPSESSIONS", "SESSIONS", "a", "x") == "session x does not exist"
    assert plane.error("RG.PYDUMPSESSIONS", "x") == "Unknown arguments were given: x"


# -- sub-interpreters ------------------------------------------------------------------------------


def test_a_sub_interpreter_begins_and_ends_with_its_session(plane: Plane) -> None:
    token, job, name = plane.script("ID", "a", "ISOLATION", "SubInterpreter", box=1)
    assert plane.host.interpreters == [
        ("gears-a", False, "gearframe.shard.control.worker_thread", "run", [1, True])
    ]
    plane.tell("started", job, name, [])
    plane.done(name, "1")
    assert plane.reply(token) == [["1"], []]
    assert plane.got(1) == [("close", "a"), ("end",)]
    plane.tell("worker_ended", 1, None)
    assert 1 not in plane.host.boxes
    assert plane.host.lines == []


def test_sub_interpreters_by_configuration(plane: Plane) -> None:
    plane.host.settings["Isolation"] = "subinterpreter"
    plane.host.server["own_gil"] = True
    plane.script("ID", "a", box=1)
    plane.script("ID", "b", box=2)
    plane.script("ID", "c", "ISOLATION", "shared", box=3)
    assert [(name, isolated) for name, isolated, *_ in plane.host.interpreters] == [
        ("gears-a", True),
        ("gears-b", True),
    ]


def test_no_sub_interpreter(plane: Plane) -> None:
    plane.host.no_interpreters = "too many"
    assert plane.error("RG.PYEXECUTE", "x", "ISOLATION", "subinterpreter") == (
        "no sub-interpreter can be started: too many; ISOLATION shared does not need one"
    )
    assert plane.sessions() == []
    assert list(plane.host.boxes) == [0]


def test_a_library_that_refuses_in_the_body(plane: Plane) -> None:
    token, job, _ = plane.script("ISOLATION", "subinterpreter")
    plane.tell("failed", job, REFUSED)
    hint = (
        "(numpy cannot be used with ISOLATION subinterpreter; run the script with ISOLATION shared)"
    )
    assert plane.reply(token) == ("error", f"ERR {REFUSED} {hint}")


def test_a_library_that_refuses_in_a_step(plane: Plane) -> None:
    token, name = plane.run("ISOLATION", "subinterpreter")
    plane.done(name, errors=[f"Traceback\n{REFUSED}\n", "other"])
    _, (first, second) = plane.reply(token)
    assert "run the script with ISOLATION shared" in first
    assert second == "other"


def test_the_hint_is_for_sub_interpreters_only(plane: Plane) -> None:
    token, job, _ = plane.script()
    plane.tell("failed", job, REFUSED)
    assert plane.reply(token) == ("error", f"ERR {REFUSED}")


def test_a_worker_that_is_lost(plane: Plane) -> None:
    running, name = plane.run("ISOLATION", "subinterpreter")
    plane.tell("worker_ended", 1, "Traceback\nMemoryError")
    assert plane.reply(running) == [
        [],
        ["the worker of this session has ended; see the server's log"],
    ]
    assert plane.sessions() == []
    assert "MemoryError" in plane.host.lines[0][1]
    plane.done(name, "late")


def test_the_shared_worker_is_started_anew(plane: Plane) -> None:
    body = plane.send("RG.PYEXECUTE", "x")
    plane.tell("worker_ended", 1, "boom")
    kind, text = plane.reply(body)
    assert kind == "error"
    assert "the worker of this session has ended; see the server's log: boom" in text
    plane.script(box=2)


def test_the_mailbox_of_a_worker_is_gone(plane: Plane) -> None:
    plane.script()
    del plane.host.boxes[1]
    assert plane.error("RG.PYEXECUTE", "x") == (
        "the worker of this session has ended; see the server's log"
    )


# -- profiles --------------------------------------------------------------------------------------


@pytest.fixture
def profiled(plane: Plane) -> Plane:
    plane.host.settings["ProfileExecutions"] = "1"
    _, name = plane.run("ID", "a", "UNBLOCKING")
    plane.done(name)
    assert plane.got() == [], "a session that is profiled stays in its worker"
    return plane


def test_a_profile(profiled: Plane) -> None:
    token = profiled.send("RG.PYPROFILE", "stats", "a", "cumtime")
    assert profiled.got() == [("profile", 2, "a", "cumtime")]
    profiled.tell("profile", 2, "ncalls ...", None)
    assert profiled.reply(token) == "ncalls ..."


def test_a_profile_that_fails(profiled: Plane) -> None:
    token = profiled.send("RG.PYPROFILE", "STATS", "a")
    assert profiled.got() == [("profile", 2, "a", None)]
    profiled.tell("profile", 2, None, "no such order")
    assert profiled.reply(token) == ("error", "ERR no such order")


def test_a_profile_whose_worker_fails(profiled: Plane) -> None:
    token = profiled.send("RG.PYPROFILE", "STATS", "a")
    profiled.tell("failed", 2, "a fault")
    assert profiled.reply(token) == ("error", "ERR a fault")


def test_who_asks_for_a_profile_may_leave(profiled: Plane) -> None:
    token = profiled.send("RG.PYPROFILE", "STATS", "a")
    profiled.leave(token)
    profiled.tell("profile", 2, "late", None)
    assert not profiled.answered(token)


def test_a_profile_is_reset(profiled: Plane) -> None:
    assert profiled.ask("RG.PYPROFILE", "RESET", "a") == ("simple", "OK")
    assert profiled.got() == [("profile_reset", 0, "a")]


def test_profiles_that_are_not_there(plane: Plane) -> None:
    plane.run("ID", "a")
    assert plane.error("RG.PYPROFILE", "STATS", "x") == "session x does not exist"
    text = "session a has no profile: ProfileExecutions was 0 when it began"
    assert plane.error("RG.PYPROFILE", "STATS", "a") == text
    assert plane.error("RG.PYPROFILE", "RESET", "a", "x").startswith("expected RG.PYPROFILE STATS")
    assert plane.error("RG.PYPROFILE", "x", "a").startswith("expected RG.PYPROFILE STATS")
    assert plane.error("RG.PYPROFILE", "STATS").startswith("wrong number of arguments")


# -- what is not much of a command yet -------------------------------------------------------------


def test_statistics(plane: Plane) -> None:
    expected = ["TotalAllocated", 30, "PeakAllocated", 20, "CurrAllocated", 10]
    assert plane.ask("RG.PYSTATS") == expected


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (["RG.DUMPREGISTRATIONS"], []),
        (["RG.UNREGISTER", "x", "ABORTPENDING"], ("error", "ERR execution is not registered")),
        (["RG.PAUSEREGISTRATIONS", "x"], ("error", "ERR execution is not registered")),
        (["RG.UNPAUSEREGISTRATIONS", "x"], ("error", "ERR execution is not registered")),
        (["RG.CLEARREGISTRATIONSSTATS"], ("simple", "OK")),
        (["RG.TRIGGER", "x", "y"], ("error", "ERR subcommand not found")),
        (["RG.TRIGGERONKEY", "x", "key"], ("error", "ERR subcommand not found")),
        (["RG.INFOCLUSTER"], "no cluster mode"),
        (["RG.REFRESHCLUSTER"], ("simple", "OK")),
    ],
    ids=lambda given: given[0] if isinstance(given, list) and given else "",
)
def test_plain_answers(plane: Plane, command: list[str], reply: object) -> None:
    assert plane.ask(*command) == reply


def test_plugins(plane: Plane) -> None:
    ((name, version),) = plane.ask("RG.DUMPPLUGINS")
    assert name == "gearframe"
    assert version[0].isdigit()


def test_info_is_told_when_it_changes(plane: Plane) -> None:
    plane.ask("RG.PYSTATS")
    assert plane.host.sections == {
        "gears": {"nexecutions": 0, "nregistrations": 0, "result_bytes": 0},
        "python_requirements": {"nrequirements": 0},
        "python_sessions": {"nsessions": 0, "ndead_sessions": 0, "nworkers": 0},
    }
    plane.run("ID", "a")
    assert plane.host.sections["gears"]["nexecutions"] == 1
    plane.run("ID", "a", "UPGRADE")
    assert plane.host.sections["python_sessions"] == {
        "nsessions": 1,
        "ndead_sessions": 1,
        "nworkers": 1,
    }
    plane.host.sections.clear()
    plane.ask("RG.PYSTATS")
    assert plane.host.sections == {}


def test_sessions_show_no_more_than_pairs(plane: Plane) -> None:
    plane.run("ID", "a")
    (item,) = plane.ask("RG.PYDUMPSESSIONS", "VERBOSE")
    assert len(item) == 16
    assert pairs(item)["ID"] == "a"


def test_a_sub_interpreter_that_does_not_start(plane: Plane) -> None:
    token, _, _ = plane.script("ISOLATION", "subinterpreter")
    plane.now = 29.0
    plane.tell("worker_begun", 99)
    assert not plane.answered(token)
    plane.now = 30.0
    plane.tell("worker_begun", 99)
    kind, text = plane.reply(token)
    assert kind == "error"
    assert "the sub-interpreter of this session has not started within 30 s" in text
    assert 1 not in plane.host.boxes
    plane.tell("worker_ended", 1, None)
    assert plane.sessions() == []


def test_a_sub_interpreter_that_has_started_may_take_its_time(plane: Plane) -> None:
    token, job, _ = plane.script("ISOLATION", "subinterpreter")
    plane.tell("worker_begun", 1)
    plane.now = 1000.0
    plane.tell("worker_begun", 99)
    assert not plane.answered(token)
    plane.tell("no_execution", job)
    assert plane.answered(token)


# -- coroutines that go on by themselves -----------------------------------------------------------


def lingering(plane: Plane, *options: str) -> None:
    """Run a script that leaves a coroutine behind, and no execution."""
    token, job, _ = plane.script(*options)
    plane.tell("lingers", plane.control.sessions.find("a").key)  # type: ignore[union-attr]
    plane.tell("no_execution", job)
    assert plane.reply(token) == ("simple", "OK")


def test_a_session_stays_while_coroutines_of_it_run(plane: Plane) -> None:
    lingering(plane, "ID", "a")
    (found,) = plane.sessions()
    assert (found["ID"], found["refCount"]) == ("a", 1)
    assert plane.got() == []
    plane.tell("rests", "a")
    assert plane.sessions() == []
    assert plane.got() == [("close", "a")]


def test_a_sub_interpreter_stays_while_coroutines_run_in_it(plane: Plane) -> None:
    token = plane.send("RG.PYEXECUTE", "x", "ID", "a", "ISOLATION", "subinterpreter")
    job = next(each[1] for each in plane.got(1) if each[0] == "script")
    plane.tell("lingers", "a")
    plane.tell("no_execution", job)
    assert plane.answered(token)
    assert plane.got(1) == []
    plane.tell("rests", "a")
    assert plane.got(1) == [("close", "a"), ("end",)]


def test_an_upgrade_cancels_the_coroutines_of_what_it_replaces(plane: Plane) -> None:
    lingering(plane, "ID", "a")
    _, job, _ = plane.script("ID", "a", "UPGRADE")
    assert plane.got() == [], "not before the new script went well"
    plane.tell("no_execution", job)
    assert ids(plane, "DEAD") == ["a"]
    assert plane.got() == [("cancel", "a"), ("close", "a#2")]
    plane.tell("rests", "a")
    assert ids(plane, "DEAD") == []
    assert plane.got() == [("close", "a")]


def test_coroutines_are_not_cancelled_while_an_execution_may_wait_for_them(plane: Plane) -> None:
    _, job, name = plane.script("ID", "a", "UNBLOCKING")
    plane.tell("started", job, name, [])
    plane.tell("spawned", name, f"{name}.1", [])
    plane.tell("lingers", "a")
    plane.done(name)
    plane.run("ID", "a", "UPGRADE", "UNBLOCKING")
    assert plane.got() == [], "the other one still runs"
    plane.done(f"{name}.1")
    assert plane.got() == [("cancel", "a")]


def test_coroutines_of_a_script_that_fails_are_cancelled(plane: Plane) -> None:
    token, job, _ = plane.script("ID", "a")
    plane.tell("lingers", "a")
    plane.tell("failed", job, "x")
    assert plane.reply(token)[0] == "error"
    assert plane.got() == [("cancel", "a")]
    assert ids(plane) == [], "its id can be used again"
    plane.tell("rests", "a")
    assert plane.got() == [("close", "a")]


def test_coroutines_end_with_their_worker(plane: Plane) -> None:
    lingering(plane, "ID", "a")
    plane.tell("worker_ended", 1, "it crashed")
    assert plane.sessions() == []
