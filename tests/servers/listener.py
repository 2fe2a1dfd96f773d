"""A TCP listener whose threads all end with it: what the proxy and the fake server share."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self


class Listener:
    """Listen on a free loopback port and run ``handle`` in a thread for each connection."""

    def __init__(self) -> None:
        self.connections = 0
        self.closing = False
        # Guards everything below, and tells waiting threads that something has changed.
        self.changed = threading.Condition()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.spawn(self._accept)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def handle(self, client: socket.socket) -> None:
        """Serve one connection; the socket is closed afterwards."""
        raise NotImplementedError

    def spawn(self, target: object, *args: object) -> threading.Thread:
        """Run something in a thread that ``close`` waits for."""
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        with self.changed:
            # Started first: close() may join what it finds at any time.
            thread.start()
            self._threads.append(thread)
        return thread

    def track(self, connection: socket.socket) -> socket.socket:
        """Let ``close`` wake whoever waits on this socket."""
        with self.changed:
            self._sockets.add(connection)
            if self.closing:
                shut(connection)
        return connection

    def drop(self, connection: socket.socket) -> None:
        """Close a socket that was tracked."""
        with self.changed:
            self._sockets.discard(connection)
            self.changed.notify_all()
        connection.close()

    def close(self) -> None:
        """Close every connection and wait for every thread."""
        with self.changed:
            self.closing = True
            for connection in self._sockets:
                shut(connection)
            self.changed.notify_all()
        shut(self._listener)
        while self._threads:
            self._threads.pop().join()
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # close() has shut the listener
            # Small pieces must leave as they are, not be gathered into one packet.
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self.spawn(self._serve, self.track(client))

    def _serve(self, client: socket.socket) -> None:
        try:
            self.handle(client)
        except OSError:
            return  # the other side, or close(), has ended the connection
        finally:
            self.drop(client)


def shut(connection: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    """End a connection for both sides; one that has ended already is fine."""
    try:
        connection.shutdown(how)
    except OSError:
        return
