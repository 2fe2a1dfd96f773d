"""Run a server with the module under valgrind: ``python -m tests.module.under_valgrind``.

Takes minutes. ``docs/module_checks.md`` says what it found. An argument names another server of the
catalog; the report goes to ``.cache/valgrind-SERVER.log``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import redis

from gearframe.embedded.module import load_arguments
from tests.module.gears import LOAD, begin, fill, send
from tests.servers.catalog import find
from tests.servers.pythons import CACHE

SCRIPTS = (
    "GB().map(lambda r: r['value']).run()",
    "GB('KeysOnlyReader').count().run()",
    "GB('StreamReader').run('stream')",
    "GB().map(lambda r: execute('TYPE', r['key'])).countby().run()",
    "GB().map(lambda r: execute('HGETALL', r['key'], protocol=3)).run('key:1*')",
    "with atomic():\n    [execute('INCR', 'n') for _ in range(50)]",
    "raise ValueError(1)",
    "async def f(r):\n    await asyncio.sleep(0)\n    return r['key']\nGB().map(f).run('key:1*')",
    "def g():\n    yield 'x' * 1000000\nGB('PythonReader').run(g)",
)

SECONDS = 300


def main(name: str) -> None:
    """Start the server, send it every kind of thing, shut it down under load."""
    log = CACHE / f"valgrind-{name}.log"
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [*_valgrind(log), *_server(name, folder)],
            env={**os.environ, **find(name).env, "PYTHONMALLOC": "malloc"},
            stdout=subprocess.DEVNULL,
        )
        with redis.Redis(
            unix_socket_path=f"{folder}/socket", protocol=2, socket_timeout=SECONDS
        ) as client:
            _wait(client)
            _use(client)
        print(f"exit code {process.wait(SECONDS)}; {log} has the report")


def _valgrind(log: Path) -> list[str]:
    options = ["--tool=memcheck", "--error-limit=no", "--num-callers=40", f"--log-file={log}"]
    return ["valgrind", *options]


def _server(name: str, folder: str) -> list[str]:
    options = ["--port", "0", "--unixsocket", f"{folder}/socket", "--save", "", "--dir", folder]
    return [*find(name).command, *options, "--loadmodule", *load_arguments()]


def _wait(client: redis.Redis) -> None:
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(1)
        else:
            return


def _use(client: redis.Redis) -> None:
    fill(client, 300)
    client.rpush("list", *range(20))
    client.sadd("set", *range(20))
    client.zadd("zset", {"a": 1, "b": 2})
    client.xadd("stream", {"a": 1})
    client.set(b"\xff\xfe", b"\xff")
    for script in SCRIPTS:
        for isolation in ("shared", "subinterpreter"):
            try:
                send(client, script, "ISOLATION", isolation)
            except redis.ResponseError as error:
                print(f"{isolation}: {error!s:.100}")
    for command in ("PYSTATS", "PYDUMPSESSIONS", "DUMPEXECUTIONS", "PYDUMPREQS", "INFOCLUSTER"):
        client.execute_command(f"RG.{command}")
    client.info("everything")
    for execution in _load(client):
        client.execute_command("RG.ABORTEXECUTION", execution)
    client.bgsave()
    _load(client)
    try:
        client.execute_command("SHUTDOWN", "NOSAVE")
    except redis.ConnectionError:
        print("the server has ended")


def _load(client: redis.Redis) -> list[str]:
    begun = [begin(client, script) for script in LOAD.values()]
    time.sleep(3)  # nothing depends on how far they come
    return begun


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "redis82")
