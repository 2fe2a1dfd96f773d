"""Requirements: which are taken, what is installed where, and on its way elsewhere."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gearframe.exceptions import OptionError
from gearframe.shard.control.environment import applies, satisfied
from gearframe.shard.control.folders import MANIFEST, platform_tag
from gearframe.shard.control.names import parse, parse_all
from tests.unit.shard.plane import Plane, pairs

FAILED = "Could not satisfy requirements (look at redis log file for more information)"


# -- what is a requirement -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "numpy",
        "numpy>=2",
        "numpy >= 2, <3",
        "numpy (>=2)",
        "redgrease[runtime]==0.3.30",
        "a[x, y]~=1.2.*",
        "a; python_version < '4'",
        "a @ https://host/a-1.0.whl",
        "redgrease[runtime]@git+https://github.com/lyngon/redgrease.git@main",
        "git+https://github.com/RedisGears/redisgears-py.git",
        "git+ssh://git@host/x.git@v1#egg=x",
        "https://host/x.tar.gz",
        "file:///tmp/x-1.0-py3-none-any.whl",
    ],
)
def test_requirements(text: str) -> None:
    assert parse(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "-r file",
        "--index-url=http://evil",
        "-e .",
        "",
        ".",
        "../x",
        "/tmp/x.whl",
        "a b",
        "a --index-url http://evil",
        "a==1 -r x",
        "a\n--pre",
        "a;\nb",
        "a;b\x00",
        "git+ext::sh -c touch% /tmp/x",
        "git+ext://x",
        "git+https://host/x y",
        "ftp://host/x",
        "$(touch x)",
        "`touch x`",
        "a|b",
        "a'",
        "a" * 1025,
        "ä",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(OptionError):
        parse(text)


def test_requirements_of_a_command() -> None:
    assert parse_all([b"b", b"a", b" b ", b"b", b"", b"# of a file"]) == ("b", "a")
    assert parse_all([b"x"] * 100_000) == ("x",)
    with pytest.raises(OptionError, match="257 requirements were given, 256 at most are taken"):
        parse_all([b"x%d" % n for n in range(257)])
    with pytest.raises(OptionError, match="is no requirement"):
        parse_all([b"a\xff"])


# -- what the environment has ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("cloudpickle", True),
        ("CloudPickle>=2", True),
        ("cloudpickle>=2,<99", True),
        ("cloudpickle>=99", False),
        ("cloudpickle==1.0", False),
        ("cloudpickle>=3a1", False),
        ("cloudpickle~=3.0", False),
        ("cloudpickle[none]", True),
        ("pytest[dev]", False),
        ("no-such-package", False),
        ("no-such-package; python_version < '3'", True),
        ("no-such-package; what", False),
        ("cloudpickle @ https://host/cloudpickle-9.whl", False),
        ("git+https://host/cloudpickle.git#egg=cloudpickle", False),
        ("git+https://github.com/RedisGears/redisgears-py.git", False),
    ],
)
def test_what_is_there(text: str, there: bool) -> None:
    assert satisfied(parse(text)) is there


def test_a_package_known_by_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "gearsclient-1.0.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gearsclient\nVersion: 1.0.2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert satisfied(parse("git+https://github.com/RedisGears/redisgears-py.git"))
    assert not satisfied(parse("git+https://github.com/RedisGears/redisgears-py.git@branch"))


def test_extras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "thing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n"
        "Provides-Extra: good\nProvides-Extra: bad\n"
        "Requires-Dist: cloudpickle (>=2) ; extra == 'good'\n"
        'Requires-Dist: no-such-package ; python_version >= "3" and extra == "bad"\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert satisfied(parse("thing[good]"))
    assert not satisfied(parse("thing[bad]"))
    assert not satisfied(parse("thing[good,bad]"))


@pytest.mark.parametrize(
    ("marker", "value"),
    [
        ("python_version >= '3.11'", True),
        ("python_version < '3.9'", False),
        ("python_version >= '3.5' and (os_name == 'nt' or sys_platform == 'linux')", True),
        ("extra == 'x'", False),
        ("1 < 2", None),
        ("'a' in 'b'", None),
        ("__import__('os').abort()", None),
        ("(" * 500, None),
    ],
)
def test_markers(marker: str, value: bool | None) -> None:
    assert applies(marker) is value


# -- installing ------------------------------------------------------------------------------------


def test_what_the_environment_has_is_not_installed(plane: Plane) -> None:
    token = plane.send("RG.PYEXECUTE", "x", "REQUIREMENTS", "cloudpickle", "cloudpickle")
    assert plane.got(0) == []
    plane.background()
    assert plane.installs == []
    assert plane.got()[0][2]["site"] == []
    assert not plane.answered(token)
    (line,) = plane.ask("RG.PYDUMPREQS")
    assert pairs(line)["Name"] == "cloudpickle"


def test_what_is_missing_goes_to_a_folder_of_its_own(plane: Plane, tmp_path: Path) -> None:
    plane.host.settings["PythonInstallReqMaxIdleTime"] = "1234"
    plane.send("RG.PYEXECUTE", "x", "ID", "a", "REQUIREMENTS", "thing==1.0", "cloudpickle")
    assert [each["requirementInstallationNeeded"] for each in plane.sessions()] == [1]
    plane.background()
    ((names, _, silence),) = plane.installs
    assert (names, silence) == (["thing==1.0"], 1234)
    (folder,) = plane.got()[0][2]["site"]
    root = tmp_path / "gearframe-requirements"
    assert Path(folder).parent == root
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert (Path(folder) / "half.py").exists()
    first, second = (pairs(each) for each in plane.ask("RG.PYDUMPREQS"))
    assert second["Name"] == "cloudpickle"
    assert first == {
        "GearReqVersion": 1,
        "Name": "thing==1.0",
        "IsDownloaded": "yes",
        "IsInstalled": "yes",
        "CompiledOs": platform_tag(),
        "Wheels": ["thing-1.0"],
        "Path": folder,
        "RefCount": 1,
        "IsInReqDictionary": "yes",
    }
    (session,) = plane.sessions("VERBOSE")
    assert [pairs(each)["Name"] for each in session["requirements"]] == [
        "thing==1.0",
        "cloudpickle",
    ]
    assert plane.sessions()[0]["requirements"] == ["thing==1.0", "cloudpickle"]


def test_many_ask_for_the_same_while_it_is_installed(plane: Plane) -> None:
    for _ in range(3):
        plane.send("RG.PYEXECUTE", "x", "REQUIREMENTS", "thing", "other")
    plane.send("RG.PYEXECUTE", "x", "REQUIREMENTS", "other", "thing")
    plane.background()
    plane.send("RG.PYEXECUTE", "x", "REQUIREMENTS", "thing", "other")
    assert len(plane.installs) == 1
    assert len([each for each in plane.got() if each[0] == "script"]) == 5
    assert [pairs(each)["RefCount"] for each in plane.ask("RG.PYDUMPREQS")] == [5, 5]


def test_what_fails(plane: Plane, tmp_path: Path) -> None:
    plane.install_error = OptionError("pip ended with status 1; the end: no such thing")
    token = plane.send("RG.PYEXECUTE", "x", "ID", "a", "REQUIREMENTS", "thing")
    plane.background()
    assert plane.reply(token) == ("error", f"ERR {FAILED}")
    assert any("thing: pip ended with status 1" in line for _, line in plane.host.lines)
    assert list((tmp_path / "gearframe-requirements").iterdir()) == []
    assert plane.sessions() == []
    assert plane.ask("RG.PYDUMPREQS") == []
    plane.install_error = None
    plane.send("RG.PYEXECUTE", "x", "ID", "a", "REQUIREMENTS", "thing")
    plane.background()
    assert len(plane.installs) == 2


def test_a_fault_in_the_background_is_answered(plane: Plane) -> None:
    plane.install_error = RuntimeError("a fault")
    token = plane.send("RG.PYEXECUTE", "x", "REQUIREMENTS", "thing")
    with pytest.raises(RuntimeError, match="a fault"):
        plane.background()
    plane.background()
    assert plane.reply(token) == ("error", f"ERR {FAILED}")


def test_leaving_while_it_is_installed(plane: Plane) -> None:
    token = plane.send("RG.PYEXECUTE", "x", "ID", "a", "REQUIREMENTS", "thing")
    plane.leave(token)
    plane.background()
    assert plane.sessions() == []
    assert [pairs(each)["RefCount"] for each in plane.ask("RG.PYDUMPREQS")] == [0]


def test_installing_is_switched_off(plane: Plane) -> None:
    plane.host.settings["RequirementsEnabled"] = "0"
    token = plane.send("RG.PYEXECUTE", "x", "REQUIREMENTS", "thing", "cloudpickle")
    there = plane.send("RG.PYEXECUTE", "x", "REQUIREMENTS", "cloudpickle")
    plane.background()
    assert plane.reply(token) == (
        "error",
        "ERR thing cannot be installed: RequirementsEnabled is 0; install into the server's "
        "Python environment, or set it to 1",
    )
    assert not plane.answered(there)
    assert plane.installs == []


def test_installing_again_by_force(plane: Plane) -> None:
    _, old = run_with(plane, "thing")
    _, new = run_with(plane, "thing", "FORCE_REINSTALL_REQUIREMENTS")
    assert old != new
    assert len(plane.installs) == 2
    assert [(pairs(each)["Path"], pairs(each)["IsInReqDictionary"])
            for each in plane.ask("RG.PYDUMPREQS")] == [(new, "yes"), (old, "no")]  # fmt: skip
    assert Path(old).exists(), "a session may still import from it"


def test_a_folder_that_was_replaced_goes_with_its_last_session(plane: Plane) -> None:
    name, old = run_with(plane, "thing")
    run_with(plane, "thing", "FORCE_REINSTALL_REQUIREMENTS")
    plane.done(name)
    plane.ask("RG.DROPEXECUTION", name)
    plane.background()
    assert not Path(old).exists()
    assert len(plane.ask("RG.PYDUMPREQS")) == 1


def test_the_environments_own_by_force(plane: Plane) -> None:
    _, folder = run_with(plane, "cloudpickle", "FORCE_REINSTALL_REQUIREMENTS")
    assert folder
    assert plane.installs[0][0] == ["cloudpickle"]


def run_with(plane: Plane, requirement: str, *options: str) -> tuple[str, str]:
    """Run a script with a requirement; give its execution and the folder."""
    plane.send("RG.PYEXECUTE", "x", "UNBLOCKING", *options, "REQUIREMENTS", requirement)
    plane.background()
    opened, script = plane.got()
    name = script[4]["execution_id"]
    plane.tell("started", script[1], name, [])
    return name, next(iter(opened[2]["site"]), "")


def test_a_folder_is_found_after_a_restart(tmp_path: Path, plane: Plane) -> None:
    _, folder = run_with(plane, "thing")
    again = Plane()
    assert run_with(again, "thing")[1] == folder
    assert again.installs == []
    (Path(folder) / MANIFEST).unlink()
    third = Plane()
    assert run_with(third, "thing")[1] != folder
    assert len(third.installs) == 1


def test_what_a_server_left_half_done_is_cleared_away(plane: Plane, tmp_path: Path) -> None:
    root = tmp_path / "gearframe-requirements"
    for name in ("old.part", "new.part"):
        (root / name).mkdir(parents=True)
    os.utime(root / "old.part", (0, 0))
    _, folder = run_with(plane, "thing")
    assert {each.name for each in root.iterdir()} == {"new.part", Path(folder).name}


def test_a_configured_place(plane: Plane, tmp_path: Path) -> None:
    plane.host.settings["RequirementsDir"] = str(tmp_path / "deep" / "er")
    assert Path(run_with(plane, "thing")[1]).parent == tmp_path / "deep" / "er"


# -- on its way ------------------------------------------------------------------------------------


def test_export_and_import(plane: Plane, tmp_path: Path) -> None:
    run_with(plane, "thing")
    description, chunks = plane.ask("RG.PYEXPORTREQ", "thing")
    assert len(description) == 18
    assert pairs(description)["Name"] == "thing"
    assert all(isinstance(each, bytes) for each in chunks)
    other = Plane()
    other.host.settings["RequirementsDir"] = str(tmp_path / "other")
    assert other.ask("RG.PYIMPORTREQ", *chunks) == ("simple", "OK")
    _, folder = run_with(other, "thing")
    assert other.installs == []
    assert Path(folder).parent == tmp_path / "other"
    assert (Path(folder) / "half.py").read_text() == "x = 1\n"
    assert pairs(other.ask("RG.PYDUMPREQS")[0])["Wheels"] == ["thing-1.0"]
    assert other.ask("RG.PYIMPORTREQ", *chunks) == ("simple", "OK")


def test_exports_that_are_refused(plane: Plane) -> None:
    assert plane.error("RG.PYEXPORTREQ", "x") == "requirement x does not exist; see RG.PYDUMPREQS"
    run_with(plane, "cloudpickle")
    text = "requirement cloudpickle belongs to the server's Python environment; there is nothing"
    assert plane.error("RG.PYEXPORTREQ", "cloudpickle").startswith(text)


def archive(files: dict[str, bytes], **manifest: Any) -> bytes:
    whole = {"requirements": ["thing"], "platform": platform_tag()} | manifest
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, data in {MANIFEST: json.dumps(whole).encode(), **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "this is no archive of requirements"),
        (b"junk", "this is no archive of requirements"),
        (gzip.compress(b"junk"), "this is no archive of requirements"),
        (archive({})[:40], "this is no archive of requirements"),
        (archive({"../evil.py": b"x"}), "'../evil.py' is no plain file below it"),
        (archive({"/tmp/evil.py": b"x"}), "'/tmp/evil.py' is no plain file below it"),
        (archive({"a/../../evil.py": b"x"}), "'a/../../evil.py' is no plain file below it"),
        (archive({}, platform="amiga"), "these requirements are for amiga, this server has"),
        (archive({}, requirements=["--pre"]), "'--pre' is no requirement"),
        (archive({}, requirements=7), "this is no archive of requirements"),
    ],
    ids=range(10),
)
def test_imports_that_are_refused(plane: Plane, tmp_path: Path, data: bytes, text: str) -> None:
    assert text in plane.error("RG.PYIMPORTREQ", data)
    assert plane.ask("RG.PYDUMPREQS") == []
    root = tmp_path / "gearframe-requirements"
    assert not root.exists() or list(root.iterdir()) == []
    assert not (tmp_path / "evil.py").exists()


def test_an_archive_with_a_link(plane: Plane) -> None:
    stream = io.BytesIO(archive({}))
    with tarfile.open(fileobj=stream) as tar:
        manifest = tar.extractfile(MANIFEST)
        assert manifest is not None
        text = manifest.read()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        member = tarfile.TarInfo(MANIFEST)
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
        link = tarfile.TarInfo("evil")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
    error = plane.error("RG.PYIMPORTREQ", out.getvalue())
    assert "'evil' is no plain file below it" in error


def test_imports_are_switched_off_too(plane: Plane) -> None:
    plane.host.settings["RequirementsEnabled"] = "0"
    error = plane.error("RG.PYIMPORTREQ", archive({}))
    assert error.startswith("thing cannot be installed: RequirementsEnabled is 0")
    assert plane.error("RG.PYIMPORTREQ").startswith("wrong number of arguments")


def test_nothing_waits_for_an_archive(plane: Plane) -> None:
    """Neither other commands nor the messages of workers, though a script may ask for one."""
    waiting: list[Callable[[], None]] = []
    plane.aside = waiting.append
    token = plane.send("RG.PYIMPORTREQ", b"x" * 100)
    plane.tell("command", 1, "RG.PYIMPORTREQ", [b"x"], {"user": "ann", "db": 0, "protocol": 2})
    assert len(waiting) == 2
    assert not plane.answered(token)
    assert plane.ask("RG.PYDUMPREQS") == []
    waiting[0]()
    assert "this is no archive of requirements" in plane.reply(token)[1]


def test_an_archive_that_is_too_large_is_not_read_to_its_end(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearframe.shard.control.archives.MOST_FILES", 10)
    data = archive({f"{number}.py": b"x" for number in range(20)})
    assert "it has more than" in plane.error("RG.PYIMPORTREQ", data)


def test_the_log_shows_no_password(plane: Plane) -> None:
    plane.send("RG.PYEXECUTE", "x", "REQUIREMENTS", "thing @ https://me:secret@host.invalid/x.whl")
    plane.install_error = ValueError("https://me:secret@host.invalid/x.whl is not there")
    plane.background()
    assert any("****@host.invalid" in text for _, text in plane.host.lines)
    assert "secret" not in str(plane.host.lines)
