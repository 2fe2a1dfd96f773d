"""RG.PYEXECUTE: its options, its refusals, and what is sent to whom."""

from __future__ import annotations

import re

import pytest

from tests.unit.shard.plane import SHARD, Plane


def test_a_script_goes_to_the_shared_worker(plane: Plane) -> None:
    plane.host.settings |= {"ExecutionTimeLimit": "250", "PythonAttemptTraceback": "0"}
    token = plane.send("RG.PYEXECUTE", "GB().run()", "ID", "a-1", "DESCRIPTION", "what it does")
    assert plane.got() == [
        ("open", "a-1", {"description": "what it does", "site": [], "profile": False}),
        (
            "script",
            1,
            "a-1",
            b"GB().run()",
            {
                "execution_id": f"{SHARD}-0",
                "user": "alice",
                "db": 3,
                "protocol": 2,
                "time_limit_ms": 250,
                "max_result_bytes": 536870912,
                "traceback": False,
                "profile": False,
                "depth": 0,
            },
        ),
    ]
    assert not plane.answered(token)


def test_a_script_without_an_execution_is_ok(plane: Plane) -> None:
    token, job, _ = plane.script("ID", "a")
    plane.tell("no_execution", job)
    assert plane.reply(token) == ("simple", "OK")
    assert plane.got() == [("close", "a")]
    assert plane.sessions() == []


def test_a_blocking_script_is_answered_by_its_results(plane: Plane) -> None:
    token, name = plane.run()
    assert not plane.answered(token)
    plane.done(name, "1", b"\xff", errors=["Traceback\n x"])
    assert plane.reply(token) == [["1", b"\xff"], ["Traceback\n x"]]
    assert plane.ask("RG.DUMPEXECUTIONS") == []


def test_unblocking_gives_the_id_when_the_body_has_ended(plane: Plane) -> None:
    token, job, name = plane.script("unblocking")
    assert not plane.answered(token)
    plane.tell("started", job, name, [])
    assert plane.reply(token) == name == f"{SHARD}-0"
    _, second = plane.run("UNBLOCKING")
    assert second == f"{SHARD}-1"


def test_a_script_that_raises_is_an_error_in_one_line(plane: Plane) -> None:
    token, job, _ = plane.script("ID", "a")
    plane.tell("failed", job, "Traceback (most recent call last):\n  File\r\nValueError: x")
    text = "ERR Traceback (most recent call last):   File ValueError: x"
    assert plane.reply(token) == ("error", text)
    assert plane.sessions() == []
    assert plane.got() == [("close", "a")]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["ID"], "ID is missing"),
        (["REPLACE_WITH"], "REPLACE_WITH is missing"),
        (["unblocking", "description"], "DESCRIPTION is missing"),
        (["ISOLATION"], "ISOLATION is missing"),
        (["ID", "a", "UPGRAD"], "Unknown arguments were given: UPGRAD"),
        (["\x00\n"], r"Unknown arguments were given: \x00\x0a"),
        ([b"\xff" * 3], r"Unknown arguments were given: \xff\xff\xff"),
        (["x" * 1000], f"Unknown arguments were given: {'x' * 100}..."),
        (["ID", "a b"], "ID must be compose of: [A-Za-z0-9_-], not 'a b'"),
        (["ID", ""], "ID must be compose of: [A-Za-z0-9_-], not ''"),
        (["ID", "a\n"], r"ID must be compose of: [A-Za-z0-9_-], not 'a\\x0a'"),
        (["ID", "a" * 257], "ID has 257 bytes, more than 256 are not taken"),
        (["ISOLATION", "none"], "ISOLATION is 'none', expected shared or subinterpreter"),
        (["DESCRIPTION", "x" * 65_537], "DESCRIPTION has 65537 bytes, more than 65536 are not"),
        (["DESCRIPTION", b"a\xff"], "DESCRIPTION is not UTF-8 text: byte ff at position 1"),
        (["REPLACE_WITH", "old"], "Can not replace with old, session does not exists."),
        (["REQUIREMENTS", "-rfile"], "'-rfile' is no requirement; expected a package such as"),
    ],
)
def test_refusals(plane: Plane, options: list[str | bytes], text: str) -> None:
    assert plane.error("RG.PYEXECUTE", "x", *options).startswith(text)
    assert plane.sessions() == []
    assert plane.got(0) == []


def test_a_script_that_is_no_text(plane: Plane) -> None:
    error = plane.error("RG.PYEXECUTE", b"x = '\xe4'")
    assert error == "the script is not UTF-8 text: byte e4 at position 5; send it in UTF-8"


def test_options_in_any_order_and_case(plane: Plane) -> None:
    options = ["isolation", "SHARED", "UnBlocking", "id", "a", "Force_Reinstall_Requirements"]
    plane.script(*options, "upgrade", "description", "ID", "requirements")
    (found,) = plane.sessions()
    assert (found["ID"], found["sessionDescription"]) == ("a", "ID")


