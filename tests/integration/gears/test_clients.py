"""Clients that were written for RedisGears, as they are on PyPI, against the module.

They want redis-py of their time, so each has an environment of its own beside the tests'. Of what
they depend on one thing differs: gearsclient asks for cloudpickle 1.6, which cannot load a function
on Python 3.11 or newer, and gets the one that gearframe needs. The server runs in the environment
of the clients that send pickled functions, since they are loaded by their own package there.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest
import redis

from tests.servers.fixtures import FreshServer
from tests.servers.server import Server
from tests.unit.shard.wheels import make_wheel

pytestmark = pytest.mark.timeout(900)  # packages are downloaded

PICKLING = (
    "gearsclient==1.0.2",
    "redgrease==0.3.30",
    "attrs==25.3.0",
    "redis==3.5.3",
    "redis-py-cluster==2.1.3",
    "typing-extensions==4.13.2",
    "wrapt==1.17.2",
)
CLI = ("gears-cli==1.2.0", "click==8.1.8", "redis==4.6.0")


def make_environment(folder: Path, packages: Sequence[str]) -> Path:
    """Make an environment with packages, before all that the tests' own has; its interpreter."""
    target = folder / "packages"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--retries", "10", "--timeout", "60"]
    subprocess.run([*pip, "--no-deps", "--target", str(target), *packages], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    question = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", question], check=True, capture_output=True, text=True)
    own = sysconfig.get_path("purelib")
    lines = [str(target), f"import site; site.addsitedir({own!r})"]
    (Path(site.stdout.strip()) / "clients.pth").write_text("\n".join(lines) + "\n")
    return python


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("pickling"), PICKLING)


@pytest.fixture(scope="module")
def cli_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("cli"), CLI)


@pytest.fixture
def with_users(fresh_server: FreshServer, environment: Path) -> Server:
    """A server in that environment, with five users."""
    # pip prints nothing while it begins, which takes a busy machine long.
    patience = {"PythonInstallReqMaxIdleTime": 300_000}
    found = fresh_server(gears={"Python": str(environment), **patience})
    with redis.Redis.from_url(found.url) as client:
        for number in range(1, 6):
            client.hset(f"user:{number}", mapping={"age": number * 10})
    return found


def run(python: Path, folder: Path, server: Server, code: str, *arguments: str) -> str:
    """Run a program of a client's user; give what it prints."""
    path = folder / "program.py"
    path.write_text(f"PORT = {server.port}\n{code}")
    argv = [str(python), "-W", "ignore", str(path), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


GEARSCLIENT = """
import json, redis
from gearsclient import GearsRemoteBuilder, execute, log

client = redis.Redis(port=PORT)

def old(record):
    log("a record")
    execute("SET", "seen:" + record["key"], 1)
    return int(record["value"]["age"]) > 20

def build():
    return GearsRemoteBuilder("KeysReader", defaultArg="user:*", r=client)

keys, errors = build().filter(old).map(lambda record: record["key"]).sort().run()
count, _ = build().count().run("user:*")
_, failed = build().map(lambda record: 1 / 0).run("user:1")
print(json.dumps([sorted(keys), errors, count, len(failed), client.exists("seen:user:5")]))
"""


def test_gearsclient(environment: Path, tmp_path: Path, with_users: Server) -> None:
    """Each builder asks for the client's address as a requirement, once more than the last."""
    printed = run(environment, tmp_path, with_users, GEARSCLIENT)
    assert json.loads(printed) == [["user:3", "user:4", "user:5"], [], [5], 1, 1]


REDGREASE = """
import json
import redgrease

client = redgrease.RedisGears(port=PORT)
gear = redgrease.KeysReader("user:*").values().map(lambda value: int(value["age"])).aggregate(
    0, lambda total, age: total + age, lambda one, other: one + other
)
total = gear.run(on=client)
name = client.gears.pyexecute("GB('KeysOnlyReader').count().run('user:*')", unblocking=True)
counted = client.gears.getresultsblocking(name)
described = client.gears.getexecution(name)
listed = client.gears.dumpexecutions()
dropped = client.gears.dropexecution(name)
statistics = client.gears.pystats()
print(json.dumps({
    "total": int(total),
    "counted": int(counted),
    "status": [each.status.name for each in described.values()],
    "listed": [str(each.executionId) == str(name) for each in listed],
    "dropped": bool(dropped),
    "allocated": statistics.TotalAllocated > 0,
    "cluster": str(client.gears.infocluster()),
    "refreshed": bool(client.gears.refreshcluster()),
    "registrations": client.gears.dumpregistrations(),
}))
"""


def test_redgrease(environment: Path, tmp_path: Path, with_users: Server) -> None:
    """All but its ``pydumpreqs``: it knows six fields of RedisGears 1.2.1, later there are nine."""
    assert json.loads(run(environment, tmp_path, with_users, REDGREASE)) == {
        "total": 150,
        "counted": 5,
        "status": ["done"],
        "listed": [True],
        "dropped": True,
        "allocated": True,
        "cluster": "None",
        "refreshed": True,
        "registrations": [],
    }


COMMAND_LINE = """
import sys
from gears_cli.__main__ import gears_cli

command, *rest = sys.argv[1:]
gears_cli([command, "--port", str(PORT), *rest], standalone_mode=True)
"""


def test_gears_cli(cli_environment: Path, tmp_path: Path, with_users: Server) -> None:
    def cli(*arguments: str) -> str:
        printed = run(cli_environment, tmp_path, with_users, COMMAND_LINE, *arguments)
        return re.sub(r"\x1b\[[0-9;]*m", "", printed)

    script, requirements = tmp_path / "script.py", tmp_path / "requirements.txt"
    script.write_text("GB('KeysOnlyReader').sort().run('user:*')")
    requirements.write_text("# what it needs\ncloudpickle>=2\n\n")
    printed = cli("run", "--requirements", str(requirements), str(script))
    assert printed.splitlines()[2:7] == [f"{n})\tuser:{n}" for n in range(1, 6)]
    script.write_text("x = 1")
    assert cli("run", str(script)) == "OK\n"
    wheel = make_wheel(tmp_path)
    assert "Done" in cli("install-requirements", wheel)
    cli("export-requirements", "--save-directory", str(tmp_path), "--requirement", wheel)
    (exported,) = tmp_path.glob("*.zip")
    cli("import-requirements", str(exported))
