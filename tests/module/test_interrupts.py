"""Ctrl-C at ``gearframe gears run`` ends what it has begun in the server."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import redis

from tests.module.gears import connect
from tests.servers.fixtures import FreshServer
from tests.servers.patience import PATIENCE, wait_until

PROGRAM = Path(sys.executable).with_name("gearframe")
SCRIPTS = {
    "in a step": "def f(x):\n    while True: pass\n"
    "GB('PythonReader').map(f).run(lambda: iter([1]))",
    "in the body": "while True: pass",
    "in a nested script": "execute('RG.PYEXECUTE', 'while True: pass', 'ID', 'inner')",
}


def sessions(client: redis.Redis, count: int) -> bool:
    return len(client.execute_command("RG.PYDUMPSESSIONS")) == count


def test_ctrl_c_ends_the_execution(fresh_server: FreshServer, tmp_path: Path) -> None:
    server = fresh_server("valkey91", gears={})
    with connect(server) as client:
        for script in SCRIPTS.values():
            file = tmp_path / "script.py"
            file.write_text(script)
            command = [PROGRAM, "gears", "run", str(file)]
            process = subprocess.Popen([*command, "--url", server.url])
            try:
                wanted = 2 if "inner" in script else 1
                wait_until(partial(sessions, client, wanted))
                process.send_signal(signal.SIGINT)
                assert process.wait(PATIENCE) == 130
            finally:
                process.kill()
            wait_until(partial(sessions, client, 0))
            assert client.execute_command("RG.DUMPEXECUTIONS") == []
