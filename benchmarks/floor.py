"""The floor: a raw socket that sends what gearframe sends, and throws the replies away.

Nothing is parsed but the keys of SCAN, by one `split` and one `replace` a page. Where a run of
replies ends is told by an ECHO of a random text after it. The order on the wire is gearframe's
own: the next SCAN goes out together with the fetch of the page before, so that the server always
has something to do. The server's CPU time, printed beside the floor's, says how near the floor is
to the server itself.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

_BUFFER = 8 << 20
_ROOM = 1 << 20


class Wire:
    """A connection that counts nothing and understands nothing but its own marks."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._token = secrets.token_hex(16).encode()
        self.mark = b"*2\r\n$4\r\nECHO\r\n$32\r\n%s\r\n" % self._token
        # RESP3, as gearframe: HGETALL is answered with a map.
        self.send(b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n" + self.mark)
        self.skip()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._view.release()
        self._socket.close()

    def send(self, commands: bytes) -> None:
        """Send commands; they should end with ``mark``."""
        self._socket.sendall(commands)

    def take(self) -> bytes:
        """Return the replies up to the next mark."""
        looked = self._start
        while (found := self._buffer.find(self._token, looked, self._end)) < 0:
            looked = max(self._start, self._end - len(self._token))
            moved = self._receive()
            looked -= moved
        replies = bytes(self._view[self._start : found])
        self._start = found + len(self._token) + 2
        return replies

    def skip(self) -> None:
        """Throw the replies up to the next mark away."""
        while (found := self._buffer.find(self._token, self._start, self._end)) < 0:
            # What has been looked through is not needed: a mark can only begin in the tail.
            self._start = max(self._start, self._end - len(self._token))
            self._receive()
        self._start = found + len(self._token) + 2

    def send_all(self, buffers: Iterable[bytes]) -> None:
        """Send buffers of commands, one ahead of the replies that are waited for."""
        owed = False
        for commands in buffers:
            self.send(commands)
            self.send(self.mark)
            if owed:
                self.skip()
            owed = True
        if owed:
            self.skip()

    def _receive(self) -> int:
        """Receive what there is; return how far the bytes at hand moved to the front."""
        moved = 0
        if self._start >= self._end:
            # All is used up, except that the line end of a mark may still be on its way.
            moved, self._start, self._end = self._end, self._start - self._end, 0
        elif _BUFFER - self._end < _ROOM:
            moved = self._start
            rest = bytes(self._view[self._start : self._end])
            self._view[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        n = self._socket.recv_into(self._view[self._end :])
        if n == 0:
            raise ConnectionError("the server closed the connection")
        self._end += n
        return moved


Fetch = Callable[[bytes, int], bytes]
"""Makes the fetch of a page out of its keys, encoded as SCAN returned them, and their number."""


def _bulk(text: str) -> bytes:
    data = text.encode()
    return b"$%d\r\n%s\r\n" % (len(data), data)


def command(name: str, *arguments: str) -> Fetch:
    """``NAME key argument …`` for each key."""
    head = b"*%d\r\n%s" % (2 + len(arguments), _bulk(name))
    tail = b"".join(map(_bulk, arguments))

    def fetch(keys: bytes, count: int) -> bytes:
        return head + keys[:-2].replace(b"\r\n$", b"\r\n" + tail + head + b"$") + b"\r\n" + tail

    return fetch


hgetall = command("HGETALL")


def hmget(fields: Iterable[str]) -> Fetch:
    """``HMGET key field …`` for each key."""
    return command("HMGET", *fields)


def mget(keys: bytes, count: int) -> bytes:
    """``MGET key …``, once."""
    return b"*%d\r\n$4\r\nMGET\r\n%s" % (count + 1, keys)


def read(wire: Wire, fetch: Fetch) -> None:
    """Scan everything and fetch it, page by page."""
    scan = _scan(b"0")
    wire.send(scan + wire.mark)
    owes_page = False
    while True:
        cursor, keys, count = _page(wire.take())
        ask = b"" if cursor == b"0" else _scan(cursor) + wire.mark
        if count:
            ask += fetch(keys, count) + wire.mark
        wire.send(ask)
        if owes_page:
            wire.skip()
        owes_page = count > 0
        if cursor == b"0":
            break
    if owes_page:
        wire.skip()


def windows(wire: Wire, key: str, length: int, size: int) -> None:
    """Read one list by ``LRANGE key from to``, two windows under way."""
    for start in range(0, length, size):
        bounds = (str(start), str(start + size - 1))
        wire.send(b"*4\r\n" + b"".join(map(_bulk, ("LRANGE", key, *bounds))) + wire.mark)
        if start:
            wire.skip()
    if length:
        wire.skip()


def _scan(cursor: bytes) -> bytes:
    return (
        b"*6\r\n$4\r\nSCAN\r\n$%d\r\n%s\r\n$5\r\nMATCH\r\n$1\r\n*\r\n$5\r\nCOUNT\r\n$4\r\n1000\r\n"
        % (len(cursor), cursor)
    )


def _page(reply: bytes) -> tuple[bytes, bytes, int]:
    """Take ``*2 $n cursor *m $n key …`` apart: the cursor, the keys as they are, their number."""
    _, _, cursor, count, keys = reply.split(b"\r\n", 4)
    # The header of the mark's own reply stands at the end.
    return cursor, keys.removesuffix(b"$32\r\n"), int(count[1:])
