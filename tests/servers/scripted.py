"""A server that says exactly what a test wants: LOADING, BUSY, garbage, half a reply."""

from __future__ import annotations

import socket
from collections.abc import Callable

from tests.servers.listener import Listener
from tests.servers.resp import commands

Answer = Callable[[list[bytes]], bytes | None]


class ScriptedServer(Listener):
    """Answer every command with what ``answer`` gives for its arguments.

    The bytes are sent as they are; None closes the connection. All commands are kept in
    ``received``. ``HELLO`` and the like are not special: ``answer`` sees them too.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.received: list[list[bytes]] = []
        super().__init__()

    def handle(self, client: socket.socket) -> None:
        buffer = bytearray()
        while chunk := client.recv(65536):
            buffer += chunk
            for command in commands(buffer):
                self.received.append(command)
                reply = self.answer(command)
                if reply is None:
                    return
                client.sendall(reply)


def by_command(replies: dict[bytes, bytes], otherwise: bytes = b"+OK\r\n") -> Answer:
    """Answer by the command's name, whatever its arguments."""
    return lambda args: replies.get(args[0].upper(), otherwise)


def in_order(*replies: bytes) -> Answer:
    """Answer the first command with the first reply, and so on; close when they run out."""
    rest = iter(replies)
    return lambda args: next(rest, None)
