"""Lists that move while a walk reads them in pieces."""

from __future__ import annotations

import threading

from tests.module.gears import connect, send
from tests.servers.server import Server

LENGTH = 6000

READ = """
def check(r):
    numbers = [int(x) for x in r['value']]
    return numbers == list(range(numbers[0], numbers[0] - len(numbers), -1))
GB().map(check).run('capped')
"""


def test_a_capped_list_is_read_as_it_was_at_one_moment(
    module_server: Server, module_url: str
) -> None:
    over = threading.Event()

    def push() -> None:
        number = LENGTH
        with connect(module_server) as client:
            while not over.is_set():
                pipeline = client.pipeline(transaction=True)
                pipeline.lpush("capped", number).ltrim("capped", 0, LENGTH - 1).execute()
                number += 1

    with connect(module_server) as client:
        client.lpush("capped", *range(LENGTH))
        writer = threading.Thread(target=push)
        writer.start()
        try:
            for _ in range(20):
                assert send(client, READ) == [[b"True"], []]
        finally:
            over.set()
            writer.join()
