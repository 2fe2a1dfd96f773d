"""Scripts in a worker: what they see, what they give, and how they fail."""

from __future__ import annotations

import linecache

from tests.unit.shard.conftest import Running
from tests.unit.shard.test_worker_limits import running

NUMBERS = "GB('PythonReader').{}.run(lambda: iter(range(5)), convertToStr=False)"


def test_a_script_without_an_execution(worker: Running) -> None:
    worker.script("x = 1")
    assert worker.receive() == ("no_execution", 1)


def test_a_script_that_runs_a_gear(worker: Running) -> None:
    worker.script(NUMBERS.format("map(lambda x: x + 1).filter(lambda x: x > 2)"))
    assert worker.receive() == (
        "started",
        1,
        "e1",
        [["map", "<lambda>", ""], ["filter", "<lambda>", ""], ["collect", "", ""]],
    )
    told = worker.done("e1")
    assert sorted(told["results"]) == [3, 4, 5]
    assert told["errors"] == []
    assert not told["aborted"]
    assert [[step[0], step[2]] for step in told["steps"]] == [
        ["map", "<lambda>"],
        ["filter", "<lambda>"],
        ["collect", ""],
    ]
    assert told["total_ms"] >= told["read_ms"] > 0


def test_scripts_of_a_session_share_names(worker: Running) -> None:
    worker.script("counter = 41")
    worker.receive()
    assert worker.failure("counter += 1; raise ValueError(counter)").endswith("ValueError: 42")


def test_sessions_do_not_share_names(worker: Running) -> None:
    worker.send("open", "other", {})
    worker.script("mine = 1; GB = None")
    worker.receive()
    assert "NameError" in worker.failure("GB('KeysReader'); mine", session="other")


def test_two_executions_in_a_script(worker: Running) -> None:
    error = worker.failure("GB().run(); GB().run()")
    assert "Can not run more then 1 executions in a single script" in error


def test_a_failure_shows_the_users_lines_alone(worker: Running) -> None:
    error = worker.failure("def f():\n    execute('NOPE')\nf()")
    lines = error.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == '  File "<gears s>", line 3, in <module>'
    assert "    execute('NOPE')" in lines
    assert "gearframe/" not in error
    assert lines[-1].endswith("GearsError: ERR unknown command 'NOPE'")


def test_a_failure_without_a_traceback(worker: Running) -> None:
    assert worker.failure("1/0", traceback=False) == "division by zero"
    assert worker.failure("flat_error('no luck')") == "no luck"


def test_a_syntax_error(worker: Running) -> None:
    assert "SyntaxError" in worker.failure("def")
    assert "null bytes" in worker.failure("x\0")


def test_what_would_end_a_program_is_a_failure(worker: Running) -> None:
    assert "SystemExit: 3" in worker.failure("import sys; sys.exit(3)")
    assert "KeyboardInterrupt" in worker.failure("raise KeyboardInterrupt")
    assert "RecursionError" in worker.failure("def f(): f()\nf()")
    assert "EOFError" in worker.failure("import sys, os; sys.stdin = open(os.devnull); input()")
    assert "GearsForceStopped" in worker.failure("raise redisgears.GearsForceStopped")


def test_errors_of_records(worker: Running) -> None:
    told = worker.outcome(NUMBERS.format("map(lambda x: 1 // (x - 1))"))
    assert len(told["errors"]) == 1
    assert "ZeroDivisionError" in told["errors"][0]
    assert "GB('PythonReader')" in told["errors"][0]


def test_an_unknown_session(worker: Running) -> None:
    assert "session x is not open" in worker.failure("1", session="x")


def test_results_that_are_too_large(worker: Running) -> None:
    told = worker.outcome(NUMBERS.format("map(lambda x: 'a' * 1000)"), max_result_bytes=3000)
    assert told["results"] == []
    assert "MaxResultBytes" in told["errors"][0]


def test_closing_a_session_forgets_its_source(worker: Running) -> None:
    worker.script("x = 1")
    worker.receive()
    assert "<gears s>" in linecache.cache
    worker.send("close", "s")
    assert "is not open" in worker.failure("1")
    assert "<gears s>" not in linecache.cache


def test_an_execution_in_a_step(worker: Running) -> None:
    inner = "GB('PythonReader').run(lambda: iter([1, 2]), convertToStr=False)"
    text = f"async def f(x):\n    return await {inner}\n"
    text += "GB('PythonReader').map(f).run(lambda: iter([0]), convertToStr=False)"
    worker.script(text)
    messages = [worker.receive() for _ in range(5)]
    assert [message[0] for message in messages[:4]] == ["started", "spawned", "started", "done"]
    assert messages[1] == ("spawned", "e1", "e1.1", [["collect", "", ""]])
    assert messages[2][1:3] == (None, "e1.1")
    assert messages[4][2]["results"] == [[[1, 2], []]]


def test_an_aborted_execution_begins_no_others(worker: Running) -> None:
    """Its code goes on in threads of its own, which an abort does not reach."""
    text = """
import threading
aborted = threading.Event()
session = getGearsSession()
def later():
    aborted.wait()
    setGearsSession(session)
    GB('PythonReader').run(lambda: iter(int, 1))
threading.Thread(target=later).start()
log('running')
while True: pass
"""
    worker.script(text)
    running(worker)
    worker.send("abort", "e1")
    assert worker.receive() == ("failed", 1, "execution was aborted")
    worker.script("aborted.set()", job=2)
    told: dict[str, list[object]] = {}
    while not {"no_execution", "done"} <= told.keys():
        kind, *told[kind] = worker.receive()
    assert told["done"][1]["errors"] == ["execution was aborted"]  # type: ignore[index]


def test_site_folders_are_found(worker: Running, tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "only_here_of_gearframe.py").write_text("value = 7")
    worker.send("open", "with", {"site": [str(folder)]})
    text = "import only_here_of_gearframe as m; raise ValueError(m.value)"
    assert worker.failure(text, session="with").endswith("ValueError: 7")


def test_profile(worker: Running) -> None:
    worker.send("open", "p", {"profile": True})
    worker.script(NUMBERS.format("map(lambda x: str(x))"), session="p", profile=True)
    worker.receive()
    worker.done("e1")
    worker.send("profile", 5, "p", "cumtime")
    kind, job, text, error = worker.receive()
    assert (kind, job, error) == ("profile", 5, None)
    assert "Ordered by: cumulative time" in text
    assert "<lambda>" in text
    worker.send("profile", 6, "p", "nonsense")
    assert "unknown order 'nonsense'" in worker.receive()[3]
    worker.send("profile_reset", 7, "p")
    assert worker.receive() == ("profile", 7, "OK", None)
    worker.send("profile", 8, "s", None)
    assert "is not profiled" in worker.receive()[3]


def test_texts_that_are_no_utf8(worker: Running) -> None:
    assert worker.failure(r"raise ValueError('\ud800')").endswith(r"ValueError: \ud800")
    text = NUMBERS.format(r"map(lambda x: flat_error('\ud800'))")
    assert set(worker.outcome(text)["errors"]) == {r"\ud800"}
    worker.script(r"log('\ud800 é')")
    assert worker.receive() == ("no_execution", 1)
    assert ("notice", r"GEARS: \ud800 é") in worker.host.logged
