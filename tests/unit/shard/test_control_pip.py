"""pip as a child process: what it is told, and how it ends."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gearframe.shard.control import pip as module
from gearframe.shard.control.pip import InstallError, Pip, environment
from tests.unit.shard.wheels import make_wheel


def quiet(_level: str, _text: str) -> None:
    """Log nothing."""


def fake(tmp_path: Path, script: str) -> Pip:
    """Give a pip whose interpreter is a shell script."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return Pip(str(path), quiet)


def test_a_wheel_is_installed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    Pip(sys.executable, quiet).install([make_wheel(tmp_path)], folder, 60_000)
    assert (folder / "shardthing.py").read_text() == "VERSION = '1.0'\n"


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"pip ended with status 1;(?s:.*)absent"):
        Pip(sys.executable, quiet).install([(tmp_path / "absent.whl").as_uri()], tmp_path, 60_000)


def test_arguments_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/evil")
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index")
    said = tmp_path / "said"
    fake(tmp_path, f'printf "%s\\n" "$@" > {said}; env >> {said}').install(
        ["a b", "$(touch /tmp/x)"], tmp_path, 60_000
    )
    lines = said.read_text().splitlines()
    assert lines[:10] == [
        *("-I", "-m", "pip", "install", "--verbose", "--no-input"),
        *("--disable-pip-version-check", "--target", str(tmp_path), "--"),
    ]
    assert lines[10:12] == ["a b", "$(touch /tmp/x)"]
    assert "PIP_INDEX_URL=https://index" in lines
    assert "PIP_NO_INPUT=1" in lines
    assert not any(line.startswith(("PYTHON", "SECRET")) for line in lines)


def test_places_are_not_taken_from_variables() -> None:
    given = {"PIP_TARGET": "x", "PIP_USER": "1", "PIP_CERT": "c", "https_proxy": "p", "HOME": "h"}
    assert sorted(environment(given)) == [
        "GIT_TERMINAL_PROMPT", "HOME", "PIP_CERT", "PIP_NO_INPUT", "https_proxy",
    ]  # fmt: skip


def test_silence(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="pip printed nothing for 50 ms"):
        fake(tmp_path, "echo begun; sleep 1000").install(["a"], tmp_path, 50)


def test_the_end_of_what_it_printed_is_kept(tmp_path: Path) -> None:
    with pytest.raises(InstallError) as raised:
        fake(tmp_path, "seq 1 5000; exit 3").install(["a"], tmp_path, 60_000)
    text = str(raised.value)
    assert text.startswith("pip ended with status 3; the end of what pip printed:\n4941\n")
    assert text.endswith("\n5000")


def test_no_interpreter(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="absent cannot be started"):
        Pip(str(tmp_path / "absent"), quiet).install(["a"], tmp_path, 60_000)


def test_it_is_stopped_with_its_children(tmp_path: Path) -> None:
    begun, failures = threading.Event(), []

    def log(_level: str, _text: str) -> None:
        begun.set()

    path = tmp_path / "python"
    path.write_text("#!/bin/sh\n(while :; do echo child; sleep 0.1; done) &\nwait\n")
    path.chmod(0o700)
    pip = Pip(str(path), log)

    def install() -> None:
        try:
            pip.install(["a"], tmp_path, 60_000)
        except InstallError as error:
            failures.append(str(error))

    thread = threading.Thread(target=install)
    thread.start()
    assert begun.wait(60)
    pip.stop()
    thread.join(60)
    assert failures[0].startswith("pip ended with status -9")
    with pytest.raises(InstallError, match="shutting down"):
        pip.install(["a"], tmp_path, 60_000)


@pytest.mark.parametrize(
    ("printed", "problem"),
    [
        (["Successfully installed a-1"], None),
        (["ERROR"], "pip ended, and does not say that it installed anything"),
    ],
)
def test_a_status_that_the_server_took(
    monkeypatch: pytest.MonkeyPatch, printed: list[str], problem: str | None
) -> None:
    """The server waits for any child, so that the status may be lost."""
    child = subprocess.Popen(["true"], stdout=subprocess.PIPE)

    def taken(_pid: int, _options: int) -> tuple[int, int]:
        raise ChildProcessError

    child.communicate()
    monkeypatch.setattr(module.os, "waitpid", taken)
    code = module._wait(child)
    assert code is None
    assert module._problem(code, printed) == problem