def test_a_session_without_an_id_gets_one(plane: Plane) -> None:
    plane.script()
    plane.script()
    first, second = (each["ID"] for each in plane.sessions())
    assert first != second
    assert re.fullmatch("[0-9a-f]{40}", first)


def test_switched_off(plane: Plane) -> None:
    plane.host.settings["ExecutionEnabled"] = "0"
    assert plane.error("RG.PYEXECUTE", "x") == (
        "running Python is switched off on this server (ExecutionEnabled is 0)"
    )


def test_wrong_number_of_arguments(plane: Plane) -> None:
    text = "wrong number of arguments for 'rg.pyexecute' command"
    assert plane.ask("RG.PYEXECUTE") == ("error", f"ERR {text}")


@pytest.mark.parametrize("name", ["RG.PYEXECUTEREMOTE", "RG.PYFREEINTERPRETER"])
def test_commands_of_the_past(plane: Plane, name: str) -> None:
    assert plane.error(name, "x") == f"{name} is not longer supported"


# -- clients that leave ----------------------------------------------------------------------------


def test_leaving_ends_the_execution(plane: Plane) -> None:
    token, name = plane.run()
    plane.leave(token)
    assert plane.got() == [("abort", name)]
    plane.done(name, aborted=True)
    assert not plane.answered(token)
    assert plane.ask("RG.DUMPEXECUTIONS") == []
    assert plane.sessions() == []


def test_leaving_while_the_body_runs(plane: Plane) -> None:
    token, job, name = plane.script()
    plane.leave(token)
    assert plane.got() == [("abort", name)]
    plane.tell("failed", job, "aborted")
    assert plane.sessions() == []


def test_leaving_while_the_body_ends(plane: Plane) -> None:
    token, job, name = plane.script()
    plane.leave(token)
    plane.tell("started", job, name, [])
    assert plane.got() == [("abort", name), ("abort", name)]
    plane.done(name, aborted=True)
    assert plane.sessions() == []


def test_leaving_before_the_command_is_looked_at(plane: Plane) -> None:
    plane.leave(77)
    plane.send("RG.PYEXECUTE", "x", token=77)
    assert plane.reply(77) == ("error", "ERR the client has gone")
    assert plane.host.sent == []
    assert plane.sessions() == []


def test_leaving_after_asking_for_an_id_ends_nothing(plane: Plane) -> None:
    token, job, name = plane.script("UNBLOCKING")
    plane.leave(token)
    plane.tell("started", job, name, [])
    assert plane.got() == []
    plane.done(name, "1")
    assert plane.ask("RG.GETRESULTS", name) == [["1"], []]


def test_leaving_and_done_at_once(plane: Plane) -> None:
    token, name = plane.run()
    plane.done(name, "1")
    plane.leave(token)
    assert plane.reply(token) == [["1"], []]
    assert [each[0] for each in plane.host.sent] == ["open", "script", "close"]


def test_unknown_clients_that_leave_are_not_kept_for_ever(plane: Plane) -> None:
    for token in range(10_000, 20_000):
        plane.leave(token)
    assert len(plane.control.clients._left) == 4096


# -- where nothing may go wrong for others ---------------------------------------------------------


def test_a_handler_that_fails_answers_and_goes_on(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plane.control.executions, "dump", lambda: 1 / 0)
    assert plane.error("RG.DUMPEXECUTIONS").startswith("internal error in RG.DUMPEXECUTIONS: Zero")
    ((level, line),) = plane.host.lines
    assert level == "warning"
    assert "Traceback" in line
    assert plane.ask("RG.DUMPREGISTRATIONS") == []


@pytest.mark.parametrize("message", [("what",), (), ("done", 1, 2, 3), "x", 7, ("started", [])])
def test_a_bad_message_is_logged_and_no_more(plane: Plane, message: object) -> None:
    from gearframe.shard.control import dispatch

    dispatch.receive(plane.control, message)
    ((level, line),) = plane.host.lines
    assert level == "warning"
    assert "message" in line
    assert plane.ask("RG.DUMPEXECUTIONS") == []


def test_news_of_what_is_unknown(plane: Plane) -> None:
    plane.tell("started", 99, "x", [])
    plane.tell("no_execution", 99)
    plane.tell("failed", 99, "x")
    plane.tell("done", "x", {"results": [], "errors": [], "aborted": False})
    plane.tell("spawned", "x", "y", [])
    plane.tell("installed", 99, None, "x")
    plane.tell("profile", 99, None, None)
    plane.tell("worker_ended", 99, None)
    assert plane.host.lines == []


def test_a_reply_that_cannot_be_sent(plane: Plane) -> None:
    token, name = plane.run()
    plane.host.refuse_reply = TypeError("no such thing in RESP")
    plane.done(name, object())
    assert plane.reply(token) == ("error", "ERR the reply cannot be sent: no such thing in RESP")


def test_an_unknown_command(plane: Plane) -> None:
    assert plane.error("RG.NOTHING") == "unknown command 'RG.NOTHING'"
