"""Gears inside of the server, from a client and from the command line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

import gearframe as gf
from gearframe.cli import main
from gearframe.exceptions import GearsError, ServerTimeoutError
from tests.servers.patience import wait_until
from tests.servers.scripted import ScriptedServer, by_command


def running(client: redis.Redis) -> list[bytes]:
    dumped = client.execute_command("RG.DUMPEXECUTIONS")
    items = [dict(zip(item[::2], item[1::2], strict=True)) for item in dumped]
    return [item[b"executionId"] for item in items if item[b"status"] == b"running"]


# -- from Python -----------------------------------------------------------------------------------


def test_auto_takes_the_module(module_url: str) -> None:
    with gf.connect(module_url) as client:
        gear = gf.GearsBuilder().count()
        client.execute("SET", "a", "1")
        found = gear.run(client)
        assert (found.backend, found[:]) == ("module", [1])
        assert "back end: module, because the server has RG.PYEXECUTE" in gear.explain(client)
        assert gear.run(client, backend="local").backend == "local"


def test_auto_takes_the_module_of_a_user_who_may_run_scripts_alone(
    module_url: str, module_client: redis.Redis
) -> None:
    module_client.acl_setuser(
        "runs", enabled=True, nopass=True, commands=["+@connection", "+command", "+rg.pyexecute"]
    )
    try:
        address = module_url.replace("redis://", "redis://runs:none@")
        with gf.connect(address) as client:
            shown = gf.GearsBuilder().count().explain(client)
    finally:
        module_client.acl_deluser("runs")
    assert "back end: module, because the server has RG.PYEXECUTE" in shown


@pytest.mark.parametrize(
    ("plugins", "reason"),
    [
        (b"*1\r\n*2\r\n$2\r\nv8\r\n:1\r\n", "RG.PYEXECUTE is not gearframe's but another module's"),
        (
            b"-ERR unknown command\r\n",
            "does not say whose RG.PYEXECUTE it has: RG.DUMPPLUGINS: ",
        ),
    ],
)
def test_auto_leaves_alone_what_is_not_our_module(plugins: bytes, reason: str) -> None:
    answers = {
        b"HELLO": b"-ERR unknown command\r\n",
        b"COMMAND": b"*1\r\n*1\r\n$12\r\nrg.pyexecute\r\n",
        b"RG.DUMPPLUGINS": plugins,
    }
    with ScriptedServer(by_command(answers)) as server, gf.connect(server.url) as client:
        shown = gf.GearsBuilder().count().explain(client)
    assert "back end: local" in shown
    assert reason in shown


def test_a_timeout_ends_the_gear_in_the_server(module_url: str, module_client: redis.Redis) -> None:
    def forever() -> Iterator[int]:
        while True:
            yield 1

    gear = gf.GearsBuilder("PythonReader").filter(lambda n: False)
    with pytest.raises(ServerTimeoutError, match="the server was told to end it"):
        gear.run(module_url, forever, timeout=0.5)
    wait_until(lambda: module_client.execute_command("RG.DUMPEXECUTIONS") == [])


def test_a_gear_that_cannot_be_loaded(module_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gearframe.gears import wire

    monkeypatch.setattr(wire.sys, "version_info", (3, 99, 0))
    with pytest.raises(GearsError, match=r"written by Python 3\.99 and this is Python 3\.\d+"):
        gf.GearsBuilder().count().run(module_url, backend="module")


def test_the_isolation_of_a_gear(module_url: str) -> None:
    def mark(_: object) -> bool:
        import sys  # the interpreter's

        marked = hasattr(sys, "marked_by_a_gear")
        sys.marked_by_a_gear = True  # type: ignore[attr-defined]
        return marked

    gear = gf.GearsBuilder("ShardsIDReader").map(mark)
    shared = [gear.run(module_url, isolation="shared")[:] for _ in range(2)]
    assert shared[1] == [True]
    alone = [gear.run(module_url, isolation="subinterpreter")[:] for _ in range(2)]
    assert alone == [[False], [False]]
    with pytest.raises(gf.OptionError, match="expected 'shared' or 'subinterpreter'"):
        gear.run(module_url, isolation="process")


# -- from the command line -------------------------------------------------------------------------


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "script.py"


def test_a_script_and_its_results(
    module_url: str, module_client: redis.Redis, script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module_client.mset({"a": 1, "b": 2})
    script.write_text("GB().map(lambda x: x['key']).sort().run()")
    arguments = ["--url", module_url, "--id", "mine", "--description", "two keys"]
    assert main(["gears", "run", str(script), "--url", module_url]) == 0
    assert capsys.readouterr().out.splitlines() == ["a", "b"]
    # Who waited for the results has them; the server forgets such an execution.
    assert main(["gears", "run", str(script), "--unblocking", *arguments]) == 0
    execution = capsys.readouterr().out.strip()
    assert main(["gears", "results", execution, "--wait", "--url", module_url]) == 0
    assert capsys.readouterr().out.splitlines() == ["a", "b"]
    assert main(["gears", "ps", "--url", module_url]) == 0
    shown = capsys.readouterr().out
    assert execution in shown
    assert "done" in shown
    assert main(["gears", "sessions", "--url", module_url]) == 0
    shown = capsys.readouterr().out
    assert "mine" in shown
    assert "two keys" in shown


def test_errors_of_scripts_and_records(
    module_url: str, module_client: redis.Redis, script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module_client.mset({"a": 1, "b": 2})
    script.write_text("GB().map(lambda x: 1 / 0).run()")
    assert main(["gears", "run", str(script), "--url", module_url]) == 1
    captured = capsys.readouterr()
    assert "ZeroDivisionError" in captured.err
    assert captured.err.splitlines()[-1].startswith("error: ")
    script.write_text("raise ValueError('of the script')")
    assert main(["gears", "run", str(script), "--url", module_url]) == 2
    assert "of the script" in capsys.readouterr().err
    assert main(["gears", "abort", "nothing", "--url", module_url]) == 2
    assert main(["gears", "results", "nothing", "--url", module_url]) == 2
    assert main(["gears", "run", str(script.with_name("gone.py")), "--url", module_url]) == 2


def test_one_that_is_not_waited_for(
    module_url: str, module_client: redis.Redis, script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.write_text("def f():\n    while True: yield 1\nGB('PythonReader').count().run(f)")
    assert main(["gears", "run", str(script), "--unblocking", "--url", module_url]) == 0
    execution = capsys.readouterr().out.strip()
    assert re.fullmatch(r"0{40}-\d+", execution)
    assert main(["gears", "results", execution, "--url", module_url]) == 2
    assert "still running" in capsys.readouterr().err
    wait_until(lambda: execution.encode() in running(module_client))
    assert main(["gears", "abort", execution, "--url", module_url]) == 0
    wait_until(lambda: execution.encode() not in running(module_client))
    script.write_text("GB('PythonReader').run(lambda: iter([7]))")
    assert main(["gears", "run", str(script), "--unblocking", "--url", module_url]) == 0
    execution = capsys.readouterr().out.strip()
    assert main(["gears", "results", execution, "--wait", "--url", module_url]) == 0
    assert capsys.readouterr().out == "7\n"


def test_a_server_without_the_module(
    url: str, script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.write_text("GB().run()")
    for arguments in (["run", str(script)], ["ps"], ["sessions"], ["results", "x"], ["abort", "x"]):
        assert main(["gears", *arguments, "--url", url]) == 2
        assert "load gearframe's module" in capsys.readouterr().err


@pytest.mark.parametrize("way", ["file", "stdin"])
def test_scripts_are_utf_8_wherever_they_are_sent_from(
    module_url: str, tmp_path: Path, way: str
) -> None:
    text = "GB('PythonReader').map(ascii).run(lambda: iter(['\u00fc\u20ac']))".encode()
    script = tmp_path / "script.py"
    script.write_bytes(text)
    program = "import sys; from gearframe.cli import main; sys.exit(main(sys.argv[1:]))"
    name = str(script) if way == "file" else "-"
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", program, "gears", "run", name, "--url", module_url],
        input=text,
        capture_output=True,
        env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"'\\xfc\\u20ac'\n"), done.stderr


def test_the_isolation_of_a_script(
    module_url: str, script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.write_text(
        "import sys\ndef mark(_):\n    before = hasattr(sys, 'marked_by_a_script')\n"
        "    sys.marked_by_a_script = True\n    return before\n"
        "GB('ShardsIDReader').map(mark).run()\n"
    )
    command = ["gears", "run", str(script), "--url", module_url, "--isolation"]
    for _ in range(2):
        assert main([*command, "shared"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "True"
    for _ in range(2):
        assert main([*command, "subinterpreter"]) == 0
    assert capsys.readouterr().out == "False\nFalse\n"
    assert main([*command, "process"]) == 2
