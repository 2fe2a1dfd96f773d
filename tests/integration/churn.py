"""A writer that makes the server's table of keys grow and shrink, as fast as it can."""

from __future__ import annotations

import random
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

BLOCKS = 24
BLOCK = 512


def command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


class Churn:
    """Add up to 12,288 keys and take them away again, over and over, until the block ends.

    The commands are encoded once and sent over a bare socket: a client library would spend its
    time, and the interpreter's, on encoding.
    """

    def __init__(self, url: str, seed: int) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port))
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.written = 0
        self.cycles = 0
        names = [[b"volatile:%d" % (b * BLOCK + i) for i in range(BLOCK)] for b in range(BLOCKS)]
        self._add = [
            b"".join(command(b"HSET", k, b"n", b"1", b"m", b"2") for k in block) for block in names
        ]
        self._remove = [command(b"DEL", *block) for block in names]

    def _run(self) -> None:
        while not self._stop.is_set():
            blocks = self._random.sample(range(BLOCKS), self._random.randint(BLOCKS // 2, BLOCKS))
            for block in blocks:
                self._send(self._add[block], BLOCK)
            self._random.shuffle(blocks)
            for block in blocks:
                self._send(self._remove[block], 1)
            self.written += BLOCK * len(blocks)
            self.cycles += 1

    def _send(self, data: bytes, replies: int) -> None:
        self._socket.sendall(data)
        while replies > 0:
            received = self._socket.recv(1 << 16)
            assert received, "the server closed the writer's connection"
            assert b"-" not in received, received
            replies -= received.count(b"\n")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()
