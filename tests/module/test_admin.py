"""What scripts leave to the server's main thread: some commands of administrators, waking up."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.module.gears import connect, send
from tests.servers.patience import PATIENCE
from tests.servers.server import Server


def configure(name: str, value: str) -> str:
    call = f"execute('CONFIG', 'SET', {name!r}, {value!r})"
    return f"GB('ShardsIDReader').map(lambda x: {call}).run()"


@pytest.mark.parametrize(("name", "value"), [("maxclients", "12000"), ("hz", "20")])
def test_a_script_changes_a_setting_of_the_server(
    module_server: Server, module_url: str, name: str, value: str
) -> None:
    with connect(module_server) as client:
        before = client.config_get(name)[name]
        try:
            assert send(client, configure(name, value)) == [[b"OK"], []]
            assert client.config_get(name)[name] == value
        finally:
            client.config_set(name, before)


def test_what_the_main_thread_does_is_refused_where_it_waits(
    module_server: Server, module_url: str
) -> None:
    script = """
def work():
    with atomic():
        before = execute('CONFIG', 'GET', 'hz')
        try:
            execute('CONFIG', 'SET', 'hz', '20')
        except Exception as error:
            yield str(error)
        yield execute('CONFIG', 'GET', 'hz') == before
GB('PythonReader').run(work)
"""
    with connect(module_server) as client:
        results, errors = send(client, script)
        assert errors == []
        assert b"can not be called inside an atomic block" in results[0]
        assert results[1] == b"True"


ROUNDS = 100


def test_who_waits_for_an_element_is_served_soon(
    module_server: Server, module_url: str, tmp_path: Path
) -> None:
    """A server that nothing wakes up sleeps for a second, each time: longer than this takes."""
    popped = tmp_path / "popped"
    popped.touch()
    # That an element was taken the script learns without a command, which would wake the server.
    script = f"""
import os, time
def work():
    for taken in range({ROUNDS}):
        while os.path.getsize({str(popped)!r}) < taken:
            time.sleep(0.001)
        time.sleep(0.005)  # so that the next one is waited for, most times
        execute('LPUSH', 'queue', taken)
    yield 'pushed'
GB('PythonReader').run(work)
"""
    with connect(module_server) as client, connect(module_server) as waiting:
        before = client.config_get("hz")["hz"]
        client.config_set("hz", 1)
        try:
            client.execute_command("RG.PYEXECUTE", script, "UNBLOCKING")
            start = time.monotonic()
            for _ in range(ROUNDS):
                assert waiting.blpop("queue", timeout=PATIENCE) is not None
                with popped.open("ab") as file:
                    file.write(b".")
            assert time.monotonic() - start < PATIENCE
        finally:
            client.config_set("hz", before)
