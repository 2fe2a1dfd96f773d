"""Clients that leave, are killed, unblocked or paused while their gears run."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import redis

from tests.module.gears import connect, files_of, send, threads_of
from tests.servers.patience import PATIENCE, wait_until
from tests.servers.server import Server

ENDLESS = """
def forever():
    execute('INCR', 'begun')
    while True:
        yield 1
GB('PythonReader').filter(lambda x: False).run(forever)
"""


@pytest.fixture
def client(module_server: Server, module_url: str) -> Iterator[redis.Redis]:
    with connect(module_server) as found:
        yield found


def open_and_send(server: Server, script: str) -> socket.socket:
    found = socket.create_connection(("127.0.0.1", server.port))
    text = script.encode()
    found.sendall(b"*2\r\n$12\r\nRG.PYEXECUTE\r\n$%d\r\n%s\r\n" % (len(text), text))
    return found


def running(client: redis.Redis) -> int:
    found = client.execute_command("RG.DUMPEXECUTIONS")
    return sum(each[3] in (b"running", b"created", b"pending_termination") for each in found)


def test_many_clients_that_leave_cancel_their_executions(
    client: redis.Redis, module_server: Server
) -> None:
    send(client, "1")
    wait_until(lambda: running(client) == 0)
    files = files_of(module_server)
    sockets = [open_and_send(module_server, ENDLESS) for _ in range(50)]
    wait_until(lambda: int(client.get("begun") or 0) == 3)  # the others wait for a thread
    threads = threads_of(module_server)
    for each in sockets:
        each.close()
    wait_until(lambda: running(client) == 0, "all are cancelled")
    assert send(client, "def f():\n    yield 1\nGB('PythonReader').run(f)") == [[b"1"], []]
    wait_until(lambda: files_of(module_server) <= files, "their sockets are closed")
    wait_until(lambda: threads_of(module_server) <= threads + 2, "threads end")


def test_a_client_that_is_killed_cancels_its_execution(
    client: redis.Redis, module_server: Server
) -> None:
    with open_and_send(module_server, ENDLESS) as other:
        wait_until(lambda: client.exists("begun"))
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert other.recv(10) == b""
    wait_until(lambda: running(client) == 0)


def test_a_client_cannot_be_unblocked_from_outside(
    client: redis.Redis, module_server: Server
) -> None:
    """Only its gear answers it: the server refuses for clients that modules have blocked."""
    with connect(module_server) as other:
        number = other.client_id()
        answers = []
        thread = threading.Thread(target=lambda: answers.append(_answer(other)))
        thread.start()
        wait_until(lambda: client.exists("begun"))
        client.execute_command("CLIENT", "UNBLOCK", number, "ERROR")
        client.execute_command("CLIENT", "UNBLOCK", number, "TIMEOUT")
        client.set("go", 1)
        thread.join(PATIENCE)
        assert not thread.is_alive()
        # Whichever of the two answered, it is one answer, and the connection goes on.
        assert len(answers) == 1
        assert other.ping()
    wait_until(lambda: running(client) == 0)


def _answer(client: redis.Redis) -> object:
    script = """
def one():
    execute('SET', 'begun', 1)
    while execute('GET', 'go') is None:
        pass
    yield 1
GB('PythonReader').run(one)
"""
    try:
        return send(client, script)
    except redis.ResponseError as error:
        return error


def test_a_pause_of_clients_lets_gears_end(client: redis.Redis, module_server: Server) -> None:
    script = "def f():\n    yield execute('SET', 'paused', 1)\nGB('PythonReader').run(f)"
    with connect(module_server) as other:
        other.ping()
        client.execute_command("CLIENT", "PAUSE", 300, "WRITE")
        assert send(other, script)[1] in ([], [b"ERR server is paused"])
        client.execute_command("CLIENT", "UNPAUSE")
        assert send(other, script) == [[b"OK"], []]
        client.execute_command("CLIENT", "PAUSE", 300, "ALL")
        assert send(other, script) == [[b"OK"], []]


def test_a_client_that_leaves_before_its_answer_is_read(
    client: redis.Redis, module_server: Server
) -> None:
    large = "def f():\n    for i in range(20): yield 'x' * 1_000_000\nGB('PythonReader').run(f)"
    for _ in range(10):
        open_and_send(module_server, large).close()
        with open_and_send(module_server, large) as other:
            other.recv(1000)
    wait_until(lambda: running(client) == 0)
    assert send(client, "1") == b"OK"


def test_blocked_readers_of_results_leave_and_the_execution_goes_on(
    client: redis.Redis, module_server: Server
) -> None:
    script = """
def one():
    while execute('GET', 'go') is None:
        pass
    yield 'kept'
GB('PythonReader').run(one)
"""
    name = send(client, script, "UNBLOCKING")
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", module_server.port)) as other:
            other.sendall(
                b"*2\r\n$21\r\nRG.GETRESULTSBLOCKING\r\n$%d\r\n%s\r\n" % (len(name), name)
            )
    client.set("go", 1)
    assert client.execute_command("RG.GETRESULTSBLOCKING", name) == [[b"kept"], []]
