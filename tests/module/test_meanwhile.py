"""Keys that expire, or are written to, while a walk reads them in pieces."""

from __future__ import annotations

import json
import random
import threading

from tests.module.gears import connect, send
from tests.servers.fixtures import FreshServer
from tests.servers.server import Server

# A key that is not there has the value None.
SIZES = "GB().map(lambda r: len(r['value'] or ())).run('key', noScan=True, convertToStr=False)"
NUMBERS = "GB().map(lambda r: [int(e['value']['n']) for e in r['value']]).run('key', noScan=True)"


def test_a_list_that_expires(fresh_server: FreshServer) -> None:
    # In Redis 7.0 keys expire during a hold too. With two handles of one key open, that is the
    # end of the server, in some 50 rounds.
    server = fresh_server("redis70", gears=True, appendonly="yes", appendfsync="no", save="")
    after = random.Random(70)
    with connect(server) as client:
        for _ in range(200):
            client.rpush("kept", *["x" * 30] * 1000)
        for _ in range(100):
            client.copy("kept", "key", replace=True)
            client.pexpire("key", after.randint(2, 60))
            results, errors = send(client, SIZES)
            assert errors == []
            assert results in ([200_000], [0], [])
        assert client.ping()


def test_a_stream_that_grows(module_server: Server, module_url: str) -> None:
    over, begun = threading.Event(), threading.Event()
    written = [0]

    def write() -> None:
        with connect(module_server) as client:
            while not over.is_set():
                pipeline = client.pipeline(transaction=False)
                for number in range(written[0], written[0] + 200):
                    pipeline.xadd("key", {"n": number})
                pipeline.execute()
                written[0] += 200
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(60)
        with connect(module_server) as client:
            for _ in range(5):
                least = written[0]
                [numbers], errors = send(client, NUMBERS)
                assert errors == []
                found = json.loads(numbers)
                assert found == list(range(len(found)))
                assert least <= len(found) <= written[0] + 200
    finally:
        over.set()
        writer.join()
