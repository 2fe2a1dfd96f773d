"""Two locks, the server's and Python's: code of all kinds at once never waits in vain."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tests.module.gears import abort, begin, connect, fill, load, send, status
from tests.servers.patience import PATIENCE, wait_until
from tests.servers.server import Server

KEYS = 3000

EXECUTES = """
def number(r):
    return int(execute('HGET', r['key'], 'number'))
GB().map(number).accumulate(lambda a, x: (a or 0) + x).run('key:*')
"""

ATOMIC = """
def transfer(r):
    with atomic():
        left = int(execute('HINCRBY', 'accounts', 'a', -1))
        right = int(execute('HINCRBY', 'accounts', 'b', 1))
        return left + right
GB().map(transfer).filter(lambda total: total != 0).count().run('key:*')
"""

COMPUTES = """
GB().map(lambda r: sum(i % 7 for i in range(200)) and 1).count().run('key:*')
"""

USER_THREADS = """
import threading
found = []
def work(number):
    for _ in range(200):
        with atomic():
            before = execute('GET', 'shared')
            execute('INCR', 'shared')
            found.append(int(execute('GET', 'shared')) - int(before or 0))
        execute('PING')
threads = [Thread(target=work, args=[n]) for n in range(4)]
for each in threads: each.start()
for each in threads: each.join()
def answer():
    yield sorted(set(found)), len(found)
GB('PythonReader').run(answer)
"""

COROUTINES = """
async def ask(r):
    value = execute('HGET', r['key'], 'number')
    await asyncio.sleep(0)
    return int(value)
GB().map(ask).accumulate(lambda a, x: (a or 0) + x).run('key:*')
"""

TOTAL = str(sum(range(KEYS))).encode()
EXPECTED = {
    EXECUTES: [[TOTAL], []],
    ATOMIC: [[], []],
    COMPUTES: [[str(KEYS).encode()], []],
    USER_THREADS: [[b"([1], 800)"], []],
    COROUTINES: [[TOTAL], []],
}


def test_everything_at_once_progresses_and_is_right(module_server: Server, module_url: str) -> None:
    with connect(module_server) as client:
        fill(client, KEYS)
        client.hset("accounts", mapping={"a": 0, "b": 0})

    def script(text: str) -> None:
        with connect(module_server) as client:
            for _ in range(3):
                assert send(client, text) == EXPECTED[text], text

    over = threading.Event()

    def foreground(name: int) -> int:
        with connect(module_server) as client:
            rounds = 0
            while not over.is_set():
                # Nobody sees an atomic block half done.
                accounts = client.hmget("accounts", "a", "b")
                assert int(accounts[0]) + int(accounts[1]) == 0
                client.set(f"foreground:{name}", rounds)
                rounds += 1
            return rounds

    with ThreadPoolExecutor() as pool:
        clients = [pool.submit(foreground, name) for name in range(2)]
        scripts = [pool.submit(script, text) for text in EXPECTED for _ in range(2)]
        try:
            for each in scripts:
                each.result(PATIENCE * 4)
        finally:
            over.set()
        assert all(each.result(PATIENCE) > 0 for each in clients)
    with connect(module_server) as client:
        # 2 scripts, 3 times each, a transfer for each key.
        assert client.hgetall("accounts") == {b"a": b"%d" % (-6 * KEYS), b"b": b"%d" % (6 * KEYS)}
        assert client.get("shared") == b"4800"


TIGHT = """
import threading
stop = []
def loop():
    while not stop:
        execute('INCR', 'tight')
threads = [Thread(target=loop) for _ in range(3)]
for each in threads: each.start()
def wait():
    while execute('GET', 'stop') is None:
        pass
    stop.append(1)
    for each in threads: each.join()
    yield 'stopped'
GB('PythonReader').run(wait)
"""


def test_foreground_clients_are_served_beside_tight_loops_and_a_walk(
    module_server: Server, module_url: str
) -> None:
    with connect(module_server) as client, connect(module_server) as other:
        fill(client, 20_000)
        tight = begin(client, TIGHT)
        wait_until(lambda: int(client.get("tight") or 0) > 100, "the loops run")
        walk = "GB().map(lambda r: r['value']['number']).count().run('key:*')"
        over = threading.Event()

        def walk_on() -> list[object]:
            answers = []
            while not over.is_set() or len(answers) < 10:
                answers.append(send(other, walk))
            return answers

        with ThreadPoolExecutor() as pool:
            walks = pool.submit(walk_on)
            for _ in range(300):  # who is starved waits for ever
                assert client.ping()
            over.set()
            assert all(answer == [[b"20000"], []] for answer in walks.result())
        # Both sides progress: the loops do not starve the clients, nor the clients the loops.
        before = int(client.get("tight"))
        wait_until(lambda: int(client.get("tight")) > before + 100, "the loops go on")
        client.set("stop", 1)
        wait_until(lambda: status(client, tight) == "done")
        assert client.execute_command("RG.GETRESULTS", tight) == [[b"stopped"], []]
        assert "rg_longest_lock_hold_us" in str(client.info("rg_python_stats"))


def test_an_abort_reaches_code_between_two_atomic_blocks(
    module_server: Server, module_url: str
) -> None:
    with connect(module_server) as client, load(module_server) as begun:
        for each in begun:
            abort(client, each)
            assert status(client, each) == "aborted"
        # None of them has the server's lock.
        assert client.incr("free") == 1


def test_a_loop_in_an_atomic_block_ends_by_its_limit(
    module_server: Server, module_url: str
) -> None:
    with connect(module_server) as client:
        client.config_set("rg.atomictimelimit", 200)
        try:
            script = "with atomic():\n    while True:\n        pass"
            with pytest.raises(redis.ResponseError, match="AtomicTimeLimit"):
                send(client, script)
            assert client.ping()
        finally:
            client.config_set("rg.atomictimelimit", 5000)
