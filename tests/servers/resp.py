"""Where a RESP value ends: all that a fault-injecting proxy must know of the protocol.

Written apart from gearframe's own parser, so that the two cannot share a mistake.
"""

from __future__ import annotations

from collections.abc import Iterator

_LENGTH_PREFIXED = b"$=!"
_CONTAINERS = {b"*": 1, b"~": 1, b">": 1, b"%": 2}


def value_end(data: bytes, start: int = 0) -> int | None:
    """Give the offset just past the value that starts at ``start``, or None if it is not all here.

    An attribute (``|``) belongs to the value that follows it.
    """
    line_end = data.find(b"\r\n", start)
    if line_end < 0:
        return None
    kind, number = data[start : start + 1], data[start + 1 : line_end]
    end: int | None = line_end + 2
    if kind in _LENGTH_PREFIXED and number != b"-1":
        end = line_end + 2 + int(number) + 2
        return end if end <= len(data) else None
    children = int(number) * _CONTAINERS[kind] if kind in _CONTAINERS else 0
    if kind == b"|":
        children = int(number) * 2 + 1
    for _ in range(children):
        if end is not None:
            end = value_end(data, end)
    return end


def commands(buffer: bytearray) -> Iterator[list[bytes]]:
    """Take every complete command out of a buffer that a client fills."""
    while (end := value_end(bytes(buffer))) is not None:
        lines = bytes(buffer[:end])
        del buffer[:end]
        yield list(_arguments(lines))


def _arguments(command: bytes) -> Iterator[bytes]:
    position = command.index(b"\r\n") + 2
    while position < len(command):
        head = command.index(b"\r\n", position)
        length = int(command[position + 1 : head])
        yield command[head + 2 : head + 2 + length]
        position = head + 2 + length + 2
