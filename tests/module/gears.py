"""What the tests of the module share: sending scripts, waiting, and a server under load."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers.patience import PATIENCE, wait_until
from tests.servers.server import Server


def connect(server: Server, **options: Any) -> redis.Redis:
    """A client whose waits end as failures, not as hangs."""
    # Nothing is sent twice: a script that was cut off would run again.
    settings: dict[str, Any] = {"protocol": 2, "socket_timeout": PATIENCE}
    settings |= {"retry": Retry(NoBackoff(), 0)} | options
    return redis.Redis.from_url(server.url, **settings)


def send(client: redis.Redis, script: str, *options: str) -> Any:
    """Send a script and wait for its answer."""
    return client.execute_command("RG.PYEXECUTE", script, *options)


def begin(client: redis.Redis, script: str, *options: str) -> str:
    """Begin the execution of a script; its id."""
    return send(client, script, "UNBLOCKING", *options).decode()


def status(client: redis.Redis, execution: str) -> str | None:
    """What an execution does; None where it is not known."""
    for _, name, _, found, *_ in client.execute_command("RG.DUMPEXECUTIONS"):
        if name == execution.encode():
            return found.decode()
    return None


def abort(client: redis.Redis, execution: str) -> None:
    """End an execution; on a busy machine the server may say that its code has not stopped yet."""

    def ended() -> bool:
        try:
            return bool(client.execute_command("RG.ABORTEXECUTION", execution) == b"OK")
        except redis.ResponseError as error:
            if "has not stopped" not in str(error):
                raise
            return False

    wait_until(ended, f"{execution} is aborted")


def run_into_limit(client: redis.Redis, script: str, key: str) -> tuple[str, list[bytes]]:
    """Run an endless script, whose step sets a key, into the time limit: what it says, the errors.

    A slow machine may need that long for the script's body: then with a longer limit.
    """
    for limit in (300, 3000, 30_000):
        client.config_set("rg.executiontimelimit", limit)
        client.delete(key)
        told = f"timed out after {limit} ms (ExecutionTimeLimit)"
        try:
            results, errors = send(client, script)
        except redis.ResponseError as error:
            assert told in str(error)  # noqa: PT017  which of the two comes is nobody's promise
        else:
            assert results == []
            if client.exists(key):
                return told, errors
    raise AssertionError("the step did not begin within 30 s")


def fill(client: redis.Redis, count: int, *, prefix: str = "key:") -> None:
    """Make hashes of two fields."""
    pipeline = client.pipeline(transaction=False)
    for number in range(count):
        pipeline.hset(f"{prefix}{number}", mapping={"number": number, "text": "x" * 20})
    pipeline.execute()


def threads_of(server: Server) -> int:
    """How many threads the server has."""
    return len(list(Path(f"/proc/{server.pid}/task").iterdir()))


def names_of_threads(server: Server) -> list[str]:
    """What the threads of a server are called."""
    names = []
    for task in Path(f"/proc/{server.pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended since it was listed
            names.append((task / "comm").read_text().strip())
    return names


def files_of(server: Server) -> int:
    """How many files and sockets the server has open."""
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


def resident(server: Server) -> int:
    """The bytes of memory that the server's process holds."""
    text = Path(f"/proc/{server.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if "VmRSS" in line)


def assert_clean(server: Server, start: int = 0) -> None:
    """The log tells of no fault, from a place on: other tests have shared the server."""
    log = server.log()[start:]
    for word in ("crash", "panick", "Traceback", "Fatal Python", "ASSERTION", "does not end"):
        assert word not in log, log


LOAD = {
    "computes": """
def numbers():
    number = 0
    while True:
        yield number
        number += 1
GB('PythonReader').map(lambda x: sum(i * i for i in range(100))).count().run(numbers)
""",
    "walks": """
def walk():
    while True:
        yield execute('HINCRBY', 'rounds', 'walks', 1)
        execute('SCAN', 0, 'COUNT', 100)
GB('PythonReader').filter(lambda x: False).run(walk)
""",
    "atomic": """
def blocks():
    while True:
        with atomic():
            before = execute('INCR', 'block')
            after = execute('DECR', 'block')
        yield before == 1 and after == 0
GB('PythonReader').filter(lambda held: not held).run(blocks)
""",
}
"""Scripts whose executions never end: they compute, execute commands and hold the server up."""

# Walks over all keys do end; each script of this kind is begun again from a thread.
READ = "GB().foreach(lambda r: execute('EXISTS', r['key'])).count().run('key:*')"


@contextmanager
def load(server: Server) -> Iterator[list[str]]:
    """Run the executions of ``LOAD`` in a server, and walks one after the other beside them."""
    with connect(server) as client:
        begun = [begin(client, script) for script in LOAD.values()]
        for name in begun:
            wait_until(lambda name=name: status(client, name) == "running", "the load runs")
    over = threading.Event()
    reader = threading.Thread(target=_read, args=(server, over))
    reader.start()
    try:
        yield begun
    finally:
        over.set()
        reader.join(PATIENCE)
        assert not reader.is_alive()


def _read(server: Server, over: threading.Event) -> None:
    with connect(server) as client:
        while not over.is_set():
            try:
                send(client, READ)
            except redis.RedisError:
                return  # the server ends: that is what the test is about
