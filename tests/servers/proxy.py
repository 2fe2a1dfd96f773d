"""A TCP proxy that damages what passes through it, at exact places.

The faults themselves are ``faults.py``; here they meet sockets.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from tests.servers.faults import Action, Close, Fault, Filter, Stall, Wait
from tests.servers.listener import Listener, shut

CHUNK = 65536


class FaultProxy(Listener):
    """Stand between clients and a server.

    ``faults`` apply to what the server sends, ``command_faults`` to what clients send.
    Offsets count from the first byte of a connection; or, if given, from the byte after the
    first ``after`` in the server's stream, or after the first ``skip_bytes`` of it. ``inject``
    changes the faults at any time; open connections then count from their next byte.
    """

    def __init__(
        self,
        upstream: str | tuple[str, int],
        *faults: Fault,
        command_faults: Sequence[Fault] = (),
        after: bytes = b"",
        skip_bytes: int = 0,
    ) -> None:
        self.upstream = upstream
        self.after = after
        self.skip_bytes = skip_bytes
        self.bytes_to_clients = 0
        self.bytes_to_server = 0
        self.generation = 0
        self.faults: dict[bool, Sequence[Fault]] = {True: faults, False: command_faults}
        super().__init__()

    def inject(self, *faults: Fault, command_faults: Sequence[Fault] = ()) -> None:
        """Replace the faults: at once on open connections, a stalled one goes on."""
        with self.changed:
            self.faults = {True: faults, False: command_faults}
            self.generation += 1
            self.changed.notify_all()

    @property
    def url(self) -> str:
        """The upstream's URL, user, password and database included, with the proxy's address."""
        parts = urlsplit(self.upstream if isinstance(self.upstream, str) else "redis://upstream")
        if parts.scheme == "unix":
            return f"redis://127.0.0.1:{self.port}"
        user, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}"))

    def handle(self, client: socket.socket) -> None:
        link = _Link(client, self.track(self._connect()))
        try:
            commands = self.spawn(self._pump_commands, link)
            self._pump_replies(link)
            commands.join()
        finally:
            self.drop(link.server)

    def _connect(self) -> socket.socket:
        if isinstance(self.upstream, tuple):
            return socket.create_connection(self.upstream)
        parts = urlsplit(self.upstream)
        if parts.scheme != "unix":
            return socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379))
        server = socket.socket(socket.AF_UNIX)
        server.connect(parts.path)
        return server

    def _pump_replies(self, link: _Link) -> None:
        try:
            self._pump(_Stream(self, True), link, link.server, link.client)
        except OSError:
            shut(link.server)
        # Closing at once would turn into a reset if the client has sent more meanwhile, and a
        # reset takes back bytes that the client has not read yet. The other pump reads on.
        if not link.reset:
            shut(link.client, socket.SHUT_WR)

    def _pump_commands(self, link: _Link) -> None:
        with suppress(OSError):  # the server is gone, or a fault has cut it off
            self._pump(_Stream(self, False), link, link.client, link.server)
        with suppress(OSError):
            while link.client.recv(CHUNK):
                continue
        shut(link.server, socket.SHUT_WR)
        with self.changed:
            link.client_done = True
            self.changed.notify_all()

    def _pump(
        self, stream: _Stream, link: _Link, source: socket.socket, target: socket.socket
    ) -> None:
        """Carry one direction until its source ends or a fault ends the connection."""
        while chunk := source.recv(CHUNK):
            for action in stream.actions(chunk):
                match action:
                    case Wait(seconds):
                        self._wait(stream, link, seconds)
                    case Stall():
                        self._wait(stream, link, None)
                    case Close(reset):
                        link.close(reset)
                        return
                    case data:
                        target.sendall(data)
                        self._count(stream, len(data))

    def _wait(self, stream: _Stream, link: _Link, seconds: float | None) -> None:
        generation = stream.generation
        with self.changed:
            self.changed.wait_for(
                lambda: self.closing or link.client_done or self.generation != generation, seconds
            )

    def _count(self, stream: _Stream, size: int) -> None:
        with self.changed:
            if stream.replies:
                self.bytes_to_clients += size
            else:
                self.bytes_to_server += size


@dataclass
class _Link:
    """The two sockets of one proxied connection."""

    client: socket.socket
    server: socket.socket
    client_done: bool = False
    reset: bool = False

    def close(self, reset: bool) -> None:
        self.reset = reset
        shut(self.server)
        if reset:
            linger_zero = struct.pack("ii", 1, 0)  # the later close sends RST instead of FIN
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)
            shut(self.client, socket.SHUT_RD)
        else:
            shut(self.client, socket.SHUT_WR)


@dataclass
class _Stream:
    """One direction of one connection: finds where faults begin, and runs their filters."""

    proxy: FaultProxy
    replies: bool
    generation: int = 0

    def __post_init__(self) -> None:
        self.generation = self.proxy.generation
        self._begin()
        # The commands' direction has no marker: it is what the test itself sends.
        self._marker = self.proxy.after if self.replies else b""
        self._to_skip = self.proxy.skip_bytes if self.replies else 0
        self._tail = b""

    def _begin(self) -> None:
        with self.proxy.changed:
            self.generation = self.proxy.generation
            faults = self.proxy.faults[self.replies]
        self._filters: list[Filter] = [fault.filter() for fault in faults]

    def actions(self, chunk: bytes) -> Iterator[Action]:
        if self.generation != self.proxy.generation:
            self._begin()
        passed = self._preamble(chunk)
        if passed:
            yield chunk[:passed]
        if passed < len(chunk):
            yield from _apply(self._filters, chunk[passed:])

    def _preamble(self, chunk: bytes) -> int:
        """Count the bytes of this chunk that come before the place where faults begin."""
        if self._marker:
            text = self._tail + chunk
            found = text.find(self._marker)
            if found < 0:
                self._tail = text[-len(self._marker) + 1 :] if len(self._marker) > 1 else b""
                return len(chunk)
            passed = found + len(self._marker) - len(self._tail)
            self._marker = b""
            return passed
        passed = min(self._to_skip, len(chunk))
        self._to_skip -= passed
        return passed


def _apply(filters: Sequence[Filter], chunk: bytes) -> Iterator[Action]:
    """Send a chunk through the filters, one after the other."""
    if not filters:
        yield chunk
        return
    for action in filters[0](chunk):
        if not isinstance(action, bytes):
            yield action
        elif action:
            yield from _apply(filters[1:], action)
